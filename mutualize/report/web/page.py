"""The page itself: template, style and script around the data of a run, in one file that asks for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from shlex import join
from typing import Any, Final

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.report.alternatives import alternatives_of
from mutualize.report.figures import Data
from mutualize.report.page import sentences
from mutualize.report.text import changed, clean
from mutualize.report.verdicts import deviation, published, written
from mutualize.report.web.island import island, packed
from mutualize.report.web.source import Source
from mutualize.report.web.story import LISTED_MAX, story

SCRIPTS: Final = (
    "words.js",
    "ledger.js",
    "state.js",
    "share.js",
    "glossary.js",
    "draw.js",
    "vessels.js",
    "time.js",
    "tell.js",
    "run.js",
    "why.js",
    "whatif.js",
    "address.js",
    "flows.js",
    "table.js",
    "main.js",
)
"""The parts of the page's script, in the order in which they stand in it."""
_MET: Final = {True: "met", False: "missed", None: "open"}


def page_of(source: Source, alternatives: Sequence[Data] = ()) -> str:
    """Return the whole page of a run: the same run gives the same bytes.

    `alternatives` are summaries of the same scenario run otherwise, which are shown beside it. Raises
    MutualizeError where they are not.
    """
    words = _words(source.summary) | {"alternatives": _beside(source.summary, alternatives)}
    return rendered("page.html", story(source), words, SCRIPTS, style())


def rendered(template: str, told: Data, words: Data, scripts: Sequence[str], sheet: str) -> str:
    """Fill a template with its words, its style, its script, and the data that the script draws."""
    kind, data = island(told)
    loader, program = _loader(), _program(tuple(scripts))
    page: str = (
        environment()
        .get_template(template)
        .render(
            **words,
            policy=policy(sheet, loader, program),
            style=sheet,
            loader=loader,
            program=packed(program),
            data_type=kind,
            data=data,
        )
    )
    return page


def write_page(
    source: Source, path: str | Path, *, force: bool = False, alternatives: Sequence[Data] = ()
) -> int:
    """Write the page of a run, whole or not at all; return its size in bytes. Raises MutualizeError."""
    require_free(path, force=force)
    return save(page_of(source, alternatives), path)


def save(page: str, path: str | Path) -> int:
    """Write a page, whole or not at all; return its size in bytes. Raises MutualizeError (74)."""
    data = page.encode()
    try:
        locked_file.replace(Path(path), data)
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be written: {error.strerror}.", code=Exit.IO) from error
    return len(data)


def framed(source: Source) -> str:
    """Return the page in a frame for a notebook: it may run its own script there, and reach nothing else."""
    inner = escape(page_of(source), quote=True)
    return (
        '<iframe sandbox="allow-scripts allow-downloads" width="100%" height="900"'
        f' title="Who paid?" srcdoc="{inner}"></iframe>'
    )


def require_free(path: str | Path, *, force: bool, to_come: str | Path | None = None) -> None:
    """See that a page may be written there. Raises MutualizeError (74) before anything was done.

    `to_come` is a folder that will be there by then.
    """
    parent = Path(path).parent
    is_there = parent.is_dir() or (to_come is not None and parent.absolute() == Path(to_come).absolute())
    if Path(path).is_dir() or not is_there:
        problem = "is a folder." if Path(path).is_dir() else "cannot be written: its folder does not exist."
        raise MutualizeError(str(path), problem, "Name a file: report.html.", code=Exit.IO)
    if Path(path).exists() and not force:
        remedy = "Choose another name, or replace it with --force."
        raise MutualizeError(str(path), "exists already.", remedy, code=Exit.IO)


# --- the parts -------------------------------------------------------------------------------------------


def _asset(*path: str) -> str:
    return files("mutualize.report.web").joinpath(*path).read_text("utf-8")


@cache
def style(*more: str) -> str:
    """Return the style of all pages, and what only some of them need."""
    own = "".join(_lean(_asset(name)) for name in ("page.css", *more))
    return _asset("vendor", "uPlot.min.css") + "\n" + own


@cache
def _program(scripts: tuple[str, ...]) -> str:
    """Return the script of a page: the library that draws prices, and our own parts."""
    own = "".join(_lean(_asset("js", name)) for name in scripts)
    return f"{_asset('vendor', 'uPlot.iife.min.js')}\n(() => {{\n'use strict';\n{own}}})();\n"


@cache
def _loader() -> str:
    """Return the few lines that unpack the program: alone it would be half of the page."""
    return _lean(_asset("js", "loader.js"))


def _lean(text: str) -> str:
    """Leave out what a browser does not need: indents, blank lines, and lines that are a comment only."""
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))


def policy(sheet: str, *scripts: str) -> str:
    """Return what a page may do: run these scripts, wear this style, and nothing else."""
    hashes = " ".join(f"'{_hash(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src '{_hash(sheet)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def environment() -> Any:
    """Return what fills templates: every text is escaped, and a name that is missing is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - who writes a page waits

    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_asset),
    )
    made.filters["clean"] = lambda text: clean(str(text))
    return made


# --- the words -------------------------------------------------------------------------------------------


def _words(summary: Data) -> dict[str, Any]:
    """Return what the template says beside the data: all of it plain texts, escaped where they are put."""
    about, inputs = summary["scenario"], summary["inputs"]
    return {
        "about": about,
        "forked": tuple(changed(about["fork"])) if about.get("fork") else (),
        "answer": sentences(summary),
        "ledger": summary["ledger"],
        "counts": inputs["counts"],
        "chosen": [given for given in inputs["listed"] if given["kind"] != "fact"][:LISTED_MAX],
        "facts": [given for given in inputs["listed"] if given["kind"] == "fact"][:LISTED_MAX],
        "listed_all": len(inputs["listed"]),
        "listed_max": LISTED_MAX,
        "tables": inputs["files"],
        "sources": summary["sources"],
        "kinds": {kind: n for kind, n in summary["expectations"]["kinds"].items() if sum(n.values())},
        "expected": _expected(summary),
        "gaps": summary["gaps"],
        "not_modelled": summary["not_modelled"] or ["The scenario does not say."],
        "method": summary["method"],
        "failed": summary["agents_failed"],
        "seeds": _seeds(summary),
        "commands": commands(summary),
        "roles": summary["gains"]["roles"],
    }


def _beside(summary: Data, alternatives: Sequence[Data]) -> list[Data]:
    return [
        {
            "label": one.label,
            "digest": one.summary["ledger"]["digest"],
            "command": commands(one.summary)[0][1],
            "tables": one.tables,
        }
        for one in alternatives_of(summary, alternatives)
    ]


def _expected(summary: Data) -> list[Data]:
    unit = summary["scenario"]["money"]
    over = {one["id"]: one.get("seeds") for one in (summary["spread"] or {}).get("outcomes", ())}
    return [
        {
            "met": _MET[result["met"]],
            "id": result["id"],
            "kind": result["kind"],
            "published": published(result, unit),
            "computed": written(result["computed"], result, unit),
            "deviation": deviation(result),
            "spread": _spread(over.get(result["id"]), result, unit),
            "source": result["source"],
            "remark": result["remark"],
        }
        for result in summary["expectations"]["results"]
    ]


def _spread(seeds: Data | None, result: Data, unit: str) -> str:
    """Word how a figure spreads over seeds."""
    if not seeds:
        return ""
    within = f"{seeds['met']} of {seeds['count']} seeds within"
    if seeds.get("p5") is None:
        return within
    low, high = (written(seeds[name], result, unit) for name in ("p5", "p95"))
    return f"{low} to {high} (5 to 95 %); {within}"


def _seeds(summary: Data) -> str:
    counts = [
        one["seeds"]["count"] for one in (summary["spread"] or {}).get("outcomes", ()) if one.get("seeds")
    ]
    return f"over {max(counts)} seeds" if counts else "not run over many seeds"


def commands(summary: Data) -> Sequence[tuple[str, str]]:
    """Return (what for, command) to repeat the run, and to check its ledger."""
    about = summary["scenario"]
    options = ["--variant", about["variant"]] if about["variant"] else []
    options += ["--seed", about["seed"]]  # always: no summary says which seed the scenario's own is
    for path, value in about["set"].items():
        options += ["--set", f"{path}={value}"] if path != "seed" else []
    again = join(["mutualize", "run", about["name"], *options, "--out", "DIR"])
    if about.get("fork"):
        forking = ["mutualize", "fork", "DIR", "--at", about["fork"]["at"], "--out", "FORK"]
        for change in about["fork"]["changes"]:
            forking += ["--set", f"{change['path']}={change['now']}"]
        return (
            ("repeat the run that it comes from", again),
            ("fork it", join(forking)),
            ("check its ledger", "mutualize verify FORK/ledger.jsonl --deep"),
        )
    return (("repeat the run", again), ("check its ledger", "mutualize verify DIR/ledger.jsonl --deep"))
