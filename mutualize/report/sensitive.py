"""Elasticities in words: for each outcome the chosen inputs that move it most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import listing, percent, plural, shown
from mutualize.units import parse_decimal

NAMED_MAX: Final = 8
"""How many inputs are shown for an outcome: those that move it most."""
SMALL: Final = 10**16
"""An elasticity below 0.01 (18 decimals) is not shown."""


def sensitivity_page(data: Data) -> list[Block]:
    """Return the elasticities in words."""
    return list(_page(data))


def _page(data: Data) -> Iterator[Block]:
    about = data["scenario"]
    yield Line(f"{about['name']}: {about['title']}", "strong")
    yield Line(
        f"By how many percent an outcome moves where an input moves by one: each moved by"
        f" {percent(data['step'])} up and down, with {plural(data['seeds'], 'seed')}; the median, and the"
        f" least and greatest over the seeds. Elasticities below 0.01 are left out.",
        "quiet",
    )
    for run in data["runs"]:
        name = f", variant {run['variant']}" if run["variant"] else ""
        yield Heading(f"What moves what{name}")
        rows = [row for outcome in outcomes_moved(run) for row in _rows(run, outcome)]
        columns = ("outcome", "input", "kind", ">elasticity", ">least", ">most")
        yield Table(columns, tuple(rows)) if rows else Line("Nothing moves anything.")
        yield from _left_out(run)


def outcomes_moved(run: Data) -> list[str]:
    """Return the outcomes that some input moves by more than a trifle."""
    return [one["outcome"] for one in run["outcomes"] if strongest(run, one["outcome"])]


def strongest(run: Data, outcome: str) -> list[Data]:
    """Return the elasticities of an outcome that are worth showing, the strongest first."""
    found = [
        one
        for one in run["elasticities"]
        if one["outcome"] == outcome and one["median"] is not None and size(one["median"]) >= SMALL
    ]
    return sorted(found, key=lambda one: -size(one["median"]))[:NAMED_MAX]


def size(number: str) -> int:
    """Return the size of an elasticity (18 decimals)."""
    return abs(parse_decimal(number, 18))


def _rows(run: Data, outcome: str) -> list[tuple[str, ...]]:
    kinds = {one["path"]: one["kind"] for one in run["inputs"]}
    return [
        (
            "" if number else outcome,
            one["input"],
            kinds[one["input"]],
            *(shown(one[name], 2) for name in ("median", "min", "max")),
        )
        for number, one in enumerate(strongest(run, outcome))
    ]


def _left_out(run: Data) -> Iterator[Block]:
    """Say which inputs could not be moved, and which outcomes appear out of nothing."""
    still = [one["path"] for one in run["inputs"] if not one["up"] and not one["down"]]
    halves = [one["path"] for one in run["inputs"] if one["up"] and one["problems"]]
    appear = sorted({one["outcome"] for one in run["elasticities"] if one["median"] is None})
    if still:
        yield Line(f"Not moved, since they are zero or no numbers: {listing(still)}.", "quiet")
    if halves:
        yield Line(f"Moved to one side or none, since the other is no scenario: {listing(halves)}.", "quiet")
    if appear:
        yield Line(f"Moved, but from nothing, or no numbers: {listing(appear)}.", "quiet")
