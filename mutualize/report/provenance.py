"""How far to believe a run: chosen inputs, disputes between sources, what was left out, identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mutualize.report.blocks import Block, Heading, Line
from mutualize.report.figures import Data
from mutualize.report.text import plural

NAMED_MAX: Final = 6
"""How many inputs with the same mark are named."""
_KINDS: Final = ("override", "calibrated", "assumed")
_WORDS: Final = {"override": "set for this run", "calibrated": "calibrated to", "assumed": "assumed"}


def provenance(summary: Data) -> Iterator[Block]:
    """Show inputs that are no published facts first, then disputes, and limits."""
    yield from inputs(summary["inputs"])
    yield from conflicts(summary["conflicts"])
    yield Heading("Not modelled")
    for text in summary["not_modelled"] or ["The scenario does not say."]:
        yield Line(f"- {text}", indent=1)
    yield Heading("How figures are arrived at")
    for text in summary["method"]:
        yield Line(f"- {text}", "quiet", indent=1)
    for gap in summary["gaps"]:
        yield Line(
            f"- No price of {gap['market']} from {gap['start']} to {gap['end']}: trading is halted.", indent=1
        )


def inputs(found: Data, named_max: int = NAMED_MAX) -> Iterator[Block]:
    """List overrides, calibrated and assumed inputs, those with the same mark together; count the facts.

    Of those with the same mark, `named_max` are named.
    """
    yield Heading("Inputs that are not published facts")
    groups: dict[tuple[str, str], list[str]] = {}
    for given in found["listed"]:
        if given["kind"] in _KINDS:
            groups.setdefault((given["kind"], given["why"]), []).append(f"{given['path']} = {given['value']}")
    for (kind, why), named in groups.items():
        yield Line(
            f"{_WORDS[kind]}: {why} ({plural(len(named), 'number')})" if why else _WORDS[kind], "strong"
        )
        for text in named[:named_max]:
            yield Line(text, indent=1)
        if len(named) > named_max:
            yield Line(f"and {len(named) - named_max} more: `mutualize show` names all", indent=1)
    counts = found["counts"]
    yield Line(
        f"In all: {plural(counts['calibrated'], 'calibrated number')}, {counts['assumed']} assumed,"
        f" {counts['override']} set for this run, {plural(counts['fact'], 'published fact')}."
    )


def conflicts(found: list[Data]) -> Iterator[Block]:
    """Show what published sources disagree on."""
    if found:
        yield Heading("What published sources disagree on")
    for conflict in found:
        says = "; ".join(f"{says['value']} ({says['source']})" for says in conflict["says"])
        yield Line(f"{conflict['about']}: {says}.", indent=1)
        if conflict["remark"]:
            yield Line(conflict["remark"], "quiet", indent=2)


def identity(summary: Data, commands: Sequence[tuple[str, str]] = ()) -> Iterator[Block]:
    """Show the run's digest, and the commands that reproduce it and look further."""
    ledger = summary["ledger"]
    yield Heading("This run")
    yield Line(f"digest {ledger['digest']}", "strong")
    ended = f"ended {ledger['ended']} at {ledger['at']}"
    yield Line(f"{ledger['events']:,} events, seed {summary['scenario']['seed']}, {ended}", "quiet")
    for purpose, command in commands:
        yield Line(f"{purpose}: {command}", wrap=False)
