from __future__ import annotations

import base64
import html
import io
import json
import logging
import random
import string
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker import logs
from stoker.logs.detailed import DetailedFormatter
from stoker.logs.files import Keep, LogFiles
from stoker.logs.handler import Console, LineHandler
from stoker.logs.json_lines import JsonFormatter
from stoker.secrets import redact, redaction, remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.log_lines import Log

CHARACTERS = string.ascii_letters + string.digits
NAMES = (
    "password",
    "db_password",
    "PASSWD",
    "pwd",
    "api_key",
    "apiKey",
    "secret",
    "client_secret",
    "auth_token",
    "access-key",
)


class Planter:
    """Makes secrets, and logs each at a place of its own."""

    def __init__(self) -> None:
        self.random = random.Random(6)  # noqa: S311 - the same in each run
        self.planted: list[str] = []

    def new(self, length: int = 14, characters: str = CHARACTERS) -> str:
        """A secret that nobody knows, of letters and at least one digit."""
        text = "".join(self.random.choices(characters, k=length - 1)) + "7"
        self.planted.append(text)
        return text

    def known(self) -> str:
        """One that Stoker has resolved, with characters that are written in other ways elsewhere."""
        text = self.new(10) + "ü/ +&'\"\\" + self.new(4)
        self.planted.append(text)
        remember(text)
        return text


def name_of(planter: Planter) -> str:
    """A name that says that its value is a secret."""
    return planter.random.choice(NAMES)


class Login:
    """An object whose repr is that of a dataclass."""

    def __init__(self, password: str) -> None:
        self.password = password

    def __repr__(self) -> str:
        return f"Login(user='etl', password={self.password!r})"


@dataclass
class DataLogin:
    """Its fields say what they are."""

    password: str
    token: bytes


def by_name(logger: logging.Logger, plant: Planter) -> None:
    """Names with values in message, arguments, extra, nested."""
    name = name_of(plant)
    logger.info("%s=%s", name, plant.new())
    logger.info("login with {%r: %r}", name, plant.new())
    logger.info(f'{{"user": "u", "{name}": "{plant.new()}"}}')  # noqa: G004 - as people do
    logger.info("login %(user)s %(password)s", {"user": "u", "password": plant.new()})
    logger.info("login %s", {"user": "u", "deep": [{"password": plant.new()}, {name: [plant.new()]}]})
    logger.info("login %r", Login(plant.new()))
    logger.info("m", extra={"pass": plant.new(), "db_pass": plant.new(), "auth": ("etl", plant.new())})
    logger.info("{'pass': %r, 'db_pass': %r}", plant.new(), plant.new())
    logger.info("{'password': %r, 'token': Wrapped(%r)} %r", plant.new().encode(), plant.new(), ("pwd", plant.new()))
    logger.info("psql --password %s --x", plant.new())
    logger.info("m", extra={name: plant.new()})
    logger.info("m", extra={"deep": {"a": [{"b": {name: plant.new()}}]}})
    logger.info("m", extra={"context": {name: plant.new()}})
    with logs.log_context(**{name.replace("-", "_"): plant.new()}):
        logger.info("m")


def by_shape(logger: logging.Logger, plant: Planter) -> None:
    """What looks like a secret."""
    logger.info("cannot open postgresql://etl:%s@db:5432/d", plant.new())
    logger.info("host=db user=etl password=%s dbname=d", plant.new())
    logger.info("host=db user=etl password='%s' dbname=d", plant.new())
    logger.info("jdbc:postgresql://db/d?user=etl&password=%s&ssl=true", plant.new())
    logger.info("jdbc:sqlserver://db;user=etl;password=%s;encrypt=true", plant.new())
    logger.info("jdbc:oracle:thin:etl/%s@//db:1521/x", plant.new())
    logger.info("host=db password=%s&%s;%s'%s dbname=d", plant.new(), plant.new(), plant.new(), plant.new())
    logger.info("ALTER ROLE etl WITH PASSWORD '%s'", plant.new())
    logger.info("CREATE USER etl IDENTIFIED BY '%s'", plant.new())
    logger.info("Authorization: Bearer %s", plant.new(30))
    logger.info("{'Authorization': 'Basic %s'}", plant.new(20))
    logger.info("key AKIA%s", plant.new(16, string.ascii_uppercase + string.digits))
    logger.info("key %s", plant.new(40))
    logger.info("token eyJhbGciOiJIUzI1NiJ9.%s.%s", plant.new(40), plant.new(30))
    logger.info("-----BEGIN PRIVATE KEY-----\n%s\n%s\n-----END PRIVATE KEY-----", plant.new(64), plant.new(64))
    logger.info(
        "GET https://b.s3.amazonaws.com/x?X-Amz-Date=1&X-Amz-Signature=%s&X-Amz-Security-Token=%s",
        plant.new(64),
        plant.new(80),
    )


TOKENS = {
    "xoxb-123456789012-{}": 24,
    "https://hooks.slack.com/services/T0000/B0000/{}": 24,
    "ghp_{}": 36,
    "github_pat_11ABC_{}": 50,
    "glpat-{}": 20,
    "AIzaSy{}": 33,
    "ya29.{}": 40,
    "sk_live_{}": 24,
    "dapi{}": 32,
    "npm_{}": 36,
    "hvs.{}": 24,
    "FwoGZXIvYXdzE{}": 200,
    "https://{}@github.com/x": 30,
    "Cookie: theme=dark; sessionid={}": 20,
    "https://a.blob.core.windows.net/c?sv=1&sig={}&se=2": 44,
    "AccountName=x;AccountKey={};EndpointSuffix=core.windows.net": 64,
    "https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature={}&Expires=1": 28,
    "max_tokens=512,token_count=3,password={}": 14,
    "?q=%22password%22%3A%22{}%22": 14,
    '{{"body": "{{\\"token\\": \\"{}\\"}}"}}': 14,
    "password: '{}'": 14,
    "password := {}": 14,
    "--conf spark.hadoop.fs.s3a.secret.key={}": 40,
    "--aws_secret_access_key {}": 40,
    "('spark.ui.password', '{}')": 14,
    "COPY t FROM 's3://x' CREDENTIALS 'aws_access_key_id=x;aws_secret_access_key={}'": 40,
    "SECRET_ACCESS_KEY '{}'": 40,
    "host=db password = 'a\\'b {}' dbname=d": 14,
    "<password>{}</password>": 14,
    "redis://:{}@h:6379/0": 14,
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}": 400,
}
"""Texts with a secret of some length that nobody has resolved."""


def by_token(logger: logging.Logger, plant: Planter) -> None:
    """What services mark as theirs, and what libraries write."""
    for text, length in TOKENS.items():
        logger.info(text.format(plant.new(length)))
    login = base64.b64encode(f"etl:{plant.new()}".encode()).decode()
    plant.planted.append(login[6:-4])
    logger.info("sent Basic %s", login)


def in_objects(logger: logging.Logger, plant: Planter) -> None:
    """Bytes, dataclasses, pairs and groups of exceptions."""
    logger.info("login %s", DataLogin(plant.new(), plant.new().encode()))
    logger.info("m", extra={"login": [{"of": DataLogin(plant.new(), plant.new().encode())}]})
    logger.info(f"password={plant.new()}".encode())
    logger.info("m", extra={"pair": ("password", plant.new()), "d": {b"password": plant.new()}})
    logger.info("m", extra={f"password={plant.new()}": 1})
    logger.info(ValueError(f"password={plant.new()}"))
    value = plant.known()
    logger.info("m %s", value.encode(), extra={"raw": [value.encode()]})
    of_pairs = ValueError({"password": plant.new()}, ("secret", plant.new()))
    many = ExceptionGroup(
        "many", [ExceptionGroup("in", [ValueError(f"token={plant.new()}")]), KeyError(value), of_pairs]
    )
    for error in (many, of_pairs):
        logger.error("failed", exc_info=error)


def by_value(logger: logging.Logger, plant: Planter) -> None:
    """What was resolved, in each form and place."""
    value = plant.known()
    logger.info("value %s", value)
    logger.info("value %r", [value])
    logger.info(json.dumps({"a": value}))
    logger.info("value %s", quote(value, safe=""))
    for before in ("", "u", "us", "user:"):
        encoded = base64.b64encode(f"{before}{value}.".encode()).decode()
        logger.info("value %s", encoded)
        plant.planted.append(encoded[8:24])
    logger.info("value %s and %s", quote(value), quote(quote(value, safe="")))
    logger.info("ALTER ROLE etl VALUE %s", value.replace("'", "''"))
    logger.info("<v>%s</v>", html.escape(value))
    logger.info("m", extra={"x": value, "y": {"z": [value]}, value: 1})
    logger.info(value)
    with logs.log_context(x=value):
        logger.info("m")
    threading.Thread(target=logger.info, args=("m",), name=value).start()
    plant.planted += [
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        html.escape(value),
    ]


def _fail(plant: Planter) -> None:
    error = KeyError(f"password={plant.new()}")
    error.add_note(f"postgresql://etl:{plant.new()}@db")
    raise ValueError(plant.known()) from error


def in_exceptions(logger: logging.Logger, plant: Planter) -> None:
    """Text, cause, trace and notes."""
    try:
        _fail(plant)
    except ValueError:
        logger.exception("failed", stack_info=True)
        logger.info("failed: %s", sys.exc_info()[1])


@pytest.mark.parametrize(
    "plant", [by_name, by_shape, by_token, by_value, in_objects, in_exceptions], ids=lambda each: each.__name__
)
def test_no_planted_secret_is_in_the_bytes_of_any_sink(
    plant: Callable[[logging.Logger, Planter], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Console and file in people's form, and the spool: in lines of one's own logger, a child's and libraries'; 200 and more."""
    console = io.StringIO()
    monkeypatch.setattr(sys, "stderr", console)
    files = LogFiles(tmp_path, Keep(10, 10, 10), max_bytes=10**8, max_age_s=1000)
    spool = logs.Spool(tmp_path / "spool")
    handlers = [
        LineHandler(DetailedFormatter(), [Console()]),
        LineHandler(DetailedFormatter(whole=True), [files]),
        LineHandler(JsonFormatter(), [spool]),
        LineHandler(JsonFormatter(detailed=True), [logs.Spool(tmp_path / "spool")]),
    ]
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", handlers)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    planter = Planter()
    for name in ("flights", "flights.child", "botocore.auth", "urllib3", "py.warnings"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        plant(logger, planter)
        logger.setLevel(logging.NOTSET)
    for handler in handlers:
        handler.close()

    written = [path.read_text("utf-8") for path in (*tmp_path.glob("*.log"), *(tmp_path / "spool").glob("*.jsonl"))]
    assert len(written) == 3
    leaks = {secret for secret in planter.planted for text in (*written, console.getvalue()) if secret in text}
    assert leaks == set()
    assert all(text.count("***") >= len(planter.planted) / 4 for text in written)


@given(st.text(max_size=300))
def test_the_quick_look_never_misses_what_would_be_masked(text: str) -> None:
    """Property: a text that is not suspect is one in which the rules find nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "is_suspect", lambda _: True)
        masked = redact(text, sentences=True)
    assert masked == text or redaction.is_suspect(text)


pieces = st.sampled_from(
    [
        "password",
        "Token",
        "=",
        ": ",
        "'",
        '"',
        "x1",
        " ",
        "://",
        "@",
        "--",
        "AKIA",
        "Bearer ",
        "eyJ",
        ".",
        "A" * 40,
        "b7" * 20,
        "&sig=",
        ",",
        "[",
        "\\",
        "secret://",
        "jdbc:oracle:thin:a/",
        "pass",
        "identified by ",
        "auth",
        "%3D",
        "ghp_",
        "xoxb-",
        "Basic ",
        "ZXRsOnB3",
        "cookie: ",
        "hooks.slack.com/services/",
        "https",
        "pw",
        "_key",
        "İ",
        "(",
        "]",
        ":",
    ]
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_the_quick_look_never_misses_what_is_made_of_parts_of_secrets(text: str) -> None:
    """Property: as above, for texts that are nearly secrets; and what is masked stays masked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "is_suspect", lambda _: True)
        masked = redact(text, sentences=True)
    assert masked == text or redaction.is_suspect(text)


@pytest.mark.parametrize(
    "text",
    [
        "password: is missing (or set embedded = true)",
        "max_tokens=512 token_count=3",
        "sslmode=require host=db",
        'password = "secret://aws/warehouse#password"',
        "the sha is 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "s3://bucket/a/b?x=1",
        "12:03:15 took 3.5 s -- done",
        "bearer of news",
        'File "/app/aws_credentials.py", line 12, in token',
        "password.py:41: wrong",
        "3 tests pass: 3, no auth: fine, pass=1 of 2",
        "secret_name=warehouse, key_file=/etc/key.pem",
        "https://docs.example/a@b",
        "token_count=3 key=order_id password_reset_rate=0.12 max_token=512",
        "loaded 12345 rows from table auth.tokens; reading table secrets: 512 rows",
        "columns ['id', 'password', 'email', 'token_type']",
        "schema: struct<id:int,password:string,token:bigint>",
        " |-- password: string (nullable = true)",
        "StructType([StructField('password', StringType(), True), StructField('token', LongType(), True)])",
        "primary_key=order_id partition_key=day account_key=17 session_key=991",
        "join on customers.account_key = orders.account_key",
        "checks_pass=12 checks_fail=0 dq_pass=98.5 first_pass: 3.2 s",
        "password=None token=null has_password=true use_token=False secret=''",
        "authorization_status=declined authorization_amount=17.5",
        "passenger_count=4 bypass=true passport_type=P tokenizer: whitespace",
        "SELECT id, token, password FROM users WHERE user_id = 17 AND key = 'x'",
        "Project [id#1, password#2 AS pw#3] Filter (isnotnull(token#12) AND (length(token#12) > 3))",
        "Basic authentication is off; Basic auth needs a login",
        "part-0000-9b2f6c1e-8a1b-4f5d-9b0e-1c2d3e4f5a6b-c000.snappy.parquet in s3://bucket/a_long_name_of_a_table/day=1",
        "abfss://raw@account.dfs.core.windows.net/x jdbc:postgresql://db:5432/d?user=etl&ssl=true",
        'password authentication failed for user "etl"',
        "signature: (orders: DataFrame, airports: DataFrame) -> DataFrame",
        "pwd=/home/hadoop spark.ssl.keyStoreType=JKS",
    ],
)
def test_what_is_about_a_secret_stays(text: str) -> None:
    """Else logs would be hard to read."""
    assert redact(text, sentences=True) == text


ALMOST = (
    *(
        "a",
        "=",
        "-",
        "'",
        "\\",
        "://",
        "password",
        "'password'",
        "--password ",
        "jdbc:oracle:thin:",
        "password='",
        "bearer ",
    ),
    *(
        "a.b@://",
        "-----BEGIN PRIVATE KEY",
        "AKIA",
        "password: ",
        "authorization: ",
        "('password', '",
        "token_count=",
        "%3D",
    ),
    *("basic ", "eyJaaaaaaaaaaaaaaaaaaaaaaaa.", "cookie: a", "xoxb-", "identified by '", "password=[", "pass\\"),
)


@pytest.mark.parametrize("part", ALMOST)
def test_a_long_text_is_looked_at_but_a_few_times(part: str) -> None:
    """What the rules almost match, many times over: ten times as much takes about ten times as long, where a rule could take a hundred times."""

    def seconds(length: int) -> float:
        text = part * (length // len(part))
        return min(_seconds(text) for _ in range(3))

    assert seconds(100_000) < 40 * (seconds(10_000) + 0.001)


def _seconds(text: str) -> float:
    begin = time.thread_time()
    redact(text, sentences=True)
    return time.thread_time() - begin


def test_a_secret_across_a_cut_is_masked(log: Log) -> None:
    """The cut comes after the redaction."""
    from stoker.logs.json_lines import LONGEST_MESSAGE

    remember("hunter2hunter2")
    log.logger.info("%s%s%s", "x" * (LONGEST_MESSAGE - 5), "hunter2hunter2", "y" * 100)
    assert "hunte" not in log.last["msg"]
