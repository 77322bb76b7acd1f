"""Limits: how large a scenario may be before it is refused, each with a name and the flag that raises it.

    --limit members=5000000        scenario.toml:41: …: 3,000,000 people take part: at most 2,000,000.
                                   Raise it by --limit members=3000000.

A limit is about time and memory, never about what a number means: the bounds of numerals, names and texts
belong to the format, and no flag moves them. Exceeding a limit is exit code 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from mutualize.errors import Exit, MutualizeError

DOC: Final = "mutualize.doc"
MOST: Final = "mutualize.most"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def _limit(default: int, doc: str, most: int = 10**18 - 1) -> Any:
    """Declare a limit; `most` is how far a flag may raise it."""
    return attrs.field(default=default, metadata={DOC: doc, MOST: most})


@attrs.frozen(kw_only=True)
class Limits:
    """All limits. Their names on the command line have hyphens: `file_bytes` is `file-bytes`."""

    file_bytes: int = _limit(1_000_000, "bytes of a scenario file")
    line_bytes: int = _limit(4_096, "bytes of a line of a scenario file, or of a value typed behind --set")
    key_parts: int = _limit(16, "parts of a dotted key", 1_000)
    depth: int = _limit(32, "tables and lists inside each other", 100)
    points: int = _limit(10_000, "points of one price path")
    texts: int = _limit(100, "entries of a list of texts, or of values to compare with")
    histogram_rows: int = _limit(1_000, "rows of one histogram")
    variants: int = _limit(50, "variants of a scenario")
    draws: int = _limit(100_000, "seeds of a spread, and sets of inputs that are drawn for it")
    data_bytes: int = _limit(64_000_000, "bytes of a file beside the scenario")
    row_characters: int = _limit(4_096, "characters of a row of such a file")
    members: int = _limit(2_000_000, "people who take part, and single positions")
    agents: int = _limit(100_000, "liquidators, each of whom acts for himself")
    steps: int = _limit(50_000_000, "publications of prices, times those who look at each: an estimate")


LIMITS: Final = Limits()
"""What holds where nothing else is asked for."""
Raised: TypeAlias = Mapping[str, int] | Iterable[str] | Limits
"""Other limits: by name, or as 'name=number'."""


class BeyondLimitError(ValueError):
    """A value that is larger than a limit; `remedy` says how to raise it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def option_of(name: str) -> str:
    """Return what a limit is called on the command line."""
    return name.replace("_", "-")


def remedy_of(name: str, needed: int | None = None) -> str:
    """Return how to raise a limit to what was needed, where that is known and possible."""
    most = _field(name).metadata[MOST]
    if needed is not None and needed > most:
        return f"Not even --limit {option_of(name)} raises it beyond {most:,}."
    return f"Raise it by --limit {option_of(name)}={'N' if needed is None else needed}."


def hold(limits: Limits, name: str, count: int, what: str) -> None:
    """Raise BeyondLimitError where there is more of something than a limit allows."""
    most = getattr(limits, name)
    if count > most:
        raise BeyondLimitError(f"{count:,} {what}: at most {most:,}", remedy_of(name, count))


def beyond(place: str, name: str, problem: str, needed: int | None = None) -> MutualizeError:
    """Return the error of a limit that was exceeded at a place."""
    return MutualizeError(place, problem, remedy_of(name, needed), code=Exit.LIMIT)


def limits_of(raised: Raised) -> Limits:
    """Read other limits, by name or as 'name=number'. Raises MutualizeError for what is none."""
    if isinstance(raised, Limits):
        return raised
    pairs = raised.items() if isinstance(raised, Mapping) else (_pair(text) for text in raised)
    values: dict[str, int] = {}
    for name, number in pairs:
        field = _field(name)
        most = field.metadata[MOST]
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise MutualizeError(
                f"--limit {option_of(name)}", f"is a whole number from 1 to {most:,}, not {number!r:.60}."
            )
        values[field.name] = number
    return Limits(**values)


def _pair(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not _NUMBER.fullmatch(number):
        raise MutualizeError(
            f"--limit {text!a:.80}", "is no 'NAME=NUMBER'.", "Write --limit members=5000000."
        )
    return name, int(number)


def _field(name: str) -> attrs.Attribute[Any]:
    """Return the field of a limit, by its name with hyphens or without. Raises MutualizeError."""
    for field in attrs.fields(Limits):
        if name in (field.name, option_of(field.name)):
            found: attrs.Attribute[Any] = field
            return found
    known = ", ".join(option_of(field.name) for field in attrs.fields(Limits))
    raise MutualizeError("--limit", f"there is no limit {name!a:.60}.", f"Known: {known}.")


def table() -> list[tuple[str, int, str]]:
    """Return all limits as (name on the command line, default, what is counted)."""
    return [(option_of(a.name), getattr(LIMITS, a.name), a.metadata[DOC]) for a in attrs.fields(Limits)]
