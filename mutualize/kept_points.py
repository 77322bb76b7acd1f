"""Points that were worked through already: a file beside the answer, so that a second call goes on from it.

    <sum> {"schema":"mutualize/points@1","of":"spread", …}     what they are points of
    <sum> ["seed//1",["2640000.1", …]]                         a point and its figures, or its problem

Each line begins with 16 hex digits of the SHA-256 of the rest. The rule: only the last line may be torn,
which is what a kill leaves; it is cut off. Whatever else does not fit is told, and nothing is repaired.
"""

from __future__ import annotations

import hashlib
import json
from io import FileIO
from pathlib import Path
from typing import Any, Final, Self

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.points import Point, Row, play
from mutualize.sweep import Failed, Progress, sweep

SCHEMA: Final = "mutualize/points@1"
SUFFIX: Final = ".partial"
SUM: Final = 16
REMEDY: Final = "Delete it to begin anew."


class KeptPoints:
    """The points of one study by key, in memory and (where there is a path) in a file; a `with` block.

    `about` is what they are points of. The file stays; whoever has written the whole answer takes it away.
    """

    def __init__(self, path: Path | None, about: dict[str, Any]) -> None:
        """Open or create the file. Raises MutualizeError: of another study (2), damaged (8), in use (74)."""
        self.path = path
        self.rows: dict[str, Row | Failed] = {}
        self._file: FileIO | None = None
        if path is None:
            return
        head = {"schema": SCHEMA, **about}
        if path.exists():
            self._file = locked_file.lock(path, "r+")
            try:
                self._read(self._file.readall(), head)
            except MutualizeError:
                self._file.close()
                raise
        else:
            self._file = locked_file.create(path, _line(head), force=False, durable=False)

    def _read(self, data: bytes, head: dict[str, Any]) -> None:
        """Take in what stands in the file, and cut off a torn last line."""
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        found = _content(lines[0]) if lines else None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise MutualizeError(str(self.path), "is no file of points.", REMEDY, code=Exit.CORRUPT)
        differing = [name for name in head if found.get(name) != head[name]]
        if differing:
            name = differing[0]
            problem = f"holds points of another {name}: {found.get(name)!r:.40}, not {head[name]!r:.40}."
            raise MutualizeError(str(self.path), problem, "Choose another place, or delete it.")
        for number, line in enumerate(lines[1:], 2):
            match _content(line):
                case [str() as key, list() as figures]:
                    self.rows[key] = tuple(figures)
                case [str() as key, str() as problem]:
                    self.rows[key] = Failed(number, problem)
                case _:
                    raise MutualizeError(
                        f"{self.path}:{number}", "the line is damaged.", REMEDY, code=Exit.CORRUPT
                    )
        assert self._file is not None, "who reads has opened"
        self._file.truncate(len(whole))
        self._file.seek(len(whole))

    def add(self, key: str, row: Row | Failed) -> None:
        """Keep the figures of a point, or why there are none. Raises MutualizeError (74)."""
        self.rows[key] = row
        if self._file is not None:
            line = _line([key, row.problem if isinstance(row, Failed) else list(row)])
            try:
                locked_file.write_at(self._file, line, self._file.tell())
            except OSError as error:
                raise MutualizeError(
                    str(self.path), f"cannot be written: {error.strerror}.", code=Exit.IO
                ) from error

    def work(self, points: dict[str, Point], workers: int | None, progress: Progress | None) -> None:
        """Run those of these points that are not there yet."""
        missing = [key for key in points if key not in self.rows]
        before = len(points) - len(missing)
        sweep(
            play,
            [points[key] for key in missing],
            workers=workers,
            progress=None if progress is None else lambda done: progress(before + done),
            keep=lambda index, row: self.add(missing[index], row),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def partial_of(path: Path) -> Path:
    """Return where the points of an answer are kept while it is not whole."""
    return path.with_name(path.name + SUFFIX)


def _line(content: Any) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%s %s\n" % (_sum(text), text)


def _sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:SUM].encode()


def _content(line: bytes) -> Any:
    """Return what a line holds; None for a damaged one."""
    text = line[SUM + 1 :]
    return json.loads(text) if line[:SUM] == _sum(text) else None
