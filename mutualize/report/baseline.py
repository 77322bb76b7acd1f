"""A baseline: what runs measured when they were last approved, and what may change without being asked about.

    run ─▶ measures ─┐
                     ├─▶ same, within a tolerance, better, worse, changed, new, gone
    baseline.json  ──┘

`mutualize/baseline@1`: `runs` maps a run to its digest and measures, `tolerances` lists rules as they are
given on the command line: `PATTERN=rel:1%,abs:5,worse:more`. The last rule that fits a measure counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.measures import ANY, DIRECTIONS, MORE, Measure, measures, number

SCHEMA: Final = "mutualize/baseline@1"
SAME, WITHIN, BETTER, WORSE, CHANGED, NEW, GONE = (
    "same", "within", "better", "worse", "changed", "new", "gone",
)  # fmt: skip
VERDICTS: Final = (SAME, WITHIN, BETTER, WORSE, CHANGED, NEW, GONE)
FAILING: Final = (WORSE, CHANGED, GONE)
"""What is a regression where nobody says otherwise."""

_RULE: Final = re.compile(r"(?P<pattern>[^=\s]{1,200})=(?P<parts>\S{1,200})")
_NUMBER: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")


@attrs.frozen
class Tolerance:
    """By how much measures that fit a pattern may change: absolutely, or as a share of what they were.

    `worse` overrides which way is worse; empty: as the measure itself says.
    """

    pattern: str
    absolute: Fraction = Fraction(0)
    relative: Fraction = Fraction(0)
    worse: str = ""
    text: str = ""

    def allows(self, before: Fraction, change: Fraction) -> bool:
        """Say whether a change is within what this allows."""
        return abs(change) <= max(self.absolute, self.relative * abs(before))


EXACT: Final = Tolerance("*")


def tolerance(text: str, place: str = "--tol") -> Tolerance:
    """Read a rule. Raises MutualizeError at `place` for one that cannot be understood."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise MutualizeError(place, f"{text[:80]!r} is no rule.", "Write 'PATTERN=rel:1%,abs:5'.")
    values: dict[str, Any] = {}
    for part in found["parts"].split(","):
        name, _, value = part.partition(":")
        if name == "worse" and value in DIRECTIONS:
            values["worse"] = value
        elif name in ("abs", "rel") and _NUMBER.fullmatch(value.removesuffix("%" if name == "rel" else "")):
            share = Fraction(value.removesuffix("%"))
            percent = name == "rel" and value.endswith("%")
            values["absolute" if name == "abs" else "relative"] = share / 100 if percent else share
        else:
            remedy = "Write 'abs:NUMBER', 'rel:SHARE', 'rel:PERCENT%' or 'worse:more|less|any'."
            raise MutualizeError(place, f"{part[:80]!r} says nothing about {found['pattern']!r}.", remedy)
    return Tolerance(found["pattern"], text=text, **values)


@attrs.frozen
class Compared:
    """One measure beside what it was. `change` and `share` of it are None where there is no number."""

    name: str
    unit: str
    before: str | tuple[str, ...] | None
    now: str | tuple[str, ...] | None
    change: Fraction | None
    share: Fraction | None
    verdict: str


@attrs.frozen
class Baseline:
    """What runs measured when they were last approved."""

    runs: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    tolerances: tuple[Tolerance, ...] = ()

    def knows(self, run: str) -> bool:
        """Say whether a run is in it."""
        return run in self.runs

    def compared(self, run: str, summary: Data, more: Iterable[Tolerance] = ()) -> list[Compared]:
        """Return every measure of a run beside what it was; nothing where the run is new."""
        if run not in self.runs:
            return []
        before, now = self.runs[run]["measures"], measures(summary)
        rules = (*self.tolerances, *more)
        found = [compare(measure, before.get(name, NEW_HERE), rules) for name, measure in now.items()]
        found += [
            Compared(name, "", _value(value), None, None, None, GONE)
            for name, value in before.items()
            if name not in now
        ]
        return found

    def gone(self, ran: Iterable[str]) -> list[str]:
        """Return the runs of the same scenarios that are in it, and were not there to be run."""
        names = list(ran)
        scenarios = {name.partition("/")[0] for name in names}
        return sorted(
            set(self.runs) - set(names) - {n for n in self.runs if n.partition("/")[0] not in scenarios}
        )


NEW_HERE: Final = object()
"""Stands for a measure that is not in a baseline."""


def compare(measure: Measure, before: object, rules: Sequence[Tolerance] = ()) -> Compared:
    """Compare one measure with what it was."""
    if before is NEW_HERE:
        return Compared(measure.name, measure.unit, None, measure.value, None, None, NEW)
    was, was_number, is_number = _value(before), number(before), measure.number
    change = None if was_number is None or is_number is None else is_number - was_number
    share = change / abs(was_number) if change is not None and was_number else None
    rule = next((rule for rule in reversed(rules) if fnmatchcase(measure.name, rule.pattern)), EXACT)
    return Compared(
        measure.name, measure.unit, was, measure.value, change, share,
        _verdict(measure, was, was_number, change, rule),
    )  # fmt: skip


def _verdict(
    measure: Measure, was: object, before: Fraction | None, change: Fraction | None, rule: Tolerance
) -> str:
    if change is None or before is None:
        return SAME if was == measure.value else CHANGED
    if not change:
        return SAME
    if rule.allows(before, change):
        return WITHIN
    worse = rule.worse or measure.worse
    if worse == ANY:
        return CHANGED
    return WORSE if (worse == MORE) == (change > 0) else BETTER


def _value(value: object) -> str | tuple[str, ...] | None:
    """Return a measure's value as it is kept: lists of names come back from JSON as lists."""
    return (
        tuple(map(str, value)) if isinstance(value, list | tuple) else None if value is None else str(value)
    )


# --- the file --------------------------------------------------------------------------------------------


def read(path: Path) -> Baseline:
    """Read a baseline. Raises MutualizeError where it is missing (4), or is none (2)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "Write it with --update."
        raise MutualizeError(str(path), "there is no such file.", remedy, code=Exit.MISSING) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MutualizeError(str(path), f"cannot be read: {type(error).__name__}.", code=Exit.IO) from None
    problem = (
        problem_of(data)
        if isinstance(data, dict) and data.get("schema") == SCHEMA
        else f"its schema is not {SCHEMA}"
    )
    if problem:
        remedy = "Write a new one with --update, into another file."
        raise MutualizeError(str(path), f"is no baseline: {problem}.", remedy)
    rules = tuple(tolerance(text, str(path)) for text in data["tolerances"])
    return Baseline(data["runs"], rules)


def problem_of(data: Any) -> str:
    """Return what is wrong with the content of a baseline; empty where nothing is."""
    return "; ".join(_problems(data))


def _problems(data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        yield "it is no table"
        return
    runs, rules = data.get("runs"), data.get("tolerances")
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        yield "'tolerances' is no list of rules"
    if not isinstance(runs, dict):
        yield "'runs' is no table of runs"
        return
    for name, run in runs.items():
        found = run.get("measures") if isinstance(run, dict) else None
        if not isinstance(found, dict) or not isinstance(run.get("digest"), str):
            yield f"run {name[:80]!r} has no measures and digest"
        elif not all(_is_value(value) for value in found.values()):
            yield f"a measure of run {name[:80]!r} is no numeral"


def _is_value(value: object) -> bool:
    listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str) or listed


def written(before: Baseline, summaries: Mapping[str, Data], more: Iterable[Tolerance] = ()) -> str:
    """Return the text of a baseline: runs as they are now, those of other scenarios as they were."""
    missing = before.gone(summaries)
    runs = {name: run for name, run in before.runs.items() if name not in missing}
    for name, summary in summaries.items():
        found = {measure.name: measure.value for measure in measures(summary).values()}
        runs[name] = {"digest": summary["ledger"]["digest"], "measures": found}
    rules = list(dict.fromkeys([rule.text for rule in (*before.tolerances, *more)]))
    data = {"schema": SCHEMA, "tolerances": rules, "runs": runs}
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
