"""The group of commands."""

from __future__ import annotations

import sys

import click

from stoker.cli.backfill import backfill
from stoker.cli.demo import demo
from stoker.cli.doctor import doctor
from stoker.cli.init import init
from stoker.cli.logs import logs
from stoker.cli.plan import plan
from stoker.cli.postgres import postgres
from stoker.cli.repair import repair
from stoker.cli.resume import resume
from stoker.cli.run import run
from stoker.cli.runs import runs
from stoker.entrypoint.execute import FAILED, INTERRUPTED, exit_code, show_error, unexpected
from stoker.errors import StokerError
from stoker.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stoker")
def commands() -> None:
    """PySpark ETL that runs on a laptop, on any Spark cluster and on EMR Serverless, unchanged."""


for command in (init, run, backfill, resume, repair, runs, logs, plan, doctor, demo, postgres):
    commands.add_command(command)


def main() -> None:
    """Run a command and exit with its code; a user's mistake has no traceback."""
    try:
        code = commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except StokerError as error:
        show_error(error, trace="--traceback" in sys.argv)
        code = exit_code(error)
    except BrokenPipeError:
        code = FAILED  # `stoker plan | head`
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in words
        show_error(unexpected(error), trace="--traceback" in sys.argv)
        code = FAILED
    sys.exit(code if isinstance(code, int) else 0)
