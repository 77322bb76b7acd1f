"""Two pictures: how outcomes spread (bars beside what was expected), and what moves them (a tornado)."""

from __future__ import annotations

from typing import Any, Final

import attrs

from mutualize.report.earned import is_nothing
from mutualize.report.figures import Data
from mutualize.report.sensitive import outcomes_moved, strongest
from mutualize.report.svg import INK, QUIET, Picture, cut
from mutualize.report.text import plural, seconds_of, shown
from mutualize.report.verdicts import published, written
from mutualize.units import DECIMALS_MAX, mul_div_down, parse_decimal

WIDTH: Final = 1150
LEFT: Final = 330
"""Where the scale begins: the names stand before it."""
RIGHT: Final = 760
"""Where it ends: the numbers stand behind it."""
SEEDS: Final = "#2f6fb3"
PALE: Final = "#b9d2ea"
FITTING: Final = "#c77700"
FITTING_PALE: Final = "#f3d9b0"
EXPECTED: Final = "#cfe8cf"
MISSED: Final = "#f2c9c9"
UP: Final = "#2f6fb3"
DOWN: Final = "#b3452f"
ROW: Final = 40


# --- how outcomes spread ---------------------------------------------------------------------------------


def spread_picture(data: Data) -> str:
    """Return the spread as SVG: a row for each outcome that is a number, each on a scale of its own."""
    about = data["scenario"]
    picture = Picture(WIDTH, f"{about['name']}: how outcomes spread")
    picture.words(16, 28, f"{about['name']}: how outcomes spread over {plural(data['seeds'], 'seed')}",
                  size=16, bold=True)  # fmt: skip
    y = _legend(picture, 46, data)
    for run in data["runs"]:
        rows = [one for one in run["outcomes"] if one["seeds"] and not is_nothing(one) and _is_number(one)]
        if rows:
            y += 26
            picture.words(16, y, f"variant {run['variant']}" if run["variant"] else "the scenario", bold=True)
            y += 8
        for one in rows:
            _outcome(picture, y, one, about["money"])
            y += ROW
    return picture.text()


def _legend(picture: Picture, y: int, data: Data) -> int:
    marks = [
        (PALE, "least to most over seeds"),
        (SEEDS, "5 % to 95 %"),
        (EXPECTED, "expected, with tolerance"),
    ]
    if data["draws"]:
        fit = f"{data['draws']['fit']} of {data['draws']['count']} drawn sets of inputs fit: 5 % to 95 %"
        marks.append((FITTING, fit))
    x = 16
    for color, words in marks:
        picture.box(x, y, 14, 10, color)
        picture.words(x + 20, y + 9, words, size=11, color=QUIET)
        x += 44 + 6 * len(words)
    return y + 10


def _is_number(one: Data) -> bool:
    return one["unit"] != "names" and any(one["seeds"][name] is not None for name in ("min", "max"))


@attrs.frozen
class Scale:
    """A straight scale between two integers."""

    low: int
    high: int

    def x(self, value: int) -> int:
        """Return where a value lies; one beyond an end lies at it."""
        kept = min(max(value, self.low), self.high)
        return LEFT + mul_div_down(kept - self.low, RIGHT - LEFT, max(1, self.high - self.low))


def _outcome(picture: Picture, y: int, one: Data, unit: str) -> None:
    wanted = _wanted(one)
    values = [_size(one[over][name], one) for over in ("seeds", "fitting") if one[over]
              for name in ("min", "max") if one[over][name] is not None]  # fmt: skip
    known = [*values, *(bound for bound in wanted if bound is not None)]
    margin = max(1, mul_div_down(max(known) - min(known), 1, 12))
    scale = Scale(min(known) - margin, max(known) + margin)
    name = one["id"] or one["metric"]
    picture.words(16, y + 16, cut(name, 50), size=12)
    if one["id"]:
        within = f"{one['seeds']['met']} of {one['seeds']['count']} within {published(one, unit)}"
        picture.words(16, y + 30, cut(f"{one['kind']}: {within}", 56), size=10, color=QUIET)
    if one["id"]:
        low, high = (bound for bound in wanted)
        start = LEFT if low is None else scale.x(low)
        end = RIGHT if high is None else scale.x(high)
        color = EXPECTED if one["met"] else MISSED
        picture.box(
            start, y + 4, max(2, end - start), ROW - 8, color, hint=f"expected: {published(one, unit)}"
        )
    picture.line(LEFT, y + ROW - 2, RIGHT, y + ROW - 2, "#e4e7eb")
    _bar(picture, y + 9, one, "seeds", scale, unit)
    _bar(picture, y + 24, one, "fitting", scale, unit)
    picture.words(RIGHT + 16, y + 16, cut(_told(one, "median", unit), 44), size=12)
    middle = f"5 % to 95 %: {_told(one, 'p5', unit)} to {_told(one, 'p95', unit)}"
    picture.words(RIGHT + 16, y + 30, cut(middle, 62), size=10, color=QUIET)


def _bar(picture: Picture, y: int, one: Data, over: str, scale: Scale, unit: str) -> None:
    found = one[over]
    if found is None or found["min"] is None:
        return
    pale, color = (PALE, SEEDS) if over == "seeds" else (FITTING_PALE, FITTING)
    at = {name: scale.x(_size(found[name], one)) for name in ("min", "p5", "median", "p95", "max")}
    hint = f"{_word(found['min'], one, unit)} to {_word(found['max'], one, unit)}"
    picture.box(at["min"], y + 2, at["max"] - at["min"], 5, pale, hint=hint)
    hint = f"{_word(found['p5'], one, unit)} to {_word(found['p95'], one, unit)}"
    picture.box(at["p5"], y, at["p95"] - at["p5"], 9, color, hint=hint)
    picture.line(at["median"], y - 3, at["median"], y + 12, INK, 2)


def _wanted(one: Data) -> tuple[int | None, int | None]:
    """Return the range that is expected, with its tolerance; None where it is open."""
    if not one["id"] or one["compare"] in ("order", "absent") or not one["published"]:
        return None, None
    values = [_size(value, one) for value in one["published"]]
    tolerance = _size(one["tolerance"], {"unit": "seconds" if one["unit"] == "time" else one["unit"]})
    low, high = min(values) - tolerance, max(values) + tolerance
    return (None if one["compare"] == "at_most" else low), (None if one["compare"] == "at_least" else high)


def _size(value: Any, one: Data) -> int:
    """Return a figure as an integer on its scale: seconds of a moment, else with all decimals there are."""
    text = str(seconds_of(value)) if one["unit"] == "time" else str(value)
    return parse_decimal(text, DECIMALS_MAX)


def _told(one: Data, name: str, unit: str) -> str:
    return _word(one["seeds"][name], one, unit)


def _word(value: Any, one: Data, unit: str) -> str:
    return "none" if value is None else written(value, one, unit)


# --- what moves them -------------------------------------------------------------------------------------


def tornado(data: Data) -> str:
    """Return the elasticities as SVG: for each outcome the inputs that move it most, the strongest first."""
    about = data["scenario"]
    picture = Picture(WIDTH, f"{about['name']}: what moves what")
    picture.words(16, 28, f"{about['name']}: by how many percent outcomes move with one percent of an input",
                  size=16, bold=True)  # fmt: skip
    picture.words(16, 46, f"median over {plural(data['seeds'], 'seed')}; the thin line runs from the least to"
                  " the greatest", size=11, color=QUIET)  # fmt: skip
    y = 56
    for run in data["runs"]:
        for outcome in outcomes_moved(run):
            variant = f"{run['variant']}: " if run["variant"] else ""
            y += 26
            picture.words(16, y, f"{variant}{outcome}", bold=True)
            y = _tornado(picture, y + 8, run, strongest(run, outcome))
    return picture.text()


def _tornado(picture: Picture, y: int, run: Data, rows: list[Data]) -> int:
    ends = [parse_decimal(one[name], 18) for one in rows for name in ("min", "max", "median")]
    reach = max(abs(end) for end in ends)
    scale, kinds = Scale(-reach, reach), {one["path"]: one["kind"] for one in run["inputs"]}
    middle, start = scale.x(0), y
    for one in rows:
        low, value, high = (parse_decimal(one[name], 18) for name in ("min", "median", "max"))
        at = scale.x(value)
        picture.words(LEFT - 10, y + 12, cut(one["input"], 52), size=11, end=True)
        hint = f"{one['input']}: {shown(one['median'], 2)} ({shown(one['min'], 2)} to {shown(one['max'], 2)})"
        picture.box(min(at, middle), y + 2, abs(at - middle), 12, UP if value > 0 else DOWN, hint=hint)
        picture.line(scale.x(low), y + 8, scale.x(high), y + 8, INK)
        picture.words(RIGHT + 16, y + 12, f"{shown(one['median'], 2)}  {kinds[one['input']]}", size=11)
        y += 18
    picture.line(middle, start, middle, y, INK)
    return y
