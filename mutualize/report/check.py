"""Checks: what became of the expectations and digests of several runs, for people and for CI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.ledger import Header
from mutualize.ledger_reader import Condition, read_header, verify
from mutualize.report.baseline import BETTER, GONE, NEW, SAME, Baseline, Compared, Tolerance
from mutualize.report.blocks import Block, Line, Table
from mutualize.report.figures import Data
from mutualize.report.measures import number
from mutualize.report.text import amount, numeral, percent, plural
from mutualize.report.verdicts import deviation, published, written
from mutualize.units import mul_div_down

_GOLDEN: Final = re.compile(r"([a-z0-9_/-]{1,160}) ([0-9a-f]{64})")


def run_name(summary: Data) -> str:
    """Return how a run is called: its scenario, and its variant after a slash."""
    about = summary["scenario"]
    return f"{about['name']}/{about['variant']}" if about["variant"] else str(about["name"])


def checked(summary: Data, golden: Mapping[str, str]) -> Data:
    """Return what became of one run. `golden` maps runs to digests; a run that is not in it is new."""
    name, digest = run_name(summary), summary["ledger"]["digest"]
    expected = golden.get(name)
    results = summary["expectations"]["results"]
    missed = [
        {
            "id": result["id"],
            "metric": result["metric"],
            "published": published(result, summary["scenario"]["money"]),
            "computed": written(result["computed"], result, summary["scenario"]["money"]),
            "deviation": deviation(result),
        }
        for result in results
        if result["met"] is False
    ]
    undecided = [result["id"] for result in results if result["met"] is None]
    complete = summary["ledger"]["ended"] == "complete"
    return {
        "run": name,
        "digest": digest,
        "golden": expected,
        "baseline": [],
        "compared": bool(golden),
        "ended": summary["ledger"]["ended"],
        "difference": [],
        "held": [result["id"] for result in results if result["met"]],
        "met": len(results) - len(missed) - len(undecided),
        "missed": missed,
        "open": undecided,
        "ok": complete and not missed and not undecided and expected in (None, digest),
    }


def against_baseline(
    row: Data, summary: Data, baseline: Baseline, rules: Iterable[Tolerance], failing: Sequence[str]
) -> None:
    """Note in a row how a run compares with a baseline; verdicts that are `failing` make it fail."""
    run = str(row["run"])
    if not baseline.knows(run):
        problem = "is not in the baseline" if NEW in failing else ""
        found = [_told("run", NEW, "", "", "", problem, "is not in the baseline: write it by --update")]
    else:
        found = [_compared(one, failing) for one in baseline.compared(run, summary, rules)]
    row["baseline"] = found
    row["ok"] = row["ok"] and not any(one["problem"] for one in found)


def _compared(one: Compared, failing: Sequence[str]) -> Data:
    was, now = _worded(one.before, one.unit), _worded(one.now, one.unit)
    if was == now and one.verdict != SAME:  # what differs is further behind the point than people are shown
        was, now = f"{one.before} {one.unit}".rstrip(), f"{one.now} {one.unit}".rstrip()
    by = "" if one.share is None else percent(_numeral(one.share), 2)
    if one.verdict == GONE:
        text = f"was {was}, and is not measured any more"
    elif one.verdict == NEW:
        text = f"is {now}, and was not measured before"
    else:
        text = f"was {was} and is {now}{f' ({by})' if by else ''}: {one.verdict}"
    problem = text if one.verdict in failing else ""
    note = "" if problem or one.verdict == SAME else text
    return _told(one.name, one.verdict, was, now, by, problem, note)


def _told(name: str, verdict: str, was: str, now: str, by: str, problem: str, note: str) -> Data:
    return {
        "measure": name,
        "verdict": verdict,
        "was": was,
        "is": now,
        "by": by,
        "problem": problem,
        "note": note,
    }


def _worded(value: str | tuple[str, ...] | None, unit: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return amount(value, unit).rstrip() if unit and number(value) is not None else value


def _numeral(share: Fraction) -> str:
    """Return a share as a numeral with 6 decimals, cut."""
    cut = mul_div_down(abs(share.numerator), 10**6, share.denominator)
    return numeral(-cut if share < 0 else cut, 6)


@attrs.frozen
class Older:
    """A ledger of an earlier version, to be compared with: what it is a ledger of, and its digest."""

    path: Path
    header: Header
    digest: str


def older(path: Path) -> Older:
    """Look at an older ledger. Raises MutualizeError where it is missing (4), or not whole (6, 7, 8)."""
    verdict = verify(path)
    if verdict.condition is not Condition.SEALED:
        raise MutualizeError(str(path), f"is no ledger to compare with: {verdict}", code=Exit(verdict.code))
    return Older(path, read_header(path), verdict.root)


def chosen_older(olds: Sequence[Older], digest: str | None, scenario_sha256: str, seed: int) -> Older | None:
    """Return the ledger that has this golden digest; without one, that of the same scenario and seed."""
    for old in olds:
        if digest is None:
            if (old.header.scenario_sha256, old.header.seed) == (scenario_sha256, seed):
                return old
        elif old.digest == digest:
            return old
    return None


def checks_page(rows: Sequence[Data], lost: Sequence[str] = ()) -> list[Block]:
    """Return the answer in words: a row for each run, a line for each thing that is wrong.

    `lost` names runs that have a golden digest or are in the baseline, and are not there any more.
    """
    return list(_page(rows, lost))


def _page(rows: Sequence[Data], lost: Sequence[str]) -> Iterator[Block]:
    cells = tuple(
        (
            "ok" if row["ok"] else "FAILED",
            row["run"],
            f"{row['met']}",
            f"{len(row['missed'])}",
            _golden(row),
            row["digest"][:16],
        )
        for row in rows
    )
    tones = tuple("good" if row["ok"] else "bad" for row in rows)
    yield Table(("", "run", ">met", ">missed", "golden digest", "digest"), cells, tones)
    if any(row["baseline"] for row in rows):
        yield _baseline_table(rows)
    for row in rows:
        for miss in row["missed"]:
            found = f"{miss['computed']} ({miss['deviation']})" if miss["deviation"] else miss["computed"]
            yield Line(
                f"{row['run']}: {miss['id']}: {miss['metric']} is {found}, not {miss['published']}", "bad"
            )
        for name in row["open"]:
            yield Line(
                f"{row['run']}: {name}: one seed does not decide it, and no fresh spread.json is beside the"
                " scenario. Work it out by --seeds 50, or write it by mutualize spread NAME --update.",
                "bad",
            )
        if row["golden"] not in (None, row["digest"]):
            yield Line(f"{row['run']}: the digest was {row['golden']} and is {row['digest']}", "bad")
            yield from (Line(line, indent=1, wrap=False) for line in row["difference"])
        if row["ended"] != "complete":
            yield Line(f"{row['run']}: the run ended {row['ended']}", "bad")
    for name in lost:
        yield Line(f"{name}: is known from before, and there is no such run any more", "bad")
    failed = sum(not row["ok"] for row in rows) + len(lost)
    yield Line(f"{plural(len(rows), 'run')}, {failed or 'none'} failed.", "bad" if failed else "good")


def _baseline_table(rows: Sequence[Data]) -> Table:
    """Return what differs from the baseline; one line for all of a run that is the same."""
    cells, tones = list[tuple[str, ...]](), list[str]()
    for row in rows:
        for one in row["baseline"]:
            if one["problem"] or one["note"]:
                cells.append((one["verdict"], row["run"], one["measure"], one["was"], one["is"], one["by"]))
                tones.append("bad" if one["problem"] else "good" if one["verdict"] == BETTER else "")
        same = sum(not (one["problem"] or one["note"]) for one in row["baseline"])
        if same:
            cells.append(("same", row["run"], plural(same, "measure"), "", "", ""))
            tones.append("")
    return Table(("baseline", "run", "measure", ">was", ">is", ">by"), tuple(cells), tuple(tones))


def _golden(row: Data) -> str:
    if row["golden"] is None:
        return "new" if row["compared"] else "-"
    return "same" if row["golden"] == row["digest"] else "DIFFERS"


def gone(rows: Sequence[Data], golden: Mapping[str, str]) -> list[str]:
    """Return the runs of the checked scenarios that have a golden digest and were not there to be run."""
    ran = [str(row["run"]) for row in rows]
    scenarios = [name.partition("/")[0] for name in ran]
    return sorted(name for name in golden if name not in ran and name.partition("/")[0] in scenarios)


def golden_text(rows: Sequence[Data], before: Mapping[str, str]) -> str:
    """Return the text of a file of golden digests: those of `rows`, and of other scenarios as before."""
    missing = gone(rows, before)
    kept = {name: digest for name, digest in before.items() if name not in missing}
    digests = {**kept, **{str(row["run"]): str(row["digest"]) for row in rows}}
    return "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))


def read_golden(path: Path) -> dict[str, str]:
    """Read a file of golden digests. Raises MutualizeError for one that is missing (4) or malformed (2)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        remedy = "Write it with --update."
        raise MutualizeError(str(path), "there is no such file.", remedy, code=Exit.MISSING) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MutualizeError(str(path), f"cannot be read: {error}.", code=Exit.IO) from None
    golden: dict[str, str] = {}
    for place, line in enumerate(lines, 1):
        found = _GOLDEN.fullmatch(line)
        if found is not None:
            golden[found[1]] = found[2]
        elif line.strip() and not line.startswith("#"):
            raise MutualizeError(
                f"{path}:{place}",
                f"{line[:60]!r} is no line of digests.",
                "Write 'scenario[/variant] digest'.",
            )
    return golden
