"""What Python's `warnings` say, as lines of the log: else they stand on standard error, as plain text between lines of JSON."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = "py.warnings"
"""As `logging.captureWarnings` has it, whose lines do not say where they are from."""
_OURS = "stoker_owns"


def install() -> None:
    """Replace `warnings.showwarning`, once a process; what a test records with `catch_warnings` is not affected."""
    if not hasattr(warnings.showwarning, _OURS):
        warnings.showwarning = _logging_instead_of(warnings.showwarning)


def _logging_instead_of(show: Callable[..., None]) -> Callable[..., None]:
    def log(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        logger = logging.getLogger(_LOGGER)
        if file is not None or not logger.hasHandlers():
            show(message, category, filename, lineno, file, line)
        elif logger.isEnabledFor(logging.WARNING):
            text = f"{category.__name__}: {message}"
            logger.handle(logger.makeRecord(_LOGGER, logging.WARNING, filename, lineno, text, (), None))

    setattr(log, _OURS, True)
    return log
