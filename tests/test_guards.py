"""Each guard of the venues is left out, once: the error oracle, or a law, notices every one.

The rule: guards are found in the sources, so that a new one is covered without being listed. Random play is
run once to see in which game each of them refuses something; without the guard that game must break a law.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import attrs
import pytest
from driver import Failure, run
from driver_counts import Counts
from planting import Function, functions_of, replaced
from systems import SETUPS, Setup, System

import mutualize.errors
from mutualize import units

SEEDS, SEEDS_MORE, LENGTH = 14, 40, 350
"""Games of each set-up; of the older stake, which has a set-up to itself, so many."""
GAMES_MAX = 4
"""Of each guard so many games in which it refuses something are kept."""

VAULT_ENGINE = ("auction", "cdp", "clip", "flap", "flip", "flop", "shutdown", "vat", "vow")
CUSTODY = ("custody", "custody_cover", "reported_losses")
TIERS = ("mutualize.waterfall",)
"""Modules that are not among the systems that are played here, but in games of their own."""

IN_STORIES = {
    ("Pool.withdraw", "EXITS_ARE_FROZEN"): "tests/test_scenario_tiers.py",
    ("StakePool._leave", "EXITS_ARE_FROZEN"): "tests/test_stories_custody.py",
    ("Pool.eliminate_deficit", "DEFICIT_IS_ZERO"): "tests/test_stories_recoveries.py",
    ("_delivered", "AMOUNT_IS_ZERO"): "tests/test_agents_vaults.py",
}
"""Guards of what these systems do not have: a freeze, a tier that owes, a sale that is delivered later."""

NEVER_FIRST = {
    ("StakePool._leave", "SHARES_ARE_INSUFFICIENT"): "nobody has announced more than he holds",
}
"""Guards that nothing can reach, since another one is in front of them: a net for what may come."""

EQUIVALENT: dict[tuple[str, str], str] = {}
"""Guards without which the same refusals come, for the same reason, from the next one."""


@attrs.frozen
class Guard:
    """A statement that refuses: where it is, and for which reason."""

    function: Function
    line: int
    """In the file."""
    last: int
    reason: str

    @property
    def name(self) -> tuple[str, str]:
        """How it is called in the lists above."""
        return self.function.path, self.reason

    def without(self) -> str:
        """Return the function's source without the statement."""
        tree = ast.parse(self.function.source)
        offset = self.function.line - 1

        class Remove(ast.NodeTransformer):
            def generic_visit(inner, node: ast.AST) -> ast.AST:  # noqa: N805 - `self` is the guard
                super().generic_visit(node)
                same = isinstance(node, ast.stmt) and _reason(node) and node.lineno + offset == self.line
                return ast.copy_location(ast.Pass(), node) if same else node

        return ast.unparse(ast.fix_missing_locations(Remove().visit(tree)))


def _reason(node: ast.AST) -> str:
    """Return for which reason a statement refuses; '' where it does not."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="require"), args=[_, ast.Attribute(attr=reason)])):
            return reason
        case ast.Raise(exc=ast.Call(func=ast.Name(id="Refused"), args=[ast.Attribute(attr=reason)])):
            return reason
    return ""


def modules() -> list[ModuleType]:
    """Return the modules whose functions decide, or divide for those that do."""
    systems = [System(setup, written=False) for setup in SETUPS]
    kinds = {
        kind.__module__
        for system in systems
        for part in (*system.protocol.venues.values(), *system.reactors)
        for kind in type(part).__mro__
        if kind.__module__.startswith("mutualize.")
    }
    venues = Path(str(inspect.getsourcefile(importlib.import_module("mutualize.venues")))).parent
    others = {"__init__", *VAULT_ENGINE, *CUSTODY}
    kinds |= {f"mutualize.venues.{path.stem}" for path in venues.glob("*.py") if path.stem not in others}
    return [importlib.import_module(name) for name in sorted(kinds.difference(TIERS))] + [units]


def all_guards() -> list[Guard]:
    """Return every guard, in the order of the sources."""
    found = []
    for module in modules():
        for function in functions_of(module):
            for node in ast.walk(ast.parse(function.source)):
                reason = _reason(node)
                if reason and isinstance(node, ast.stmt):
                    first = node.lineno + function.line - 1
                    last = (node.end_lineno or node.lineno) + function.line - 1
                    found.append(Guard(function, first, last, reason))
    return found


Game = tuple[Setup, int, int]
"""(set-up, seed, operations until the guard refuses)."""


@contextlib.contextmanager
def overheard(heard: list[tuple[str, int]]) -> Iterator[None]:
    """Write down where each refusal comes from."""
    kind: Any = mutualize.errors.Refused
    good = kind.__init__

    def told(self: Any, reason: Any) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_name == "require":
            frame = frame.f_back
        if frame is not None:
            heard.append((frame.f_code.co_filename, frame.f_lineno))
        good(self, reason)

    kind.__init__ = told
    try:
        yield
    finally:
        kind.__init__ = good


@pytest.fixture(scope="module")
def games() -> dict[tuple[str, int], list[Game]]:
    """Where each guard refuses something, by file and line."""
    found: dict[tuple[str, int], list[Game]] = {}
    for setup in SETUPS:
        for seed in range(SEEDS_MORE if setup.rate_form else SEEDS):
            heard: list[tuple[str, int]] = []
            with overheard(heard):
                run(setup, seed, LENGTH, Counts(), written=False)
            for place in dict.fromkeys(heard):
                kept = found.setdefault(place, [])
                if len(kept) < GAMES_MAX:
                    kept.append((setup, seed, LENGTH))
    return found


def _games_of(guard: Guard, games: dict[tuple[str, int], list[Game]]) -> list[Game]:
    file = str(inspect.getsourcefile(guard.function.module))
    return [game for line in range(guard.line, guard.last + 1) for game in games.get((file, line), [])]


@pytest.mark.slow
def test_every_guard_is_reached(games: dict[tuple[str, int], list[Game]]) -> None:
    """Each guard refuses something in random play, but for those of which it is told why none can."""
    idle = [guard.name for guard in all_guards() if not _games_of(guard, games)]
    assert sorted(set(idle)) == sorted({**NEVER_FIRST, **IN_STORIES})


@pytest.mark.slow
@pytest.mark.parametrize("guard", all_guards(), ids=lambda x: f"{x.function.path}-{x.reason}-{x.line}")
def test_a_missing_guard_is_noticed(guard: Guard, games: dict[tuple[str, int], list[Game]]) -> None:
    """Without the guard, a law is broken in a game in which it refuses something."""
    found = _games_of(guard, games)
    if not found and guard.name in {**NEVER_FIRST, **IN_STORIES}:
        pytest.skip({**NEVER_FIRST, **IN_STORIES}[guard.name])
    for setup, seed, length in found:
        with replaced(guard.function, guard.without()):
            try:
                run(setup, seed, length, Counts(), written=False)
            except Failure:
                return
    assert guard.name in EQUIVALENT, f"nobody misses {guard.function.path}: {guard.reason}"


def test_the_guards_are_found() -> None:
    """The sources hold several dozen guards, in all kinds of venue."""
    guards = all_guards()
    assert len(guards) >= 60
    assert {"Pool.supply", "Umbrella.slash", "liquidate", "Feed.decide"} <= {x.function.path for x in guards}
