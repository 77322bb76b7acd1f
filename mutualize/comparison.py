"""Comparing runs by what they are called: folders of runs, scenarios, or one scenario with other values.

    runs/a runs/b                       two runs that are there
    three-tiers umbrella-2025           two scenarios, which are run first
    three-tiers --set PATH=V            one scenario as it is, beside itself with another value

What has to be run is run into a folder of its own, which goes when the comparison is done.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_reader import Condition, verify
from mutualize.report.alternatives import ALTERNATIVES_MAX
from mutualize.report.compared import Comparison, Side, compared
from mutualize.report.figures import Data
from mutualize.report.folder import LEDGER, SCENARIO, SUMMARY
from mutualize.report.summary import SCHEMA
from mutualize.run import Progress, Run
from mutualize.run import run as run_scenario
from mutualize.scenario.limits import limits_of
from mutualize.scenario.load import load

SIDES_MAX: Final = 16
"""So many runs are compared at once."""


@attrs.frozen
class Plan:
    """One side before it is there: a run that is kept, or a scenario with what is changed in it."""

    label: str
    source: str
    settings: tuple[str, ...] = ()
    variant: str | None = None


def plans_of(names: Sequence[str], settings: Sequence[str], variants: Sequence[str]) -> list[Plan]:
    """Return what is to be compared. Raises MutualizeError (2) where there is nothing, or too much."""
    changed = [*settings, *variants]
    if len(names) > 1 and changed:
        raise MutualizeError("--set", "several runs are compared as they are.", "Name one, to change it.")
    if len(names) == 1 and not changed:
        remedy = "Name another run, or say what to change by --set or --variant."
        raise MutualizeError("", f"{names[0]} is alone: there is nothing to compare it with.", remedy)
    plans = [Plan(name, name) for name in names]
    if changed:
        plans += [
            Plan(
                " ".join([*([variant] if variant else []), *chosen]), _scenario_of(names[0]), chosen, variant
            )
            for variant in variants or (None,)
            for chosen in _choices(settings)
        ]
    if len(plans) > SIDES_MAX:
        problem = f"{len(plans):,} runs are too many to be read beside each other: at most {SIDES_MAX}."
        raise MutualizeError("--set", problem, code=Exit.LIMIT)
    return _told_apart(plans)


def _choices(settings: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the settings of each side: a path that is given several times has several values."""
    paths: dict[str, list[str]] = {}
    for setting in settings:
        paths.setdefault(setting.partition("=")[0], []).append(setting)
    yield from product(*paths.values())


def _told_apart(plans: Sequence[Plan]) -> list[Plan]:
    """Give two runs of one name a number each."""
    labels = [plan.label for plan in plans]
    return [
        attrs.evolve(plan, label=f"{plan.label} ({number})") if labels.count(plan.label) > 1 else plan
        for number, plan in enumerate(plans, 1)
    ]


def _ledger_in(source: str) -> Path | None:
    """Return the ledger of a run that is kept; None where it is a scenario's name."""
    path = Path(source)
    if path.is_dir():
        return path / LEDGER if (path / LEDGER).is_file() else None
    return path if path.suffix == ".jsonl" else None


def _scenario_of(source: str) -> str:
    """Return what is to be run anew: of a run that is kept, the scenario beside its ledger."""
    ledger = _ledger_in(source)
    return source if ledger is None else str(ledger.parent / SCENARIO)


def compare_runs(
    names: Sequence[str],
    settings: Sequence[str] = (),
    variants: Sequence[str] = (),
    *,
    seed: int | None = None,
    limits: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Comparison:
    """Compare runs with the first of them.

    Raises MutualizeError where there is nothing to compare, for what is missing (4), no ledger (8) or cannot
    be run, and where the money of account differs (2).
    """
    with comparing(names, settings, variants, seed=seed, limits=limits, progress=progress) as found:
        return found


@contextmanager
def comparing(
    names: Sequence[str],
    settings: Sequence[str] = (),
    variants: Sequence[str] = (),
    *,
    seed: int | None = None,
    limits: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Iterator[Comparison]:
    """Compare as `compare_runs` does; the ledgers of all sides are there for as long as the block goes on."""
    with TemporaryDirectory(prefix="mutualize-compare-") as place:
        sides = [
            _side(plan, Path(place) / str(number), seed, limits, progress)
            for number, plan in enumerate(plans_of(names, settings, variants))
        ]
        yield compared(sides)


def _side(
    plan: Plan, place: Path, seed: int | None, limits: tuple[str, ...], progress: Progress | None
) -> Side:
    ledger = _ledger_in(plan.source)
    if ledger is None:
        ran = _ran(plan, seed, limits, progress, out=place)
        return Side(plan.label, ran.summary, place / LEDGER)
    if seed is not None:
        raise MutualizeError("--seed", f"{plan.label} is a run that is there.", "Name a scenario instead.")
    return side_of(plan.label, plan.source)


def side_of(label: str, source: str) -> Side:
    """Return a run that is kept as one side. Raises MutualizeError as `compare_runs` does."""
    ledger = _ledger_in(source)
    if ledger is None:
        raise MutualizeError(source, "holds no run.", code=Exit.MISSING)
    return Side(label, _summary_of(ledger), ledger)


def _ran(
    plan: Plan, seed: int | None, limits: tuple[str, ...], progress: Progress | None, **kept: Any
) -> Run:
    ran = run_scenario(
        plan.source, seed=seed, set=plan.settings, variant=plan.variant, limits=limits, progress=progress,
        **kept,
    )  # fmt: skip
    if ran.ended.code is not Exit.OK:
        raise MutualizeError(plan.label, f"the run ended {ran.ended.value}.", code=ran.ended.code)
    return ran


# --- alternatives of one run ------------------------------------------------------------------------------


def alternative_plans(
    source: str,
    given: Sequence[str],
    *,
    every: bool = False,
    settings: tuple[str, ...] = (),
    variant: str | None = None,
    limits: tuple[str, ...] = (),
) -> list[Plan]:
    """Return the alternatives of a run that was asked for as `source` with `settings` and `variant`.

    given   what is changed in each: 'VARIANT PATH=VALUE …', any of them left out
    every   each variant of the scenario as well

    Raises MutualizeError for what cannot be understood (2), too many (5), and where a variant is asked for
    and the scenario is one already (2).
    """
    plans = [_alternative(source, text, settings, variant) for text in given]
    if every:
        scenario = load(source, limits=limits_of(limits))
        if scenario.applied is not None:
            problem = f"this is the variant {scenario.applied}, and no other can be put on top of it."
            raise MutualizeError("--alternatives", problem, "Take a run of the scenario itself.")
        plans += [Plan(name, source, settings, name) for name in scenario.variants if name != variant]
    if len(plans) > ALTERNATIVES_MAX:
        problem = f"{len(plans):,} alternatives are too many for one page: at most {ALTERNATIVES_MAX}."
        raise MutualizeError("--alternative", problem, code=Exit.LIMIT)
    return plans


def _alternative(source: str, text: str, settings: tuple[str, ...], variant: str | None) -> Plan:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    chosen, names = [word for word in words if "=" in word], [word for word in words if "=" not in word]
    if not words or len(names) > 1:
        remedy = "Write 'PATH=VALUE', several of them, or a variant's name before them."
        raise MutualizeError("--alternative", f"{text[:80]!r} is no alternative.", remedy)
    return Plan(" ".join(words), source, (*settings, *chosen), names[0] if names else variant)


def run_alternatives(
    plans: Sequence[Plan],
    *,
    seed: int | None = None,
    limits: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> list[Data]:
    """Run alternatives, and return their summaries; nothing else of them is kept.

    Raises MutualizeError for one that cannot be run, or does not get to its end.
    """
    return [_ran(plan, seed, limits, progress, ledger="none").summary for plan in plans]


def plans_beside(ledger: str | Path, given: Sequence[str], *, every: bool = False) -> list[Plan]:
    """Return the alternatives of a run that is kept: of the scenario beside its ledger.

    Raises MutualizeError as `alternative_plans` does, and where that scenario is missing (4) or is not the
    one that was run (2).
    """
    path = Path(ledger).parent / SCENARIO
    if not path.is_file():
        remedy = "Alternatives are run again, so the scenario has to be there."
        raise MutualizeError(str(path), "does not exist.", remedy, code=Exit.MISSING)
    if load(path).sha256 != _summary_of(Path(ledger))["scenario"]["sha256"]:
        raise MutualizeError(str(path), "was changed since the run.", "Run it again, into another folder.")
    return alternative_plans(str(path), given, every=every)


def _summary_of(ledger: Path) -> Data:
    """Read the summary beside a ledger, and hold it to that ledger."""
    path = ledger.parent / SUMMARY
    verdict = verify(ledger)
    if verdict.condition is Condition.CORRUPT:
        raise MutualizeError(str(ledger), str(verdict), code=verdict.code)
    try:
        summary: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        remedy = f"Let the run end: mutualize resume {ledger.parent}"
        raise MutualizeError(
            str(path), "there is no summary of this run.", remedy, code=Exit.MISSING
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MutualizeError(str(path), f"cannot be read: {type(error).__name__}.", code=Exit.IO) from None
    if not isinstance(summary, dict) or summary.get("schema") != SCHEMA:
        raise MutualizeError(str(path), f"is no summary of this version: its schema is not {SCHEMA}.")
    about: Any = summary.get("ledger")
    if not isinstance(about, dict) or about.get("digest") != verdict.root:
        if verdict.condition is Condition.TORN:
            raise MutualizeError(str(ledger), str(verdict), code=verdict.code)
        raise MutualizeError(str(path), "is of another run than the ledger beside it.")
    return summary
