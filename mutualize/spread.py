"""The spread of a scenario: how far chance moves its outcomes, and how far inputs may move that still fit.

    seeds 1 … N ──────────────▶ a run each, of the base and of every variant ─▶ ranges over seeds
    set k: seed k, each input of [spread] drawn between its bounds ─▶ run ─▶ do all fitted expectations hold?
        it fits ─▶ every variant with the same set ─▶ ranges of all outcomes over the sets that fit

The rule: the answer is a function of the scenario and its points alone (`spread_data`), so that a file of
them can be checked by running a few again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from mutualize import __version__
from mutualize.kept_points import KeptPoints
from mutualize.points import Column, Point, Row, columns_of, expected_columns, read_figure, runs_of, written
from mutualize.projections.expectations import KINDS, Expectations, Outcome
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import Figure, ask
from mutualize.randomness import Stream
from mutualize.report.about import expectations_of, frame_of, inputs
from mutualize.report.figures import Data
from mutualize.report.summary import outcome_data
from mutualize.scenario.dump import dump
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import Path as At
from mutualize.scenario.settings import resolve
from mutualize.sweep import Failed, drawn, range_of

SCHEMA: Final = "mutualize/spread@1"
SEEDS: Final = 50
DRAWS: Final = 200
"""How many seeds and drawn sets, where a scenario does not say."""
NAMES: Final = ("minimum", "p5", "median", "p95", "maximum")
Told: TypeAlias = Callable[[int, int], None]
"""Is told how many points of how many are done."""
Rows: TypeAlias = Mapping[str, "Row | Failed"]


@attrs.frozen
class Study:
    """What is worked through: a scenario, its runs (base and variants), how many seeds and drawn sets."""

    scenario: Scenario
    text: str
    runs: tuple[Scenario, ...]
    seeds: int
    draws: int

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        seeds: int | None = None,
        draws: int | None = None,
        *,
        variants: bool = True,
    ) -> Study:
        """Return the study of a scenario; numbers that are left out are those of its `[spread]`.

        Without `variants` it is of this run alone.
        """
        return cls(
            scenario,
            dump(scenario),
            tuple(runs_of(scenario)) if variants else (scenario,),
            (scenario.spread.seeds or SEEDS) if seeds is None else seeds,
            ((scenario.spread.draws or DRAWS) if draws is None else draws) if scenario.spread.vary else 0,
        )

    def point(self, run: Scenario, overrides: Sequence[tuple[str, str]]) -> Point:
        """Return a point of a run with other values."""
        scenario = self.scenario
        variant = run.variant if scenario.variant is None else None
        return Point(self.text, str(scenario.folder), variant, tuple(overrides), scenario.limits)

    def of_seeds(self) -> dict[str, Point]:
        """Return a point for each run and seed."""
        return {
            seed_key(run, seed): self.point(run, [("seed", str(seed))])
            for run in self.runs
            for seed in range(1, self.seeds + 1)
        }

    def inputs(self, number: int) -> list[tuple[str, str]]:
        """Return the inputs of drawn set `number`: they depend on the number and their path alone."""
        return [
            (vary.path, drawn(Stream(number, f"spread/{vary.path}"), vary.low, vary.high))
            for vary in self.scenario.spread.vary
        ]

    def of_draws(self, run: Scenario, numbers: Sequence[int]) -> dict[str, Point]:
        """Return a point of a run for each of these sets; what a variant sets itself stays as it sets it."""
        kept = _set_by(run)
        points: dict[str, Point] = {}
        for number in numbers:
            chosen = [pair for pair in self.inputs(number) if not _touches(run, pair[0], kept)]
            points[draw_key(run, number)] = self.point(run, [*chosen, ("seed", str(number))])
        return points


def seed_key(run: Scenario, seed: int) -> str:
    """Return the key of a point of a run and a seed."""
    return f"seed/{run.variant or ''}/{seed}"


def draw_key(run: Scenario, number: int) -> str:
    """Return the key of a point of a run and a drawn set of inputs."""
    return f"draw/{run.variant or ''}/{number}"


def _set_by(run: Scenario) -> list[At]:
    """Return the paths that the variant of a run sets."""
    variant = run.variants.get(run.variant or "")
    return [] if variant is None else [resolve(run.data, path).path for path in variant.set]


def _touches(run: Scenario, path: str, kept: Sequence[At]) -> bool:
    """Say whether a path is one of these, above one or below one."""
    if not kept:
        return False
    try:
        own = resolve(run.data, path).path
    except ValueError:  # the variant took away what it leads to
        return True
    return any(own[: len(one)] == one[: len(own)] for one in kept)


def spread_points(
    study: Study, kept: KeptPoints, workers: int | None = None, told: Told | None = None
) -> None:
    """Work through all points of a study: the seeds, the drawn sets, and those that fit in every variant."""
    base, *variants = study.runs
    numbers = range(1, study.draws + 1)
    seeds, draws = study.of_seeds(), study.of_draws(base, numbers)
    first = {**seeds, **draws}
    kept.work(first, workers, None if told is None else lambda done: told(done, len(first)))
    judge = Judge.of(base)
    fitting = [number for number in numbers if judge.fits(kept.rows.get(draw_key(base, number)))]
    more: dict[str, Point] = {}
    for run in variants:
        more.update(study.of_draws(run, fitting))
    whole = len(first) + len(more)
    kept.work(more, workers, None if told is None else lambda done: told(len(first) + done, whole))


def fitting_sets(study: Study, rows: Rows) -> list[int]:
    """Return the sets with which every run meets all of its fitted expectations."""
    judges = [Judge.of(run) for run in study.runs]
    return [
        number
        for number in range(1, study.draws + 1)
        if all(judge.fits(rows.get(draw_key(judge.run, number))) for judge in judges)
    ]


# --- what it says ----------------------------------------------------------------------------------------


@attrs.frozen
class Judge:
    """Reads rows of one run, and holds them against its expectations."""

    run: Scenario
    columns: list[Column]
    frame: Frame
    expectations: Expectations
    looked_at: list[int]
    """The place of each expectation's column."""

    @classmethod
    def of(cls, run: Scenario) -> Judge:
        """Return the judge of a run."""
        columns, frame = columns_of(run), frame_of(run)
        looked_at = [columns.index(column) for column in expected_columns(run)]
        return cls(run, columns, frame, Expectations(expectations_of(run), frame), looked_at)

    def figures(self, row: Row) -> list[Figure]:
        """Return the figures of a row. Raises MutualizeError, or ValueError, for what is none of this run."""
        pairs = zip(self.columns, row, strict=True)
        return [read_figure(raw, ask(column.metric), self.frame) for column, raw in pairs]

    def outcomes(self, figures: Sequence[Figure]) -> list[Outcome]:
        """Return what becomes of the expectations where these are the figures, one for each column."""
        return self.expectations.judged([figures[place] for place in self.looked_at])

    def fits(self, row: Row | Failed | None) -> bool:
        """Say whether these figures are there, and meet all fitted expectations of the run."""
        return isinstance(row, tuple) and all(
            one.met for one in self.outcomes(self.figures(row)) if one.kind == "fitted"
        )


@attrs.frozen
class Sample:
    """Many rows of one run, read: the figures of each, and what became of its expectations."""

    judge: Judge
    figures: list[list[Figure]]
    outcomes: list[list[Outcome]]

    @classmethod
    def of(cls, judge: Judge, rows: Sequence[Row]) -> Sample:
        """Read rows."""
        figures = [judge.figures(row) for row in rows]
        return cls(judge, figures, [judge.outcomes(each) for each in figures])

    def column(self, place: int) -> list[Figure]:
        """Return the figures of one column."""
        return [each[place] for each in self.figures]

    def range(self, place: int, expectation: int | None) -> Data | None:
        """Return how a column's figures lie, and how many meet an expectation; None without any."""
        figures = self.column(place)
        if not figures:
            return None
        asked, frame = ask(self.judge.columns[place].metric), self.judge.frame
        found = range_of([value for value in figures if isinstance(value, int)])
        values = [None if found is None else getattr(found, name) for name in NAMES]
        met = None if expectation is None else sum(each[expectation].met for each in self.outcomes)
        return {
            "count": len(figures),
            "none": figures.count(None),
            "met": met,
            **{
                key: written(value, asked, frame)
                for key, value in zip(("min", "p5", "median", "p95", "max"), values, strict=True)
            },
        }


def typical(figures: Sequence[Figure]) -> Figure:
    """Return the median of figures; of lists the most frequent; None where most did not happen."""
    numbers = [value for value in figures if isinstance(value, int)]
    if 2 * figures.count(None) > len(figures) or not figures:
        return None
    found = range_of(numbers)
    return Counter(figures).most_common(1)[0][0] if found is None else found.median


def outcomes_data(seeds: Sample, fitting: Sample) -> list[Data]:
    """Return every outcome of a run: at the median over seeds, and its ranges over seeds and fitting sets."""
    judge = seeds.judge
    medians = [typical(seeds.column(place)) for place in range(len(judge.columns))]
    found: list[Data] = []
    for number, outcome in enumerate(judge.outcomes(medians)):
        place = judge.looked_at[number]
        ranges = {"seeds": seeds.range(place, number), "fitting": fitting.range(place, number)}
        found.append({**outcome_data(outcome, judge.frame), **ranges})
    for place, column in enumerate(judge.columns):
        if place in judge.looked_at:
            continue
        asked = ask(column.metric)
        found.append(
            {
                "id": None,
                "metric": column.metric,
                "unit": asked.unit,
                "asset": asked.asset,
                "computed": written(medians[place], asked, judge.frame),
                "seeds": seeds.range(place, None),
                "fitting": fitting.range(place, None),
            }
        )
    return found


def spread_data(study: Study, rows: Rows) -> Data:
    """Return the whole answer, from the points alone: ranges first, the points at its end."""
    fitting = fitting_sets(study, rows)
    runs: list[Data] = []
    for run in study.runs:
        judge = Judge.of(run)
        seeds = [rows[seed_key(run, seed)] for seed in range(1, study.seeds + 1)]
        fits = [rows[draw_key(run, number)] for number in fitting]
        samples = [
            Sample.of(judge, [row for row in each if isinstance(row, tuple)]) for each in (seeds, fits)
        ]
        failed = [row.problem for row in seeds if isinstance(row, Failed)]
        runs.append(
            {
                "variant": run.variant,
                "sha256": run.sha256,
                "failed": len(failed),
                "problems": sorted(set(failed))[:3],
                "outcomes": outcomes_data(*samples),
            }
        )
    return {
        "schema": SCHEMA,
        "scenario": _named(study.scenario),
        "version": __version__,
        "seeds": study.seeds,
        "draws": _draws(study, rows, fitting),
        "runs": runs,
        "worth": worth(study.scenario, runs),
        "points": _points(study, rows),
    }


def _named(scenario: Scenario) -> Data:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "money": scenario.money,
        "sha256": scenario.sha256,
    }


def _draws(study: Study, rows: Rows, fitting: Sequence[int]) -> Data | None:
    """Return the inputs that were drawn, and between which values they still fit; None where none were."""
    if not study.draws:
        return None
    base = study.runs[0]
    failed = [rows[draw_key(base, number)] for number in range(1, study.draws + 1)]
    problems = [row.problem for row in failed if isinstance(row, Failed)]
    values = [dict(study.inputs(number)) for number in fitting]
    return {
        "count": study.draws,
        "failed": len(problems),
        "problems": sorted(set(problems))[:3],
        "fit": len(fitting),
        "vary": [
            {
                "path": vary.path,
                "low": vary.low,
                "high": vary.high,
                "fit_low": min((each[vary.path] for each in values), key=_size, default=None),
                "fit_high": max((each[vary.path] for each in values), key=_size, default=None),
            }
            for vary in study.scenario.spread.vary
        ],
    }


def _size(text: str) -> tuple[int, str]:
    """Order numerals without a sign that are written with the same places."""
    return len(text), text


def worth(scenario: Scenario, runs: Sequence[Data]) -> Data:
    """Return what the agreement rests on: expectations by kind over seeds, beside the inputs by kind."""
    expected = [one for run in runs for one in run["outcomes"] if one["id"] is not None]
    kinds = {kind: [one for one in expected if one["kind"] == kind] for kind in KINDS}
    return {
        "inputs": inputs(scenario)["counts"],
        "kinds": {
            kind: {
                "count": len(those),
                "met": sum(one["met"] for one in those),
                "cases": sum(one["seeds"]["count"] for one in those if one["seeds"]),
                "within": sum(one["seeds"]["met"] for one in those if one["seeds"]),
            }
            for kind, those in kinds.items()
        },
    }


def _points(study: Study, rows: Rows) -> Data:
    """Return all points, a row for each; None where a set did not fit, a text where a run had a problem."""
    return {
        "drawn": [[value for _, value in study.inputs(number)] for number in range(1, study.draws + 1)],
        "runs": [
            {
                "variant": run.variant,
                "columns": [str(column) for column in columns_of(run)],
                "seeds": [_raw(rows.get(seed_key(run, seed))) for seed in range(1, study.seeds + 1)],
                "draws": [_raw(rows.get(draw_key(run, number))) for number in range(1, study.draws + 1)],
            }
            for run in study.runs
        ],
    }


def _raw(row: Row | Failed | None) -> Any:
    return list(row) if isinstance(row, tuple) else None if row is None else row.problem


def rows_in(study: Study, data: Data) -> dict[str, Row | Failed]:
    """Return the points that an answer holds, by their keys."""
    rows: dict[str, Row | Failed] = {}
    for run, those in zip(study.runs, data["points"]["runs"], strict=True):
        for key, listed in ((seed_key, those["seeds"]), (draw_key, those["draws"])):
            for number, row in enumerate(listed, 1):
                if row is not None:
                    rows[key(run, number)] = tuple(row) if isinstance(row, list) else Failed(number, row)
    return rows


def spread_of(
    scenario: Scenario,
    *,
    seeds: int | None = None,
    draws: int | None = None,
    variants: bool = True,
    path: Path | None = None,
    workers: int | None = None,
    told: Told | None = None,
) -> Data:
    """Work out the spread of a scenario; with a `path` the points are kept there until all is done.

    Raises MutualizeError where that file is damaged, or of another scenario.
    """
    study = Study.of(scenario, seeds, draws, variants=variants)
    about = {"of": "spread", "scenario": scenario.sha256, "version": __version__}
    with KeptPoints(path, about) as kept:
        spread_points(study, kept, workers, told)
        return spread_data(study, kept.rows)
