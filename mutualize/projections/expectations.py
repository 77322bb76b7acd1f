"""Expectations: outcomes that were stated beforehand, each met or missed.

    kind       held-out (nothing was tuned to it), fitted (something was), identity (follows from an input)
    compare    equals, at_least, at_most, between, first, last, order, absent; with a tolerance
    over       nothing: of this run; 'seeds': of the median over many seeds, which one run cannot decide

A published number is compared in the metric's own integers; a tolerance of '10%' is a share of that number,
any other is absolute (seconds, for moments).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs

from mutualize.errors import MutualizeError
from mutualize.projections.board import Board
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import (
    AMOUNT,
    COUNT,
    MONEY,
    NAMES,
    PRICE,
    RATIO,
    SECONDS,
    TIME,
    Asked,
    Figure,
    Names,
    ask,
)
from mutualize.units import WAD, mul_div_down, parse_decimal

KINDS: Final = ("held-out", "fitted", "identity")
_DECIMALS: Final = {MONEY: 8, PRICE: 8, RATIO: 18, COUNT: 0, SECONDS: 0}


@attrs.frozen(kw_only=True)
class Expectation:
    """What a scenario says about one outcome. `values` are texts as they stand in the file.

    `tolerance` has 18 decimals: a share of the published number where it is `relative`, else absolute.
    """

    id: str
    metric: str
    op: str
    values: Names = ()
    tolerance: int = 0
    relative: bool = False
    at: int | None = None
    kind: str = "held-out"
    source: str = ""
    remark: str = ""
    over: str = ""


@attrs.frozen
class Outcome:
    """One expectation beside what was computed, in the metric's own integers.

    `published` has one number, two for 'between', and none for 'order' (see `order`) and 'absent'.
    `tolerance_share` (WAD) is what the scenario states, where it states a share. `met` says whether this
    figure meets it; where `over` is 'seeds', that decides nothing unless the figure is the median's.
    """

    id: str
    asked: Asked
    op: str
    published: tuple[int, ...]
    order: Names
    computed: Figure
    tolerance: int
    tolerance_share: int | None
    met: bool
    kind: str
    source: str
    remark: str
    at: int | None
    over: str

    @property
    def nearest(self) -> int | None:
        """The published number from which a deviation is counted; for 'between' the nearer bound."""
        if not self.published or not isinstance(self.computed, int):
            return None
        return min(max(self.computed, min(self.published)), max(self.published))

    @property
    def deviation(self) -> int | None:
        """Computed − published, None where there is no number."""
        if self.nearest is None or not isinstance(self.computed, int):
            return None
        return self.computed - self.nearest

    @property
    def deviation_share(self) -> int | None:
        """The deviation as a share of what was published (WAD, toward zero); None for moments and zeros."""
        if self.deviation is None or not self.nearest or self.asked.unit == TIME:
            return None
        share = mul_div_down(abs(self.deviation), WAD, abs(self.nearest))
        return share if self.deviation >= 0 else -share


class Expectations:
    """The expectations of one run. Made before it begins; `outcomes` once it has ended.

    Raises MutualizeError, all mistakes at once, for metrics or values that cannot be understood.
    """

    def __init__(self, expected: Iterable[Expectation], frame: Frame) -> None:
        self._asked = _understand(expected, frame)
        self._frame = frame
        self._seen: dict[str, Figure] = {}

    @property
    def accounts(self) -> Names:
        """The accounts that have to be watched."""
        return tuple(dict.fromkeys(asked.account for _, asked, _ in self._asked if asked.account))

    @property
    def looked_at(self) -> list[tuple[str, int | None]]:
        """What each expectation looks at: the metric's name, and the moment (None: the end)."""
        return [(asked.name, one.at) for one, asked, _ in self._asked]

    def attach(self, board: Board) -> None:
        """Have the board stop at the moments that expectations name."""
        for one, asked, _ in self._asked:
            if one.at is not None:
                board.probe(one.at, partial(self._note, board, one.id, asked))

    def _note(self, board: Board, name: str, asked: Asked) -> None:
        self._seen[name] = asked.figure(board)

    def outcomes(self, board: Board) -> list[Outcome]:
        """Return all outcomes, in the order of the file. The board must have been taken to the end."""
        return self.judged(
            [
                self._seen.get(one.id) if one.at is not None else asked.figure(board)
                for one, asked, _ in self._asked
            ]
        )

    def judged(self, figures: Sequence[Figure]) -> list[Outcome]:
        """Return what becomes of the expectations where these are the figures, one for each."""
        return [
            _judge(one, asked, published, computed, self._frame)
            for (one, asked, published), computed in zip(self._asked, figures, strict=True)
        ]


def _understand(
    expected: Iterable[Expectation], frame: Frame
) -> list[tuple[Expectation, Asked, tuple[int, ...]]]:
    understood: list[tuple[Expectation, Asked, tuple[int, ...]]] = []
    errors: list[MutualizeError] = []
    for one in expected:
        place = f"expect {one.id}"
        try:
            asked = ask(_metric_name(one), place)
            understood.append((one, asked, _published(one, asked, frame, place)))
        except MutualizeError as error:
            errors.append(error)
    if errors:
        first, *others = errors
        raise MutualizeError(first.place, first.problem, first.remedy, code=first.code, others=tuple(others))
    return understood


def _metric_name(one: Expectation) -> str:
    """Return the metric's name: 'first' of 'liquidations' is 'liquidations.first'."""
    suffix = f".{one.op}"
    is_moment = one.op in ("first", "last") and not one.metric.endswith(suffix)
    return one.metric + suffix if is_moment else one.metric


def _published(one: Expectation, asked: Asked, frame: Frame, place: str) -> tuple[int, ...]:
    if one.op == "absent":
        return ()
    if (asked.unit == NAMES) != (one.op == "order"):
        raise MutualizeError(
            place, f"'{asked.name}' cannot be compared by '{one.op}'.", "A list has an order."
        )
    return () if one.op == "order" else tuple(figure_of(text, asked, frame, place) for text in one.values)


def decimals_of(asked: Asked, frame: Frame) -> int:
    """Return the decimals of a metric's integers. Raises KeyError for an unknown asset."""
    return frame.decimals[asked.asset] if asked.unit == AMOUNT else _DECIMALS.get(asked.unit, 0)


def figure_of(text: str, asked: Asked, frame: Frame, place: str = "") -> int:
    """Read a published figure in the metric's unit: '2640000', '85.5%', '2022-11-22T17:20:00Z'.

    Raises MutualizeError at `place`.
    """
    try:
        if asked.unit == TIME:
            return _seconds(text)
        if text.endswith("%") and asked.unit == RATIO:
            return parse_decimal(text[:-1], 16)
        return parse_decimal(text, decimals_of(asked, frame))
    except KeyError:
        raise MutualizeError(place, f"{asked.asset!r} is not an asset of the scenario.") from None
    except ValueError as error:
        raise MutualizeError(place, f"{text!r} is no {asked.unit}: {error}.") from None


def _seconds(text: str) -> int:
    """Return a moment in UTC as seconds since 1970. Raises ValueError for one without its zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it says no time zone; write it as 2022-11-22T17:20:00Z")
    return int(moment.astimezone(UTC).timestamp())


def _tolerance(one: Expectation, asked: Asked, published: int, frame: Frame) -> int:
    """Return the tolerance in the metric's integers, rounded down."""
    if one.relative:
        return mul_div_down(abs(published), one.tolerance, WAD)
    return mul_div_down(one.tolerance, 10 ** decimals_of(asked, frame), WAD)


def _judge(
    one: Expectation, asked: Asked, published: tuple[int, ...], computed: Figure, frame: Frame
) -> Outcome:
    tolerance = _tolerance(one, asked, published[0], frame) if published else 0
    return Outcome(
        id=one.id,
        asked=asked,
        op=one.op,
        published=published,
        order=one.values if one.op == "order" else (),
        computed=computed,
        tolerance=tolerance,
        tolerance_share=one.tolerance if one.relative else None,
        met=_is_met(one, published, computed, tolerance),
        kind=one.kind,
        source=one.source,
        remark=one.remark,
        at=one.at,
        over=one.over,
    )


def _is_met(one: Expectation, published: tuple[int, ...], computed: Figure, tolerance: int) -> bool:
    """Compare. What did not happen meets nothing but 'absent'."""
    if one.op == "absent":
        return not computed
    if one.op == "order":
        return computed == one.values
    if not isinstance(computed, int):
        return False
    low, high = min(published) - tolerance, max(published) + tolerance
    if one.op == "at_least":
        return computed >= low
    return computed <= high if one.op == "at_most" else low <= computed <= high
