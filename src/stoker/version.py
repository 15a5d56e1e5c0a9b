"""The version of this package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("stoker")
except PackageNotFoundError:  # from a zip on --py-files there is no metadata
    __version__ = "unknown"
