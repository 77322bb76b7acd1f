"""Trove systems in a report: where the collateral of liquidated troves went, and recovery mode."""

from __future__ import annotations

from collections.abc import Iterator

from mutualize.projections.board import Board
from mutualize.projections.troves import System
from mutualize.report.blocks import Block, Heading, Line
from mutualize.report.figures import Data, Figures, ratio, when
from mutualize.report.text import amount, duration, listing, percent, plural


def troves_data(board: Board) -> list[Data]:
    """Return what became of each trove system; empty where there are none."""
    return [_system(board, system) for system in board.troves.all()]


def _system(board: Board, system: System) -> Data:
    def numeral(number: int) -> str:
        return Figures(board).amount(system.collateral, number)

    return {
        "venue": system.venue,
        "collateral": system.collateral,
        "liquidated": system.liquidated,
        "held": numeral(system.held),
        "took": {tier: numeral(took) for tier, took in system.took.items()},
        "surplus": numeral(system.surplus),
        "claimed": numeral(system.claimed),
        "critical_ratio": ratio(system.critical_ratio),
        "ratio_min": None if system.ratio_min is None else ratio(system.ratio_min),
        "ratio_min_at": when(system.ratio_min_at),
        "recovery": {
            "first": when(system.recovery_first),
            "last": when(system.recovery_last),
            "spells": system.spells,
            "seconds": system.recovered_s(board.mirror.at),
        },
    }


def troves(summary: Data) -> Iterator[Block]:
    """Show what became of the trove systems; nothing where there are none."""
    for system in summary["troves"]:
        yield Heading(f"The troves of {system['venue']}")
        yield Line(_went(system))
        yield Line(_recovery(system))


def _went(system: Data) -> str:
    """Say where the collateral of liquidated troves went."""
    if not system["liquidated"]:
        return "No trove was liquidated."
    asset = system["collateral"]
    parts = [f"{amount(took, asset)} to {tier}" for tier, took in system["took"].items()]
    if any(digit in "123456789" for digit in system["surplus"]):
        parts.append(f"{amount(system['surplus'], asset)} to their owners, to claim")
    words = f": {listing(parts)}; the rest is their liquidators'" if parts else ""
    held = f"{plural(system['liquidated'], 'trove')} with {amount(system['held'], asset)}"
    return f"Liquidated: {held}{words}."


def _recovery(system: Data) -> str:
    """Say how near all troves together came to recovery mode, or how long they were in it."""
    if system["ratio_min"] is None:
        return "Nobody owed anything."
    lowest = f"{percent(system['ratio_min'])} at {system['ratio_min_at']}"
    mode, critical = system["recovery"], percent(system["critical_ratio"])
    if not mode["spells"]:
        return f"All together were never in recovery mode (below {critical}); the lowest ratio was {lowest}."
    spells = "" if mode["spells"] == 1 else f", {mode['spells']} times"
    until = f"until {mode['last']}" if mode["last"] else "to the end"
    return (
        f"All together were in recovery mode (below {critical}) from {mode['first']} {until}{spells},"
        f" {duration(mode['seconds'])} in all; the lowest ratio was {lowest}."
    )
