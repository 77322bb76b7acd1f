"""A fork: one scenario up to a moment, another from then on. What may be different, and what the two make.

    before ─┬─ what differs ─▶ may it, from then on?  no ─▶ an objection, by name
    after ──┘                                        yes ─▶ one scenario that tells both

Its one rule: the past is left alone. What began before the moment, and what was drawn at the beginning,
cannot be other afterwards; where that is asked for, it is refused and not guessed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import attrs

from mutualize.scenario.dump import inline
from mutualize.scenario.known import plain
from mutualize.scenario.market import Gap
from mutualize.scenario.model import DataFile, Scenario
from mutualize.scenario.place import Path, shown
from mutualize.scenario.scalars import format_time
from mutualize.scenario.settings import get, resolve

_ABSENT: Final = object()
FORKED: Final = "fork.set."
"""What the path of an input begins with that holds from the fork on."""
NO_MATTER: Final = {
    "title", "summary", "not_modelled", "sources", "conflicts", "variants", "spread", "applied", "fork",
    "overrides", "expect_rows", "expect", "inputs", "gaps", "files", "data", "sha256", "folder", "limits",
    "after",
}  # fmt: skip
"""What has no influence on a run."""
DATED: Final = {
    "governance": "at",
    "acts": "at",
    "losses": "at",
    "profits": "at",
    "recovered": "at",
}
"""Tables of what happens at a moment: rows that are later may differ."""
MOMENTS: Final = {"depositors": "rumour_at", "stakers": "leave_at"}
"""Groups who do something at a moment, which may be another one as long as both are later."""
CHANGEABLE: Final[tuple[tuple[str, ...], ...]] = (
    ("end",),
    ("markets", "*", "price"),
    ("markets", "*", "prices"),
    ("markets", "*", "points"),
    ("markets", "*", "candles"),
    ("markets", "*", "cost"),
    ("markets", "*", "depth"),
    ("oracles", "*", "heartbeat_s"),
    ("oracles", "*", "deviation"),
    ("oracles", "*", "delay_s"),
    ("oracles", "*", "min_answer"),
    ("oracles", "*", "max_answer"),
    ("oracles", "*", "at_bound"),
    ("oracles", "*", "outages"),
    ("oracles", "*", "stopped_at"),
    ("liquidators", "*", "flash"),
    ("liquidators", "*", "min_profit"),
    ("liquidators", "*", "fraction_max"),
    ("liquidators", "*", "lot_max"),
    ("liquidators", "*", "per_block"),
    ("liquidators", "*", "latency_s"),
    ("venues", "*", "reserves", "*", "*"),
    ("venues", "*", "rules", "*"),
    ("venues", "*", "waterfall"),
    ("venues", "*", "freeze_exits"),
    ("venues", "*", "funds"),
    ("venues", "*", "umbrella", "*", "deficit_offset"),
)
"""What may differ from a moment on, beside what is dated."""
SETTLED: Final = {
    "isolated": ("liquidation_threshold", "base", "slope1"),
    "compound": ("liquidation_bonus",),
    "comet": ("reserves_initial",),
}
"""Terms of reserves that nobody can set later, by the kind of the venue."""
REMEDY: Final = (
    "What can be changed: prices, cost and depth of markets; feeds; terms of reserves, rules and tiers of"
    " venues; more money in a fund; habits of liquidators; votes, losses and acts that are later; the end."
)


class Objection(NamedTuple):
    """What cannot be different: where it is asked for, why not, and what can."""

    place: Path
    problem: str
    remedy: str = ""


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths at which two scenarios differ, as deep as both have the same tables."""
    if before is after or (type(before) is type(after) and before == after):
        return
    if attrs.has(type(before)) and type(before) is type(after):
        for field in attrs.fields(type(before)):
            if path or field.name not in NO_MATTER:
                yield from differences(
                    getattr(before, field.name), getattr(after, field.name), (*path, field.name)
                )
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            yield from differences(before.get(name, _ABSENT), after.get(name, _ABSENT), (*path, name))
    elif _are_named_alike(before, after):
        for one, other in zip(before, after, strict=True):
            yield from differences(one, other, (*path, one.name))
    else:
        yield path


def _are_named_alike(before: Any, after: Any) -> bool:
    """Say whether these are the same groups in the same order, so that each is told apart by its name."""
    if not (isinstance(before, tuple) and isinstance(after, tuple) and before):
        return False
    names = [[getattr(row, "name", _ABSENT) for row in rows] for rows in (before, after)]
    return names[0] == names[1] and _ABSENT not in names[0]


def objections(before: Scenario, after: Scenario, at: int) -> Iterator[Objection]:
    """Yield what of `after` cannot hold from the moment `at` on."""
    if not before.start < at <= min(before.end, after.end):
        problem = f"{format_time(at)} is not after the start and before both ends"
        yield Objection(("fork", "at"), problem)
        return
    for table in DATED:
        yield from _of_dated(before, after, table, at)
    for path in differences(before, after):
        if path[0] not in DATED:
            yield from _of(before, after, path, at)


def _of_dated(before: Scenario, after: Scenario, table: str, at: int) -> Iterator[Objection]:
    """Object to rows that came earlier and are others now; those without a moment may come at any."""
    earlier = [
        [row for row in getattr(one, table) if (when := getattr(row, DATED[table])) is None or when < at]
        for one in (before, after)
    ]
    if earlier[0] != earlier[1]:
        problem = f"some of it is, or may be, before {format_time(at)}, and cannot be other afterwards"
        yield Objection((table,), problem, "Change rows that come later, or add some.")
    if table == "governance":
        voted = [_opened_by_vote(one) for one in (before, after)]
        for name in sorted(voted[0] ^ voted[1]):
            problem = (
                f"whether a vote opens the exits of {name} is settled at the start: without one they open"
            )
            yield Objection(
                (table,), f"{problem} by themselves", "Give the vote another moment, or add none."
            )


def _opened_by_vote(scenario: Scenario) -> set[str]:
    """Return the venues whose exits a vote opens: nobody else ever does there."""
    return {vote.venue for vote in scenario.governance if vote.action == "open-exits"}


def _of(before: Scenario, after: Scenario, path: Path, at: int) -> Iterator[Objection]:
    if MOMENTS.get(str(path[0])) == path[-1]:
        moments = [_at(one, path) for one in (before, after)]
        if any(moment is not None and moment < at for moment in moments) or None in moments:
            yield Objection(path, f"both moments have to come after {format_time(at)}")
    elif not any(_matches(path, pattern) for pattern in CHANGEABLE):
        yield Objection(path, "cannot be different from a moment on", REMEDY)
    elif path[0] == "oracles" and before.oracles[str(path[1])].osm is not None:
        yield Objection(path, "a feed with a delay of hops cannot be changed on its way", REMEDY)
    elif path[2:3] == ("depth",) and any(
        depth is not None and depth.permanent
        for depth in (one.markets[str(path[1])].depth for one in (before, after))
    ):
        yield Objection(path, "a depth that trades move for good cannot be changed on its way", REMEDY)
    elif path[0] == "venues" and before.venues[str(path[1])].kind == "cdp":
        yield Objection(path, "a vault engine has no such terms; its own come by [[acts]]", REMEDY)
    elif path[2:3] == ("rules",) and before.venues[str(path[1])].kind != "pool":
        yield Objection(path, "only a pool goes by such rules", REMEDY)
    elif path[2:3] == ("reserves",) and path[-1] in SETTLED.get(before.venues[str(path[1])].kind, ()):
        yield Objection(path, f"{path[-1]} is settled at the start, for good", REMEDY)
    elif path[2:3] == ("funds",):
        yield from _of_fund(before, after, path)


def _of_fund(before: Scenario, after: Scenario, path: Path) -> Iterator[Objection]:
    """Object to less money than a fund began with: nobody takes it out."""
    for name, amounts in before.venues[str(path[1])].funds.items():
        now = after.venues[str(path[1])].funds.get(name, {})
        if any(now.get(asset, 0) < amount for asset, amount in amounts.items()):
            problem = "a fund that holds less from a moment on would have to pay somebody"
            yield Objection((*path[:3], name), problem, "Give it more; or compare with a run that began so.")
            return


def _at(scenario: Scenario, path: Path) -> Any:
    """Return what stands at the path of a group's field."""
    rows = getattr(scenario, str(path[0]))
    return getattr(next(row for row in rows if row.name == path[1]), str(path[-1]))


def _matches(path: Path, pattern: tuple[str, ...]) -> bool:
    """Say whether a path leads to what a pattern names, or into it."""
    return len(path) >= len(pattern) and all(
        wanted in ("*", step) for wanted, step in zip(pattern, path, strict=False)
    )


def blended(before: Scenario, after: Scenario, at: int) -> Scenario:
    """Return one scenario of both: what begins as `before`, dated rows and the end of `after`.

    It has no variants: it is about one run, and need not fit any other.
    """
    later = {table: getattr(after, table) for table in DATED}
    for table, moment in MOMENTS.items():
        later[table] = tuple(
            attrs.evolve(row, **{moment: getattr(new, moment)})
            for row, new in zip(getattr(before, table), getattr(after, table), strict=True)
        )
    known = {given.path: given for given in before.inputs}
    changed = [given for given in after.inputs if given != known.get(given.path)]
    return attrs.evolve(
        before,
        **later,
        end=after.end,
        after=after,
        variants={},
        inputs=(*before.inputs, *(attrs.evolve(given, path=f"{FORKED}{given.path}") for given in changed)),
        gaps=tuple(_gaps(before, after, at)),
        files=_files(before, after),
    )


def _gaps(before: Scenario, after: Scenario, at: int) -> Iterator[Gap]:
    """Yield the holes of each market: of the one path up to the moment, of the other from then on."""
    for asset in before.markets:
        for gap in before.gaps:
            if gap.market == asset and gap.start < at:
                yield gap._replace(end=min(gap.end, at))
        for gap in after.gaps:
            if gap.market == asset and gap.end > at:
                yield gap._replace(start=max(gap.start, at))


def _files(before: Scenario, after: Scenario) -> tuple[DataFile, ...]:
    return tuple({file.name: file for file in (*before.files, *after.files)}.values())


def changes(scenario: Scenario) -> list[tuple[str, str, str]]:
    """Return what a fork sets: path, the value before in short, and the one from then on, as one types it."""
    if scenario.fork is None:
        return []
    told = []
    for path, value in scenario.fork.set.items():
        before = plain(get(scenario.data, resolve(scenario.data, path).path))
        was = "" if before is None else before if isinstance(before, str) else shown(before)
        told.append((path, was, value if isinstance(value, str) else inline(value)))
    return told
