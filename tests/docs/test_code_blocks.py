"""The code blocks of the README and of the architecture pages do what the pages say.

A block whose first line is a comment with a path is a file of a temporary project, one project a page. The other Python
blocks are run in order, in one namespace, with that project as working folder and `spark` as the session. The tests that
a page declares are run too.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from docs.blocks import ROOT, Block, blocks, shell_commands, wrong_command
from stoker.cli.project import job_of
from stoker.config import ConfigSource, load_config
from stoker.job.parameters import filled
from stoker.job.plan import make_plan
from stoker.postgres import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

pytest_plugins = ["pytester"]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "architecture").glob("*.md")),
    ROOT / "docs/testing/README.md",
    ROOT / "docs/database/DATABASE_CONNECTIVITY.md",
]
LINKING = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
LANGUAGES = {"python", "toml", "sh", "sql", "csv", "json", "text"}
VARIABLES = {"DATABASE_HOST": "db.internal", "LAKE_BUCKET": "bucket"}
"""What the pages' `${...}` refer to."""


def name_of(page: Path) -> str:
    """For the names of tests."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder: the working folder and first on the import path, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        # A folder of modules without __init__.py has a path and no file.
        if str(tmp_path) in f"{getattr(module, '__file__', '')} {list(getattr(module, '__path__', []))}":
            del sys.modules[name]
    for server in tmp_path.rglob("postgres"):
        embedded.stop(server)


def write(block: Block, folder: Path) -> Path:
    """Write the file that a block declares; an earlier one of that name is replaced."""
    assert block.file is not None
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.content, "utf-8")
    return path


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block; its lines in a trace are those of the page."""
    code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec", dont_inherit=True)
    exec(code, namespace)  # noqa: S102 - our own documents


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_blocks_run(page: Path, pytester: pytest.Pytester, folder: Path, spark: SparkSession) -> None:
    """The files that a page declares and its other Python blocks work together, from top to bottom."""
    namespace: dict[str, Any] = {"spark": spark, "__name__": "page"}
    for block in blocks(page):
        if block.file:
            path = write(block, folder)
            if path.suffix == ".py":
                compile(block.text, block.where, "exec")
        elif block.language == "python":
            run_python(block, namespace)
    tests = folder / "tests"
    if tests.exists():
        # In this process, whose session the plugin finds.
        done = pytester.runpytest_inprocess("-p", "pytest_stoker", "--rootdir", str(folder), str(tests))
        assert done.ret is pytest.ExitCode.OK
    for path in sorted(folder.rglob("*.py")):
        if path.parent != tests:
            import_module(".".join(path.relative_to(folder).with_suffix("").parts))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_jobs_can_be_planned(page: Path, folder: Path) -> None:
    """Each job of a page's project has a plan without mistakes in development."""
    declared = [write(block, folder) for block in blocks(page) if block.file]
    if folder / "stoker.toml" not in declared:
        pytest.skip("the page declares no project")
    config = load_config(ConfigSource((folder / "stoker.toml").read_text("utf-8"), "stoker.toml", folder))
    assert config.jobs
    for name in config.jobs:
        job = job_of(config, name)
        assert make_plan(job, config, filled(job.parameters, {})).mistakes == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_configurations_are_right(page: Path, folder: Path) -> None:
    """Each TOML block is a configuration without a mistake, in every environment; JSON blocks are JSON."""
    for block in blocks(page):
        if block.language == "toml":
            source = ConfigSource(block.text, block.where, folder)
            for environment in ("development", *tomllib.loads(block.text).get("environments", {})):
                load_config(source, environment=environment, environ=VARIABLES)
        elif block.language == "json":
            json.loads(block.content)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_commands_exist(page: Path) -> None:
    """Each command of a page has the subcommands, options and targets that the page uses; each block has a known language and says something."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for block in blocks(page):
        assert block.language in LANGUAGES, block.where
        assert len(block.text.strip()) > 1, block.where
        if block.language != "sh":
            continue
        for words in shell_commands(block):
            assert wrong_command(words, targets) is None, f"{block.where}: {' '.join(words)}"


def test_wrong_commands_are_found() -> None:
    """A subcommand, option, choice or target that does not exist is told; what exists is not."""
    targets = {"demo"}
    for right in (["stoker"], ["stoker", "postgres", "url", "--with-password"], ["make", "demo", "PYTHON=python3.12"]):
        assert wrong_command(right, targets) is None
    for wrong in (
        ["stoker", "deploy"],
        ["stoker", "run", "shop", "--fast"],
        ["stoker", "plan", "shop", "--format", "xml"],
        ["python", "main.py", "--fast"],
        ["make", "deploy"],
    ):
        assert wrong_command(wrong, targets) is not None


def test_connector_block_is_the_example() -> None:
    """The connector that the page shows is the one in `examples/connectors`, line by line."""
    (shown,) = [block for page in PAGES for block in blocks(page) if block.file == "jsonl.py"]
    example = (ROOT / "examples" / "connectors" / "jsonl.py").read_text("utf-8")
    _, _, code = example.partition('"""\n\n')
    assert shown.text.partition("\n")[2].strip() == code.strip()


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link of a page names a file or folder, and its anchor a heading, of this repository."""
    for link in re.findall(r"\]\(([^()\s]+)\)", page.read_text("utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{name_of(page)}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, link
