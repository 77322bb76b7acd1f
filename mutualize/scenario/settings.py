"""Other values for a scenario: what a variant sets, and what a user sets with `--set path=value`.

Both change the parsed data before it is read, so both are checked like anything else; what a user sets is
marked 'override'. A path is walked along the classes of model.py: what does not exist cannot be set.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

import attrs

from mutualize.errors import Exit
from mutualize.scenario.fields import (
    Amount,
    Amounts,
    Choice,
    Counts,
    Distribution,
    Flag,
    Funds,
    Kind,
    Numeral,
    Parameter,
    Points,
    Ref,
    Rows,
    Settings,
    Strings,
    Table,
    Tables,
    Weights,
    Whole,
    fields_of,
    kind_of,
)
from mutualize.scenario.known import MARKED, RESERVED, plain
from mutualize.scenario.limits import LIMITS, BeyondLimitError, Limits, hold
from mutualize.scenario.marks import KINDS
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import Path, Problems, did_you_mean, format_path, parse_path, shown

QUOTED_BY: Final = ("price", "prices", "points")
"""What a market's price is given by: one of them, so a new one takes the place of the others."""
AMOUNT: Final = Amount("")
"""Stands for one entry of a table of amounts."""
ROOT: Final = Table(Scenario)
WHY: Final = "set for this run"


@attrs.frozen
class Target:
    """What a dotted path leads to: where it stands, and what it may hold."""

    path: Path
    kind: Kind


def parse_value(text: str, limits: Limits = LIMITS) -> Any:
    """Read what a user typed: TOML where it is that, else a text; a number with a point stays as typed."""
    hold(limits, "line_bytes", len(text), "characters in a value")
    try:
        parsed = tomllib.loads(f"x = {text}", parse_float=str)
    except (ValueError, RecursionError):
        return text
    value = parsed["x"]
    if len(parsed) != 1 or not isinstance(value, str | int | list | dict):
        return text
    return value


def meant(before: Any, typed: str, limits: Limits = LIMITS) -> Any:
    """Read what a user typed for a value that was `before`: where that is a text, a number stays as typed."""
    value = parse_value(typed, limits)
    return typed if isinstance(before, str) and not isinstance(value, str | dict | list) else value


def copied(raw: Any) -> Any:
    """Return a copy of parsed data whose tables and lists can be changed."""
    if isinstance(raw, dict):
        return {key: copied(value) for key, value in raw.items()}
    return [copied(value) for value in raw] if isinstance(raw, list) else raw


def resolve(data: Mapping[str, Any], text: str) -> Target:
    """Find what a dotted path leads to. Raises ValueError with the nearest known name."""
    steps = parse_path(text)
    kind: Kind = ROOT
    node: Any = data
    path: list[str | int] = []
    for position, step in enumerate(steps):
        kind, key = _step(kind, node, step, tuple(path), is_last=position == len(steps) - 1)
        node = node[key] if isinstance(key, int) else node.get(key) if isinstance(node, dict) else None
        path.append(key)
    return Target(tuple(path), kind)


def _step(kind: Kind, node: Any, step: str | int, path: Path, *, is_last: bool) -> tuple[Kind, str | int]:
    """Take one step down: return the kind that is reached and the key that leads there."""
    where = shown(format_path(path)) if path else "the scenario"
    if isinstance(kind, Rows):
        return Table(kind.cls), _row(kind, node if isinstance(node, list) else [], step, where)
    if isinstance(step, int):
        raise ValueError(f"{where} is not a list")
    match kind:
        case Table():
            fields = fields_of(kind.cls)
            inner = kind_of(fields[step]) if step in fields else None
            names = list(fields)
        case Tables():
            names = [name for name in node if name not in RESERVED] if isinstance(node, dict) else []
            inner = Table(kind.cls) if step in names or is_last else None
        case Amounts():
            inner, names = AMOUNT, []
        case Funds():
            inner, names = Funds(kind.levels - 1) if kind.levels > 1 else Amounts(), []
        case Weights():
            inner, names = Weights(kind.levels - 1) if kind.levels > 1 else Whole(), []
        case Counts():
            inner, names = (Whole() if step in kind.options else None), list(kind.options)
        case _:
            raise ValueError(f"{where} has no parts that could be set")
    if inner is None:
        raise ValueError(f"there is no {shown(step)} in {where}. {did_you_mean(step, names)}".rstrip())
    return inner, step


def _row(kind: Rows, rows: list[Any], step: str | int, where: str) -> int:
    """Return the position of a row, given as such or by its label."""
    if isinstance(step, int):
        if step >= len(rows):
            raise ValueError(f"there is no row {step} in {where}: it has {len(rows)}, counted from 0")
        return step
    labels = [plain(row.get(kind.label)) if isinstance(row, dict) else None for row in rows]
    if step not in labels:
        names = [label for label in labels if isinstance(label, str)]
        raise ValueError(f"there is no {shown(step)} in {where}. {did_you_mean(step, names)}".rstrip())
    return labels.index(step)


def put(data: dict[str, Any], path: Path, value: Any) -> None:
    """Write a value into parsed data; tables on the way are made."""
    node: Any = data
    for step in path[:-1]:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    node[path[-1]] = value


def get(data: Any, path: Path) -> Any:
    """Return what stands at a path; None where nothing does."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def marked(kind: Kind, value: Any, mark: Mapping[str, str]) -> Any:
    """Return a new value with a mark, unless it brings its own or is of a kind that is not marked."""
    if isinstance(value, dict):
        has_own = any(name in value for name in RESERVED)
        if has_own or isinstance(kind, Strings | Settings):
            return value
        inline = isinstance(kind, Distribution | Amounts | Counts | Funds | Weights)
        return {**value, **mark} if inline else {MARKED: dict(mark), **value}
    if isinstance(value, list) and isinstance(kind, Rows):
        return [marked(Table(kind.cls), row, mark) for row in value]
    return {"value": value, **mark} if _may_be_marked(kind) else value


def _may_be_marked(kind: Kind) -> bool:
    if isinstance(kind, Whole | Numeral):
        return kind.marked
    return isinstance(kind, Amount | Amounts | Choice | Distribution | Flag | Parameter | Points | Ref)


@attrs.define
class Setter:
    """Sets values in a copy of parsed data, and notes where each came from."""

    data: dict[str, Any]
    problems: Problems
    limits: Limits = LIMITS
    cuts: list[Path] = attrs.field(factory=list)
    typed: dict[str, str] = attrs.field(factory=dict)
    """What a user set, by path; the seed is not of it, since a run has one anyway."""

    def override(self, text: str, typed: str) -> None:
        """Set what a user typed, marked 'override'; the value that stands there already changes nothing."""
        option = f"--set {shown(text)[1:-1]}"
        try:
            target = resolve(self.data, text)
            before = plain(get(self.data, target.path))
            value = meant(before, typed, self.limits)
        except BeyondLimitError as error:
            self.problems.add_option(option, str(error), error.remedy, Exit.LIMIT)
            return
        except ValueError as error:
            self.problems.add_option(option, str(error))
            return
        if type(before) is type(value) and before == value:
            return
        if isinstance(before, int | str) and isinstance(value, int | str) and str(before) == typed:
            return
        self._put(target, value, {"override": WHY})
        if target.path != ("seed",):
            self.typed[format_path(target.path)] = typed
        self.problems.places[target.path] = option

    def variant(self, name: str) -> None:
        """Set what a variant sets, and note that it was applied."""
        table = get(self.data, ("variants", name))
        values = table.get("set") if isinstance(table, dict) else None
        if not isinstance(values, dict) or not isinstance(table, dict):
            return
        mark = (
            {kind: table[MARKED][kind] for kind in KINDS if kind in table[MARKED]} if _has_mark(table) else {}
        )
        mark = {**mark, **{kind: table[kind] for kind in KINDS if kind in table}}
        self.settle(values, ("variants", name, "set"), mark)

    def settle(self, values: Mapping[str, Any], place: Path, mark: Mapping[str, str]) -> None:
        """Set what a table of settings says that stands at `place`."""
        for text, value in values.items():
            at: Path = (*place, text)
            try:
                target = resolve(self.data, text)
            except ValueError as error:
                self.problems.add(at, str(error))
                continue
            self.problems.moves.append((target.path, at))
            self._put(target, copied(value), mark)
            self.cuts.append(target.path)

    def _put(self, target: Target, value: Any, mark: Mapping[str, str]) -> None:
        new = marked(target.kind, value, mark) if mark else value
        table = get(self.data, target.path[:-1])
        if len(target.path) == 3 and target.path[0] == "markets" and isinstance(table, dict):
            for other in QUOTED_BY if target.path[-1] in QUOTED_BY else ():
                table.pop(other, None)
        try:
            put(self.data, target.path, new)
        except (TypeError, KeyError, IndexError, AttributeError):
            self.problems.add(
                target.path[:1], f"{shown(format_path(target.path))} cannot be set: it is no table."
            )


def _has_mark(table: Mapping[str, Any]) -> bool:
    return isinstance(table.get(MARKED), dict)
