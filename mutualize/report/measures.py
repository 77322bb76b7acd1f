"""What two runs are measured by when they are compared: figures of a summary, and which way is worse.

    <venue>.shortfall.<asset>          what fell short               more is worse
    <venue>.open.<asset>               what nobody has paid          more is worse
    <venue>.tier.<tier>.<asset>        what a tier covered           more is worse
    <venue>.order.<asset>              who paid, in which order      neither
    gain.<role>                        in money, at the end          less is worse
    liquidations, liquidated           how many, and debtors         neither
    expected.<id>                      what an expectation found     neither

All come from `summary.json`, so a run that was written years ago can be measured as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import attrs

from mutualize.report.figures import Data

_NUMERAL: Final = re.compile(r"-?[0-9]{1,120}(\.[0-9]{1,120})?")
"""No exponent and no fraction: what stands in a file must not be able to grow."""

MORE, LESS, ANY = "more", "less", "any"
"""Which way is worse. `any`: neither, so every change counts."""
DIRECTIONS: Final = (MORE, LESS, ANY)


@attrs.frozen
class Measure:
    """One figure of a run: a numeral, or names; None for what did not happen.

    `unit` is the asset, the money of account, or empty for a count; `worse` says which way is worse.
    """

    name: str
    value: str | tuple[str, ...] | None
    unit: str
    worse: str

    @property
    def number(self) -> Fraction | None:
        """The value as an exact number, if it is one."""
        return number(self.value)


def number(value: object) -> Fraction | None:
    """Return the exact number that a numeral says; None for anything else."""
    if not isinstance(value, str) or _NUMERAL.fullmatch(value) is None:
        return None
    return Fraction(value)


def measures(summary: Data) -> dict[str, Measure]:
    """Return what a run is measured by, by name, in the order of the summary."""
    return {measure.name: measure for measure in _all(summary)}


def _all(summary: Data) -> Iterator[Measure]:
    for short in summary["waterfalls"]:
        venue, asset = short["venue"], short["asset"]
        yield Measure(f"{venue}.shortfall.{asset}", short["shortfall"], asset, MORE)
        yield Measure(f"{venue}.open.{asset}", short["open"], asset, MORE)
        yield Measure(f"{venue}.order.{asset}", tuple(short["order"]), "", ANY)
        for tier in short["tiers"]:
            yield Measure(f"{venue}.tier.{tier['tier']}.{asset}", tier["covered"], asset, MORE)
    money = summary["scenario"]["money"]
    for role in summary["gains"]["roles"]:
        yield Measure(f"gain.{role['role']}", role["money"], money, LESS)
    found = summary["liquidations"]
    yield Measure("liquidations", str(found["count"]), "", ANY)
    yield Measure("liquidated", str(found["debtors"]), "", ANY)
    for result in summary["expectations"]["results"]:
        if not result["over"]:
            computed = result["computed"]
            value = tuple(computed) if isinstance(computed, list) else computed
            yield Measure(f"expected.{result['id']}", None if value is None else _text(value), "", ANY)


def _text(value: object) -> str | tuple[str, ...]:
    return value if isinstance(value, tuple) else str(value)
