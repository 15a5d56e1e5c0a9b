"""The files of a new project: written whole or not at all, and never over something."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs.blocks import blocks, shell_commands, wrong_command
from stoker import ConfigurationError, UsageError
from stoker.cli import init
from stoker.cli.main import commands
from stoker.scaffold import make_project, project

if TYPE_CHECKING:
    from collections.abc import Iterator


def stoker(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "stoker", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files(folder: Path) -> Iterator[str]:
    """All files below a folder."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class Typed:
    """`stoker init` in this process, from a working folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, cwd: Path, *arguments: str) -> tuple[str, list[str]]:
        """The first line, and the commands that are printed as the next ones."""
        self._monkeypatch.chdir(cwd)
        assert commands.main(["init", *arguments], standalone_mode=False) == 0
        first, _, following = self._capsys.readouterr().out.partition("\n\nnext:\n")
        return first, re.findall(r"^  (.+?)(?:  .*)?$", following, re.MULTILINE)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """A shell."""
    return Typed(monkeypatch, capsys)


@pytest.mark.parametrize("postgres", [False, True], ids=["plain", "postgres"])
def test_a_project_has_the_files_that_its_readme_lists(tmp_path: Path, postgres: bool) -> None:
    """And the name stands wherever the template has its placeholder."""
    folder = make_project("shop", tmp_path / "shop", postgres=postgres)

    assert sorted(files(folder)) == [
        ".github/workflows/ci.yml", ".gitignore", "Makefile", "README.md", "data/orders.csv", "data/rates.csv", "main.py",
        "pyproject.toml", "shop/__init__.py", "shop/pipelines.py", "shop/schemas.py", "shop/transformers.py", "stoker.toml",
        "tests/test_job.py", "tests/test_transformers.py",
    ]  # fmt: skip
    texts = {name: (folder / name).read_text("utf-8") for name in files(folder)}
    assert [name for name, text in texts.items() if project.PLACEHOLDER in text] == []
    assert ("write.postgres" in texts["shop/pipelines.py"]) == postgres
    assert ("embedded = true" in texts["stoker.toml"]) == postgres
    for listed in re.findall(r"^\| `([\w./]+)`", texts["README.md"], re.MULTILINE):
        assert (folder / listed).exists(), listed


@pytest.mark.parametrize("postgres", [False, True], ids=["plain", "postgres"])
def test_its_pages_name_commands_that_exist(tmp_path: Path, postgres: bool) -> None:
    """The README, the Makefile's own and the workflow's."""
    folder = make_project("shop", tmp_path / "shop", postgres=postgres)
    targets = set(re.findall(r"^([a-z-]+):", (folder / "Makefile").read_text("utf-8"), re.MULTILINE))
    typed = [words for block in blocks(folder / "README.md") for words in shell_commands(block)]
    workflow = (folder / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    typed += [line.split() for line in re.findall(r"- run: (.+)", workflow)]
    typed += [
        ["stoker", *line.split()] for line in re.findall(r"-m stoker (.+)", (folder / "Makefile").read_text("utf-8"))
    ]

    assert len(typed) > 10
    assert [words for words in typed if wrong_command(words, targets)] == []


def test_the_variant_with_postgresql_is_the_same_project() -> None:
    """Of a file that both have, it changes or leaves out only these lines."""
    base = project.TEMPLATE / "base"
    gone = set()
    for place, path in project.files(postgres=True).items():
        if path != base / place:
            lines = (base / place).read_text("utf-8").splitlines(), path.read_text("utf-8").splitlines()
            gone |= {line[2:].strip() for line in difflib.ndiff(*lines) if line.startswith("- ")}

    assert gone == {
        'load=write.parquet(lake / "daily_revenue", mode="replace"),',
        "make run      # do it: into .stoker/lake",
        "# Put your own paths here. `stoker plan project_name --env production` shows what a run would read and write.",
        '"""In the environment `testing`, with a lake of this test\'s own."""',
    }


def test_the_next_commands_are_printed(tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lead into the folder and to where stoker is, and a plan for production has no mistake."""
    monkeypatch.setenv("PATH", "/nowhere")

    first, then = typed(tmp_path, "shop", "--path", "a folder", "--postgres")

    assert first == f"made {tmp_path}/a folder"
    assert then[0] == "cd 'a folder'"
    assert then[1] == f'export PATH={Path(sys.executable).parent}:"$PATH"'
    assert then[2:] == ["stoker plan shop", "stoker run shop", "stoker postgres psql", "make test", "make help"]
    planned = stoker(tmp_path / "a folder", *then[2].split()[1:], "--env", "production")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "-> postgres warehouse:daily_revenue (replace)" in planned.stdout


def test_what_is_not_installed_is_among_the_next_commands(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Spark and pytest, and with stoker on the PATH already."""
    monkeypatch.setattr(init, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")

    assert typed(tmp_path, "shop")[1][:3] == ["cd shop", "pip install 'stoker[local]'", "pip install 'stoker[testing]'"]


def test_the_working_folder_itself_can_become_the_project(tmp_path: Path, typed: Typed) -> None:
    """It is empty; the shell that stands in the old one is led into the new one."""
    (tmp_path / "here").mkdir()

    assert typed(tmp_path / "here", "shop", "--path", ".")[1][0] == f"cd {tmp_path / 'here'}"
    assert (tmp_path / "here" / "shop" / "pipelines.py").is_file()


def test_a_wrong_name_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    """Exit code 2, the name that would do, no traceback."""
    done = stoker(tmp_path, "init", "my-shop")

    assert done.returncode == 2
    assert done.stderr.endswith("Next: stoker init my_shop\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["a file in it", "a file", "a link to nowhere's file"])
def test_what_is_there_is_left_as_it_is(tmp_path: Path, there: str) -> None:
    """A folder with anything in it, and a file of that name, whatever way leads to them."""
    target = tmp_path / "shop"
    if there == "a file in it":
        target.mkdir()
        (target / ".hidden").write_text("mine")
    else:
        (tmp_path / "file").write_text("mine")
        target.symlink_to("file") if there != "a file" else (tmp_path / "file").rename(target)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UsageError) as caught:
        make_project("shop", target, postgres=False)

    assert "is not empty (.hidden)" in str(caught.value) or "is a file" in str(caught.value)
    assert "--path" in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_who_is_quicker_keeps_what_they_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is filled while the project is written is not replaced."""
    target = tmp_path / "shop"

    def somebody_writes(point: str) -> None:
        if point == "scaffold.before_rename":
            target.mkdir()
            (target / "theirs").touch()

    monkeypatch.setattr(project, "failpoint", somebody_writes)

    with pytest.raises(UsageError, match="is not empty"):
        make_project("shop", target, postgres=False)

    assert list(files(tmp_path)) == ["shop/theirs"]


def test_an_empty_folder_and_a_link_to_one_are_filled(tmp_path: Path) -> None:
    """With the rights that a new folder has, not those of a temporary one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "plain").mkdir()

    made = make_project("shop", tmp_path / "link", postgres=False)

    assert made == tmp_path / "real"
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE(made.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((made / "main.py").stat().st_mode) & stat.S_IWUSR


@pytest.mark.parametrize("point", ["scaffold.file_written", "scaffold.before_rename"])
def test_a_kill_leaves_no_half_project(tmp_path: Path, point: str) -> None:
    """The target is not there, and the same command then makes it."""
    killed = stoker(tmp_path, "init", "shop", STOKER_FAILPOINT=point)

    assert killed.returncode == -9
    assert not (tmp_path / "shop").exists()
    assert stoker(tmp_path, "init", "shop").returncode == 0
    assert (tmp_path / "shop" / "stoker.toml").is_file()


@pytest.mark.parametrize("action", ["raise", "interrupt"])
def test_a_failure_leaves_nothing(tmp_path: Path, action: str) -> None:
    """Neither a disk that refuses nor Ctrl-C leaves anything, beside the target either."""
    done = stoker(tmp_path, "init", "shop", STOKER_FAILPOINT=f"scaffold.file_written:{action}")

    assert done.returncode == (2 if action == "raise" else 130)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    if action == "raise":
        assert f"The project cannot be written to {tmp_path}/shop: failpoint" in done.stderr


@pytest.mark.parametrize(
    ("target", "told", "step"),
    [
        ("none/shop", "No such file or directory", "mkdir -p "),
        ("file/shop", "Not a directory", "name another place by --path"),
        ("loop/shop", "", "--path"),
        ("n" * 300, "File name too long", "name another place by --path"),
    ],
)
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, target: str, told: str, step: str) -> None:
    """With the system's own reason."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(ConfigurationError) as caught:
        make_project("shop", tmp_path / target, postgres=False)

    assert told in caught.value.what
    assert caught.value.state == "Nothing was written."
    assert caught.value.next_step is not None
    assert step in caught.value.next_step


def test_caches_do_not_become_part_of_a_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pip compiles the template when it installs it."""
    for cache in ("base/tests/__pycache__", "base/.ruff_cache"):
        (tmp_path / cache).mkdir(parents=True)
        (tmp_path / cache / "x").write_bytes(b"\xff")
    (tmp_path / "base" / "main.py").touch()
    monkeypatch.setattr(project, "TEMPLATE", tmp_path)

    assert list(project.files(postgres=False)) == [Path("main.py")]
