from __future__ import annotations

import pytest

from stoker.config.spark_settings import is_sensitive
from support.configuration import load, mistakes

ADVICE = (
    "anyone can read Spark's settings (processes, UI, event log): use a role, AWS_* variables, EMR.secret@NAME on EMR "
    "Serverless, or spark.hadoop.hadoop.security.credential.provider.path"
)


@pytest.mark.parametrize(
    "text",
    [
        '[spark]\n"spark.sql.shuffle.partitions" = 8',
        "[spark]\nspark.sql.shuffle.partitions = 8",
        "[spark.sql.shuffle]\npartitions = 8",
        "[spark]\nsql.shuffle.partitions = 8",
        "[spark]\n'sql.shuffle.partitions' = 8",
        "[spark.spark.sql]\n'shuffle.partitions' = '8'",
        "[spark]\nsql = {shuffle = {partitions = 8}}",
    ],
)
def test_a_name_with_dots_may_be_written_in_each_way_of_toml(text: str) -> None:
    """In quotes, with dots, as a table; with `spark.` or without."""
    assert load(text).spark == {"spark.sql.shuffle.partitions": "8"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("true", "true"),
        ("false", "false"),
        ("8", "8"),
        ("0.5", "0.5"),
        ('"4g"', "4g"),
        ('""', ""),
        ('" x "', " x "),
        ('"a\\nb"', "a\nb"),
    ],
)
def test_values_become_texts_as_spark_reads_them(value: str, text: str) -> None:
    """Booleans in small letters."""
    assert load(f"[spark]\nx.y = {value}").spark == {"spark.x.y": text}


def test_an_environments_setting_replaces_the_bases_however_both_are_written() -> None:
    """The full name counts."""
    text = '[spark]\n"spark.sql.shuffle.partitions" = 8\nmaster = "local[2]"\n[environments.production.spark.sql.shuffle]\npartitions = 200\n'

    assert load(text).spark == {"spark.sql.shuffle.partitions": "8", "spark.master": "local[2]"}
    assert load(text, "production").spark == {"spark.sql.shuffle.partitions": "200", "spark.master": "local[2]"}


def test_a_name_and_a_longer_one_do_not_exclude_each_other() -> None:
    """Spark has such pairs, which TOML can only write with quotes."""
    text = '[spark]\n"spark.speculation" = true\n"spark.speculation.interval" = "1s"\n'

    assert load(text).spark == {"spark.speculation": "true", "spark.speculation.interval": "1s"}


def test_variables_are_filled_in() -> None:
    """In settings as elsewhere; the value stays text."""
    assert load('[spark]\nexecutor.memory = "${GB}g"', environ={"GB": "4"}).spark == {"spark.executor.memory": "4g"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = [1, 2]", "x: should be text, a number, true or false, not a list"),
        ("x = 2013-01-01", "x: should be text, a number, true or false, not a date"),
        ("x = {}", "x: should be text, a number, true or false, not a table"),
        ("x = inf", "x: should be a finite number"),
        ('x = "a\\u0000b"', "x: has a NUL character"),
        ('"" = 1', '"": is no name of a Spark setting'),
        ('"spark." = 1', '"spark.": is no name of a Spark setting'),
        ('"spark..x" = 1', '"spark..x": is no name of a Spark setting'),
        ('"a b" = 1', '"a b": is no name of a Spark setting'),
        ('"spark.x=1" = 1', '"spark.x=1": is no name of a Spark setting'),
        (
            '"fs.s3a.endpoint" = "x"',
            '"fs.s3a.endpoint": is a setting of Hadoop: Spark takes it as spark.hadoop.fs.s3a.endpoint',
        ),
        ('"spark.x" = 1\nx = 2', "x: is given twice, once with dots and once as a table"),
    ],
)
def test_what_is_no_setting_is_a_mistake(text: str, told: str) -> None:
    """Spark would pass over it, or fail late."""
    assert mistakes("[spark]\n" + text) == [f"stoker.toml [spark] {told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('x = "secret://env/X"', f"x: secret:// is for postgres passwords; {ADVICE}"),
        ('x = "a SECRET://env/X"', f"x: secret:// is for postgres passwords; {ADVICE}"),
        ('"spark.hadoop.fs.s3a.secret.key" = "hunter2"', "looks like a secret, and "),
        ('"spark.hadoop.fs.s3a.access.key" = "hunter2"', "looks like a secret, and "),
        ('"spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net" = "hunter2"', "looks like a secret, and "),
        ('"spark.hadoop.fs.gs.auth.service.account.private.key" = "hunter2"', "looks like a secret, and "),
        ('"spark.executorEnv.AWS_SECRET_ACCESS_KEY" = "hunter2"', "looks like a secret, and "),
        ('"spark.ssl.keyPassword" = 12345', "looks like a secret, and "),
        ('"spark.x.token" = "${TOKEN}"', "looks like a secret, and "),
        ('"spark.sql.catalog.c.uri" = "jdbc:postgresql://u:hunter2@db/d"', "has a password in a URL, and "),
        (
            '"spark.sql.catalog.c.uri" = "jdbc:postgresql://db/d?user=u&password=hunter2"',
            "has a password in a URL, and ",
        ),
        ('x = "${REFERENCE}"', "secret:// is for postgres passwords; "),
    ],
)
def test_a_secret_is_refused(text: str, told: str) -> None:
    """Spark's settings are read by many: rule 4."""
    (mistake,) = mistakes("[spark]\n" + text, environ={"TOKEN": "hunter2", "REFERENCE": "secret://env/X"})

    assert told in mistake
    assert mistake.endswith(ADVICE)
    assert "hunter2" not in mistake


@pytest.mark.parametrize(
    "text",
    [
        '"spark.hadoop.fs.s3a.secret.key" = "EMR.secret@my-secret"',
        '"spark.hadoop.fs.s3a.aws.credentials.provider" = "org.example.Provider"',
        '"spark.hadoop.hadoop.security.credential.provider.path" = "jceks://file/x"',
        '"spark.authenticate.secret.file" = "/run/secret"',
        '"spark.kubernetes.authenticate.driver.oauthTokenFile" = "/run/token"',
        '"spark.kubernetes.driver.secretKeyRef.PASSWORD" = "name:key"',
        '"spark.kubernetes.container.image.pullSecrets" = "a,b"',
        '"spark.security.credentials.hive.enabled" = true',
        '"spark.kerberos.renewal.credentials" = "ccache"',
        '"spark.redaction.regex" = "(?i)secret|password"',
        '"spark.x.useToken" = true',
        '"spark.sql.catalog.c.uri" = "thrift://metastore:9083"',
    ],
)
def test_what_is_only_about_a_secret_is_taken(text: str) -> None:
    """Its name, its file, who provides it."""
    assert len(load("[spark]\n" + text).spark) == 1


def test_names_that_hold_a_secret_are_known_without_their_value() -> None:
    """The run record masks by the same rule."""
    assert is_sensitive("spark.ssl.rpc.trustStorePassword")
    assert not is_sensitive("spark.sql.shuffle.partitions")
