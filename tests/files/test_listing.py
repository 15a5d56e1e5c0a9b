"""Listings and first lines, by the operating system and by Hadoop."""

from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pytest

from stoker import SourceError
from stoker.files.filesystem import FileSystem, LocalFileSystem
from stoker.files.listing import FileInfo, parsed

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

NAMES = [
    "plain.csv",
    "with space, and comma.csv",
    "a; isDirectory=true; length=5",
    "b,file",
    "[1]{x}=%20ü",
    "line\nbreak",
    "_hidden",
    ".hidden",
    "_part=1",
]


def test_a_folder_is_listed_alike_by_hadoop_and_by_the_system(spark: SparkSession, tmp_path: Path) -> None:
    """Odd names, also those that look like Hadoop's own description of a file, are told right either way."""
    for size, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "folder").mkdir()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")

    one, other = LocalFileSystem(spark, str(tmp_path)), FileSystem(spark, str(tmp_path))

    found = one.entries(str(tmp_path))
    assert found == other.entries(str(tmp_path))
    sizes = {name: size for size, name in enumerate(NAMES)}
    assert {info.path: info.bytes for info in found if not info.is_folder} == sizes
    assert [info.path for info in found if info.is_folder] == ["folder"]
    pattern = f"{tmp_path}/*"
    assert [info.path for info in one.glob(pattern)] == [info.path for info in other.glob(pattern)]
    assert [info.path.removeprefix(f"file:{tmp_path}/") for info in one.glob(pattern)] == [info.path for info in found]
    assert {info.path for info in one.data_files(str(tmp_path))} == {*sizes} - {"_hidden", ".hidden"}
    assert one.entries(f"{tmp_path}/plain.csv/x") == one.entries(f"{tmp_path}/none") == []


@pytest.mark.parametrize(
    ("text", "number", "names"),
    [
        ("[]", 0, []),
        (
            "{HdfsNamedFileStatus{path=hdfs://n/a, b; isDirectory=false; length=12; x=y},F{path=s3a://b/c; isDirectory=true; x}}",
            2,
            [FileInfo("hdfs://n/a, b", 12, is_folder=False), FileInfo("s3a://b/c", 0, is_folder=True)],
        ),
        ("[F{path=hdfs://n/a; isDirectory=true; b; isDirectory=false; length=12; x=y}]", 1, None),
        ("[F{path=hdfs://n/{path=a; isDirectory=false; length=12; x=y}]", 1, None),
        ("[something else]", 1, None),
    ],
)
def test_a_description_is_used_only_if_it_can_be_read_in_one_way(
    text: str, number: int, names: list[FileInfo] | None
) -> None:
    """HDFS and S3A describe their files alike; a name that holds the words around it is not guessed at."""
    assert parsed(text, number) == names


def test_first_lines_are_read_alike_by_hadoop_and_by_python(spark: SparkSession, tmp_path: Path) -> None:
    """Plain, gzip, bzip2 and (through Hadoop) deflate; with ends of any system, and bytes that are not of the encoding."""
    contents = {"a.csv": b"x,y\r\n1,2\n", "b.csv": b"", "c.txt": b"x\ry\n", "d.csv": "ü".encode("latin-1"), "e": b"\nx"}
    packed = {"f.csv.gz": gzip.compress(b"x,y\n1"), "g.csv.bz2": bz2.compress(b"x,y"), "h.csv.deflate": b""}
    for name, content in {**contents, **packed}.items():
        (tmp_path / name).write_bytes(content)
    import zlib

    (tmp_path / "h.csv.deflate").write_bytes(zlib.compress(b"p,q\n1,2\n"))
    paths = sorted(f"file:{path}" for path in tmp_path.iterdir())

    one, other = LocalFileSystem(spark, str(tmp_path)), FileSystem(spark, str(tmp_path))

    found = list(one.first_lines(paths, "UTF-8"))
    assert found == list(other.first_lines(paths, "UTF-8"))
    assert found == ["x,y", None, "x", "\ufffd", "", "x,y", "x,y", "p,q"]
    assert list(one.first_lines([f"{tmp_path}/d.csv"], "ISO-8859-1")) == ["ü"]


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        pytest.param("a.csv.gz", b"no gzip", "UTF-8", id="not packed"),
        pytest.param("a.csv.gz", gzip.compress(b"x" * 1000)[:20], "UTF-8", id="cut gzip"),
        pytest.param("a.csv", b"x", "no-such-encoding", id="encoding"),
        pytest.param("a.csv", b"x", "no such encoding", id="encoding that cannot be a name"),
        pytest.param("a.csv", None, "UTF-8", id="gone"),
    ],
)
def test_a_first_line_that_cannot_be_read_is_an_error(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes | None, encoding: str
) -> None:
    """The file's name and the cause are in it, whoever reads."""
    if content is not None:
        (tmp_path / name).write_bytes(content)

    for kind in (LocalFileSystem, FileSystem):
        with pytest.raises(SourceError, match=rf"{name} cannot be read: \w+"):
            list(kind(spark, str(tmp_path)).first_lines([f"{tmp_path}/{name}"], encoding))
