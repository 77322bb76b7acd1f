"""All that a page tells of a run, as plain data: rows of events, what the waterfalls did, and the words."""

from __future__ import annotations

from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.errors import MutualizeError
from mutualize.events import Entry, Staked
from mutualize.report.figures import Data
from mutualize.report.text import clean
from mutualize.report.web.columns import Columns, Names
from mutualize.report.web.holdings import Holdings
from mutualize.report.web.roles import Roles
from mutualize.report.web.sentences import GLOSSARY, SENTENCES
from mutualize.report.web.source import Source
from mutualize.report.web.steps import Steps
from mutualize.report.web.thinning import Rows, room_of, rows_of
from mutualize.report.web.what_if import HOLDERS_MAX, case_data, case_of

LISTED_MAX: Final = 3_000
"""So many inputs are listed; a summary with more says how many there are."""


def story(source: Source, sides: int = 1) -> Data:
    """Return what a page shows; one of several `sides` has its part of the room.

    Raises MutualizeError where the summary is not the ledger's.
    """
    rows = rows_of(source.entries()) if sides == 1 else rows_of(source.entries(), *room_of(sides))
    steps, names, roles = Steps(source.summary), Names(), Roles()
    columns = Columns(names)
    holdings = Holdings(*_watched(source))
    merging = _Merging(columns, roles)
    start = end = 0
    for entry in source.entries():
        row = rows.row_of[entry.seq]
        start, end = (start if entry.seq else entry.at), entry.at
        roles.take(entry)
        holdings.take(entry, row)
        steps.take(entry, row)
        if rows.sizes[row] > 1:
            merging.take(entry, row, rows.sizes[row])
        else:
            columns.add(entry, row, None if entry.cause is None else rows.row_of[entry.cause])
    _require_same(source.summary, steps)
    held = holdings.data(names.number)
    told = columns.data()
    return {
        "events": told | {"start": start, "sizes": _sizes(rows), "all": len(rows.row_of), "end": end},
        "waterfalls": [row | _what_if(steps, holdings, names, row) for row in steps.data()],
        "holdings": held,
        "names": [clean(name) for name in names.all()],
        "roles": [roles.of(name) for name in names.all()],
        "decimals": steps.decimals,
        "money": source.summary["scenario"]["money"],
        "block_s": source.summary["scenario"].get("block_s"),  # a summary of before has none
        "sentences": {kind: SENTENCES.get(kind, "") for kind, *_ in told["kinds"]},
        "glossary": GLOSSARY,
        "title": clean(source.summary["scenario"]["title"]),
        "name": clean(source.summary["scenario"]["name"]),
    }


def _watched(source: Source) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """Return the waterfalls and the stakes whose holders' units are followed."""
    shorts = [(short["venue"], short["asset"]) for short in source.summary["waterfalls"]]
    if not shorts:
        return [], []
    stakes = {
        (event.venue, event.stake): event.asset
        for event in (entry.event for entry in source.entries())
        if isinstance(event, Staked)
    }
    return shorts, [(*key, asset) for key, asset in sorted(stakes.items())]


def _sizes(rows: Rows) -> str:
    """Return how many events each row holds, or nothing where each holds one."""
    return ",".join(str(size) for size in rows.sizes) if rows.is_thinned else ""


class _Merging:
    """Rows that stand for several events: what they moved together, by accounts and roles."""

    def __init__(self, columns: Columns, roles: Roles) -> None:
        self._columns, self._roles = columns, roles
        self._moved: dict[tuple[str, str, str], int] = {}
        self._seen = 0

    def take(self, entry: Entry, row: int, size: int) -> None:
        """Take one of them in; with the last the row is written."""
        for debit, credit, asset, amount in entry.event.transfers:
            key = (self._account(debit), self._account(credit), asset)
            self._moved[key] = self._moved.get(key, 0) + amount
        self._seen += 1
        if self._seen == size:
            moved = [(*key, amount) for key, amount in sorted(self._moved.items())]
            self._columns.add_merged(size, entry.at, moved, row)
            self._moved, self._seen = {}, 0

    def _account(self, account: str) -> str:
        venue, _, name = account.partition(":")
        return f"{OUTSIDE}:{self._roles.of(name)}" if venue == OUTSIDE else account


def _what_if(steps: Steps, holdings: Holdings, names: Names, row: Data) -> Data:
    """Return what can be shared out again, and among whom."""
    key = (row["venue"], row["asset"])
    case, why = case_of(steps, key, [tier["tier"] for tier in row["tiers"]])
    if case is None:
        return {"what_if": None, "why_not": why, "claims": None}
    claims = sorted((who, claim) for who, claim in holdings.first.get(key, {}).items() if claim)
    few = bool(claims) and len(claims) <= HOLDERS_MAX
    return {
        "what_if": case_data(case),
        "why_not": "",
        "claims": [[names.number(who), str(claim)] for who, claim in claims] if few else None,
    }


def _require_same(summary: Data, steps: Steps) -> None:
    """Hold what was folded against the summary. Raises MutualizeError where they differ."""
    folded = [
        (short.venue, short.asset, [name for name, tier in short.tiers.items() if tier.covered])
        for short in steps.shortfalls()
    ]
    written = [
        (short["venue"], short["asset"], [t["tier"] for t in short["tiers"] if t["covered"].strip("0.")])
        for short in summary["waterfalls"]
    ]
    if folded != written:
        raise MutualizeError("summary.json", "does not tell what its ledger does.", "Run the scenario again.")
