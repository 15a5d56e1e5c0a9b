"""Hadoop's FileSystem from Python: what publishing needs of a disk, HDFS or S3.

Paths are strings as Hadoop takes them (`/data/lake`, `hdfs://nn/lake`, `s3://bucket/lake`), never URL-encoded.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError, SourceError, TransientError
from stoker.failpoints import failpoint
from stoker.files.lines import can_open, first_line_of, unreadable
from stoker.files.listing import FileInfo, is_hidden, scan, statuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import SparkSession

_READERS = 16
"""Threads that read the beginnings of files on a remote file system."""
_AHEAD = 1000
"""Files that wait for these threads."""


class FileSystem:
    """A file system that Hadoop reaches, seen by the session's Hadoop configuration.

    Args:
        spark: The session whose JVM does the work.
        path: Any path on the file system.
    """

    def __init__(self, spark: SparkSession, path: str) -> None:
        jvm = spark._jvm  # noqa: SLF001 - there is no public way to Hadoop's FileSystem
        assert jvm is not None
        self._jvm: Any = jvm
        configuration = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
        self._fs: Any = self._path(path).getFileSystem(configuration)

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)

    def qualified(self, path: str) -> str:
        """The path with scheme and authority, one spelling for each place."""
        text: str = self._fs.makeQualified(self._path(path)).toString()
        return text

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        return bool(self._fs.exists(self._path(path)))

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return self.exists(path) and bool(self._fs.getFileStatus(self._path(path)).isFile())

    def info(self, path: str) -> FileInfo:
        """The file or folder at a path that exists, under that path."""
        status = self._fs.getFileStatus(self._path(path))
        return FileInfo(path, status.getLen(), status.isDirectory(), status.getModificationTime() / 1000)

    def glob(self, pattern: str) -> list[FileInfo]:
        """The entries that match, by their qualified paths, sorted; a path without a wildcard matches itself."""
        found = self._fs.globStatus(self._path(pattern))
        return sorted(statuses(self._jvm, found) if found else (), key=lambda entry: entry.path)

    def entries(self, folder: str) -> list[FileInfo]:
        """The direct entries of a folder, sorted by name; none if there is no such folder."""
        path = self._path(folder)
        if not self._fs.exists(path):
            return []
        return sorted(
            (
                FileInfo(info.path.rpartition("/")[2], info.bytes, info.is_folder, info.modified)
                for info in statuses(self._jvm, self._fs.listStatus(path))
            ),
            key=lambda entry: entry.path,
        )

    def data_files(self, folder: str, below: str = "") -> Iterator[FileInfo]:
        """The data files in and below a folder: not those whose name begins with `_` or `.`, as for Spark."""
        entries = self.entries(f"{folder}/{below}" if below else folder)
        entries.reverse()
        while entries:  # each is let go when the caller has its own of it
            entry = entries.pop()
            if is_hidden(entry.path):
                continue
            path = f"{below}/{entry.path}" if below else entry.path
            if entry.is_folder:
                yield from self.data_files(folder, path)
            else:
                yield FileInfo(path, entry.bytes, is_folder=False, modified=entry.modified)

    def make_folder(self, path: str) -> None:
        """Make a folder and what is missing above it."""
        with _explained(path):
            if not self._fs.mkdirs(self._path(path)):
                raise SinkError(f"The folder {path} cannot be made.", next_step="Check the path and its permissions.")

    def move(self, source: str, target: str) -> None:
        """Rename a file or folder; the target must not exist, its folder is made.

        Raises:
            SinkError: If the file system refuses.
        """
        with _explained(target):
            self._fs.mkdirs(self._path(target).getParent())
            # Hadoop's rename moves *into* an existing folder, so look first.
            if self.exists(target) or not self._fs.rename(self._path(source), self._path(target)):
                raise SinkError(
                    f"{source} cannot be moved to {target}.", next_step="Check the permissions of the target's folder."
                )

    def delete(self, path: str) -> None:
        """Remove a file or a whole folder; nothing happens if it is not there."""
        self._fs.delete(self._path(path), True)  # noqa: FBT003 - Java has no names for arguments

    def read_text(self, path: str) -> str | None:
        """The text of a small file, or None if there is none."""
        if not self.exists(path):
            return None
        stream = self._fs.open(self._path(path))
        try:
            data: bytes = self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream)
        finally:
            stream.close()
        return bytes(data).decode("utf-8")

    def first_lines(self, paths: Sequence[str], encoding: str) -> Iterator[str | None]:
        """The first line of each text file, unpacked if its name says that it is packed; None for an empty one.

        Raises:
            SourceError: If one cannot be read, is not what its name says, or the encoding is unknown.
        """
        # Each waits for the network, not for the processor.
        with ThreadPoolExecutor(_READERS, thread_name_prefix="stoker-headers") as pool:
            for begin in range(0, len(paths), _AHEAD):
                some = paths[begin : begin + _AHEAD]
                yield from pool.map(lambda path: self.first_line(path, encoding), some)

    def first_line(self, path: str, encoding: str) -> str | None:
        """The first line of one text file, as `first_lines`."""
        from py4j.protocol import Py4JJavaError

        java, stream = self._jvm.java.io, None
        try:
            stream = self._fs.open(self._path(path))
            codec = self._codecs.getCodec(self._path(path))
            opened = stream if codec is None else codec.createInputStream(stream)
            line: str | None = java.BufferedReader(java.InputStreamReader(opened, encoding)).readLine()
        except Py4JJavaError as error:
            cause = error.java_exception
            raise unreadable(path, f"{cause.getClass().getSimpleName()}: {cause.getMessage()}") from error
        finally:
            if stream is not None:
                stream.close()
        return line

    @cached_property
    def _codecs(self) -> Any:
        return self._jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(self._fs.getConf())

    def write_text(self, path: str, text: str) -> None:
        """Write a small file in one step: a reader sees none, the former or this one."""
        temporary = f"{path}.{secrets.token_hex(4)}.tmp"
        self.write_bytes(temporary, text.encode())
        with _explained(path):
            failpoint("files.control.written")
        self.replace_file(temporary, path)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file with what is missing above it, in place of one that is there; S3 shows it when it is whole."""
        with _explained(path):
            stream = self._fs.create(self._path(path), True)  # noqa: FBT003
            stream.write(bytearray(data))
            stream.close()

    def replace_file(self, source: str, target: str) -> None:
        """Rename a file over one that may exist: a reader sees none, the former or this one.

        `FileSystem.rename` refuses it, and `FileContext` does it in one step (on HDFS).

        Raises:
            SinkError: If the file system refuses.
        """
        options = self._jvm.org.apache.hadoop.fs.Options.Rename
        overwrite = self._jvm.java.lang.reflect.Array.newInstance(options.OVERWRITE.getClass(), 1)
        self._jvm.java.lang.reflect.Array.set(overwrite, 0, options.OVERWRITE)
        context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(self._fs.getUri(), self._fs.getConf())
        with _explained(target):
            context.rename(self._path(source), self._path(target), overwrite)

    def exchange(self, one: str, other: str) -> bool:
        """Exchange two folders in one step, if the file system can; False if it cannot and nothing was done."""
        del one, other
        return False


class LocalFileSystem(FileSystem):
    """A local disk: control files by the operating system's own atomic rename, folders by `renameat2`."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        return _local(path).exists()

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return _local(path).is_file()

    def read_text(self, path: str) -> str | None:
        """The text of a small file, or None if there is none."""
        try:
            return _local(path).read_text("utf-8")
        except FileNotFoundError:
            return None

    def write_text(self, path: str, text: str) -> None:
        """Write a small file in one step, and through to the disk."""
        target = _local(path)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.tmp")
        with _explained(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                failpoint("files.control.written")
                temporary.replace(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def replace_file(self, source: str, target: str) -> None:
        """Rename a file over one that may exist, in one step."""
        goal = _local(target)
        with _explained(target):
            # Hadoop keeps the checksum of the former one beside it, and would find the new one broken.
            goal.with_name(f".{goal.name}.crc").unlink(missing_ok=True)
            _local(source).replace(goal)

    def entries(self, folder: str) -> list[FileInfo]:
        """The direct entries of a folder, sorted by name; none if there is no such folder."""
        try:
            return sorted(scan(str(_local(folder))), key=lambda entry: entry.path)
        except OSError as error:
            raise SourceError(
                f"{folder} cannot be listed: {error.strerror}.", next_step="Check the permissions of the folder."
            ) from error

    def first_lines(self, paths: Sequence[str], encoding: str) -> Iterator[str | None]:
        """The first line of each text file; Java is asked only for what Python cannot unpack or decode."""
        known = self._knows(encoding)
        for path in paths:
            codec = self._codec_name(os.path.splitext(path)[1])  # noqa: PTH122 - pathlib is slow for many
            try:
                if not known or not can_open(codec):
                    raise LookupError(encoding)  # noqa: TRY301 - the one way out to Java
                line = first_line_of(_local(path), codec, encoding)
            except LookupError:
                line = self.first_line(path, encoding)
            yield line

    def _knows(self, encoding: str) -> bool:
        """Whether Java has the encoding: Spark will read the rest of the file with it."""
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import IllegalArgumentException

        try:
            return bool(self._jvm.java.nio.charset.Charset.isSupported(encoding))
        except (Py4JJavaError, IllegalArgumentException):  # it cannot even be the name of one
            return False

    def _codec_name(self, suffix: str) -> str:
        """Hadoop's codec for the names that end so; empty for none."""
        if suffix not in self._codec_names:
            codec = self._codecs.getCodec(self._path(f"x{suffix}"))
            self._codec_names[suffix] = "" if codec is None else str(codec.getClass().getSimpleName())
        return self._codec_names[suffix]

    @cached_property
    def _codec_names(self) -> dict[str, str]:
        return {}

    def exchange(self, one: str, other: str) -> bool:
        """Exchange two folders in one step where the kernel and the disk's format can (Linux, most of them)."""
        rename = _renameat2()
        if rename is None:
            return False
        done = rename(_AT_FDCWD, os.fsencode(_local(one)), _AT_FDCWD, os.fsencode(_local(other)), _RENAME_EXCHANGE)
        if done == 0:
            return True
        number = ctypes.get_errno()
        if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
            return False
        raise OSError(number, os.strerror(number), str(_local(other)))


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@cache
def _renameat2() -> Any:
    """The C library's renameat2 (Linux 3.15, glibc 2.28), or None."""
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function


def _local(path: str) -> Path:
    return Path(path.removeprefix("file://") if path.startswith("file:///") else path.removeprefix("file:"))


def file_system(spark: SparkSession, path: str) -> FileSystem:
    """The file system that holds the path.

    Raises:
        SourceError: If Hadoop knows no file system of that scheme, or cannot reach it.
    """
    from py4j.protocol import Py4JJavaError

    try:
        found = FileSystem(spark, path)
        if found._fs.getUri().getScheme() == "file":  # noqa: SLF001
            return LocalFileSystem(spark, path)
    except Py4JJavaError as error:
        cause = str(error.java_exception.getMessage()).splitlines()[0]
        raise SourceError(
            f"The file system of {path} cannot be used: {cause}.",
            next_step="Check the place's scheme; s3:// needs the S3A JARs of Hadoop on the class path.",
        ) from error
    return found


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what the disk or Hadoop says of a write into our errors."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except OSError as error:
        raise write_error(path, error.strerror or str(error)) from error
    except Py4JJavaError as error:
        raise write_error(path, str(error.java_exception.getMessage()).splitlines()[0]) from error


def write_error(path: str, cause: str) -> SinkError | TransientError:
    """The error for a target that refuses a write: a full disk is transient, the rest is not."""
    if "No space left" in cause or "quota" in cause.lower():
        return TransientError(
            f"{path} cannot be written: the disk is full ({cause}).",
            state="What was published before stands; the rows of this run are not published.",
            next_step="Free space there and run again.",
        )
    return SinkError(
        f"{path} cannot be written: {cause}.",
        state="What was published before stands; the rows of this run are not published.",
        next_step="Check that the path is right and that this user may write there.",
    )
