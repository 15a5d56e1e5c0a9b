from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stoker.config import ConfigSource, load_config
from stoker.errors import ConfigurationError
from support.configuration import FOLDER, load, mistakes

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = """
[jobs]
flights = "flights.pipelines:job"
[run]
parallel = 1
lease_wait = 5
[places]
source = "data"
lake = "base"
[logging]
level = "info"
[environments.production.run]
parallel = 8
records = "records"
[environments.production.places]
lake = "s3://lake/flights/"
[environments.testing.logging]
level = "DEBUG"
"""


def test_the_environment_is_the_argument_else_the_variable_else_development() -> None:
    """An empty variable is as good as none."""
    assert load("", "testing", {"STOKER_ENV": "production"}).environment == "testing"
    assert load("", None, {"STOKER_ENV": "production"}).environment == "production"
    assert load("", None, {"STOKER_ENV": ""}).environment == "development"
    assert load("").environment == "development"


@pytest.mark.parametrize(
    ("argument", "variable", "told"),
    [
        ("produktion", "", "The environment 'produktion' is not known. Did you mean 'production'?"),
        ("", "production", "The environment '' is not known. Known: 'development', 'production', 'testing'."),
        ("Production", "", "The environment 'Production' is not known. Did you mean 'production'?"),
        (
            None,
            "prod",
            "The environment 'prod' (STOKER_ENV) is not known. Known: 'development', 'production', 'testing'.",
        ),
    ],
)
def test_an_unknown_environment_is_refused(argument: str | None, variable: str, told: str) -> None:
    """Also an empty --env: development would be a guess."""
    with pytest.raises(ConfigurationError) as caught:
        load("", argument, {"STOKER_ENV": variable})

    assert caught.value.what == told
    assert caught.value.next_step == "Choose development, testing or production by --env or STOKER_ENV."


def test_the_variables_of_the_process_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `environ` the process's own count."""
    monkeypatch.setenv("STOKER_ENV", "testing")
    monkeypatch.setenv("LAKE", "lake")

    config = load_config(ConfigSource('[places]\nlake = "${LAKE}"', "stoker.toml", FOLDER))

    assert (config.environment, config.place("lake")) == ("testing", "/project/lake")


def test_an_environment_adds_to_the_base_and_wins_key_by_key() -> None:
    """What it does not say comes from the base, and the other environments say nothing."""
    development, production = load(LAYERS), load(LAYERS, "production")

    assert development.run.parallel == 1
    assert production.run.parallel == 8
    assert production.run.lease_wait == 5.0
    assert isinstance(production.run.lease_wait, float)
    assert development.run.records == FOLDER / ".stoker/runs"
    assert production.run.records == FOLDER / "records"
    assert production.jobs == {"flights": "flights.pipelines:job"}
    assert dict(production.places) == {"source": "/project/data", "lake": "s3://lake/flights"}
    assert load(LAYERS, "testing").logging.level == "DEBUG"
    assert production.logging.level == "INFO"


def test_a_variable_wins_over_the_environment_which_wins_over_the_base() -> None:
    """The order of precedence, for each kind of value."""
    environ = {
        "STOKER_RUN__PARALLEL": "3",
        "STOKER_RUN__FAIL_FAST": "TRUE",
        "STOKER_RUN__LEASE_WAIT": "0.5",
        "STOKER_RUN__RETRIES": "2",
        "STOKER_RUN__RETRY_WAIT": "1",
        "STOKER_PLACES__LAKE": "elsewhere",
        "STOKER_LOGGING__LEVEL": "error",
    }
    config = load(LAYERS, "production", environ)

    assert (config.run.parallel, config.run.fail_fast, config.run.lease_wait) == (3, True, 0.5)
    assert (config.run.retries, config.run.retry_wait) == (2, 1.0)
    assert config.place("lake") == "/project/elsewhere"
    assert config.place("source") == "/project/data"
    assert config.logging.level == "ERROR"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("data", "/project/data"),
        ("./data/", "/project/data"),
        ("../data", "/data"),
        ("a/../b//c", "/project/b/c"),
        ("/data", "/data"),
        ("//data", "/data"),
        ("/", "/"),
        ("data set", "/project/data set"),
        ("dätä/漢字", "/project/dätä/漢字"),
        ("~/data", "/home/somebody/data"),
        ("./s3:odd", "/project/s3:odd"),
        ("file:///data/", "file:///data"),
        ("file:/data", "file:/data"),
        ("file:///", "file:///"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/../b/", "s3://bucket/a/../b"),
        ("s3a://bucket/x", "s3a://bucket/x"),
        ("hdfs://namenode:8020/data", "hdfs://namenode:8020/data"),
        ("hdfs:///data", "hdfs:///data"),
        ("dbfs:/mnt/lake", "dbfs:/mnt/lake"),
        ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
        ("unknown+scheme://x/y", "unknown+scheme://x/y"),
    ],
)
def test_a_place_is_a_path_from_the_projects_folder_or_a_uri(
    written: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths become absolute, URIs stay; neither has a slash at its end."""
    monkeypatch.setenv("HOME", "/home/somebody")

    assert load(f'[places]\nlake = "{written}"').place("lake") == meant


def test_a_home_folder_that_is_not_known_is_a_mistake_where_it_is_used() -> None:
    """The user of a server need not exist on a laptop."""
    text = '[environments.production.places]\nlake = "~no-such-user/lake"\n'

    assert load(text).environment == "development"
    assert mistakes(text, "production") == [
        "stoker.toml [environments.production.places] lake: the home folder that ~ stands for is not known"
    ]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    """A file that an editor of another system has saved."""
    from stoker.config import find_config

    (tmp_path / "stoker.toml").write_bytes('\ufeff[places]\r\nlake = "data"\r\n'.encode())

    config = load_config(find_config(explicit=tmp_path / "stoker.toml"), environ={})

    assert config.place("lake") == str(tmp_path / "data")
