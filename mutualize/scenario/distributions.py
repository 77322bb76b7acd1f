"""Distributions as they stand in a scenario: a number, or a table with one way of drawing.

5    "0.5"    { uniform = [low, high] }    { triangular = [low, mode, high] }    { power_law = [low, high] }
{ histogram = [[low, high, weight], …] }
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mutualize.randomness import Distribution, Fixed, Histogram, PowerLaw, Triangular, Uniform
from mutualize.scenario.limits import LIMITS, Limits, hold
from mutualize.scenario.place import did_you_mean, shown
from mutualize.scenario.scalars import read_decimal

WAYS: Final = {"uniform": 2, "triangular": 3, "power_law": 2}
"""Ways of drawing that take a few numbers, and how many."""
HISTOGRAM: Final = "histogram"
WEIGHT_MAX: Final = 10**12 * 10**18

Read = Callable[[Any], int]
"""Reads one number; raises ValueError."""


def is_distribution(raw: Any) -> bool:
    """Say whether a table describes a way of drawing."""
    return isinstance(raw, dict) and any(way in raw for way in (*WAYS, HISTOGRAM))


def read_distribution(raw: Any, read: Read, limits: Limits = LIMITS) -> Distribution:
    """Read a number or a way of drawing (without its marks). Raises ValueError."""
    if not isinstance(raw, dict):
        return Fixed(read(raw))
    if len(raw) != 1:
        raise ValueError(f"one way of drawing is needed: {', '.join((*WAYS, HISTOGRAM))}")
    ((way, numbers),) = raw.items()
    if way == HISTOGRAM:
        rows = _list(numbers, "rows", 1)
        hold(limits, "histogram_rows", len(rows), "rows of a histogram")
        return Histogram(tuple(_row(row, read) for row in rows))
    if way not in WAYS:
        raise ValueError(f"{shown(way)} is not a way of drawing. {did_you_mean(way, (*WAYS, HISTOGRAM))}")
    values = [read(number) for number in _list(numbers, "numbers", WAYS[way], WAYS[way])]
    if values != sorted(values):
        raise ValueError(f"the numbers of {way} must not fall")
    if way == "power_law" and values[0] < 1:
        raise ValueError("power_law must begin above zero")
    if way == "triangular":
        return Triangular(*values)
    return Uniform(*values) if way == "uniform" else PowerLaw(*values)


def _list(raw: Any, what: str, least: int, most: int | None = None) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError(f"{shown(raw)} is not a list of {what}")
    if len(raw) < least or (most is not None and len(raw) > most):
        raise ValueError(f"{least if most else f'at least {least}'} {what} are needed, not {len(raw)}")
    return raw


def _row(raw: Any, read: Read) -> tuple[int, int, int]:
    low, high, weight = _list(raw, "numbers (low, high, weight)", 3, 3)
    row = (read(low), read(high), read_decimal(weight, 18, 0, WEIGHT_MAX))
    if row[0] > row[1]:
        raise ValueError(f"a row of the histogram falls: {shown(low)} to {shown(high)}")
    return row


def write_distribution(raw: Any) -> str:
    """Write a distribution in one line as people read it: 'uniform 1 to 5'."""
    if not isinstance(raw, dict):
        return str(raw)
    ((way, numbers),) = raw.items()
    if way == HISTOGRAM:
        return f"{way} of {len(numbers)} rows, {numbers[0][0]} to {numbers[-1][1]}"
    return f"{way} {' to '.join(str(number) for number in numbers)}"
