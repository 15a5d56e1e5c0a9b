from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.config import ENVIRONMENTS
from stoker.errors import ConfigurationError
from support.configuration import load

PASSWORD = "hunter2hunter2"

above = st.sampled_from(["", *(f"environments.{name}." for name in (*ENVIRONMENTS, "prod"))])
tables = st.sampled_from(
    [
        "run",
        "places",
        "postgres.w",
        "postgres.x",
        "postgres",
        "spark",
        "spark.sql",
        "logging",
        "jobs",
        "surplus",
        "places.production",
        "environments",
    ]
)
keys = st.sampled_from(
    [
        "records",
        "parallel",
        "fail_fast",
        "lease_wait",
        "retries",
        "retry_wait",
        "embedded",
        "folder",
        "host",
        "port",
        "database",
        "user",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "connect_timeout",
        "level",
        "lake",
        "flights",
        "spark.sql.x",
        '"spark.sql.x"',
        '"a.b"',
        '""',
    ]
)
values = st.sampled_from(
    [
        "true",
        "false",
        "0",
        "1",
        "5432",
        "-1",
        "0.5",
        "inf",
        "nan",
        "2013-01-01",
        "[]",
        "{}",
        '""',
        '"x"',
        '"data"',
        '"s3://b/x"',
        '"s3:x"',
        '"~/x"',
        '"a.b:c"',
        '"${A}"',
        '"${B:-1}"',
        '"${"',
        '"$${A}"',
        '"verify-full"',
        '"INFO"',
        '"secret://env/X"',
    ]
)
passwords = st.sampled_from(
    [f'"{PASSWORD}"', f'["{PASSWORD}"]', f'"secret://{PASSWORD}"', '"secret://env/X"', '"${P}"']
)
lines = st.tuples(keys, values) | st.tuples(st.just("password"), passwords)
contents = st.lists(lines, max_size=5, unique_by=lambda line: line[0])
files = st.dictionaries(st.tuples(above, tables).map("".join), contents, max_size=6)
variables = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(["", "1", "true", "x", "s3://b"])
        for name in [
            "A",
            "STOKER_RUN__PARALLEL",
            "STOKER_PLACES__LAKE",
            "STOKER_POSTGRES__W__HOST",
            "STOKER_POSTGRES__W__EMBEDDED",
            "STOKER_RUN__X",
            "STOKER_ENVIRONMENT",
            "STOKER___",
            "STOKER_",
            "stoker_run__PARALLEL",
        ]
    }
    | {name: st.just(PASSWORD) for name in ("P", "STOKER_POSTGRES__W__PASSWORD")},
)


@settings(max_examples=300)
@given(files, st.sampled_from(ENVIRONMENTS), variables)
def test_every_file_is_a_configuration_or_one_error(
    file: dict[str, list[tuple[str, str]]], environment: str, environ: dict[str, str]
) -> None:
    """Property: nothing else comes out, and no password in a message, a repr or what the run record holds."""
    text = ""
    for table, content in file.items():
        # Elsewhere it is the name of a place, or of a job.
        allowed = [line for line in content if line[0] != "password" or not table.endswith(("places", "jobs"))]
        text += f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in allowed)

    assert PASSWORD not in shown(text, environment, environ)


def shown(text: str, environment: str, environ: dict[str, str]) -> str:
    """What a person gets to see of a configuration, or of its mistakes."""
    try:
        config = load(text, environment, environ)
    except ConfigurationError as refusal:
        return str(refusal)
    assert all(place.startswith("/") or ":" in place for place in config.places.values())
    assert all(each.embedded or (each.host and each.database and each.user) for each in config.postgres.values())
    return repr(config) + json.dumps(config.public())


WORDS = st.sampled_from(["one", "two", "three", PASSWORD])
SETTABLE = {
    "run.parallel": st.integers(1, 99),
    "run.fail_fast": st.booleans(),
    "places.lake": st.sampled_from(["a", "b/c", "d"]),
    "postgres.w.user": st.sampled_from(["u", "v"]),
    "postgres.w.port": st.integers(1, 65_535),
    "postgres.w.password": WORDS,
}
layer = st.fixed_dictionaries({}, optional=SETTABLE)


@given(layer, st.dictionaries(st.sampled_from(ENVIRONMENTS), layer), layer, st.sampled_from(ENVIRONMENTS))
def test_the_highest_layer_that_says_a_value_wins(
    base: dict[str, object],
    environments: dict[str, dict[str, object]],
    given_by_variables: dict[str, object],
    environment: str,
) -> None:
    """Property: oracle is the merge of plain dictionaries, written as dotted keys and as variables."""
    lines = ['postgres.w.host = "db"', 'postgres.w.database = "d"', 'places.lake = "base"', 'postgres.w.user = "base"']
    defaults = {"places.lake": "base", "postgres.w.user": "base", "run.fail_fast": False, "postgres.w.port": 5432}
    lines = [line for line in lines if line.split(" = ")[0] not in base]
    lines += [f"{key} = {json.dumps(value)}" for key, value in base.items()]
    for name, content in environments.items():
        lines += [f"environments.{name}.{key} = {json.dumps(value)}" for key, value in content.items()]
    environ = {f"STOKER_{key.upper().replace('.', '__')}": str(value) for key, value in given_by_variables.items()}

    config = load("\n".join(lines), environment, environ)

    expected = defaults | base | environments.get(environment, {}) | given_by_variables
    connection = config.connection("w")
    assert config.run.parallel == expected.get("run.parallel")
    assert config.run.fail_fast == expected["run.fail_fast"]
    assert config.place("lake") == f"/project/{expected['places.lake']}"
    assert (connection.user, connection.port) == (expected["postgres.w.user"], expected["postgres.w.port"])
    assert connection.password == expected.get("postgres.w.password")
    assert PASSWORD not in repr(config) + json.dumps(config.public())
