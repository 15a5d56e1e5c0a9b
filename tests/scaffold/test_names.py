"""What a project can be called."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker import UsageError
from stoker.scaffold import check_name

if TYPE_CHECKING:
    from pathlib import Path


def refusal(name: str) -> UsageError:
    """What a name is refused with."""
    with pytest.raises(UsageError) as caught:
        check_name(name)
    return caught.value


@pytest.mark.parametrize("name", ["shop", "my_shop2", "Sales", "x", "etl_2024", "dates", "match"])
def test_names_that_can_be_imported_are_taken(name: str) -> None:
    """Letters, digits and _, of any case; a word that Python knows in places only is one too."""
    check_name(name)


@pytest.mark.parametrize(
    ("name", "reason", "fitting"),
    [
        ("my-project", "it is imported as a package", "my_project"),
        ("My Shop!", "it is imported as a package", "my_shop"),
        ("2nd-shop", "it is imported as a package", "job_2nd_shop"),
        ("café", "it is imported as a package", "cafe"),
        ("_shop", "it is imported as a package", "shop"),
        ("shop_", "it is imported as a package", "shop"),
        ("../shop", "it is imported as a package", "shop"),
        ("a/b", "it is imported as a package", "a_b"),
        ("shop\n", "it is imported as a package", "shop"),
        ("--", "it is imported as a package", None),
        ("", "it is imported as a package", None),
        ("店", "it is imported as a package", None),
        ("class", "a word of the Python language", "class_etl"),
        ("None", "a word of the Python language", "none"),
        ("json", "hide Python's own module json", "json_etl"),
        ("JSON", "hide Python's own module json", "json_etl"),
        ("test", "hide Python's own module test", "test_etl"),
        ("sys", "hide Python's own module sys", "sys_etl"),
        ("stoker", "hide the package stoker, which jobs need", "stoker_etl"),
        ("pyspark", "hide the package pyspark, which jobs need", "pyspark_etl"),
        ("boto3", "hide the package boto3, which jobs need", "boto3_etl"),
        ("tests", "something else with the name tests", "tests_etl"),
        ("main", "something else with the name main", "main_etl"),
        ("data", "something else with the name data", "data_etl"),
        ("click", "hide the package that is installed in ", "click_etl"),
        ("my-click", "it is imported as a package", "my_click"),
        ("json-", "it is imported as a package", "json_etl"),
    ],
)
def test_other_names_are_refused_with_one_that_would_do(name: str, reason: str, fitting: str | None) -> None:
    """The reason is told, and the command with the close name."""
    error = refusal(name)

    assert repr(name) in error.what
    assert reason in error.what
    assert error.state == "Nothing was written."
    assert error.next_step == (f"stoker init {fitting}" if fitting else "Give letters, digits and _, a letter first.")


def test_what_is_installed_is_found_where_imports_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module, a package and a folder on the import path; the working folder, where the project will be, does not count."""
    (tmp_path / "one_module.py").touch()
    (tmp_path / "some_folder").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    assert str(tmp_path / "one_module.py") in str(refusal("one_module"))
    assert str(tmp_path / "some_folder") in str(refusal("some_folder"))
    monkeypatch.chdir(tmp_path)
    check_name("some_folder")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    check_name("one_module")


@settings(max_examples=50)
@given(st.text(max_size=12) | st.sampled_from(sorted(sys.stdlib_module_names)))
def test_a_name_that_is_offered_is_taken(name: str) -> None:
    """Whatever was asked for."""
    told = ""
    try:
        check_name(name)
    except UsageError as error:
        told = error.next_step or ""
    command, _, fitting = told.rpartition(" init ")
    if command:
        check_name(fitting)
