"""What a check found, for machines: JUnit XML, annotations of GitHub, Markdown. For people: `checks_page`.

Each finding is one `Finding`: which run, what was looked at, and what is wrong with it. GitHub shows ten
annotations of a kind for each step and drops the rest in silence, so the tenth here says how many more
there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from xml.etree import ElementTree

import attrs

from mutualize.report.figures import Data
from mutualize.report.text import clean, plural

ANNOTATIONS: Final = 10
"""How many annotations of a kind GitHub shows for one step."""
SUMMARY_BYTES: Final = 900_000
"""How long a summary may be: GitHub refuses more than 1,024 KiB."""


@attrs.frozen
class Finding:
    """One thing that was checked. `problem` is empty where it holds; `place` is the scenario's file."""

    run: str
    what: str
    problem: str = ""
    note: str = ""
    place: str = ""


def findings(rows: Sequence[Data], lost: Iterable[str] = ()) -> list[Finding]:
    """Return all that was checked, in the order of the runs."""
    return [*(each for row in rows for each in _of_run(row)), *(_gone(name) for name in lost)]


def _gone(name: str) -> Finding:
    return Finding(name, "run", "is known from before, and there is no such run any more")


def _of_run(row: Data) -> Iterator[Finding]:
    run, place = row["run"], row.get("file", "")
    ended = row["ended"]
    yield Finding(run, "run", "" if ended == "complete" else f"ended {ended}", place=place)
    for name in row["held"]:
        yield Finding(run, name, place=place)
    for miss in row["missed"]:
        by = f" ({miss['deviation']})" if miss["deviation"] else ""
        problem = f"{miss['metric']} is {miss['computed']}{by}, not {miss['published']}"
        yield Finding(run, miss["id"], problem, place=place)
    for name in row["open"]:
        yield Finding(run, name, "is decided over many seeds, and no fresh spread.json is there", place=place)
    if row["golden"] is not None:
        differs = row["golden"] != row["digest"]
        problem = f"the digest was {row['golden']} and is {row['digest']}" if differs else ""
        yield Finding(run, "golden digest", problem, place=place)
    for one in row["baseline"]:
        yield Finding(run, f"baseline {one['measure']}", one["problem"], one["note"], place)


# --- JUnit -----------------------------------------------------------------------------------------------


def junit(found: Sequence[Finding]) -> str:
    """Return JUnit XML: a suite for each run, a case for each thing that was checked."""
    suites = ElementTree.Element("testsuites", name="mutualize")
    by_run: dict[str, list[Finding]] = {}
    for finding in found:
        by_run.setdefault(finding.run, []).append(finding)
    for run, cases in by_run.items():
        failures = sum(bool(case.problem) for case in cases)
        counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0"}
        suite = ElementTree.SubElement(suites, "testsuite", {"name": clean(run), **counts})
        for case in cases:
            one = ElementTree.SubElement(suite, "testcase", classname=clean(run), name=clean(case.what))
            if case.problem:
                ElementTree.SubElement(one, "failure", message=clean(case.problem)).text = clean(case.problem)
    ElementTree.indent(suites)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
    )


# --- GitHub ----------------------------------------------------------------------------------------------


def github(found: Sequence[Finding]) -> str:
    """Return workflow commands: an error for each problem, a notice for each change that is none."""
    problems = [(each, each.problem) for each in found if each.problem]
    notes = [(each, each.note) for each in found if not each.problem and each.note]
    lines = [*_annotations("error", problems), *_annotations("notice", notes)]
    return "".join(f"{line}\n" for line in lines)


def _annotations(kind: str, told: Sequence[tuple[Finding, str]]) -> Iterator[str]:
    shown = told if len(told) <= ANNOTATIONS else told[: ANNOTATIONS - 1]
    for finding, text in shown:
        place = f"file={_property(finding.place)},line=1," if finding.place else ""
        title = _property(f"{finding.run}: {finding.what}")
        yield f"::{kind} {place}title={title}::{_message(text)}"
    if len(shown) < len(told):
        yield f"::{kind} title=mutualize check::and {len(told) - len(shown)} more: see the log or the summary"


def _message(text: str) -> str:
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


# --- Markdown --------------------------------------------------------------------------------------------


def markdown(found: Sequence[Finding]) -> str:
    """Return a summary as Markdown: what is wrong first, then what changed, then what was checked."""
    problems = [each for each in found if each.problem]
    notes = [each for each in found if not each.problem and each.note]
    runs = plural(len({each.run for each in found}), "run")
    told = f"**{plural(len(problems), 'problem')}**" if problems else "all well"
    lines = [f"### mutualize check: {runs}, {told}", ""]
    for title, part in (("wrong", problems), ("changed, and allowed", notes)):
        if part:
            lines += [f"| run | what | {title} |", "|---|---|---|"]
            lines += [
                f"| {_cell(each.run)} | {_cell(each.what)} | {_cell(each.problem or each.note)} |"
                for each in part
            ]
            lines.append("")
    lines.append(f"{plural(len(found), 'thing was', 'things were')} checked.")
    return _shortened(lines)


def _cell(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "|*_`[]~" else c for c in escaped)


def _shortened(lines: list[str]) -> str:
    """Return lines as a text that is not too long, with a last line that says what was left out."""
    kept, length = list[str](), 0
    for number, line in enumerate(lines):
        length += len(line.encode()) + 1
        if length > SUMMARY_BYTES:
            kept += ["", f"… {plural(len(lines) - number, 'more line')}: see the log."]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
