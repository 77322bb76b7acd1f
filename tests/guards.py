"""Guards: the statements that refuse. Where they are in the sources, which were heard, and which are missed.

The rule: a guard is missed where play comes to a wish that it alone refuses: without it the same wish, in the
same state, has not the outcome that the error oracle foretells. Nothing is played twice for that.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, ModuleType
from typing import Any, Final

import attrs
from planting import Function, functions_of, replaced

import mutualize
from mutualize.errors import Reason, Refused

TRIES_MAX = 40
"""So many wishes that a guard refuses are tried without it."""
MACHINERY: Final = ("require", "_too_small", "_too_large", "_wiped_out")
"""Functions that make a refusal for whoever calls them."""

Place = tuple[str, int]
"""(file, line)."""


@attrs.frozen
class Guard:
    """A statement that refuses, or that calls a function which does nothing else."""

    function: Function
    line: int
    """In the file."""
    last: int
    reason: str
    """The reason, or the function that is called."""

    @property
    def name(self) -> tuple[str, str]:
        """How it is called in lists: ('flip.tend', 'require_open')."""
        return f"{self.module}.{self.function.path}", self.reason

    @property
    def module(self) -> str:
        """In which file it is."""
        return str(self.function.module.__name__).rpartition(".")[2]

    def places(self) -> Iterator[Place]:
        """Return its lines."""
        file = str(inspect.getsourcefile(self.function.module))
        return ((file, line) for line in range(self.line, self.last + 1))

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
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name if name.startswith("require_") else ""
        case ast.Raise(exc=ast.Call(func=ast.Name(id="Refused"), args=[ast.Attribute(attr=reason)])):
            return reason
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name in MACHINERY:
            return name.strip("_").upper()
    return ""


def modules() -> list[ModuleType]:
    """Return every module of the package that knows reasons."""
    names = [info.name for info in pkgutil.walk_packages(mutualize.__path__, "mutualize.")]
    found = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return [module for module in found if "Reason" in vars(module) and module is not mutualize.errors]


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


class Refusal(ABC):
    """A wish that was just refused, while nothing has happened since."""

    @abstractmethod
    def told(self) -> Reason | None:
        """Return what the oracle foretells."""

    @abstractmethod
    def again(self) -> Reason | None:
        """Return what comes of it now, from those who decide, made anew from the source as it is."""

    def misses(self, guard: Guard) -> bool:
        """Say whether another outcome comes of it without a guard: none, another reason, or a crash."""
        told = self.told()
        with replaced(guard.function, guard.without()):
            try:
                return self.again() is not told
            except Exception:  # noqa: BLE001 - whatever it is, it is noticed
                return True


class Hunt:
    """Which guards were heard to refuse something, and which of them are missed."""

    def __init__(self, guards: Iterable[Guard]) -> None:
        self.left = list(guards)
        self.missed: dict[Guard, str] = {}
        """In which kind of game a guard is missed."""
        self.heard: Counter[Guard] = Counter()
        self._at = {place: guard for guard in self.left for place in guard.places()}
        self._stack: list[Place] = []

    def play(
        self, kind: str, refusals: Iterable[Refusal], wanted: Callable[[Guard], bool] = lambda _: True
    ) -> None:
        """Play until all guards that are `wanted` are missed, or the games are over."""
        with self._listening():
            for refusal in refusals:
                for guard in [self._at[place] for place in self._stack if place in self._at]:
                    self._try(kind, guard, refusal)
                if not any(wanted(guard) for guard in self.left):
                    return

    def _try(self, kind: str, guard: Guard, refusal: Refusal) -> None:
        self.heard[guard] += 1
        is_hunted = guard not in self.missed and self.heard[guard] <= TRIES_MAX
        if is_hunted and refusal.misses(guard):
            self.left.remove(guard)
            self.missed[guard] = kind

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Write down where the last refusal came from: all who called whom until then."""
        kind: Any = Refused
        good = kind.__init__

        def told(refused: Any, reason: Any) -> None:
            self._stack.clear()
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_code.co_name != "plan":
                self._stack.append((frame.f_code.co_filename, frame.f_lineno))
                frame = frame.f_back
            good(refused, reason)

        kind.__init__ = told
        try:
            yield
        finally:
            kind.__init__ = good
