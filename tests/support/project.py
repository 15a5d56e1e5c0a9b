"""A user's project in a temporary folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from stoker.config import Config, find_config, load_config

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
[environments.development.places]
source = "source"
lake = "lake"
"""


class Project:
    """Its folder, configuration and command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.lake = folder / "lake"
        self.source.mkdir()
        self.write("stoker.toml", TOML)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def config(self, environment: str = "development") -> Config:
        """Its configuration."""
        return load_config(find_config(explicit=self.folder / "stoker.toml"), environment=environment)

    def records(self) -> list[dict[str, Any]]:
        """Its run records, oldest first."""
        folder = self.folder / ".stoker" / "runs"
        return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]

    def stoker(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in it, as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "stoker", *arguments],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def forget(self) -> None:
        """Have its modules imported anew."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(self.folder)):
                del sys.modules[name]

    def leftovers(self) -> list[str]:
        """Everything in the lake that only a publish in progress may have."""
        names = ("staging-", "intent.json", "lease-", ".tmp")
        return [str(path) for path in self.lake.rglob("*") if any(part in path.name for part in names)]
