"""A point: one run of which only figures are kept, and which figures those are.

    scenario, variant, other values, seed ─▶ point ─▶ run ─▶ a figure for each column

The rule: a point is a run that anybody can repeat: `mutualize run NAME --variant V --seed N --set …` has the
same figures in its report.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from mutualize.ending import Ending
from mutualize.projections.board import Board
from mutualize.projections.expectations import Expectations, decimals_of, figure_of
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import Asked, Figure, ask
from mutualize.report.about import expectations_of, frame_of
from mutualize.report.summary import figure
from mutualize.report.text import moment
from mutualize.scenario.build import build
from mutualize.scenario.dump import dump
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario

Row: TypeAlias = tuple[Any, ...]
"""The figures of a point as they are written: one for each column."""


@attrs.frozen
class Column:
    """One figure that is kept of every point: a metric, at a moment or (None) at the end."""

    metric: str
    at: int | None = None

    def __str__(self) -> str:
        """Return how it is called in a file."""
        return self.metric if self.at is None else f"{self.metric} at {moment(self.at)}"


@attrs.frozen
class Point:
    """One run: the scenario's text and folder, the variant, and other values by their paths."""

    text: str
    folder: str
    variant: str | None
    overrides: tuple[tuple[str, str], ...]
    limits: Limits = LIMITS


def runs_of(scenario: Scenario) -> list[Scenario]:
    """Return the base run and that of each variant; one that is a variant already is alone."""
    names = [] if scenario.variant is not None else list(scenario.variants)
    text = dump(scenario)
    loaded = [loads(text, scenario.folder, (), name, limits=scenario.limits) for name in names]
    return [scenario, *loaded]


def expected_columns(scenario: Scenario) -> list[Column]:
    """Return what each expectation of this run looks at, in their order."""
    asked = Expectations(expectations_of(scenario), frame_of(scenario)).looked_at
    return [Column(metric, at) for metric, at in asked]


def columns_of(scenario: Scenario) -> list[Column]:
    """Return all columns of a run, each once: what is expected, who paid, and what `[spread]` names.

    Raises MutualizeError for what is no metric.
    """
    named = [ask(metric, "spread.metrics").name for metric in scenario.spread.metrics]
    others = [Column(metric) for metric in (*who_paid(scenario), *named)]
    return list(dict.fromkeys((*expected_columns(scenario), *others)))


def who_paid(scenario: Scenario) -> list[str]:
    """Return the metrics that say who paid, for everything that can fall short."""
    names: list[str] = []
    for venue in scenario.venues.values():
        owed = [venue.stablecoin] if venue.kind == "stability" else venue.reserves
        for asset in owed:
            tiers = [f"tier.{tier.tier}.paid.{asset}" for tier in venue.waterfall]
            names += [f"shortfall.{asset}", *tiers, f"uncovered.{asset}", f"haircut.{asset}"]
    return names


def play(point: Point) -> Row:
    """Run a point and return its figures. Raises MutualizeError, or RuntimeError where it does not end."""
    scenario = loads(point.text, Path(point.folder), point.overrides, point.variant, limits=point.limits)
    columns = columns_of(scenario)
    asked = [ask(column.metric) for column in columns]
    board = Board(frame_of(scenario, tuple(dict.fromkeys(one.account for one in asked if one.account))))
    seen: dict[Column, Figure] = {}

    def look(column: Column, one: Asked) -> None:
        seen[column] = one.figure(board)

    for column, one in zip(columns, asked, strict=True):
        if column.at is not None:
            board.probe(column.at, partial(look, column, one))
    world = build(scenario, Discarded(), log=SILENT)
    world.protocol.observe(board.take)
    ended = world.run()
    if ended is not Ending.COMPLETE:
        raise RuntimeError(f"the run {ended.value}")
    board.until(world.now)
    for column, one in zip(columns, asked, strict=True):
        if column.at is None:
            look(column, one)
    return tuple(
        [written(seen.get(column), one, board.frame) for column, one in zip(columns, asked, strict=True)]
    )


def written(value: Figure, asked: Asked, frame: Frame) -> object:
    """Write a figure as files have it."""
    return figure(value, asked.unit, decimals_of(asked, frame))


def read_figure(raw: object, asked: Asked, frame: Frame) -> Figure:
    """Read a figure as files have it. Raises MutualizeError where it is none of this metric."""
    if raw is None or isinstance(raw, int):
        return raw
    if isinstance(raw, list | tuple):
        return tuple(str(name) for name in raw)
    return figure_of(str(raw), asked, frame)


class Silent:
    """A logger that says nothing: what a point has to say are its figures."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _say_nothing


def _say_nothing(*_: object, **__: object) -> None:
    """Say nothing."""


SILENT: Final[Any] = Silent()


class Discarded:
    """A journal that keeps nothing: for runs of which only figures are wanted."""

    def append(self, entries: object) -> bool:
        """Take a transaction, and never be full."""
        del entries
        return False

    @property
    def room(self) -> int:
        """How many entries a stretch may have: it is never full, but a stretch is kept until then."""
        return 1_000

    def append_stretch(self, stretch: object) -> bool:
        """Take many transactions, and never be full."""
        del stretch
        return False

    def close_batch(self) -> None:
        """Close nothing."""

    def seal(self, state: str, status: str = "complete") -> str:
        """Seal nothing; return no digest."""
        del state, status
        return ""
