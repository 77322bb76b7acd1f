"""Expectations in words: met or missed, computed beside published, the three kinds counted apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import DUST, amount, duration, listing, money, percent, places_for, plural, shown


def expectations(summary: Data) -> Iterator[Block]:
    """Show every expectation, and say how much weight they carry together."""
    found = summary["expectations"]
    yield Heading("Expectations")
    if not found["results"]:
        yield Line("None are stated.")
        return
    unit = summary["scenario"]["money"]
    rows = tuple(_row(result, unit) for result in found["results"])
    tones = tuple(_TONES[result["met"]] for result in found["results"])
    yield Table(("", "expectation", "kind", ">published", ">computed", ">deviation", "source"), rows, tones)
    counts = [
        f"{sum(n.values())} {kind} ({n['met']} met)" for kind, n in found["kinds"].items() if sum(n.values())
    ]
    calibrated = plural(found["calibrated"], "input was calibrated", "inputs were calibrated")
    assumed = plural(found["assumed"], "is assumed", "are assumed")
    yield Line(f"{listing(counts)}; {calibrated}, {assumed}.", "good" if not found["missed"] else "bad")
    if found["open"]:
        yield Line(
            f"{plural(found['open'], 'expectation is', 'expectations are')} open: decided by the median over"
            " many seeds, not by one run."
        )
    for result in found["results"]:
        if result["remark"]:
            yield Line(f"{result['id']}: {result['remark']}", "quiet")


def _row(result: Data, unit: str) -> tuple[str, ...]:
    return (
        _WORDS[result["met"]],
        result["id"],
        result["kind"],
        published(result, unit),
        "the same"
        if result["compare"] == "order" and result["met"]
        else written(result["computed"], result, unit),
        deviation(result),
        result["source"],
    )


_WORDS: Final = {True: "met", False: "MISSED", None: "open"}
_TONES: Final = {True: "good", False: "bad", None: ""}
_COMPARE = {"at_least": "at least ", "at_most": "at most "}


def published(result: Data, unit: str) -> str:
    """Word what was expected, with its tolerance."""
    if result["compare"] == "absent":
        return "none"
    if result["compare"] == "order":
        return ", ".join(result["published"])
    values = " to ".join(written(value, result, unit) for value in result["published"])
    tolerance = "" if not result["tolerance"].strip("0.") else f" +- {_tolerance(result, unit)}"
    return f"{_COMPARE.get(result['compare'], '')}{values}{tolerance}"


def _tolerance(result: Data, unit: str) -> str:
    if result["tolerance_share"] is not None:
        return percent(result["tolerance_share"])
    if result["unit"] == "time":
        return duration(int(result["tolerance"]))
    return written(result["tolerance"], result, unit)


def written(value: object, result: Data, unit: str) -> str:
    """Word a figure in its unit."""
    match value:
        case None:
            return "none"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(str(name) for name in value) or "none"
    text = str(value)
    match result["unit"]:
        case "amount":
            return amount(text, result["asset"])
        case "money":
            return money(text, unit)
        case "price":
            return shown(text, places_for([text]))
        case "ratio":
            return percent(text, 2)
    return text


def deviation(result: Data) -> str:
    """Word by how much the computed figure differs: as a share where there is one, else in its unit."""
    share, absolute = result["deviation_share"], result["deviation"]
    if absolute is None or (result["met"] and result["compare"] in _COMPARE):
        return ""
    sign = "" if absolute.startswith("-") or not absolute.strip("0.") else "+"
    if share is not None:
        text = percent(share, 2)
        return text if text.endswith(DUST) else sign + text
    if result["unit"] == "time":
        return ("-" if absolute.startswith("-") else "+") + duration(abs(int(absolute)))
    return sign + shown(absolute, places_for([absolute]))
