"""Following a ledger while its run goes on writing it: each whole batch as soon as it stands there.

Its one rule: nothing is told that is not committed. A batch is checked against the chain before its first
entry is given away, as every reader does; the end is the seal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from mutualize.encoding import decode
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.ledger_reader import Condition, Walk, open_ledger


def follow(path: str | Path, pause: Callable[[], None]) -> Iterator[list[Entry]]:
    """Yield the entries of each batch, those first that are there; `pause` is called where there is no more.

    Ends at the seal. Raises MutualizeError as `read` does, and (74) where another file took its place. A run
    that died never seals its ledger: then `pause` has to end it.
    """
    with open_ledger(path) as file:
        walk = Walk(path, file)
        while walk.header is None:
            if walk.verdict.condition is Condition.CORRUPT:
                raise walk.error()
            pause()
            _require_same(Path(path), file, 0)
            file.seek(0)
            walk = Walk(path, file)
        while True:
            for body in walk.bodies():
                walk.known_header()
                yield [_entry(line, walk) for line in body.split(b"\n")[:-1]]
            if walk.verdict.condition is Condition.SEALED:
                return
            if walk.verdict.condition is Condition.CORRUPT:
                raise walk.error()
            pause()
            _require_same(Path(path), file, walk.sound)
            walk.again()


def _entry(line: bytes, walk: Walk) -> Entry:
    try:
        return decode(line)
    except ValueError as error:
        raise walk.error(walk.rejected(str(error))) from error


def _require_same(path: Path, file: BinaryIO, sound: int) -> None:
    """Hold the file that is open to the one at its path. Raises MutualizeError."""
    opened = os.fstat(file.fileno())
    try:
        there = path.stat()
    except OSError as error:
        raise MutualizeError(str(path), "is there no more.", code=Exit.MISSING) from error
    same = (there.st_dev, there.st_ino) == (opened.st_dev, opened.st_ino)
    if not same or opened.st_size < sound:
        problem = "was replaced by another file while it was followed."
        raise MutualizeError(str(path), problem, "Follow it anew.", code=Exit.IO)
