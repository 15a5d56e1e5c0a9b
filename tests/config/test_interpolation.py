from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.config.values import filled
from support.configuration import load, mistakes

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.sampled_from("${}:-a\\ \n\"'é") | st.characters(codec="utf-8"), max_size=20)


@given(texts)
def test_an_escaped_text_stays_as_it_is(text: str) -> None:
    """Oracle: `$${` for each `${` gives back the text, whatever else it holds."""
    assert filled(text.replace("${", "$${"), {}) == text


@given(st.lists(st.tuples(texts.filter(lambda text: not text.endswith("$")), names, texts)), st.data())
def test_references_are_replaced_by_values_that_are_not_looked_into(
    pieces: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    """Oracle: the text is put together from the same pieces; values may look like references or like TOML."""
    environ = {name: value for _, name, value in pieces if data.draw(st.booleans())}
    written, expected = "", ""
    for before, name, value in pieces:
        default = value.replace("}", "").replace("${", "")
        written += before.replace("${", "$${") + "${" + name + ":-" + default + "}"
        expected += before + (environ.get(name) or default)

    assert filled(written, environ) == expected


@given(texts)
def test_every_text_is_filled_or_refused(text: str) -> None:
    """Property: nothing else than the two errors comes out, and without a `${` neither."""
    if "${" not in text:
        assert filled(text, {}) == text
    with suppress(ValueError, LookupError):
        filled(text, {})


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        ("${A}", {"A": "1"}, "1"),
        ("x${A}y${B}z", {"A": "1", "B": "2"}, "x1y2z"),
        ("${A:-b}", {}, "b"),
        ("${A:-b}", {"A": ""}, "b"),
        ("${A:-b}", {"A": "a"}, "a"),
        ("${A:-}", {}, ""),
        ("${A:-a:-b}", {}, "a:-b"),
        ("${A}", {"A": ""}, ""),
        ("${A}", {"A": "${B}"}, "${B}"),
        ("$${A}", {"A": "1"}, "${A}"),
        ("$A $ {A} $(A) {A} %A%", {"A": "1"}, "$A $ {A} $(A) {A} %A%"),
        ("pa$$word", {}, "pa$$word"),
    ],
)
def test_a_reference_is_replaced(written: str, environ: dict[str, str], expected: str) -> None:
    """As in a shell, and nothing that only resembles one."""
    assert filled(written, environ) == expected


@pytest.mark.parametrize(
    "text", ["${", "${}", "${A", "${1A}", "${A:b}", "${A-b}", "${a.b}", "${A:-${B}}", "x ${ A }", "${Ä}"]
)
def test_what_is_no_reference_is_a_mistake(text: str) -> None:
    """Left as it is, it would become a folder of that name."""
    assert mistakes(f"[places]\nlake = '{text}'\n", environ={"A": "a", "B": "b"}) == [
        "stoker.toml [places] lake: has a ${ that is no ${NAME} or ${NAME:-default}; $${ is a plain ${"
    ]


def test_an_unset_variable_is_told_with_table_and_key() -> None:
    """Each of them, in every value."""
    text = '[places]\nlake = "${A}/${B}/${A}"\n[environments.testing.postgres.w]\nhost = "${HOST}"\nuser = "u"\ndatabase = "d"\n'

    assert mistakes(text, "testing", {"B": "b"}) == [
        "stoker.toml [places] lake: the environment variable A is not set",
        "stoker.toml [environments.testing.postgres.w] host: the environment variable HOST is not set",
    ]


def test_an_unset_variable_of_another_environment_is_no_mistake() -> None:
    """Production's variables are not set at the desk; neither are those of a base value that is replaced."""
    text = (
        '[places]\nlake = "${BASE}"\n[environments.development.places]\nlake = "lake"\n'
        '[environments.production.places]\nlake = "s3://${BUCKET}"\n'
        '[environments.production.run]\nparallel = "${PARALLEL}"\n'
    )
    assert load(text).place("lake") == "/project/lake"


def test_a_broken_reference_of_another_environment_is_a_mistake() -> None:
    """That needs no variable to be seen."""
    assert mistakes('[environments.production.places]\nlake = "s3://${BUCKET"\n') == [
        (
            "stoker.toml [environments.production.places] lake: has a ${ that is no ${NAME} or ${NAME:-default}; "
            "$${ is a plain ${"
        )
    ]


def test_a_value_cannot_break_the_file() -> None:
    """It is put in after the parsing."""
    config = load('[places]\nlake = "${LAKE}"\n', environ={"LAKE": "a\"b'] # = [run]"})

    assert config.place("lake") == "/project/a\"b'] # = [run]"


def test_variables_become_numbers_and_booleans_where_these_are_due() -> None:
    """A text of digits without a variable is a mistake, with one it is the only way."""
    text = '[run]\nparallel = "${N}"\nfail_fast = "${F:-no}"\nlease_wait = "${W}"\n'
    run = load(text, environ={"N": "4", "W": " 1.5 "}).run

    assert (run.parallel, run.fail_fast, run.lease_wait) == (4, False, 1.5)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("run.parallel", "two", "should be an integer, not text"),
        ("run.parallel", "1_0", "should be an integer, not text"),
        ("run.parallel", "\u0663", "should be an integer, not text"),
        ("run.parallel", "1.0", "should be an integer, not text"),
        ("run.parallel", "9" * 5000, "should be an integer, not text"),
        ("run.parallel", "", "should be an integer, not the empty text"),
        ("run.lease_wait", "nan", "should be a number, not text"),
        ("run.lease_wait", "1e9", "should be a number, not text"),
        ("run.lease_wait", "-1", "should be 0 or more seconds, not -1"),
        ("run.fail_fast", "maybe", "should be true or false, not text"),
        ("places.lake", "", "is empty"),
        ("places.lake", "a\nb", "has a line break or another control character"),
        ("places.lake", "a\udcffb", "is not valid UTF-8"),
        ("places.lake", "secret://env/X", "secret:// is for password, sslkey and url only"),
        ("jobs.flights", "flights", "'flights' should be module:attribute, such as flights.pipelines:job"),
    ],
)
def test_a_variables_value_is_checked_like_a_written_one(key: str, value: str, told: str) -> None:
    """Nothing gets in through a variable that the file could not have."""
    table, _, name = key.partition(".")

    assert mistakes(f'[{table}]\n{name} = "${{X}}"\n', environ={"X": value}) == [
        f"stoker.toml [{table}] {name}: {told}"
    ]
