"""Ties in words: what depends on who comes first, where several act in one instant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import listing, percent, plural, shown
from mutualize.units import DECIMALS_MAX

ANSWERS: Final = {
    "nothing": "Ties do not matter: {orders} give the same ledger, byte for byte.",
    "ledger": "Ties do not matter: {orders} write another ledger, and all end in the same state.",
    "state": "Ties decide who holds what, not who pays: {orders} end in another state, no figure moves.",
    "outcome": "Ties matter: {orders} give other figures.",
}


def ties(summary: Data) -> Iterator[Block]:
    """Show whether the outcome depends on ties, if they were shuffled."""
    found = summary.get("ties")
    if found is None:
        return
    yield Heading(f"Ties: {plural(found['orders'], 'other order')} of those who act in one instant")
    tried = found["orders"] - found["failed"]
    counts = {
        "nothing": f"all {tried}",
        "ledger": _of(found["other_ledgers"], tried),
        "state": _of(found["other_states"], tried),
        "outcome": _of(max((row["orders"] for row in found["figures"]), default=0), tried),
    }
    depends = found["depends"]
    if tried:
        yield Line(ANSWERS[depends].format(orders=counts[depends]), "bad" if depends == "outcome" else "good")
    if found["figures"]:
        columns = ("figure", ">by arrival", ">lowest", ">highest", ">spread", ">orders")
        yield Table(columns, tuple(_row(row, summary["scenario"]["money"]) for row in found["figures"]))
    if found["failed"]:
        problems = "; ".join(found["problems"])
        yield Line(f"{plural(found['failed'], 'order')} did not complete and are left out: {problems}", "bad")


def _of(count: int, tried: int) -> str:
    return f"{count} of {tried}"


def _row(row: Data, money: str) -> tuple[str, ...]:
    unit = {"amount": row["asset"], "money": money, "price": money}.get(row["unit"], "")
    name = f"{row['metric']} ({unit})" if unit and not row["metric"].endswith(f".{unit}") else row["metric"]
    values = [row[key] for key in ("arrival", "min", "max")]
    share = row["spread_share"]
    spread = "-" if share is None else percent(share, 2)
    return (name, *_cells(values, row["unit"]), spread, f"{row['orders']}")


def _cells(values: list[Any], unit: str) -> list[str]:
    """Write the figures of a row: numerals with as few places as tell them apart."""
    if any(isinstance(value, list) for value in values):
        return ["-" if value is None else listing(value) for value in values]
    known = [value for value in values if value is not None]
    if unit not in {"amount", "money", "price", "ratio"}:
        return ["-" if value is None else str(value) for value in values]
    places = next(
        (n for n in range(2, DECIMALS_MAX) if len({shown(value, n) for value in known}) == len(set(known))),
        DECIMALS_MAX,
    )
    return ["-" if value is None else shown(value, places) for value in values]
