"""Events in columns: what a page needs of each, once, and nothing that it can work out itself.

An event has a shape: its kind, and how its transfers are spelled by its own fields. `["{venue}:cash",
"{venue}:claims", "{asset}", amount]` is told once; what an event adds to it are its fields' values, and what
no field says. Texts are numbered; integers stay exact, as decimal digits; a zero is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mutualize.accounts import OUTSIDE
from mutualize.events import Entry, Event, fields_of
from mutualize.report.figures import Data

MERGED: Final = "Merged"
"""The kind of a row that stands for several events."""
_OUTSIDE: Final = f"{OUTSIDE}:"


class Names:
    """Every text once, numbered in the order in which it came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        """Return all texts in the order of their numbers."""
        return list(self._numbers)


class Columns:
    """The columns of all rows, filled row by row."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._kinds: dict[str, list[tuple[str, str]]] = {}
        self._fields: dict[str, list[list[str]]] = {}
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._extras: list[list[str]] = []
        self._rows: dict[str, list[str]] = {"shape": [], "dt": [], "cause": [], "tx": []}
        self._moved: tuple[list[str], ...] = ([], [], [], [], [])
        self._at = 0

    def add(self, entry: Entry, row: int, cause_row: int | None) -> None:
        """Take in one event that has a row of its own."""
        event = entry.event
        fields = fields_of(event)
        self._take(type(event).__name__, fields)
        shape, extras = self._shape_of(event, fields)
        self._row(shape, extras, entry.at, row, cause_row, entry.seq - entry.tx)

    def add_merged(self, count: int, at: int, moved: Sequence[tuple[str, str, str, int]], row: int) -> None:
        """Take in a row that stands for `count` events which moved all this together."""
        self._take(MERGED, {"count": count})
        for debit, credit, asset, amount in moved:
            texts = (self.names.number(text) for text in (debit, credit, asset))
            for column, value in zip(self._moved, (row, *texts, amount), strict=True):
                column.append(str(value))
        self._row((MERGED, ()), [], at, row, None, 0)

    def _take(self, kind: str, fields: dict[str, Any]) -> None:
        if kind not in self._kinds:
            self._kinds[kind] = [(name, _type(value)) for name, value in fields.items()]
            self._fields[kind] = [[] for _ in fields]
        for column, value in zip(self._fields[kind], fields.values(), strict=True):
            column.append(str(self.names.number(value)) if isinstance(value, str) else _digits(value))

    def _shape_of(self, event: Event, fields: dict[str, Any]) -> tuple[tuple[Any, ...], list[str]]:
        """Return how an event's transfers are spelled, and what its fields do not say of them."""
        texts = {value: f"{{{name}}}" for name, value in fields.items() if isinstance(value, str) and value}
        numbers = {
            value: at
            for at, value in reversed(list(enumerate(fields.values())))
            if isinstance(value, int) and not isinstance(value, bool) and value
        }
        extras: list[str] = []
        spelled = []
        for debit, credit, asset, amount in event.transfers:
            near = next((off for off in (0, 1, -1) if amount + off in numbers), None)
            sides = (self._side(debit, texts, extras), self._side(credit, texts, extras))
            if near is None:
                extras.append(_digits(amount))
                spelled.append((*sides, texts.get(asset, asset), -1, 0))
            else:
                spelled.append((*sides, texts.get(asset, asset), numbers[amount + near], -near))
        return (type(event).__name__, tuple(spelled)), extras

    def _side(self, account: str, texts: dict[str, str], extras: list[str]) -> str:
        """Spell one account; who is outside and in no field goes to the extras, as '@'."""
        if account.startswith(_OUTSIDE):
            name = account[len(_OUTSIDE) :]
            if name in texts:
                return _OUTSIDE + texts[name]
            extras.append(str(self.names.number(name)))
            return f"{_OUTSIDE}@"
        venue, _, part = account.partition(":")
        return f"{texts.get(venue, venue)}:{part}"

    def _row(
        self, shape: tuple[Any, ...], extras: list[str], at: int, row: int, cause: int | None, tx: int
    ) -> None:
        number = self._shapes.setdefault(shape, len(self._shapes))
        if number == len(self._extras):
            self._extras.append([])
        self._extras[number] += extras
        self._rows["shape"].append(str(number))
        self._rows["dt"].append(_digits(at - self._at))
        self._rows["cause"].append("" if cause is None or cause == row else str(row - cause))
        self._rows["tx"].append(_digits(tx))
        self._at = at

    def data(self) -> Data:
        """Return the columns, each as one text of values between commas."""
        return {
            "kinds": [
                [kind, fields, [",".join(column) for column in self._fields[kind]]]
                for kind, fields in self._kinds.items()
            ],
            "shapes": [[kind, list(spelled)] for kind, spelled in self._shapes],
            "extras": [",".join(extras) for extras in self._extras],
            "rows": {name: ",".join(values) for name, values in self._rows.items()},
            "count": len(self._rows["shape"]),
            "moved": [",".join(column) for column in self._moved],
        }


def _type(value: object) -> str:
    return "text" if isinstance(value, str) else "flag" if isinstance(value, bool) else "number"


def _digits(value: int) -> str:
    return str(int(value)) if value else ""


def in_columns(rows: Sequence[Sequence[int]], width: int) -> list[str]:
    """Turn rows of integers into columns, each one text of values between commas."""
    return [",".join(str(row[at]) for row in rows) for at in range(width)]
