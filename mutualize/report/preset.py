"""A shipped table of tiers in words: tier, whose money, up to how much, when, shared how, and the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.terms import how_much, shared, when, whose
from mutualize.scenario.marks import KINDS


def preset_list(presets: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return the list of all presets."""
    rows = tuple((each["name"], ", ".join(each["kinds"]), each["title"]) for each in presets)
    return [Table(("waterfall", "for", "what it is"), rows)]


def preset_page(preset: Mapping[str, Any]) -> list[Block]:
    """Return the page of one."""
    return list(_page(preset))


def _page(preset: Mapping[str, Any]) -> Iterator[Block]:
    yield Line(f"{preset['name']}: {preset['title']}", "strong")
    yield Line(f'For a venue of kind {" or ".join(preset["kinds"])}: preset = "{preset["name"]}"', "quiet")
    rows = [*preset.get("waterfall", ()), *map(_as_row, preset.get("umbrella", {}).items())]
    yield Table(
        ("", "tier", "whose money", "up to how much", "when", "shared how", "source"),
        tuple(
            (str(number), row["tier"], whose(row), how_much(row), when(row), shared(row), source(row))
            for number, row in enumerate(rows, 1)
        ),
    )
    yield from (Line(f"- {note}") for note in preset.get("notes", ()))
    yield Heading("Where each row comes from")
    yield from (Line(f"{row['tier']}: {why}", indent=1) for row in rows for why in reasons(row))
    yield Heading("Sources")
    yield from (Line(f"{name}: {title}", indent=1) for name, title in preset["sources"].items())


def _as_row(item: tuple[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return an umbrella as a row: a stake that pays for one reserve, above an offset."""
    reserve, umbrella = item
    return {
        **{name: value for name, value in umbrella.items() if name != "slash_after_s"},
        "tier": umbrella["stake"],
        "payer": "stake",
        "perimeter": {"assets": [reserve]},
        "offset": umbrella["deficit_offset"],
        "wait_s": umbrella["slash_after_s"],
    }


def reasons(row: Mapping[str, Any]) -> list[str]:
    """Return the marks of a row and of its numbers, each once, in the order of the file."""
    marks = [row, *(value for value in row.values() if isinstance(value, dict))]
    found = [(kind, mark[kind]) for mark in marks for kind in KINDS if kind in mark]
    return list(dict.fromkeys(why if kind == "fact" else f"{kind}: {why}" for kind, why in found))


def source(row: Mapping[str, Any]) -> str:
    """Return the ids of the sources of a row, and whether something in it is no fact."""
    return ", ".join(dict.fromkeys(why.partition(":")[0] for why in reasons(row)))
