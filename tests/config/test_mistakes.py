from __future__ import annotations

import pytest

from support.configuration import load, mistakes, refused


def test_every_mistake_is_in_one_message() -> None:
    """Mistakes of all tables, of all environments, of names, types, values, variables and what is missing come together."""
    error = refused(
        """
        surplus = 1
        [run]
        paralel = 2
        fail_fast = "yes"
        [place]
        lake = "x"
        [places]
        lake = "${LAKE}"
        [environments.development.postgres.warehouse]
        port = 70000
        [environments.production.postgres.warehouse]
        pasword = "hunter2"
        sslmode = "prefer"
        [environments.prod.run]
        parallel = 0
        """,
        environ={"STOKER_RUN__LEASEWAIT": "1"},
    )
    assert error.what.splitlines() == [
        "The configuration stoker.toml has 13 mistakes:",
        (
            "  stoker.toml (top) surplus: unknown key, and keys stand in a table. Known: 'jobs', 'logging', 'places', "
            "'postgres', 'run', 'spark'."
        ),
        "  stoker.toml [run] paralel: unknown key. Did you mean 'parallel'?",
        "  stoker.toml [place]: unknown table. Did you mean 'places'?",
        "  stoker.toml [environments.production.postgres.warehouse] pasword: unknown key. Did you mean 'password'?",
        "  stoker.toml [environments.prod]: unknown environment. Known: 'development', 'production', 'testing'.",
        "  STOKER_RUN__LEASEWAIT: [run] has no such key. Did you mean 'LEASE_WAIT'?",
        "  stoker.toml [run] fail_fast: should be true or false, not text",
        "  stoker.toml [places] lake: the environment variable LAKE is not set",
        "  stoker.toml [environments.development.postgres.warehouse] port: should be 1 to 65535, not 70000",
        (
            "  stoker.toml [environments.production.postgres.warehouse] sslmode: 'prefer' falls back to plain text when anyone "
            "on the way says that there is no TLS, so it is not offered: require encrypts always, verify-full also looks "
            "who answers, disable says that there is no TLS"
        ),
        "  stoker.toml [environments.development.postgres.warehouse] host: is missing (or set embedded = true)",
        "  stoker.toml [environments.development.postgres.warehouse] database: is missing (or set embedded = true)",
        "  stoker.toml [environments.development.postgres.warehouse] user: is missing (or set embedded = true)",
    ]
    assert error.state == "Nothing was started."
    assert error.next_step == "Correct them and run again."


def test_one_mistake_is_told_as_one() -> None:
    """The message counts, and says it in the singular."""
    error = refused("[run]\nparallel = 0\n")

    assert str(error) == (
        "The configuration stoker.toml has a mistake:\n"
        "  stoker.toml [run] parallel: should be 1 or more, not 0\n"
        "State: Nothing was started.\n"
        "Next: Correct it and run again."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run = 5", "[run]: should be a table"),
        ("[[places]]\nlake = 'x'", "[places]: should be a table"),
        ("postgres = true", "[postgres]: should be a table"),
        ("environments = 1", "[environments]: has a table for each environment, such as [environments.testing.places]"),
        (
            "[environments]\ntesting = 1",
            "[environments.testing]: should be a table, such as [environments.testing.places]",
        ),
        ("[environments.prodution.run]", "[environments.prodution]: unknown environment. Did you mean 'production'?"),
        ("[environment.testing.run]", "[environment]: unknown table. Did you mean 'environments'?"),
        ("[testing.places]", "[testing]: unknown table. Did you mean [environments.testing]?"),
        (
            "[environments.testing.production.run]",
            "[environments.testing.production]: unknown table. Did you mean [environments.production]?",
        ),
        (
            "[environments.testing.places.production]",
            "[environments.testing.places.production]: unknown table. Did you mean [environments.production.places]?",
        ),
        (
            "[places.testing]\nlake = 'x'",
            "[places.testing]: unknown table. Did you mean [environments.testing.places]?",
        ),
        (
            "[run.production]\nparallel = 1",
            "[run.production]: unknown table. Did you mean [environments.production.run]?",
        ),
        ("[environments.testing.place]", "[environments.testing.place]: unknown table. Did you mean 'places'?"),
        (
            "[environments.testing.jobs]",
            "[environments.testing.jobs]: jobs are the same in all environments: they stand in [jobs]",
        ),
        (
            "[environments.testing]\nlake = 'x'",
            "[environments.testing] lake: unknown key, and keys stand in a table. Did you mean 'places'?",
        ),
        ("[postgres]\nhost = 'db'", "[postgres] host: a connection has a table of its own, [postgres.NAME]"),
        (
            "[environments.testing.postgres]\nhost = 'db'",
            "[environments.testing.postgres] host: a connection has a table of its own, [environments.testing.postgres.NAME]",
        ),
        (
            '["a b"]',
            "[\"a b\"]: unknown table. Known: 'environments', 'jobs', 'logging', 'places', 'postgres', 'run', 'spark'.",
        ),
        ('[places]\n"a.b" = "x"', '[places] "a.b": a name has letters, digits, _ and -, and no digit first'),
        ('[places]\n"" = "x"', '[places] "": a name has letters, digits, _ and -, and no digit first'),
        (
            '[places]\n"new\\nline" = "x"',
            '[places] "new\\nline": a name has letters, digits, _ and -, and no digit first',
        ),
        ('[postgres."my db"]', '[postgres."my db"]: a name has letters, digits, _ and -, and no digit first'),
        ("[logging]\nlevle = 'INFO'", "[logging] levle: unknown key. Did you mean 'level'?"),
    ],
)
def test_a_wrong_name_or_table_is_told_with_what_it_should_be(text: str, told: str) -> None:
    """Names are checked in the base and in each environment's table, whichever is chosen."""
    assert mistakes(text) == [f"stoker.toml {told}"]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("run.parallel", '"2"', "should be an integer, not text"),
        ("run.parallel", "2.0", "should be an integer, not a number with a fraction"),
        ("run.parallel", "true", "should be an integer, not true or false"),
        ("run.parallel", "[2]", "should be an integer, not a list"),
        ("run.parallel", "-1", "should be 1 or more, not -1"),
        ("run.fail_fast", "1", "should be true or false, not an integer"),
        ("run.fail_fast", '""', "should be true or false, not the empty text"),
        ("run.lease_wait", "-0.5", "should be 0 or more seconds, not -0.5"),
        ("run.lease_wait", "inf", "should be 0 or more seconds, not inf"),
        ("run.lease_wait", "nan", "should be 0 or more seconds, not nan"),
        ("run.lease_wait", "false", "should be a number, not true or false"),
        ("run.retries", "-1", "should be 0 or more, not -1"),
        ("run.retry_wait", "-1", "should be 0 or more seconds, not -1"),
        ("run.records", "2013-01-01", "should be text, not a date"),
        ("run.records", "2013-01-01T00:00:00Z", "should be text, not a datetime"),
        ("run.records", "{a = 1}", "should be text, not a table"),
        ("run.records", '"s3://lake/runs"', "should be a path of this machine, no URI"),
        ("run.records", '"file:///runs"', "should be a path of this machine, no URI"),
        ("run.records", '"file:/runs"', "should be a path of this machine, no URI"),
        ("run.records", '""', "is empty"),
        ("logging.level", "10", "should be text, not an integer"),
        ("logging.level", '"WARN"', "'WARN' is no level. Did you mean 'WARNING'?"),
        ("logging.level", '"loud"', "'loud' is no level. Known: 'CRITICAL', 'DEBUG', 'ERROR', 'INFO', 'WARNING'."),
        ("logging.destinations", '"console"', "should be a list of texts, not text"),
        ("logging.destinations", "[1]", "should be a list of texts, such as ['console', 'file']"),
        ("logging.destinations", '["s3"]', "'s3' is no destination, but a key beside it: s3 = \"s3://BUCKET/PREFIX\""),
        ("logging.destinations", '["consol"]', "'consol' is no destination. Did you mean 'console'?"),
        ("logging.console_format", '"jsn"', "'jsn' is no format. Did you mean 'json'?"),
        ("logging.folder", '"s3://lake/logs"', "should be a path of this machine, no URI"),
        ("logging.file_mib", "0", "should be more than 0, not 0"),
        ("logging.keep_files", "-1", "should be 0 or more, not -1"),
        ("places.lake", "5", "should be text, not an integer"),
        ("places.lake", '""', "is empty"),
        ("places.lake", '" lake"', "has a space before or after it"),
        ("places.lake", '"a\\nb"', "has a line break or another control character"),
        ("places.lake", '"a\\u0000b"', "has a line break or another control character"),
        ("places.lake", '"a\\u007fb"', "has a line break or another control character"),
        ("places.lake", '"s3:bucket/x"', "should be s3://..., or ./s3:... if it is a folder"),
        ("places.lake", '"s3://"', "lacks the bucket: s3://BUCKET/..."),
        ("places.lake", '"s3:///flights"', "lacks the bucket: s3://BUCKET/..."),
        ("places.lake", '"file://data"', "should be file:///path, or a path without file:"),
        ("places.lake", '"file:data"', "should be file:///path, or a path without file:"),
        ("places.lake", '"secret://env/LAKE"', "secret:// is for password, sslkey and url only"),
        (
            "places.lake",
            '"s3://AKIA:hunter2@bucket/x"',
            "has a password in it, which plans and run records would show: use a role, or AWS_* variables",
        ),
        ("places.lake", "{}", "should be text, not a table"),
        ("jobs.flights", "5", "should be text, not an integer"),
        ("jobs.flights", '""', "is empty"),
        ("jobs.flights", '"flights"', "'flights' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '"flights:"', "'flights:' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '":job"', "':job' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '"a:b:c"', "'a:b:c' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '"a..b:c"', "'a..b:c' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '".a:c"', "'.a:c' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '"class.a:c"', "'class.a:c' should be module:attribute, such as flights.pipelines:job"),
        ("jobs.flights", '"a-b:c"', "'a-b:c' should be module:attribute, such as flights.pipelines:job"),
        (
            "jobs.flights",
            '"pipelines.py:job"',
            (
                "'pipelines.py:job' should be module:attribute (a module's dotted name, no file), such as "
                "flights.pipelines:job"
            ),
        ),
        (
            "jobs.flights",
            '"flights/pipelines:job"',
            (
                "'flights/pipelines:job' should be module:attribute (a module's dotted name, no file), such as "
                "flights.pipelines:job"
            ),
        ),
        (
            "jobs.flights",
            '"flights/pipelines.py:job"',
            (
                "'flights/pipelines.py:job' should be module:attribute (a module's dotted name, no file), such as "
                "flights.pipelines:job"
            ),
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_it_should_be(key: str, value: str, told: str) -> None:
    """Wrong types and values that no run could use."""
    table, _, name = key.partition(".")

    assert mistakes(f"[{table}]\n{name} = {value}\n") == [f"stoker.toml [{table}] {name}: {told}"]


def test_values_of_other_environments_are_checked_too() -> None:
    """A wrong value for production is seen at the desk, not in production."""
    text = "[environments.production.run]\nparallel = 'two'\n[environments.testing.places]\nlake = 's3://'\n"

    assert mistakes(text, "development") == [
        "stoker.toml [environments.production.run] parallel: should be an integer, not text",
        "stoker.toml [environments.testing.places] lake: lacks the bucket: s3://BUCKET/...",
    ]


def test_a_base_value_that_is_replaced_is_checked_too() -> None:
    """It is in effect in another environment."""
    text = "[run]\nparallel = 0\n[environments.development.run]\nparallel = 1\n"

    assert mistakes(text, "development") == ["stoker.toml [run] parallel: should be 1 or more, not 0"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[places]\nlake = data\n", "Invalid value (at line 2, column 8)"),
        ("[places]\nlake 'data'\n", "Expected '=' after a key in a key/value pair (at line 2, column 6)"),
        ("[places\nlake = 'data'\n", "Expected ']' at the end of a table declaration (at line 1, column 8)"),
        ("[run]\n[run]\n", "Cannot declare ('run',) twice (at line 2, column 5)"),
        ("[run]\nparallel = 1\nparallel = 2\n", "Cannot overwrite a value (at line 3, column 13)"),
        ("[places]\nlake = 'data", 'Expected "\'" (at line 2, column 13, the end)'),
        ("[places]\nlake =", "Invalid value (at line 2, column 7, the end)"),
        ("\0", "Invalid statement (at line 1, column 1)"),
        ("<<<<<<< HEAD\n", "Invalid statement (at line 1, column 1)"),
    ],
)
def test_what_is_not_toml_is_told_with_line_and_column(text: str, told: str) -> None:
    """A syntax error says where it is."""
    assert refused(text).what == f"stoker.toml is not TOML: {told}."


def test_what_is_too_much_for_the_parser_is_told() -> None:
    """Thousands of digits, of brackets, or of dots in a key."""
    assert refused(f"[run]\nparallel = {'9' * 5000}\n").what.startswith("stoker.toml is not TOML: Exceeds the limit")
    assert refused("a = " + "[" * 5000).what == "stoker.toml is not TOML: it is nested too deeply."
    assert (
        refused("[spark]\n" + ".".join("a" * 60) + " = 1").what == "stoker.toml is not TOML: it is nested too deeply."
    )


def test_a_password_is_never_in_a_message() -> None:
    """Wherever it was put by mistake, and whatever is wrong with it."""
    texts = [
        "[postgres.w]\npasword = 'hunter2'\n",
        "[postgres.w]\npassword = ['hunter2']\n",
        "[postgres.w]\npassword = 'secret://hunter2'\n",
        "[postgres.w]\npassword = 'secrets://env/hunter2'\n",
        "[postgres.w]\nhost = 'postgresql://u:hunter2@db/d'\n",
        "[postgres.w]\nport = 'hunter2'\n",
        "[postgres]\npassword = 'hunter2'\n",
        "[places]\nlake = 's3://AKIA:hunter2@bucket'\n",
        "[spark]\n'spark.hadoop.fs.s3a.secret.key' = 'hunter2'\n",
        "[spark]\n'spark.x' = 'jdbc:postgresql://db/d?password=hunter2'\n",
        "[places]\nlake = 'hunter2",
        "[postgres.w]\npassword = hunter2\n",
        "[postgres.w]\npassword = '${hunter2'\n",
    ]
    for text in texts:
        assert "hunter2" not in str(refused(text)), text


def test_a_place_may_have_the_name_of_an_environment_or_of_a_key() -> None:
    """Only a table of that name is misplaced."""
    config = load(
        '[places]\nproduction = "a"\nhost = "b"\nembedded = "c"\n[environments.development.places]\nhost = "d"\n'
    )

    assert dict(config.places) == {"production": "/project/a", "host": "/project/d", "embedded": "/project/c"}


def test_the_empty_file_is_a_configuration() -> None:
    """Everything has a default."""
    config = load("")

    assert config.environment == "development"
    assert (config.run.parallel, config.run.fail_fast, config.run.lease_wait) == (None, False, 600.0)
    assert not config.places
    assert not config.postgres
    assert config.logging.level is None
