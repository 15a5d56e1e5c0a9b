from __future__ import annotations

import pytest

from support.configuration import load, mistakes

TEXT = """
[environments.development.places]
lake = "lake"
"raw-data" = "raw"
my__lake = "mine"
[environments.production.places]
archive = "s3://archive"
[environments.development.postgres.Ware-house]
host = "db"
database = "d"
user = "u"
"""


def test_a_variable_sets_a_place_or_a_connection_in_any_case_of_letters() -> None:
    """Variables have no hyphen and by habit no small letters; a name may have two underscores itself."""
    config = load(
        TEXT,
        environ={
            "STOKER_PLACES__RAW_DATA": "s3://raw",
            "stoker_places__my__lake": "/mine",
            "STOKER_PLACES__ARCHIVE": "/archive",
            "STOKER_POSTGRES__WARE_HOUSE__HOST": "db.internal",
            "Stoker_Postgres__Ware_House__Port": "6432",
            "STOKER_POSTGRES__WARE_HOUSE__PASSWORD": "secret://env/PGPASSWORD",
        },
    )
    assert dict(config.places) == {
        "lake": "/project/lake",
        "raw-data": "s3://raw",
        "my__lake": "/mine",
        "archive": "/archive",
    }
    connection = config.connection("Ware-house")
    assert (connection.host, connection.port) == ("db.internal", 6432)
    assert str(connection.password) == "secret://env/PGPASSWORD"


def test_a_variables_value_is_taken_as_it_is() -> None:
    """A password with `${` in it is that password."""
    config = load(TEXT, environ={"STOKER_POSTGRES__WARE_HOUSE__PASSWORD": "a${b}$${c} "})

    assert config.connection("Ware-house").password == "a${b}$${c} "


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("STOKER_RUN__PARALEL", "1", "[run] has no such key. Did you mean 'PARALLEL'?"),
        (
            "STOKER_RUN__",
            "1",
            "[run] has no such key. Known: 'FAIL_FAST', 'LEASE_WAIT', 'PARALLEL', 'RECORDS', 'RETRIES', 'RETRY_WAIT'.",
        ),
        ("STOKER_LOGGING__LEVLE", "INFO", "[logging] has no such key. Did you mean 'LEVEL'?"),
        ("STOKER_RNU__PARALLEL", "1", "there is no such table. Did you mean 'RUN'?"),
        ("STOKER_PLACE__LAKE", "x", "there is no such table. Did you mean 'PLACES'?"),
        ("STOKER___X", "x", "there is no such table. Known: 'LOGGING', 'PLACES', 'POSTGRES', 'RUN'."),
        ("STOKER_PLACES__LAEK", "x", "no environment has such a place under [places]. Did you mean 'LAKE'?"),
        (
            "STOKER_PLACES__",
            "x",
            "no environment has such a place under [places]. Known: 'ARCHIVE', 'LAKE', 'MY__LAKE', 'RAW_DATA'.",
        ),
        (
            "STOKER_POSTGRES__WAREHUOSE__HOST",
            "x",
            "no environment has such a connection under [postgres.NAME]. Did you mean 'WARE_HOUSE'?",
        ),
        ("STOKER_POSTGRES__WARE_HOUSE__HOTS", "x", "a connection has no such key. Did you mean 'HOST'?"),
        ("STOKER_POSTGRES__HOST", "x", "should be STOKER_POSTGRES__NAME__KEY"),
        (
            "STOKER_SPARK__MASTER",
            "local",
            '[spark] takes no variables by name; write "${MY_VARIABLE}" as the value there',
        ),
        ("STOKER_JOBS__X", "a:b", '[jobs] takes no variables by name; write "${MY_VARIABLE}" as the value there'),
        ("STOKER_PLACES__LAKE", "", "is empty; unset it, or give it a value"),
        ("STOKER_PLACES__LAKE", "s3:x", "should be s3://..., or ./s3:... if it is a folder"),
        ("STOKER_RUN__PARALLEL", "two", "should be an integer, not text"),
        ("STOKER_RUN__FAIL_FAST", "2", "should be true or false, not text"),
        ("STOKER_POSTGRES__WARE_HOUSE__PORT", "0", "should be 1 to 65535, not 0"),
    ],
)
def test_a_variable_that_sets_nothing_or_nonsense_is_a_mistake(variable: str, value: str, told: str) -> None:
    """Passed over, the run would take what it was to replace."""
    assert mistakes(TEXT, environ={variable: value}) == [f"{variable}: {told}"]


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("STOKER_ENVIRONMENT", "STOKER_ENV"),
        ("STOKER_CONFIG_FILE", "STOKER_CONFIG"),
        ("STOKER_RUNID", "STOKER_RUN_ID"),
        ("stoker_env", "STOKER_ENV"),
        ("STOKER_RUN_PARALLEL", "STOKER_RUN__PARALLEL"),
        ("STOKER_PLACES_LAKE", "STOKER_PLACES__LAKE"),
        ("STOKER_POSTGRES_WARE_HOUSE_HOST", "STOKER_POSTGRES__WARE_HOUSE__HOST"),
    ],
)
def test_a_variable_that_is_almost_one_of_ours_is_a_mistake(variable: str, meant: str) -> None:
    """STOKER_ENVIRONMENT=production would otherwise run development."""
    assert mistakes(TEXT, environ={variable: "production"}) == [f"{variable}: unknown variable. Did you mean {meant}?"]


def test_variables_of_others_are_left_alone() -> None:
    """The run's own, those that the file refers to, and what a Kubernetes service named stoker brings."""
    text = TEXT + '[places]\nown = "${STOKER_PLACES_LAKE}/${STOKER_MY__ROOT}"\n# secret://env/STOKER_RUN__PASSWORD\n'
    environ = {
        "STOKER_RUN_ID": "1",
        "STOKER_CONFIG": "x",
        "STOKER_FAILPOINT": "x",
        "STOKER_PLACES_LAKE": "a",
        "STOKER_MY__ROOT": "b",
        "STOKER_RUN__PASSWORD": "c",
        "STOKER_SERVICE_HOST": "10.0.0.1",
        "STOKER_PORT_80_TCP": "tcp://10.0.0.1:80",
        "MY_STOKER_RUN__X": "1",
    }
    assert load(text, environ=environ).place("own") == "/project/a/b"


def test_two_variables_for_one_value_are_a_mistake() -> None:
    """Which one counts would be a guess."""
    assert mistakes(TEXT, environ={"STOKER_RUN__PARALLEL": "1", "stoker_run__parallel": "2"}) == [
        "stoker_run__parallel: sets the same as STOKER_RUN__PARALLEL"
    ]


def test_a_variable_that_fits_two_places_is_a_mistake() -> None:
    """Names that differ by case or hyphen only."""
    assert mistakes('[places]\n"my-lake" = "a"\nMy_Lake = "b"\n', environ={"STOKER_PLACES__MY_LAKE": "c"}) == [
        "STOKER_PLACES__MY_LAKE: fits the places 'My_Lake' and 'my-lake'; rename one of them"
    ]
