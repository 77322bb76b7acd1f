"""Presets: tables of tiers that are shipped, one TOML file each. A venue takes one by name.

[venues.pool] preset = "aave-safety-module"  ─▶  its rows stand in the venue, as if they were written there

A preset is data: what it says is checked as if the scenario said it, and a run's copy of the scenario has its
rows instead of its name. What it needs of the venue (kind, stakes, assets) is told where the venue lacks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.document import parse
from mutualize.scenario.fields import Amounts, fields_of, kind_of
from mutualize.scenario.known import plain, table
from mutualize.scenario.place import Problems, did_you_mean, shown
from mutualize.scenario.settings import copied
from mutualize.scenario.tier_rows import Tier
from mutualize.tier import FUND, HOUSE

FOLDER: Final = FilePath(__file__).resolve().parent.parent / "presets"
PRESET: Final = "preset"
PARTS: Final = ("waterfall", "umbrella", "recoveries", "freeze_exits")
"""What a preset may put into a venue."""
BY_ASSET: Final = tuple(
    name for name, field in fields_of(Tier).items() if isinstance(kind_of(field), Amounts)
)


def names() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def preset(name: str) -> dict[str, Any]:
    """Return a preset as its file has it. Raises MutualizeError (MISSING) with the nearest name."""
    if name not in names():
        remedy = did_you_mean(name, names())
        raise MutualizeError("", f"there is no preset {shown(name)}.", remedy, code=Exit.MISSING)
    file = FOLDER / f"{name}.toml"
    return parse(file.read_text("utf-8"), file.name).data


def expand(data: dict[str, Any], problems: Problems) -> None:
    """Put the rows of presets into the venues of parsed data that name one."""
    for name, venue in table(data, "venues").items():
        wanted = plain(venue.get(PRESET)) if isinstance(venue, dict) else None
        if isinstance(wanted, str):
            _expand(data, name, wanted, problems)


def _expand(data: dict[str, Any], name: str, wanted: str, problems: Problems) -> None:
    venue, path = data["venues"][name], ("venues", name, PRESET)
    if wanted not in names():
        problems.add(path, f"there is no preset {shown(wanted)}.", did_you_mean(wanted, names()))
        return
    chosen = preset(wanted)
    unfit = list(_unfit(chosen, data, name))
    for problem in unfit:
        problems.add(path, *problem)
    if unfit:
        return
    del venue[PRESET]
    for part in PARTS:
        if part in chosen:
            venue[part] = _fitted(chosen[part], part, data, name)
    sources = data.setdefault("sources", {})
    if isinstance(sources, dict):
        for source, title in chosen["sources"].items():
            sources.setdefault(source, title)


def _unfit(chosen: Mapping[str, Any], data: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield why a preset cannot be a venue's, and what to do about it."""
    venue = data["venues"][name]
    called, kind = f"the preset {shown(chosen['name'])}", plain(venue.get("kind"))
    for part in PARTS:
        if part in chosen and part in venue:
            yield f"{called} brings {part}, which the venue has already.", f"Leave out preset, or {part}."
    if kind not in chosen["kinds"]:
        yield f"{called} is for venues of kind {' or '.join(chosen['kinds'])}.", ""
        return
    umbrellas = _umbrellas(chosen, venue)
    if "umbrella" in chosen and not umbrellas:
        yield (
            f"{called} answers for none of the venue's reserves.",
            f"Known: {', '.join(chosen['umbrella'])}.",
        )
    for row in (*chosen.get("waterfall", ()), *umbrellas):
        for what, needed, where in _needs(row, name):
            if needed not in table(data, *where):
                place = ".".join((*where, needed))
                yield f"{called} needs {what} {shown(needed)}, which is not there.", f"Give [{place}]."


def _needs(row: Mapping[str, Any], venue: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield what a row needs: what it is, its name, and the table in which it is looked for."""
    if "stake" in row:
        yield "the stake", row["stake"], ("venues", venue, "stakes")
    if row.get("payer") in (FUND, HOUSE):
        yield "money for the tier", row.get("purse", row["tier"]), ("venues", venue, "funds")
    if "asset" in row:
        yield "the asset", row["asset"], ("assets",)


def _umbrellas(chosen: Mapping[str, Any], venue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    reserves = table(venue, "reserves")
    return [row for reserve, row in chosen.get("umbrella", {}).items() if reserve in reserves]


def _fitted(part: Any, name: str, data: Mapping[str, Any], venue: str) -> Any:
    """Return a copy of a part without what is about assets that the scenario does not have."""
    made = copied(part)
    if name == "umbrella":
        reserves = table(data, "venues", venue, "reserves")
        return {reserve: row for reserve, row in made.items() if reserve in reserves}
    if name == "waterfall":
        assets = table(data, "assets")
        for row in made:
            for field in BY_ASSET:
                if isinstance(row.get(field), dict) and "value" not in row[field]:
                    row[field] = {key: value for key, value in row[field].items() if key in assets}
    return made
