"""Places in a scenario: dotted paths, the line each stands on, and the problems found there.

venues.aave.waterfall[1].payer        or, rows by their label:  venues.aave.waterfall.stakers.payer
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path as FilePath
from typing import Final, TypeAlias

import attrs

from mutualize.errors import Exit, MutualizeError

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys, and positions in lists."""

SHOWN_MAX: Final = 60
NAMES_MAX: Final = 200
"""Among how many known names the nearest is looked for."""
PROBLEMS_MAX: Final = 100
"""How many problems are told at once; nothing is read beyond."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STEP: Final = re.compile(r'(?:^|\.)(?:([A-Za-z0-9_-]+)|"([^"\\]+)")|\[([0-9]{1,9})\]')


def format_path(path: Path) -> str:
    """Write a path as people read it: keys joined by dots, positions in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE.fullmatch(step) else f'"{shown(step)[1:-1]}"')
    return text


def parse_path(text: str) -> Path:
    """Read a dotted path. Raises ValueError where it is none."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or (at == 0 and text.startswith((".", "["))):
            raise ValueError(f"{shown(text)} is not a path such as 'venues.aave.waterfall[1].limit'")
        bare, quoted, position = step.groups()
        path.append(int(position) if position is not None else (bare or quoted))
        at = step.end()
    if not path:
        raise ValueError("the path is empty")
    return tuple(path)


def shown(value: object) -> str:
    """Write a value that a user gave into a message: quoted, short, one line, no control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**SHOWN_MAX else "a number of more than 60 digits"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    cut = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
    return "'" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + "'"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy: the known word that is nearest, or the list of all where it is short."""
    names = list(islice(known, NAMES_MAX))
    close = difflib.get_close_matches(word[:64], names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {shown(close[0])}?"
    if not names:
        return ""
    listed = ", ".join(shown(name)[1:-1] for name in names[:12])
    return f"Known: {listed}{', …' if len(names) > 12 else ''}."


def display(path: FilePath) -> str:
    """Write a file's path as short as it can be: from the current folder where it lies below that."""
    try:
        return str(path.resolve().relative_to(FilePath.cwd().resolve()))
    except (ValueError, OSError):
        return str(path)


def _sentence(text: str) -> str:
    """End a problem with a full stop, where it does not end already."""
    return text if text.endswith((".", "?")) else f"{text}."


class TooManyError(Exception):
    """So many problems were found that reading stops."""


@attrs.define
class Problems:
    """What is wrong with one scenario, collected; raised all at once in the order of lines."""

    file: str
    lines: Callable[[], Mapping[Path, int]] = dict
    """The line of each path, found when it is first asked for."""
    moves: list[tuple[Path, Path]] = attrs.field(factory=list)
    """Paths whose values stand elsewhere in the file, and where: what a variant sets."""
    places: dict[Path, str] = attrs.field(factory=dict)
    """Where values come from that do not stand in the file: '--set seed' and the like."""
    found: list[tuple[int, MutualizeError]] = attrs.field(factory=list)
    told: set[str] = attrs.field(factory=set)

    def add(self, path: Path, problem: str, remedy: str = "", code: Exit = Exit.USAGE) -> None:
        """Note a problem with the value at `path`."""
        line = self.line(path)
        place = self.place(path)
        problem = _sentence(problem)
        text = format_path(path)
        named = problem if not path or place.endswith(f" {text}") else f"{text}: {problem}"
        self.keep(line, MutualizeError(place, named, remedy, code=code))

    def keep(self, line: int, error: MutualizeError) -> None:
        """Note a problem that sorts under `line`, once. Raises TooManyError where enough were noted."""
        if error.line() in self.told:
            return
        if len(self.found) == PROBLEMS_MAX:
            raise TooManyError
        self.told.add(error.line())
        self.found.append((line, error))

    def add_file(self, name: str, row: int, problem: str, remedy: str = "", code: Exit = Exit.USAGE) -> None:
        """Note a problem with a row of a file beside the scenario; row 0 is the file as a whole."""
        beside = self.beside(name)
        place = f"{beside}:{row}" if row else beside
        self.add_error(MutualizeError(place, _sentence(problem), remedy, code=code))

    def beside(self, name: str) -> str:
        """Return how messages call a file beside the scenario."""
        return str(FilePath(self.file).parent / name)

    def add_error(self, error: MutualizeError) -> None:
        """Note a problem with a file beside the scenario."""
        self.keep(10**9, error)

    def add_option(self, option: str, problem: str, remedy: str = "", code: Exit = Exit.USAGE) -> None:
        """Note a problem with an option of the command line."""
        self.keep(0, MutualizeError(option, _sentence(problem), remedy, code=code))

    def line(self, path: Path) -> int:
        """Return the line on which `path` stands, or the nearest table around it; 0 where unknown."""
        lines = self.lines()
        for target, source in self.moves:
            if path[: len(target)] == target:
                path = (*source, *path[len(target) :])
        for length in range(len(path), 0, -1):
            if path[:length] in lines:
                return lines[path[:length]]
        return 0

    def place(self, path: Path) -> str:
        """Return 'file:line', or the option that the value came from."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        line = self.line(path)
        return f"{self.file}:{line}" if line else self.file

    def raise_if_any(self) -> None:
        """Raise all problems as one MutualizeError, first line first; nothing where there are none."""
        if not self.found:
            return
        ordered = [error for _, error in sorted(self.found, key=lambda pair: pair[0])]
        if len(ordered) == PROBLEMS_MAX:
            ordered.append(MutualizeError(self.file, f"reading stopped after {PROBLEMS_MAX} problems."))
        first, *others = ordered
        raise MutualizeError(
            first.place, first.problem, first.remedy, code=first.code, others=tuple(others)
        ) from None
