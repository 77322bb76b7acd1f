"""Writing tables into files: whole or not at all, and never over one that is there without being told to.

What a CSV file cannot hold (whose it is, and which digest it has) stands beside it in `FILE-metadata.json`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_reader import Condition, Verdict, read, verify
from mutualize.locked_file import name_beside
from mutualize.report.export.arrow import batches, needed, schema_of
from mutualize.report.export.tables import MOMENT, SHAPES, Row, Shape, Source, about_of, shape_of
from mutualize.report.sentences.words import moment_of, units_beside

ALL: Final = "all"
"""Stands for all tables, each in a file of its own: `run.parquet` becomes `run.events.parquet` and so on."""


def source_of(ledger: Path) -> tuple[Source, Verdict]:
    """Return what tables are made of, and in what state the ledger is.

    Raises MutualizeError for one that is missing (4), unreadable (74) or corrupt (8).
    """
    verdict = verify(ledger)
    if verdict.condition is Condition.CORRUPT or verdict.header is None:
        raise MutualizeError(str(ledger), str(verdict), code=verdict.code)
    about = about_of(verdict.header, verdict.condition.word, verdict.root, verdict.events)
    return Source(lambda: read(ledger), units_beside(ledger), about), verdict


def export(
    ledger: Path, to: Path, table: str = "events", *, force: bool = False
) -> tuple[list[Path], Verdict]:
    """Write a table of a ledger (or 'all' of them); the suffix says how. Returns what was written.

    Raises MutualizeError for another suffix or table (2), a file that is there without `force` (74), without
    pyarrow where it is needed (4), and as `source_of`.
    """
    writer = _WRITERS.get(to.suffix)
    if writer is None:
        remedy = f"Let it end in {', '.join(_WRITERS)}."
        raise MutualizeError("--to", f"{to} does not say in which format.", remedy)
    shapes = list(SHAPES.values()) if table == ALL else [shape_of(table)]
    paths = [to.with_name(f"{to.stem}.{s.name}{to.suffix}") if table == ALL else to for s in shapes]
    for path in paths:
        if path.exists() and not force:
            remedy = "Choose another name, or replace it with --force."
            raise MutualizeError(str(path), "exists already.", remedy, code=Exit.IO)
    source, verdict = source_of(ledger)
    for shape, path in zip(shapes, paths, strict=True):
        _whole(path, partial(writer, shape=shape, source=source))
        if to.suffix == ".csv":
            text = json.dumps(source.metadata(shape.name), indent=2, sort_keys=True) + "\n"
            _whole(path.with_name(f"{path.name}-metadata.json"), partial(_text, text=text))
    return paths, verdict


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let a file be written under another name, and give it its own when it is whole."""
    beside = name_beside(path)
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise MutualizeError(
            str(path), f"cannot be written: {error.strerror or error}.", code=Exit.IO
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _csv(path: Path, shape: Shape, source: Source) -> None:
    """Write CSV as RFC 4180 has it, with line feeds: texts as they are, moments in UTC, amounts exactly."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name for name, _ in shape.columns])
        writer.writerows(_worded(shape, row) for row in shape.rows(source))


def _worded(shape: Shape, row: Row) -> Iterator[Any]:
    for (_, kind), value in zip(shape.columns, row, strict=True):
        yield moment_of(value) if kind == MOMENT and value is not None else value


def _parquet(path: Path, shape: Shape, source: Source) -> None:
    schema = schema_of(shape, source)
    with needed("pyarrow.parquet").ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches(shape, source, schema):
            writer.write_batch(batch)


def _arrow(path: Path, shape: Shape, source: Source) -> None:
    schema = schema_of(shape, source)
    with (
        needed("pyarrow").OSFile(str(path), "wb") as file,
        needed("pyarrow.ipc").new_file(file, schema) as writer,
    ):
        for batch in batches(shape, source, schema):
            writer.write_batch(batch)


_WRITERS: Final[dict[str, Callable[..., None]]] = {
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".csv": _csv,
}
"""What writes a file, by its suffix."""
