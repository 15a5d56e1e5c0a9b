from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stoker.errors import ConfigurationError
from stoker.secrets import SecretRef, parse, redact, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator


def resolved(text: str, folder: Path = Path("/project")) -> str:
    """The value of a reference."""
    reference = parse(text)
    assert reference is not None
    return resolve(reference, folder=folder)


def private(path: Path, content: bytes) -> Path:
    """A file that only its owner reads."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_a_variable_is_read_when_it_is_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value is masked from then on, and stays for the process."""
    reference = SecretRef("env", "PASSWORD")
    assert redact("hunter2") == "hunter2"
    monkeypatch.setenv("PASSWORD", "hunter2")
    assert resolve(reference, folder=Path("/project")) == "hunter2"
    assert redact("hunter2") == "***"
    monkeypatch.setenv("PASSWORD", "changed")

    assert resolve(reference, folder=Path("/project")) == "hunter2"
    assert "hunter2" not in f"{reference} {reference!r}"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2"),
        (b" hunter2 \n", " hunter2 "),
        (b"two\nlines\n", "two\nlines"),
        (b"\xef\xbb\xbfhunter2", "hunter2"),
        ("pässwörd漢".encode(), "pässwörd漢"),
        (b"x" * 65_536, "x" * 65_536),
    ],
)
def test_a_file_is_the_value_without_the_line_break_at_its_end(content: bytes, value: str, tmp_path: Path) -> None:
    """Editors add one, and Windows its own."""
    private(tmp_path / "pw", content)

    assert resolved("secret://file/pw", tmp_path) == value


def test_a_path_counts_from_the_folder_or_is_whole_or_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As places do."""
    for name in ("a", "b", "c"):
        private(tmp_path / name, name.encode() * 4)
    (tmp_path / "deeper").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))

    assert resolved("secret://file/../a", tmp_path / "deeper") == "aaaa"
    assert resolved(f"secret://file/{tmp_path}/b") == "bbbb"
    assert resolved("secret://file/~/c") == "cccc"


def test_two_folders_have_two_secrets_of_one_name(tmp_path: Path) -> None:
    """What is kept for the process is kept by folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        private(tmp_path / name / "pw", f"pass{name}".encode())

    assert resolved("secret://file/pw", tmp_path / "one") == "passone"
    assert resolved("secret://file/pw", tmp_path / "two") == "passtwo"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_warned_about_once(
    mode: int, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the command that helps, and without the value."""
    path = private(tmp_path / "my pw", b"hunter2")
    path.chmod(mode)

    with caplog.at_level(logging.WARNING):
        resolved("secret://file/my pw", tmp_path)
        resolved("secret://file/my pw", tmp_path)

    told = [f"secret://file/my pw can be read by other users of this machine: chmod 600 '{path}'"]
    assert caplog.messages == (told if warned else [])


def test_a_pipe_is_a_file_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As `<(command)` of a shell makes one; its mode says nothing."""
    os.mkfifo(tmp_path / "pipe", 0o644)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"hunter2\n",))
    writer.start()

    assert resolved("secret://file/pipe", tmp_path) == "hunter2"
    writer.join()
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        (
            "secret://env/UNSET",
            "The secret secret://env/UNSET cannot be had: the environment variable UNSET is not set.",
            "Set UNSET where the driver runs.",
        ),
        (
            "secret://env/EMPTY",
            "The secret secret://env/EMPTY is empty.",
            "Store the value in the environment variable EMPTY.",
        ),
        ("secret://file/empty", "The secret secret://file/empty is empty.", "Store the value in that file."),
        ("secret://file/newline", "The secret secret://file/newline is empty.", "Store the value in that file."),
        (
            "secret://file/missing",
            "The secret secret://file/missing cannot be read from {folder}/missing: No such file or directory.",
            "Write the value into that file, readable by the user that runs the driver.",
        ),
        (
            "secret://file/db.json#password",
            (
                "The secret secret://file/db.json#password cannot be read from {folder}/db.json#password: No such file or "
                "directory (#KEY is for secret://aws/ only)."
            ),
            "Write the value into that file, readable by the user that runs the driver.",
        ),
        (
            "secret://file/folder",
            "The secret secret://file/folder cannot be read from {folder}/folder: Is a directory.",
            "Write the value into that file, readable by the user that runs the driver.",
        ),
        (
            "secret://file/large",
            "The secret secret://file/large cannot be read from {folder}/large: it has more than 65536 bytes.",
            "Name the right file.",
        ),
        (
            "secret://file//dev/zero",
            "The secret secret://file//dev/zero cannot be read from /dev/zero: it has more than 65536 bytes.",
            "Name the right file.",
        ),
        (
            "secret://file/latin1",
            "The secret secret://file/latin1 cannot be read from {folder}/latin1: it is not UTF-8.",
            "Save the value as UTF-8 text.",
        ),
        (
            "secret://file/~no-such-user/pw",
            "The secret secret://file/~no-such-user/pw cannot be read: the home folder of ~ is not known.",
            "Write the whole path.",
        ),
    ],
)
def test_a_secret_that_cannot_be_had_is_told(
    text: str, what: str, next_step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its reason and what to do; nothing has happened yet."""
    monkeypatch.setenv("EMPTY", "")
    private(tmp_path / "empty", b"")
    private(tmp_path / "newline", b"\n")
    private(tmp_path / "large", b"x" * 65_537)
    private(tmp_path / "latin1", b"hunter\xe4")
    (tmp_path / "folder").mkdir()

    with pytest.raises(ConfigurationError) as caught:
        resolved(text, tmp_path)

    assert caught.value.what == what.format(folder=tmp_path)
    assert caught.value.state == "Nothing was written."
    assert caught.value.next_step == next_step


@pytest.fixture
def _ordinary_user(tmp_path: Path) -> Iterator[None]:
    """Root may read everything: be nobody for a while, with a file of another user."""
    private(tmp_path / "private", b"hunter2").chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("_ordinary_user")
def test_a_file_without_the_right_to_read_it_is_told(tmp_path: Path) -> None:
    """With the user's part in it."""
    with pytest.raises(ConfigurationError, match=r"cannot be read from .*/private: Permission denied\."):
        resolved("secret://file/private", tmp_path)


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook one sets the variable and tries again."""
    with pytest.raises(ConfigurationError):
        resolved("secret://env/LATER")
    monkeypatch.setenv("LATER", "hunter2")

    assert resolved("secret://env/LATER") == "hunter2"


def test_a_variable_that_is_no_utf8_can_be_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of another encoding get in through the environment."""
    monkeypatch.setitem(os.environ, "BYTES", "pass\udcffword")

    assert resolved("secret://env/BYTES") == "pass\udcffword"
    assert redact("pass\udcffword") == "***"
