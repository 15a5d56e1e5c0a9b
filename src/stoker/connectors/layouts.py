"""What a sink says about its files: how many, how large, what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.connectors.paths import Param, Path, as_path
from stoker.errors import DefinitionError
from stoker.files.layout import Layout
from stoker.files.listing import is_hidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ENDS = {
    "bzip2": ".bz2",
    "deflate": ".deflate",
    "gzip": ".gz",
    "lz4": ".lz4",
    "snappy": ".snappy",
    "zstd": ".zst",
}
"""How the names of packed text files end, by what Spark calls the codec."""


def layout_of(
    path: str | Path,
    partition_by: Sequence[str],
    files: int | None,
    name: str | Param | None,
    max_rows_per_file: int | None,
) -> tuple[Path, Layout]:
    """The target and the layout, from what a user gives.

    Raises:
        DefinitionError: If an argument is of the wrong type, or they do not go together.
    """
    folder = as_path(path)
    layout = folders_of(folder, partition_by, files, max_rows_per_file)
    if name is None:
        return folder, layout
    _check_name(folder, name)
    if files != 1 or layout.partition_by or max_rows_per_file is not None:
        wrong = (
            "partition_by="
            if layout.partition_by
            else "max_rows_per_file="
            if max_rows_per_file is not None
            else f"files={files}"
        )
        raise DefinitionError(
            f"write to {folder}: name= is the name of a single file, and there is {wrong}.",
            next_step="Use name= with files=1 and without partition_by= and max_rows_per_file=.",
        )
    return folder / name, Layout(files=1, is_file=True)


def folders_of(where: object, partition_by: Sequence[str], files: int | None, max_rows_per_file: int | None) -> Layout:
    """The layout of a target that is not a single file.

    Args:
        where: The target, for messages.
        partition_by: As a user gives it, like the others.
        files: How many.
        max_rows_per_file: How long.

    Raises:
        DefinitionError: If an argument is of the wrong type.
    """
    if isinstance(partition_by, str):
        # Its letters would be columns.
        raise DefinitionError("partition_by= is a list of column names.", next_step=f"Write [{partition_by!r}].")
    columns = tuple(partition_by)
    if not all(isinstance(column, str) for column in columns):
        raise DefinitionError(f"write to {where}: partition_by= is a list of column names.")
    for argument, number in (("files", files), ("max_rows_per_file", max_rows_per_file)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise DefinitionError(f"write to {where}: {argument}={number!r} is no number of 1 or more.")
    return Layout(columns, files, max_rows_per_file)


def _check_name(folder: Path, name: str | Param) -> None:
    if isinstance(name, Param):
        return
    if not isinstance(name, str) or not name or set(name) & set("/:"):
        raise DefinitionError(
            f"write to {folder}: name={name!r} is no name of a file.", next_step="Give one without / and :."
        )
    if is_hidden(name):
        raise DefinitionError(f"write to {folder}: name={name!r} is hidden: Spark reads no file that begins so.")


def check_layout(path: Path, layout: Layout, mode: str, options: Mapping[str, Any], *, packs: bool) -> None:
    """Refuse what does not go together.

    Args:
        path: The target.
        layout: The layout.
        mode: The sink's mode.
        options: Those for Spark's writer.
        packs: Whether a codec packs the whole file, so that its name must tell.

    Raises:
        DefinitionError: If there is something.
    """
    check_options(path, layout, options)
    if not layout.is_file:
        return
    if mode != "replace":
        raise DefinitionError(
            f"write to {path}: mode={mode!r} with name=.",
            next_step='A file is replaced as a whole: use mode="replace", or leave name= out.',
        )
    if packs:
        last = path.pieces[-1]
        _check_packing(path, last.format if isinstance(last, Param) else last, options)


def check_options(where: object, layout: Layout, options: Mapping[str, Any]) -> None:
    """Refuse a number of files, or an option of Spark's writer, that does not go with the rest.

    Args:
        where: The target, for messages.
        layout: The layout.
        options: Those for Spark's writer.

    Raises:
        DefinitionError: If there is something.
    """
    if any(name.lower() == "maxrecordsperfile" for name in options):
        raise DefinitionError(
            f"write to {where}: the option maxRecordsPerFile is not taken.", next_step="Use max_rows_per_file= instead."
        )
    if layout.partition_by and layout.files not in {None, 1}:
        raise DefinitionError(
            f"write to {where}: files={layout.files} with partition_by=.",
            next_step="Use files=1 for one file in each partition, and max_rows_per_file= where that is too large.",
        )


def _check_packing(path: Path, name: str, options: Mapping[str, Any]) -> None:
    """Readers tell by a file's name how it is packed."""
    codec = next(
        (str(value).lower() for key, value in options.items() if key.lower() in {"compression", "codec"}), "none"
    )
    promised = next((known for known, end in _ENDS.items() if name.endswith(end)), None)
    if name and codec in _ENDS and promised != codec:
        raise DefinitionError(
            f"write to {path}: a file packed by {codec} that is not called so cannot be read.",
            next_step=f"Let its name end in {_ENDS[codec]}.",
        )
    if promised is not None and codec in {"none", "uncompressed"}:
        raise DefinitionError(
            f"write to {path}: readers would take it as packed by {promised}, which it is not.",
            next_step=f'Add compression="{promised}", or give another name.',
        )


def shown(layout: Layout, on_drift: str) -> dict[str, Any]:
    """What `describe` tells of it, and of what happens to columns that differ."""
    told: dict[str, Any] = {}
    if layout.partition_by:
        told["partition_by"] = list(layout.partition_by)
    if layout.files is not None and not layout.is_file:
        told["files"] = layout.files
    if layout.is_file:
        told["single_file"] = True
    if layout.max_rows is not None:
        told["max_rows_per_file"] = layout.max_rows
    if on_drift != "fail":
        told["on_drift"] = on_drift
    return told
