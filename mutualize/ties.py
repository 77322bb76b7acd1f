"""Ties: does an outcome depend on who comes first, where several act in one instant and phase?

    the scenario ─▶ once by arrival, then N times in an order that is drawn ─▶ what differs, if anything

The rule: an order is drawn from a stream named by its number, so order 3 of a scenario is the same on every
machine, whatever the number of orders or processes. Nothing else differs from the run itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from mutualize.book import Book
from mutualize.ending import Ending
from mutualize.ledger import Ledger, header
from mutualize.points import SILENT
from mutualize.projections.board import Board
from mutualize.projections.expectations import decimals_of
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import TIME, Figure, ask
from mutualize.randomness import Stream
from mutualize.report.about import frame_of
from mutualize.report.figures import Data, ratio
from mutualize.report.summary import figure
from mutualize.scenario.build import build
from mutualize.scenario.dump import dump
from mutualize.scenario.limits import Limits
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario
from mutualize.sweep import Failed, sweep
from mutualize.units import WAD, mul_div_down

ORDERS: Final = 8
"""How many orders are tried where no number is given."""

NOTHING: Final = "nothing"
LEDGER: Final = "ledger"
STATE: Final = "state"
OUTCOME: Final = "outcome"


@attrs.frozen
class Order:
    """One run: the scenario's text and folder, and which order of ties (0: by arrival)."""

    text: str
    folder: str
    limits: Limits
    number: int


@attrs.frozen
class Played:
    """What came of an order: the ledger's digest, that of the final state, and the figures compared."""

    digest: str
    state: str
    figures: tuple[Figure, ...]


class Hashed(Ledger):
    """A ledger of which the digest is kept."""

    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        """Let go of what was hashed."""


def compared(frame: Frame) -> list[str]:
    """Return the metrics that say who paid: of every asset and tier, and what liquidators did."""
    tiers = dict.fromkeys(row.tier for row in frame.tiers)
    names: list[str] = []
    for asset in frame.decimals:
        names += [f"shortfall.{asset}", *(f"tier.{tier}.paid.{asset}" for tier in tiers)]
        names += [f"uncovered.{asset}", f"withdrawals.waiting.{asset}"]
        names += [f"liquidations.repaid.{asset}", f"liquidations.seized.{asset}"]
    liquidations = ("count", "first", "last", "bonus", "profit")
    return [*names, "tiers.order", *(f"liquidations.{name}" for name in liquidations)]


def play(order: Order) -> Played:
    """Run a scenario in one order of ties. Raises MutualizeError, or RuntimeError where it does not end."""
    scenario = loads(order.text, Path(order.folder), limits=order.limits)
    ties = Stream(scenario.seed, f"ties/{order.number}") if order.number else None
    board = Board(frame_of(scenario))
    world = build(scenario, Hashed(header(scenario.sha256, scenario.seed, "", "")), log=SILENT, ties=ties)
    world.protocol.observe(board.take)
    ended = world.run()
    if ended is not Ending.COMPLETE:
        raise RuntimeError(f"the run {ended.value}")
    digest = world.protocol.seal(world.now)
    board.until(world.now)
    figures = tuple([ask(name).figure(board) for name in compared(board.frame)])
    return Played(digest, digest_of_state(world.book), figures)


def digest_of_state(book: Book) -> str:
    """Return the digest of every balance and every number of state: also of who holds which share."""
    hashed = hashlib.sha256()
    for row in book.balances():
        hashed.update(repr(row).encode())
    for table in sorted(book.tables()):
        hashed.update(repr((table, sorted(book.table(table).items()))).encode())
    return hashed.hexdigest()


def ties_data(
    scenario: Scenario,
    orders: int = ORDERS,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Data:
    """Run a scenario by arrival and in `orders` drawn orders; return what differs, as the summary has it."""
    text, folder = dump(scenario), str(scenario.folder)
    points = [Order(text, folder, scenario.limits, number) for number in range(orders + 1)]
    first, *others = sweep(play, points, workers=workers, progress=progress)
    assert isinstance(first, Played), f"the run ended before, and does not by arrival: {first}"
    played = [result for result in others if isinstance(result, Played)]
    failed = [result.problem for result in others if isinstance(result, Failed)]
    frame = frame_of(scenario)
    names = compared(frame)
    ledgers = [one for one in played if one.digest != first.digest]
    states = [one for one in played if one.state != first.state]
    figures = [
        varied
        for place, name in enumerate(names)
        if (varied := _varied(name, first.figures[place], [one.figures[place] for one in played], frame))
    ]
    depends = OUTCOME if figures else STATE if states else LEDGER if ledgers else NOTHING
    return {
        "orders": orders,
        "failed": len(failed),
        "problems": failed[:3],
        "depends": depends,
        "other_ledgers": len(ledgers),
        "other_states": len(states),
        "compared": names,
        "figures": figures,
    }


def _varied(name: str, first: Figure, others: Sequence[Figure], frame: Frame) -> Data | None:
    """Return how a figure varies, or None where it does not. Lists of names have no least and greatest."""
    differing = [other for other in others if other != first]
    if not differing:
        return None
    asked = ask(name)
    numbers = [value for value in (first, *others) if isinstance(value, int)]
    decimals = decimals_of(asked, frame)
    return {
        "metric": name,
        "unit": asked.unit,
        "asset": asked.asset,
        "orders": len(differing),
        "arrival": figure(first, asked.unit, decimals),
        "min": figure(min(numbers, default=None), asked.unit, decimals),
        "max": figure(max(numbers, default=None), asked.unit, decimals),
        "spread_share": None if asked.unit == TIME or not first else _share(numbers, first),
    }


def _share(numbers: Sequence[int], first: Figure) -> str | None:
    """Return how far the least and the greatest lie apart, as a share of the figure by arrival."""
    return (
        ratio(mul_div_down(max(numbers) - min(numbers), WAD, abs(first))) if isinstance(first, int) else None
    )
