from __future__ import annotations

import json
import re
import threading
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.secrets import has_url_password, redact, redaction, remember

# Few letters, so that secrets overlap and repeat; none that looks like a URL, whose rule has its own tests.
letters = st.text("abc", min_size=4, max_size=7)


def masked_by_letter(text: str, secrets: list[str]) -> str:
    """Oracle: each letter that lies in some occurrence of some secret is gone, and each run of them is `***`."""
    hidden = [
        any(
            text.startswith(secret, start)
            for secret in secrets
            for start in range(max(0, at - len(secret) + 1), at + 1)
        )
        for at in range(len(text))
    ]
    kept = "".join("\0" if gone else letter for letter, gone in zip(text, hidden, strict=True))
    return re.sub("\0+", "***", kept)


@given(st.lists(letters, max_size=4), st.text("abcd ", max_size=60), st.data())
def test_no_letter_of_a_secret_is_left(secrets: list[str], noise: str, data: st.DataObject) -> None:
    """Property, against the oracle: also where secrets overlap, repeat, or hold each other."""
    pieces = data.draw(st.lists(st.sampled_from([noise, *secrets, *[secret[1:] for secret in secrets]]), max_size=6))
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", ())
        for secret in secrets:
            remember(secret)

        assert redact(text) == masked_by_letter(text, secrets)


@given(st.text(min_size=4, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_of_any_characters_is_gone_in_each_form(secret: str, before: str, after: str) -> None:
    """Property: as it is, in a URL, in JSON and in Python's repr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", ())
        remember(secret)

        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            # What stands around it, or the mask itself, may hold it again.
            if form not in before + after + "***":
                assert form not in redact(f"{before}|{form}|{after}").replace("***", "")


@given(st.text(max_size=80))
def test_a_text_without_secrets_and_urls_stays(text: str) -> None:
    """Property: nothing is masked for nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", ())
        if not has_url_password(text):
            assert redact(text) == text


def test_overlapping_secrets_leave_no_end() -> None:
    """One after the other would leave `fgh`."""
    remember("abcde")
    remember("defgh")

    assert redact("x abcdefgh y") == "x *** y"


def test_short_secrets_are_not_masked() -> None:
    """They would mask ordinary words."""
    remember("abc")
    remember("")
    assert redact("abc abcd") == "abc abcd"
    remember("abcd")
    assert redact("abc abcd") == "abc ***"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://etl:hunter2@db/d", "postgresql://etl:***@db/d"),
        ("postgresql://etl:hunter2@db:5432/d?x=1 failed", "postgresql://etl:***@db:5432/d?x=1 failed"),
        ("jdbc:postgresql://etl:hunter2@db/d", "jdbc:postgresql://etl:***@db/d"),
        ("postgresql://:hunter2@db/d", "postgresql://:***@db/d"),
        ("postgresql://etl@server:hunter2@db/d", "postgresql://etl@server:***@db/d"),
        ("postgresql://etl:hunter2@x@db/d", "postgresql://etl:***@db/d"),
        ("postgresql://etl:hun/ter2@db/d", "postgresql://etl:***@db/d"),
        ("postgresql://etl:12345@db/d", "postgresql://etl:***@db/d"),
        ("POSTGRESQL://etl:hunter2@db", "POSTGRESQL://etl:***@db"),
        ("http://proxy:hunter2@proxy:8080 and s3://AKIA:hunter2@b", "http://proxy:***@proxy:8080 and s3://AKIA:***@b"),
        (
            "jdbc:postgresql://db/d?user=etl&password=hunter2&ssl=true",
            "jdbc:postgresql://db/d?user=etl&password=***&ssl=true",
        ),
        ("jdbc:sqlserver://db;Password=hunter2;x=1", "jdbc:sqlserver://db;Password=***;x=1"),
    ],
)
def test_a_password_in_a_url_is_masked(text: str, masked: str) -> None:
    """Also one that was never resolved here; what helps to find the mistake stays."""
    assert redact(text) == masked
    assert has_url_password(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://etl@db:5432/d",
        "hdfs://namenode:8020/data/x@y",
        "abfss://container@account.dfs.core.windows.net/x",
        "http://127.0.0.1:4566/",
        "write to a@b.example: later",
        'password = "secret://aws/warehouse#password"',
        "flights.pipelines:job",
    ],
)
def test_a_url_without_a_password_stays(text: str) -> None:
    """A port and a path are no password."""
    assert redact(text) == text
    assert not has_url_password(text)


def test_long_texts_take_linear_time() -> None:
    """A megabyte of what the rules almost match."""
    remember("aaaab")
    begin = time.perf_counter()

    for text in ("a" * 1_000_000, "://a:" * 200_000, "://" * 300_000, "a.b." * 250_000, "?password=" * 100_000):
        redact(text)

    assert time.perf_counter() - begin < 5


def test_threads_may_resolve_while_others_redact() -> None:
    """Pipelines run side by side."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def reader() -> None:
        try:
            while not stop.is_set():
                redact("some text with secret0001 in it")
        except BaseException as error:  # noqa: BLE001 - told in the main thread
            failures.append(error)

    def writer(number: int) -> None:
        for each in range(100):
            remember(f"secret{number}{each:03d}")

    readers = [threading.Thread(target=reader) for _ in range(2)]
    writers = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()

    assert failures == []
    assert all(redact(f"secret{number}{each:03d}") == "***" for number in range(4) for each in range(100))


def test_a_reference_in_a_url_is_shown() -> None:
    """It is no password; one beside it is masked all the same."""
    text = "postgresql://u@h/d?password=secret://env/X&sslpassword=hunter2"
    assert redact(text) == "postgresql://u@h/d?password=secret://env/X&sslpassword=***"
    assert not has_url_password("postgresql://u@h/d?password=secret://env/X")


def test_many_secrets_are_masked_and_cost_little() -> None:
    """A project with hundreds: short texts are not searched for each of them."""
    secrets = [f"{number:04d}-correct-horse-{number}" for number in range(500)]
    for secret in secrets:
        remember(secret)

    assert [redact(f"a {secret} b") for secret in secrets] == ["a *** b"] * 500
    begin = time.perf_counter()
    for _ in range(1000):
        redact("loaded 12345 rows from flights in 1.2 s")
    assert time.perf_counter() - begin < 0.15
