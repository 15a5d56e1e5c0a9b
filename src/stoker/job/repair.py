"""What killed runs left at the sinks of jobs and among the records: finished, undone, marked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Context, Names
from stoker.errors import LeaseHeldError, StokerError, number_of
from stoker.job.needed import Resumable
from stoker.job.parameters import filled, listing, restored
from stoker.record import RecordStore, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.connectors.base import Sink
    from stoker.job.job import Job


@dataclass(frozen=True)
class Repaired:
    """What was found at one place or in one record, and done about it."""

    where: str
    """A sink's place, or `run ID`."""
    done: list[str] = field(default_factory=list)
    """Each as `removed 2 staging folders`; empty if nothing was left."""
    left: str | None = None
    """Why it was left alone: somebody works there."""
    error: StokerError | None = None
    """Why it could not be repaired."""


@dataclass(frozen=True)
class _Place:
    job: Job
    where: str
    sink: Sink
    names: Names


def repair_places(
    jobs: Sequence[Job], config: Config, spark: SparkSession, given: Any, *, dry: bool
) -> Iterator[Repaired]:
    """Repair each sink of the jobs in each of its places; starts no Spark job.

    Where paths have parameters, the places are those of the given ones, or else of the defaults, and of each run in this
    environment that did not succeed.

    Args:
        jobs: Whose sinks.
        config: Of the environment.
        spark: Only for Hadoop's file systems.
        given: Parameters of the one job, or None.
        dry: Whether only to look.
    """
    records = [each for each in RecordStore(config.run.records).all()[0] if each.environment == config.environment]
    runs: dict[str, tuple[Job, Names]] = {}
    places: dict[tuple[str, str], _Place] = {}
    for job in jobs:
        for record in records:
            if record.job == job.name and record.settled is not State.SUCCEEDED:
                try:
                    runs[record.run_id] = job, Names(config, restored(job.parameters, record.parameters)[0])
                except StokerError as error:
                    yield Repaired(f"run {record.run_id}", error=error)
        for place in _places(job, config, [names for other, names in runs.values() if other is job], given):
            if isinstance(place, Repaired):
                yield place
            else:
                places.setdefault((place.sink.label(), place.where), place)
    resumable = Resumable(spark, runs)
    for each in places.values():
        yield _repaired(each, resumable, dry=dry)


def _places(job: Job, config: Config, unfinished: Sequence[Names], given: Any) -> Iterator[_Place | Repaired]:
    needed = [parameter.name for parameter in listing(job.parameters) if parameter.required]
    sets = [given] if given is not None else [] if needed else [filled(job.parameters, {})]
    for names in (*(Names(config, parameters) for parameters in sets), *unfinished):
        for pipeline in job.pipelines.values():
            for _, sink in pipeline.sinks():
                try:
                    yield _Place(job, sink.describe(names).where, sink, names)
                except StokerError as error:
                    yield Repaired(f"{sink.label()} of {job.name}", error=error)
    if not sets and not unfinished:
        told = f"which places it has depends on its parameters ({', '.join(needed)}), and no unfinished run says them; give --param"
        yield Repaired(f"job {job.name}", left=told)


def _repaired(place: _Place, resumable: Resumable, *, dry: bool) -> Repaired:
    context = Context(resumable.spark, place.names, run_id="repair", job=place.job.name, pipeline="repair")

    def needed(run_id: str) -> bool:
        return resumable.needs(run_id, place.sink, place.where)

    try:
        return Repaired(place.where, place.sink.repair(context, dry=dry, needed=needed))
    except LeaseHeldError as error:
        return Repaired(place.where, left=error.what)
    except StokerError as error:
        return Repaired(place.where, error=error)
    except Exception as error:  # noqa: BLE001 - py4j, Hadoop and connectors raise many; the other places matter too
        first = str(error).strip().partition("\n")[0]
        told = StokerError(
            f"{type(error).__name__}: {first}", next_step="Check the place and the rights there, then repair again."
        )
        return Repaired(place.where, error=told)


def repair_records(config: Config, jobs: Sequence[str] | None, *, dry: bool) -> Iterator[Repaired]:
    """Mark the runs whose process is gone as killed, and remove what is left of records that were never whole.

    Args:
        config: Of the environment; runs of others are passed over.
        jobs: The names of the jobs; None for whatever has a record.
        dry: Whether only to look.
    """
    store = RecordStore(config.run.records)
    for record in store.all()[0]:
        if record.environment != config.environment or (jobs is not None and record.job not in jobs):
            continue
        where = f"run {record.run_id}"
        if record.state is State.RUNNING and record.settled is State.KILLED:
            if not dry:
                store.write(record.as_settled())
            yield Repaired(where, [f"marked as killed; go on with it: stoker resume {record.run_id}"])
        elif record.state is State.RUNNING and record.process is not None:
            seen = "is running" if record.process.is_here else "says that it is running, which cannot be seen from here"
            yield Repaired(where, left=f"it {seen} ({record.process})")
    torn = store.torn()
    if torn:
        if not dry:
            for path in torn:
                path.unlink(missing_ok=True)
        yield Repaired(str(store.folder), [f"removed {number_of(len(torn), 'unfinished file')}"])
