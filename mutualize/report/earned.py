"""How much of an agreement was earned: inputs and expectations by kind, their spread, what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import listing, plural
from mutualize.report.verdicts import published, written
from mutualize.units import mul_div_down

KIND_ORDER: Final = ("held-out", "fitted", "identity")
RANGE: Final = ("p5", "median", "p95")
ENDS: Final = ("min", "p5", "median", "p95", "max")


def earned(name: str, unit: str, counts: Mapping[str, int], spread: Data | None) -> Iterator[Block]:
    """Show what was put in, what came out over seeds and fitting sets, and what their agreement is worth.

    `counts` are the inputs by kind; `spread` is what the file beside the scenario says, if there is one.
    """
    yield Heading("How much of it was earned")
    yield Line(
        f"Inputs: {counts['calibrated']} calibrated, {counts['assumed']} assumed,"
        f" {counts['override']} set for this run, {plural(counts['fact'], 'published fact')}."
    )
    if spread is None or spread["state"] != "fresh":
        why = "none is known" if spread is None else f"the one that is there is {spread['state']}"
        yield Line(f"Over seeds: {why}. {(spread or {}).get('problem', '')}".rstrip(), "quiet")
        yield Line(f"work it out: mutualize spread {name}", "quiet", wrap=False)
        return
    yield from ranges(spread["outcomes"], "seeds", plural(spread["seeds"], "seed"), unit)
    yield from sets(spread["draws"])
    if spread["draws"] and spread["draws"]["fit"]:
        yield from ranges(spread["outcomes"], "fitting", "sets of inputs that fit", unit)
    yield Line(worth(spread["worth"], spread["seeds"]), "strong")


def ranges(outcomes: list[Data], over: str, words: str, unit: str) -> Iterator[Block]:
    """Show how expected outcomes lie over seeds or fitting sets, those first that nothing was tuned to."""
    rows = [
        (
            one["id"],
            one["kind"],
            published(one, unit),
            *(_cell(one[over][name], one, unit) for name in RANGE),
            f"{one[over]['met']} of {one[over]['count']}",
            _verdict(one) if over == "seeds" else "",
        )
        for kind in KIND_ORDER
        for one in outcomes
        if one.get("kind") == kind and one[over] is not None
    ]
    if rows:
        columns = (f"over {words}", "kind", ">expected", ">5 %", ">median", ">95 %", ">within", "")
        yield Table(columns, tuple(rows))


def _verdict(one: Data) -> str:
    """Say what the median decides, where it does."""
    if one["over"] != "seeds":
        return ""
    return "met by the median" if one["met"] else "MISSED by the median"


def _cell(value: Any, one: Data, unit: str) -> str:
    return "-" if value is None else written(value, one, unit)


def sets(draws: Data | None) -> Iterator[Block]:
    """Say how many drawn sets of inputs fit, and how far each input may move among those."""
    if draws is None:
        return
    count = plural(draws["count"], "drawn set")
    yield Line(f"{draws['fit']} of {count} of inputs fit: all fitted expectations hold with them.")
    if draws["failed"]:
        yield Line(
            f"{plural(draws['failed'], 'set')} could not be run: {'; '.join(draws['problems'])}", "bad"
        )
    yield Table(
        ("input", ">drawn from", ">to", ">fits from", ">to"),
        tuple(
            (one["path"], one["low"], one["high"], one["fit_low"] or "-", one["fit_high"] or "-")
            for one in draws["vary"]
        ),
    )


def worth(found: Data, seeds: int) -> str:
    """Say in a paragraph what the agreement is worth."""
    kinds, inputs = found["kinds"], found["inputs"]
    stated = sum(those["count"] for those in kinds.values())
    if not stated:
        return "Nothing is expected, so there is no agreement to be worth anything."
    counts = listing([f"{kinds[kind]['count']} {kind}" for kind in KIND_ORDER])
    calibrated, targets = inputs["calibrated"], kinds["fitted"]["count"]
    shares = [
        f"{kind} ones in {mul_div_down(kinds[kind]['within'], 100, kinds[kind]['cases'])} %"
        for kind in KIND_ORDER
        if kinds[kind]["cases"]
    ]
    met = sum(those["met"] for those in kinds.values())
    return (
        f"What the agreement is worth: of {plural(stated, 'expectation')} {counts}."
        f" {plural(calibrated, 'input was', 'inputs were')} calibrated for"
        f" {plural(targets, 'fitted target')}: {_balance(calibrated, targets)}."
        f" At the median over {plural(seeds, 'seed')} {met} of {stated} hold; single seeds are within"
        f" tolerance, {listing(shares)} of all cases."
    )


def _balance(calibrated: int, targets: int) -> str:
    if not calibrated:
        return "nothing was tuned"
    if not targets:
        return "nothing is stated that they were fitted to, so no agreement comes from them"
    if calibrated >= targets:
        return (
            "no fewer free numbers than targets, so the fit itself shows nothing, and only held-out ones do"
        )
    return "fewer free numbers than targets, so part of the fit is earned too"


# --- the page of the command ------------------------------------------------------------------------------


def spread_page(data: Data) -> list[Block]:
    """Return the whole spread in words, run by run."""
    return list(_page(data))


def _page(data: Data) -> Iterator[Block]:
    about, unit = data["scenario"], data["scenario"]["money"]
    yield Line(f"{about['name']}: {about['title']}", "strong")
    for run in data["runs"]:
        name = f", variant {run['variant']}" if run["variant"] else ""
        yield Heading(f"Over {plural(data['seeds'], 'seed')}{name}")
        if run["failed"]:
            problems = "; ".join(run["problems"])
            yield Line(f"{plural(run['failed'], 'seed')} did not complete: {problems}", "bad")
        yield from whole(run["outcomes"], "seeds", unit)
    yield from _fitting(data, unit)
    yield Heading("How much of it was earned")
    yield Line(worth(data["worth"], data["seeds"]), "strong")


def _fitting(data: Data, unit: str) -> Iterator[Block]:
    if data["draws"] is None:
        return
    yield Heading("Sets of inputs that fit")
    yield from sets(data["draws"])
    for run in data["runs"]:
        if run["variant"]:
            yield Line(f"variant {run['variant']}, with the same sets", "strong")
        yield from whole(run["outcomes"], "fitting", unit)


def whole(outcomes: list[Data], over: str, unit: str) -> Iterator[Block]:
    """Show all outcomes of a run over seeds or fitting sets; those that are always zero are left out."""
    rows = [
        (
            one["id"] or one["metric"],
            one.get("kind") or "",
            published(one, unit) if one["id"] else "",
            *(_cell(one[over][name], one, unit) for name in ENDS),
            "" if one[over]["met"] is None else f"{one[over]['met']} of {one[over]['count']}",
        )
        for one in outcomes
        if one[over] is not None and not is_nothing(one)
    ]
    columns = ("outcome", "kind", ">expected", ">least", ">5 %", ">median", ">95 %", ">most", ">within")
    yield Table(columns, tuple(rows)) if rows else Line("None.")


def is_nothing(one: Data) -> bool:
    """Say whether an outcome that nobody expects is zero everywhere."""
    values = [one[over][name] for over in ("seeds", "fitting") if one[over] for name in ("min", "max")]
    return one["id"] is None and not any(str(value or "").strip("0.") for value in values)
