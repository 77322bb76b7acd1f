"""Where two ledgers part, in words: the first event that differs, how, and the chain of what led to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from mutualize.encoding import encode
from mutualize.events import Entry
from mutualize.ledger_audit import chain_of_causes, find_first_difference
from mutualize.report.text import clean, moment

CHAIN_SHOWN: Final = 12
"""How many causes are shown; the one that began it all is always the last."""
WIDTH: Final = 160
"""How many characters of a text are shown: a name may be long, and what differs matters."""


def first_difference(before: str | Path, now: str | Path) -> list[str]:
    """Return in lines how two ledgers part; none where they hold the same events under the same header.

    Raises MutualizeError for a file that is missing (4) or no ledger (8), and ValueError for a damaged line.
    """
    return list(_parting(Path(before), Path(now)))


def _parting(before: Path, now: Path) -> Iterator[str]:
    found = find_first_difference(before, now)
    if found is None:
        return
    if found.headers is not None:
        was, is_now = (attrs.asdict(header) for header in found.headers)
        for name, (old, new) in changes(was, is_now).items():
            yield f"the header's {name} was {old} and is {new}"
    if found.seq is None:
        yield "all events are the same"
        return
    yield f"they part at event {found.seq:,}"
    for word, entry in (("was", found.left), ("is ", found.right)):
        yield f"  {word} {'nothing: the ledger ends before' if entry is None else told(entry)}"
    if found.left is not None and found.right is not None:
        for name, (old, new) in changes(flat(found.left), flat(found.right)).items():
            yield f"      {clean(name)}: {cut(old)} -> {cut(new)}"
    chains = [
        chain_of_causes(path, entry.seq)[1:]
        for path, entry in ((before, found.left), (now, found.right))
        if entry is not None
    ]
    if len(chains) > 1 and chains[0] == chains[1]:
        del chains[1]
    for word, chain in zip(("because of", "and now because of"), chains, strict=False):
        yield word
        yield from _chain(chain)


def _chain(chain: list[Entry]) -> Iterator[str]:
    """Show causes, the nearest first; of a long chain its beginning, and the first of all."""
    if not chain:
        yield "  nothing: no event led to it"
    shown, rest = chain[: CHAIN_SHOWN - 1], chain[CHAIN_SHOWN - 1 :]
    for entry in shown:
        yield f"  {told(entry)}"
    if len(rest) > 1:
        yield f"  … {len(rest) - 1:,} more …"
    if rest:
        yield f"  {told(rest[-1])}"


def told(entry: Entry) -> str:
    """Return an entry on one line: its seq, the time, the kind, and its own fields."""
    own = {name: value for name, value in flat(entry).items() if name not in _ENVELOPE and "." not in name}
    fields = " ".join(f"{name}={cut(value)}" for name, value in own.items())
    return f"{entry.seq:,} {moment(entry.at)} {type(entry.event).__name__} {fields}".rstrip()


def cut(value: object) -> str:
    """Return a text fit for a line of a terminal."""
    return clean(f"{value}")[:WIDTH]


_ENVELOPE: Final = ("cause", "kind", "seq", "t", "tx")


def flat(entry: Entry) -> dict[str, Any]:
    """Return what an entry's line holds by dotted path: 'set.aave.USDC', 'transfers.0.amount'."""
    record = json.loads(encode(entry))
    found: dict[str, Any] = {
        name: value for name, value in record.items() if not isinstance(value, dict | list)
    }
    for table, row in record.get("set", {}).items():
        found |= {f"set.{table}.{key}": value for key, value in row.items()}
    for number, transfer in enumerate(record.get("transfers", [])):
        parts = zip(("debit", "credit", "asset", "amount"), transfer, strict=True)
        found |= {f"transfers.{number}.{part}": value for part, value in parts}
    return found


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs, by name: (before, now), with '(none)' for what is not there."""
    return {
        name: (before.get(name, "(none)"), now.get(name, "(none)"))
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    }
