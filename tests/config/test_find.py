from __future__ import annotations

import os
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from stoker.config import find_config
from stoker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = "[run]\nparallel = 1\n"


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and no zips on the path."""
    (tmp_path / "work").mkdir()
    written(tmp_path / "work" / "private.toml").chmod(0)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not entry.endswith(".zip")])


def written(path: Path, text: str = TEXT) -> Path:
    """A configuration at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """A zip as --py-files takes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_each_place_goes_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config, STOKER_CONFIG, beside the entry point, in a zip, in the working folder, above it."""
    entry_point = tmp_path / "app" / "main.py"
    monkeypatch.syspath_prepend(str(zipped(tmp_path / "app.zip", {"stoker.toml": b"# zip"})))
    monkeypatch.setenv("STOKER_CONFIG", str(written(tmp_path / "variable.toml", "# variable")))
    explicit = written(tmp_path / "explicit.toml", "# explicit")
    written(tmp_path / "app" / "stoker.toml", "# beside")
    written(tmp_path / "work" / "stoker.toml", "# here")
    written(tmp_path / "stoker.toml", "# above")

    assert find_config(explicit=explicit, entry_point=entry_point).text == "# explicit"
    assert find_config(entry_point=entry_point).text == "# variable"
    monkeypatch.setenv("STOKER_CONFIG", "")
    assert find_config(entry_point=entry_point).text == "# beside"
    assert find_config().text == "# zip"
    (tmp_path / "app.zip").unlink()
    assert find_config().text == "# here"
    (tmp_path / "work" / "stoker.toml").unlink()
    assert find_config().text == "# above"
    assert find_config(tmp_path / "app").text == "# beside"


def test_a_file_is_named_from_the_working_folder_and_counts_paths_from_its_own(tmp_path: Path) -> None:
    """Short in messages where that is enough."""
    written(tmp_path / "work" / "conf" / "stoker.toml")
    written(tmp_path / "other.toml")

    inside, outside = find_config(explicit="conf/stoker.toml"), find_config(explicit=tmp_path / "other.toml")

    assert (inside.name, inside.folder) == ("conf/stoker.toml", tmp_path / "work" / "conf")
    assert (outside.name, outside.folder) == (str(tmp_path / "other.toml"), tmp_path)


def test_the_name_above_the_working_folder_is_whole(tmp_path: Path) -> None:
    """So that nobody looks for it in the wrong folder."""
    written(tmp_path / "stoker.toml")

    assert find_config().name == str(tmp_path / "stoker.toml")


def test_a_link_to_the_file_belongs_to_the_folder_of_the_link(tmp_path: Path) -> None:
    """A cluster manager links files from its cache into the working folder: the project is here."""
    written(tmp_path / "cache" / "17" / "stoker.toml")
    (tmp_path / "work" / "stoker.toml").symlink_to(tmp_path / "cache" / "17" / "stoker.toml")

    assert find_config().folder == tmp_path / "work"


@pytest.mark.parametrize("where", ["link", "target"])
def test_an_entry_point_that_is_a_link_is_looked_at_from_both_sides(tmp_path: Path, where: str) -> None:
    """Beside the link and beside what it leads to."""
    written(tmp_path / "target" / "main.py")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "main.py").symlink_to(tmp_path / "target" / "main.py")
    written(tmp_path / where / "stoker.toml")

    assert find_config(entry_point=tmp_path / "link" / "main.py").folder == tmp_path / where


def test_the_zips_configuration_counts_paths_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip has no folder that could be written to."""
    archive = zipped(tmp_path / "app.zip", {"flights/stoker.toml": b"# deeper", "stoker.toml": b"\xef\xbb\xbf# root"})
    monkeypatch.syspath_prepend(str(archive))

    found = find_config()

    assert (found.text, found.name, found.folder) == ("# root", f"{archive}/stoker.toml", tmp_path / "work")


def test_a_zip_needs_no_suffix_and_may_lack_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An egg or a renamed zip is one too; the first that has a configuration counts."""
    monkeypatch.syspath_prepend(str(zipped(tmp_path / "second.egg", {"stoker.toml": b"# second"})))
    monkeypatch.syspath_prepend(str(zipped(tmp_path / "first.zip", {"stoker/toml": b"# first"})))
    monkeypatch.syspath_prepend(str(written(tmp_path / "no.zip")))
    monkeypatch.syspath_prepend(str(tmp_path / "missing.zip"))

    assert find_config().text == "# second"


def test_a_damaged_zip_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that changed on the way."""
    archive = zipped(tmp_path / "app.zip", {"stoker.toml": b"# text that is long enough to be compressed " * 20})
    content = bytearray(archive.read_bytes())
    content[45:60] = bytes(15)
    archive.write_bytes(content)
    monkeypatch.syspath_prepend(str(archive))

    with pytest.raises(ConfigurationError, match=r"app\.zip/stoker\.toml cannot be read: ") as caught:
        find_config()

    assert caught.value.next_step == "Build the zip again."


def test_without_any_it_says_where_it_looked_and_what_to_write(tmp_path: Path) -> None:
    """What it shows is a configuration."""
    with pytest.raises(ConfigurationError) as caught:
        find_config(entry_point=tmp_path / "app" / "main.py")

    work = tmp_path / "work"
    assert caught.value.what == (
        f"There is no stoker.toml. Looked beside the entry point ({tmp_path / 'app'}), in the zips of --py-files, "
        f"in {work} and above it."
    )
    assert caught.value.next_step is not None
    minimal = "\n".join(line.strip() for line in caught.value.next_step.splitlines()[1:])
    from support.configuration import load

    assert load(minimal).place("lake") == "/project/.stoker/lake"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("missing.toml", "{by} missing.toml cannot be read: No such file or directory."),
        ("folder", "{by} folder cannot be read: Is a directory."),
        ("loop.toml", "{by} loop.toml cannot be read: Too many levels of symbolic links."),
        ("file.toml/x", "{by} file.toml/x cannot be read: Not a directory."),
        ("a" * 300, "{by} " + "a" * 300 + " cannot be read: File name too long."),
        ("https://x/stoker.toml", "{by} 'https://x/stoker.toml' is no place to read a configuration from."),
        ("hdfs://x/stoker.toml", "{by} 'hdfs://x/stoker.toml' is no place to read a configuration from."),
        ("s3://", "{by} s3:// names no object."),
        ("s3://bucket", "{by} s3://bucket names no object."),
        ("s3://bucket/", "{by} s3://bucket/ names no object."),
        ("s3://bucket/folder/", "{by} s3://bucket/folder/ names no object."),
        ("s3:///stoker.toml", "{by} s3:///stoker.toml names no object."),
    ],
)
@pytest.mark.parametrize("by", ["--config", "STOKER_CONFIG"])
def test_a_file_that_cannot_be_read_is_told_with_what_named_it(
    given: str, told: str, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other configuration is taken in its place."""
    work = tmp_path / "work"
    written(work / "stoker.toml")
    written(work / "file.toml")
    (work / "folder").mkdir()
    (work / "loop.toml").symlink_to("loop.toml")
    monkeypatch.setenv("STOKER_CONFIG", given)

    with pytest.raises(ConfigurationError) as caught:
        find_config(explicit=given if by == "--config" else None)

    assert caught.value.what == told.format(by=by)


@pytest.mark.parametrize("given", ["", "a\0b"])
def test_an_argument_that_names_nothing_is_told(given: str) -> None:
    """An empty --config is not the same as none."""
    with pytest.raises(ConfigurationError, match="is no place to read a configuration from"):
        find_config(explicit=given)


def test_a_folder_is_told_with_the_file_in_it(tmp_path: Path) -> None:
    """The likely meaning is the next step."""
    written(tmp_path / "project" / "stoker.toml")

    with pytest.raises(ConfigurationError) as caught:
        find_config(explicit=tmp_path / "project")

    assert caught.value.next_step == f"Name the file: {tmp_path / 'project' / 'stoker.toml'}"


@pytest.fixture
def _ordinary_user() -> Iterator[None]:
    """Root may read everything: be nobody for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("_ordinary_user")
def test_a_file_without_the_right_to_read_it_is_told() -> None:
    """As what it is, not as missing."""
    with pytest.raises(ConfigurationError) as caught:
        find_config(explicit="private.toml")

    assert caught.value.what == "--config private.toml cannot be read: Permission denied."


@pytest.mark.usefixtures("_ordinary_user")
def test_folders_that_may_not_be_looked_into_have_no_configuration() -> None:
    """The search goes on above them."""
    with pytest.raises(ConfigurationError, match=r"There is no stoker\.toml"):
        find_config()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[places]\nlake = '\xe4'\n", "stoker.toml is not UTF-8 (line 2, byte 17 of the file)."),
        ("[places]".encode("utf-16"), "stoker.toml is not UTF-8 (line 1, byte 0 of the file)."),
    ],
)
def test_a_file_that_is_not_utf8_is_told_with_line_and_byte(
    content: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the disk and in a zip."""
    (tmp_path / "work" / "stoker.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find_config()
    assert caught.value.what == told

    monkeypatch.syspath_prepend(str(zipped(tmp_path / "app.zip", {"stoker.toml": content})))
    with pytest.raises(ConfigurationError) as caught:
        find_config()
    assert caught.value.what == f"{tmp_path / 'app.zip'}/{told}"


def test_a_home_folder_and_a_file_uri_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell that does not expand them, or a scheduler, hands them over."""
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "my conf.toml")

    assert find_config(explicit="~/my conf.toml").folder == tmp_path
    assert find_config(explicit=f"file://{tmp_path}/my%20conf.toml").text == TEXT
    with pytest.raises(ConfigurationError, match="cannot be read: Could not determine home directory"):
        find_config(explicit="~no-such-user/stoker.toml")


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that stands in a removed folder; a whole path still works."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(ConfigurationError, match="The working folder does not exist any more"):
        find_config()
    assert find_config(explicit=written(tmp_path / "stoker.toml")).text == TEXT


def test_a_folder_of_that_name_is_no_configuration(tmp_path: Path) -> None:
    """The search goes on above."""
    (tmp_path / "work" / "stoker.toml").mkdir()
    written(tmp_path / "stoker.toml")

    assert find_config().folder == tmp_path
