"""Checks on a sink: what the staged rows must hold before they are published."""

from stoker.checks.checker import Checker, Measured
from stoker.checks.declare import check
from stoker.checks.definitions import Check, checks_of

__all__ = ["Check", "Checker", "Measured", "check", "checks_of"]
