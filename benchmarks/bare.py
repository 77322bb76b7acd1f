"""The yardstick: a bare loop that builds, encodes and hashes the events of a ledger, and decides nothing.

    python benchmarks/bare.py LEDGER      seconds, events

It takes the fields, transfers and cells of each event out of the ledger first (untimed, a batch at a time),
so that it makes the same events, as many and as long, without any rule, book, clock or agent behind them.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from mutualize.accounts import Transfer
from mutualize.encoding import encode_all
from mutualize.events import Cell, Entry, Event, fields_of
from mutualize.ledger import BATCH_EVENTS
from mutualize.ledger_reader import read

Plain = tuple[int, int, int, int | None, type[Event], dict[str, Any], list[Any], list[Any]]
"""An entry taken apart: seq, time, transaction, cause, kind, fields, transfers, cells; all plain."""


def apart(entry: Entry) -> Plain:
    """Take an entry apart."""
    event = entry.event
    moved, cells = [tuple(t) for t in event.transfers], [tuple(c) for c in event.cells]
    return entry.seq, entry.at, entry.tx, entry.cause, type(event), fields_of(event), moved, cells


def transactions(batch: list[Plain]) -> Iterator[list[Plain]]:
    """Yield the entries of each transaction."""
    group: list[Plain] = []
    for plain in batch:
        if group and plain[2] != group[0][2]:
            yield group
            group = []
        group.append(plain)
    if group:
        yield group


def bare(path: str | Path) -> tuple[float, int]:
    """Return (CPU seconds, events) of building, encoding and hashing a ledger's events again."""
    entries, took_s, count, last = read(path), 0.0, 0, b""
    while batch := [apart(entry) for entry in islice(entries, BATCH_EVENTS)]:
        groups = list(transactions(batch))
        count += len(batch)
        began = time.process_time()
        body = bytearray()
        for group in groups:
            made = [
                Entry(
                    seq,
                    at,
                    tx,
                    cause,
                    kind(
                        transfers=tuple([Transfer(*t) for t in moved]),
                        cells=tuple([Cell(*c) for c in cells]),
                        **fields,
                    ),
                )
                for seq, at, tx, cause, kind, fields, moved, cells in group
            ]
            body += encode_all(made)
        last = hashlib.sha256(last + body).digest()
        took_s += time.process_time() - began
    return took_s, count


def main() -> None:
    """Measure one ledger and print it as JSON."""
    took_s, count = bare(sys.argv[1])
    sys.stdout.write(json.dumps({"cpu_s": round(took_s, 3), "events": count}) + "\n")


if __name__ == "__main__":
    main()
