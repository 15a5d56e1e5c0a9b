"""What is told of the log itself."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, BinaryIO

import pytest

from stoker.errors import UsageError
from stoker.logs import LoggingSettings, Spool, shipped
from stoker.logs.checked import checked
from stoker.logs.read import FilesPlace, Wanted, merged
from stoker.logs.ship import RefusedError, Shipper
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.workers import attach, startup
from stoker.logs.workers.known import Accompanied
from stoker.logs.workers.told import VARIABLE
from stoker.secrets import remember
from support.spools import line, segment
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commands import Done
    from support.log_lines import Log
    from support.project import Project


def test_log_lines_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "logs").write_text("")
    Spool(tmp_path / "logs").write(b"{}\n")

    assert_told("Log lines cannot be written", capsys.readouterr().err)


def test_wrong_arguments(log: Log) -> None:
    """A text where a number is wanted."""
    log.logger.info("%d rows", "x")

    assert_told("A log call with wrong arguments", log.last["msg"])


def test_settings_of_a_program() -> None:
    """A destination that does not exist."""
    with pytest.raises(UsageError) as caught:
        checked(LoggingSettings(destinations=("consol",)))

    assert_told("The settings of the log are wrong", str(caught.value))


class _Refuses:
    """A store that takes nothing."""

    where = "s3://logs"

    def put(self, key: str, body: BinaryIO) -> None:
        """Refuse it."""
        raise RefusedError(f"AccessDenied: {key} {body}")


def test_log_lines_cannot_be_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S3 refuses: at once, and when the process ends."""
    spool = Spool(tmp_path)
    shipper = Shipper(spool, _Refuses())
    spool.write(b"{}\n")

    shipper.close()

    told = capsys.readouterr().err
    assert_told("Log lines cannot be sent to S3", told)
    assert_told("Log lines are left when a process ends", told)


def test_the_spool_is_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a cap of no byte."""
    segment(tmp_path, 1, [line(1)])
    Delivery(Outbox(tmp_path), _Refuses(), cap=0).work(force=True, now=True)

    assert_told("The spool of the log is full", capsys.readouterr().err)


def test_log_lines_go_through_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boto3 cannot be imported."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setattr(shipped, "_waiting", [])
    destination = shipped.ShippedSpool(Spool(tmp_path), LoggingSettings(s3="s3://logs"))

    assert_told("Log lines go through Spark", "".join(shipped.ship_through(lambda _: _Refuses())))

    destination.close()


def test_python_workers_may_have_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster to which nothing brings Stoker."""
    monkeypatch.setattr(attach, "configured", lambda: ("production", LoggingSettings()))
    conf = {"spark.submit.deployMode": "client"}
    context = SimpleNamespace(
        master="spark://server",
        getConf=lambda: conf,
        environment={},
        addFile=lambda _: None,
        _temp_dir=str(tmp_path),
        _python_includes=["app.zip"],
        _gateway=SimpleNamespace(_gateway_client=SimpleNamespace(send_command=None)),
        _pickled_broadcast_vars=set(),
    )

    told = attach.configure_workers(SimpleNamespace(sparkContext=context))  # type: ignore[arg-type]
    attach.forget_workers()

    assert_told("Python workers may have no log", told[0])


def test_python_workers_do_not_know_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Spark takes no broadcast; the functions are used."""

    def full(_: object) -> object:
        raise OSError(28, "No space left on device")

    remember("Ravenous-secret-3")
    assert list(Accompanied(SimpleNamespace(broadcast=full), set())) == []

    assert_told("Python workers do not know secrets", caplog.text)


def test_a_standard_error_without_a_line(tmp_path: Path) -> None:
    """The JVM of the executor did not start."""
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "stderr").write_text("Error: Could not find or load main class\n")
    told: list[str] = []

    assert list(merged(FilesPlace(tmp_path, below=True).files(None), Wanted(), told.append)) == []

    assert_told("A standard error without a line", f"not shown: {told[0]}")


def test_python_workers_have_no_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An executor cannot read what the driver has told."""
    monkeypatch.setenv(VARIABLE, "{")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "pyspark.daemon"])

    startup._begin()

    assert_told("Python workers here have no log", capsys.readouterr().err)


def test_no_line_of_a_run(project: Project, stoker: Callable[..., Done]) -> None:
    """A run that nobody knows."""
    assert_told("There is no line of a run", stoker("logs", "x").err)
