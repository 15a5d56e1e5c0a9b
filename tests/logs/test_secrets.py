from __future__ import annotations

import base64
import io
import json
import logging
import random
import string
import sys
import threading
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


def by_value(logger: logging.Logger, plant: Planter) -> None:
    """What was resolved, in each form and place."""
    value = plant.known()
    logger.info("value %s", value)
    logger.info("value %r", [value])
    logger.info(json.dumps({"a": value}))
    logger.info("value %s", quote(value, safe=""))
    logger.info("value %s", base64.b64encode(f"user:{value}".encode()).decode())
    logger.info("m", extra={"x": value, "y": {"z": [value]}, value: 1})
    logger.info(value)
    with logs.log_context(x=value):
        logger.info("m")
    threading.Thread(target=logger.info, args=("m",), name=value).start()
    plant.planted += [
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        base64.b64encode(f"user:{value}".encode()).decode()[8:24],
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


@pytest.mark.parametrize("plant", [by_name, by_shape, by_value, in_exceptions], ids=lambda each: each.__name__)
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
    ],
)
def test_what_is_about_a_secret_stays(text: str) -> None:
    """Else logs would be hard to read."""
    assert redact(text, sentences=True) == text


def test_long_texts_take_linear_time(log: Log) -> None:
    """What the rules almost match, many times over."""
    for text in (
        "password" * 10_000,
        "'password'" * 9_000,
        "--password " * 9_000,
        "jdbc:oracle:thin:" * 6_000,
        "password='" * 9_000,
        "bearer " * 15_000,
        "a.b@://" * 15_000,
        "-----BEGIN PRIVATE KEY" * 5_000,
        "AKIA" * 30_000,
        "password: " * 12_000,
        "authorization: " * 8_000,
    ):
        log.logger.info(text)
    assert len(log.kept.raw) == 11


def test_a_secret_across_a_cut_is_masked(log: Log) -> None:
    """The cut comes after the redaction."""
    from stoker.logs.json_lines import LONGEST_MESSAGE

    remember("hunter2hunter2")
    log.logger.info("%s%s%s", "x" * (LONGEST_MESSAGE - 5), "hunter2hunter2", "y" * 100)
    assert "hunte" not in log.last["msg"]
