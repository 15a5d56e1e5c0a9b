"""`stoker demo`."""

from __future__ import annotations

import click


@click.command()
def demo() -> int:
    """Run the flights example."""
    return 0
