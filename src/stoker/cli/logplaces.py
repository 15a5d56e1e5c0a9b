"""Which run is meant by `stoker logs`, and where its lines are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.config import find_config, load_config
from stoker.entrypoint.summary import here
from stoker.errors import ConfigurationError, StokerError, UsageError, suggestion
from stoker.logs.read import FilesPlace, Place, S3Place, SpoolPlace
from stoker.record import RecordStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.config import Config
    from stoker.record import RunRecord, State

_KINDS = ("file", "spool", "s3")
_LATEST = ("last", "last-failed")
_COMMANDS = ("show", "ship")


@dataclass
class Asked:
    """What is asked for."""

    config: Config | None
    """None outside of a project, where the place is given."""
    run_id: str | None
    """None for the lines of all runs."""
    record: RunRecord | None = None
    places: list[Place] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The places, for messages."""
        return " and ".join(here(place.where) for place in self.places)

    def state(self) -> State | None:
        """The state of the run as it is now, if it has a record."""
        if self.record is None or self.config is None:
            return None
        with suppress(StokerError):  # it is just being written, or was pruned
            self.record = RecordStore(self.config.run.records).earlier(self.record.run_id) or self.record
        return self.record.settled


def find_run(
    run: str | None, *, every: bool, named: Sequence[str], environment: str | None, config: str | None
) -> Asked:
    """The run that is meant, with the configuration of its environment.

    Args:
        run: As it was typed; None for the last one.
        every: Whether no run is meant.
        named: The places, as they were typed.
        environment: `--env`.
        config: `--config`.

    Raises:
        UsageError: If there is no such run, and it cannot be one that has no record here.
        ConfigurationError: If there is no project and it is needed.
    """
    try:
        found = load_config(find_config(explicit=config), environment=environment)
    except ConfigurationError:
        if config is not None or not named or not set(named).isdisjoint(_KINDS):
            raise
        return Asked(None, run)
    if every:
        return Asked(found, None)
    record = _record(RecordStore(found.run.records), run, environment)
    if record is None:
        return Asked(found, run)
    if environment is None and record.environment != found.environment:
        found = load_config(find_config(explicit=config), environment=record.environment)
    return Asked(found, record.run_id, record)


def _record(store: RecordStore, run: str | None, environment: str | None) -> RunRecord | None:
    if run is None:
        return next((each for each in store.all()[0] if environment in {None, each.environment}), None)
    try:
        return store.find(run)
    except UsageError as error:
        # A run on a cluster has its record there.
        if run in _LATEST or "runs begin with" in error.what:
            raise
        return None


def places_of(config: Config | None, named: Sequence[str]) -> list[Place]:
    """Where lines are looked for.

    Args:
        config: Of the project.
        named: Each `file`, `spool`, `s3`, a folder or a URL; none for where the environment's lines are.

    Raises:
        UsageError: If there is no such folder.
        ConfigurationError: If the environment sends nothing to S3, or the AWS settings are wrong.
        MissingExtraError: If boto3 is not installed and needed.
    """
    if not named:
        assert config is not None
        # In this order: what is sent meanwhile is in one of them at least.
        named = ("spool", "s3") if config.logging.s3 else ("file",)
    return [_place(config, each) for each in dict.fromkeys(named)]


def _place(config: Config | None, name: str) -> Place:
    if name not in _KINDS:
        return S3Place(name) if "://" in name else _folder(Path(name))
    assert config is not None
    if name == "s3":
        return _s3(config)
    return FilesPlace(config.logging.folder) if name == "file" else SpoolPlace(config.logging.spool)


def _folder(path: Path) -> Place:
    if not path.is_dir():
        raise UsageError(
            f"There is no folder {path}.",
            next_step=f"--from takes {', '.join(_KINDS)}, a folder, or s3://BUCKET/PREFIX.",
        )
    spool = SpoolPlace(path)
    return spool if any(True for _ in spool.files(None)) else FilesPlace(path, below=True)


def _s3(config: Config) -> S3Place:
    if config.logging.s3 is None:
        raise ConfigurationError(
            f"{config.source.name} does not say where lines of {config.environment} are in S3.",
            next_step=f'Add s3 = "s3://BUCKET/PREFIX" to [environments.{config.environment}.logging], or give '
            "--from s3://BUCKET/PREFIX.",
        )
    return S3Place(config.logging.s3)


def no_such_run(asked: Asked) -> UsageError:
    """The error for a run of which there is neither a record nor a line."""
    known = {*_LATEST, *_COMMANDS}
    if asked.config is not None:
        known |= {each.run_id for each in RecordStore(asked.config.run.records).all()[0][:20]}
    for place in asked.places:
        known |= place.runs() if isinstance(place, S3Place) else set()
    return UsageError(
        f"There is no line of the run {asked.run_id!r} in {asked.where}.{suggestion(str(asked.run_id), known)}",
        next_step="stoker runs lists the runs of this project; --env or --from looks elsewhere.",
    )
