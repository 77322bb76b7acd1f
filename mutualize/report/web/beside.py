"""The page of two runs: both waterfalls driven by one scrubber over time, and who is better and worse off.

    ledger and summary of A ─▶ story ┐
    ledger and summary of B ─▶ story ┼▶ compare.html (page.html with two sides) ─▶ one file
    Comparison ─▶ tables, parting ───┘

It is made of the parts of the page of one run; what only two runs need stands in `compare.*` and `sides.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mutualize.errors import MutualizeError
from mutualize.report.compared import Comparison, Pair, Side
from mutualize.report.compared_page import accounts, answer, expected, figures
from mutualize.report.figures import Data
from mutualize.report.page import sentences
from mutualize.report.text import clean
from mutualize.report.web.page import commands, rendered, require_free, save, style
from mutualize.report.web.source import Source, source_of
from mutualize.report.web.story import story
from mutualize.report.web.thinning import room_of

SCRIPTS: Final = (
    "words.js",
    "ledger.js",
    "state.js",
    "glossary.js",
    "draw.js",
    "vessels.js",
    "time.js",
    "tell.js",
    "run.js",
    "lines.js",
    "sides.js",
)
"""The parts of the page's script, in the order in which they stand in it."""
SIDES: Final = 2
LETTERS: Final = ("A", "B")
INPUTS_MAX: Final = 200
"""So many inputs that differ are listed."""
_TOLD: Final = ("events", "names", "decimals", "money", "sentences", "waterfalls")
"""What the page needs of each side's story."""
_FALL: Final = ("venue", "asset", "deficit", "fell", "paid", "tiers")


def require_two(sides: int) -> None:
    """See that a page can show them. Raises MutualizeError (2) before anything was run."""
    if sides != SIDES:
        problem = f"a page shows two runs beside each other, and here are {sides}."
        raise MutualizeError("--report", problem, "Name two runs, or one with one change.")


def page_of_two(found: Comparison, sources: Sequence[Source] | None = None) -> str:
    """Return the whole page of two runs, whose ledgers are there: the same runs give the same bytes.

    `sources` are what the sides are made from, where that is known already. Raises MutualizeError for another
    number of runs, and for what is no run, as `source_of` does.
    """
    require_two(len(found.sides))
    pair = found.pairs[0]
    stories = [_story(source) for source in sources or [source_of(side.ledger) for side in found.sides]]
    told = {
        "labels": [clean(side.label) for side in found.sides],
        "sides": stories,
        "part": pair.seq,
    }
    return rendered("compare.html", told, _words(found, pair, stories), SCRIPTS, style("compare.css"))


def write_page_of_two(found: Comparison, path: str | Path, *, force: bool = False) -> int:
    """Write the page of two runs, whole or not at all; return its size in bytes. Raises MutualizeError."""
    require_free(path, force=force)
    return save(page_of_two(found), path)


def _story(source: Source) -> Data:
    """Return what the page tells of one side, which has its part of the room."""
    told = story(source, SIDES)
    falls = [{key: fall[key] for key in _FALL} for fall in told["waterfalls"]]
    return {key: told[key] for key in _TOLD} | {"waterfalls": falls}


def _words(found: Comparison, pair: Pair, stories: Sequence[Data]) -> dict[str, Any]:
    room, kept = room_of(SIDES)
    return {
        "sides": [
            _side(letter, side, told)
            for letter, side, told in zip(LETTERS, found.sides, stories, strict=True)
        ],
        "warnings": found.warnings,
        "answer": answer(pair),
        "figures": (
            *figures(pair.measured, pair.base.money, *LETTERS),
            *expected(pair.measured, *LETTERS),
        ),
        "accounts": tuple(accounts(pair, *LETTERS)),
        "changed": changed_inputs(found.sides[0].summary, found.sides[1].summary),
        "inputs_max": INPUTS_MAX,
        "parting": pair.parting[:SIDES],
        "details": pair.parting[SIDES:],
        "room": room,
        "kept": kept,
    }


def _side(letter: str, side: Side, told: Data) -> Data:
    summary = side.summary
    return {
        "letter": letter,
        "label": side.label,
        "about": summary["scenario"],
        "ledger": summary["ledger"],
        "answer": sentences(summary),
        "counts": summary["inputs"]["counts"],
        "expected": summary["expectations"],
        "failed": summary["agents_failed"],
        "commands": commands(summary),
        "is_thinned": told["events"]["count"] < told["events"]["all"],
    }


def changed_inputs(before: Data, now: Data) -> list[tuple[str, str, str]]:
    """Return the inputs in which two runs differ: path, and the value of each; '-' where it has none.

    Tables of tiers are among them: which there are, in which order, and what each row of both says.
    """
    both = _rows(before) & _rows(now)
    was, now_is = (
        _tiers(of, both) | {one["path"]: one["value"] for one in of["inputs"]["listed"]}
        for of in (before, now)
    )
    return [
        (path, str(was.get(path, "-")), str(now_is.get(path, "-")))
        for path in {**was, **now_is}
        if was.get(path) != now_is.get(path)
    ]


def _rows(summary: Data) -> set[tuple[str, str]]:
    return {(term["venue"], term["tier"]) for term in summary["terms"]}


def _tiers(summary: Data, both: set[tuple[str, str]]) -> dict[str, str]:
    """Return what tables of tiers say: their order by venue, and the fields of rows that both sides have."""
    orders: dict[str, list[str]] = {}
    told: dict[str, str] = {}
    for term in summary["terms"]:
        venue, tier = term["venue"], term["tier"]
        orders.setdefault(venue, []).append(tier)
        if (venue, tier) in both:
            told |= {
                f"{venue}.{tier}.{name}": str(value)
                for name, value in term.items()
                if name not in {"venue", "tier"} and value not in (None, "", [], {})
            }
    return {f"{venue}: its tiers": ", ".join(tiers) for venue, tiers in orders.items()} | told
