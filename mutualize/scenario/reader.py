"""From parsed TOML to the classes of model.py: strict, along the kinds of fields, all problems at once.

A table is read field by field. What is wrong is noted with its path and reading goes on, so that one run
tells everything; a table with a problem becomes `BAD`, and so does what contains it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from mutualize.errors import Exit
from mutualize.scenario import distributions, leaves, scalars
from mutualize.scenario.fields import (
    DOC,
    SCALARS,
    WHOLE_MAX,
    Amounts,
    Counts,
    Distribution,
    Funds,
    Kind,
    Points,
    Rows,
    Settings,
    Strings,
    Table,
    Tables,
    Weights,
    fields_of,
    is_required,
    key_field,
    kind_of,
)
from mutualize.scenario.known import MARKED, RESERVED, Known, plain
from mutualize.scenario.leaves import Frame, Unknown
from mutualize.scenario.limits import BeyondLimitError
from mutualize.scenario.marks import KINDS, Input, Mark
from mutualize.scenario.place import Path, Problems, did_you_mean, format_path, shown

BAD: Final = object()
"""What a value becomes that could not be read; the problem is noted."""
GAS_MAX: Final = 10**12


@attrs.define
class Reader:
    """Reads one parsed scenario. `built` holds every table that was sound, by path, for the checks."""

    known: Known
    problems: Problems
    cuts: frozenset[Path] = frozenset()
    """Where the mark of the tables around does not hold: values that a variant set."""
    inputs: list[Input] = attrs.field(factory=list)
    marks: dict[Path, Mark] = attrs.field(factory=dict)
    built: list[tuple[Path, Any]] = attrs.field(factory=list)
    labels: dict[Path, str] = attrs.field(factory=dict)

    # --- tables ------------------------------------------------------------------------------------------

    def read(self, cls: type, raw: Any, path: Path, mark: Mark | None, key: str = "", venue: str = "") -> Any:
        """Read a table as `cls`; `mark` is what holds for its numbers, `venue` the venue around it."""
        if not isinstance(raw, dict):
            return self.bad(path, f"{shown(raw)} is not a table.")
        rest, mark = self.take_marks(raw, path, mark)
        own = plain(raw.get("venue"))
        frame = Frame(rest, cls, path, key, own if isinstance(own, str) else venue)
        fields = fields_of(cls)
        values: dict[str, Any] = {name: key for name in [key_field(cls)] if name}
        is_sound = self.no_strangers(rest, fields, path)
        for name, field in fields.items():
            if name in rest:
                values[field.name] = self.field(_kind(field), rest[name], name, frame, mark)
            elif is_required(field):
                is_sound = False
                self.problems.add(path, f"{shown(name)} is missing ({field.metadata[DOC]}).")
        if not is_sound or any(value is BAD for value in values.values()):
            return BAD
        made = cls(**values)
        self.built.append((path, made))
        return made

    def no_strangers(self, raw: Mapping[str, Any], fields: Mapping[str, Any], path: Path) -> bool:
        """Note keys that the table does not have; returns whether there are none."""
        strangers = [name for name in raw if name not in fields]
        for name in strangers:
            self.problems.add((*path, name), "there is no such key.", did_you_mean(name, fields))
        return not strangers

    def field(self, kind: Kind, raw: Any, name: str, frame: Frame, mark: Mark | None) -> Any:
        """Read one field of a table."""
        path = (*frame.path, name)
        if path in self.cuts:
            mark = None
        if isinstance(kind, SCALARS):
            return self.leaf(kind, raw, path, frame, mark)
        match kind:
            case Table():
                return self.read(kind.cls, raw, path, mark, frame.key, frame.venue)
            case Tables():
                return self.tables(kind, raw, path, mark, frame)
            case Rows():
                return self.rows(kind, raw, path, mark, frame)
            case Amounts():
                return self.amounts(kind, raw, path, frame, mark)
            case _:
                return self.loose(kind, raw, path, frame, mark)

    def tables(self, kind: Tables, raw: Any, path: Path, mark: Mark | None, frame: Frame) -> Any:
        """Read tables by name."""
        if not isinstance(raw, dict):
            return self.bad(path, f"{shown(raw)} is not a table of tables.")
        rest, mark = self.take_marks(raw, path, mark)
        read: dict[str, Any] = {}
        for name, inner in rest.items():
            venue = name if path == ("venues",) else frame.venue
            mark_here = None if (*path, name) in self.cuts else mark
            made = self.read(kind.cls, inner, (*path, name), mark_here, name, venue)
            read[name] = made if self.is_name(kind, name, path, frame) else BAD
        return BAD if any(value is BAD for value in read.values()) else read

    def is_name(self, kind: Tables, name: str, path: Path, frame: Frame) -> bool:
        """Check the name of a table; returns whether it is one."""
        try:
            leaves.read_leaf(kind.names, name, frame, self.known, "")
        except Unknown:
            return False
        except ValueError as error:
            self.wrong((*path, name), error)
            return False
        return True

    def rows(self, kind: Rows, raw: Any, path: Path, mark: Mark | None, frame: Frame) -> Any:
        """Read a list of tables."""
        if not isinstance(raw, list):
            return self.bad(path, f"{shown(raw)} is not a list of tables.", f"Write [[{format_path(path)}]].")
        read = []
        labels: dict[str, int] = {}
        for number, inner in enumerate(raw):
            label = plain(inner.get(kind.label)) if isinstance(inner, dict) else None
            if isinstance(label, str) and kind.label:
                if label not in labels:
                    labels[label] = number
                    self.labels[*path, number] = label
                elif not kind.again:
                    self.bad((*path, number, kind.label), f"{shown(label)} is there twice")
            read.append(self.read(kind.cls, inner, (*path, number), mark, "", frame.venue))
        return BAD if any(value is BAD for value in read) else tuple(read)

    # --- values ------------------------------------------------------------------------------------------

    def leaf(self, kind: Kind, raw: Any, path: Path, frame: Frame, mark: Mark | None) -> Any:
        """Read a value that contains no others, with its own mark if it has one."""
        own: Mark | None = None
        if isinstance(raw, dict) and ("value" in raw or isinstance(kind, Distribution)):
            raw, own = self.unwrap(raw, path)
        try:
            value = leaves.read_leaf(kind, raw, frame, self.known, str(path[-1]))
        except Unknown:
            value = BAD
        except ValueError as error:
            return self.wrong(path, error)
        if own or leaves.needs_mark(kind, raw):
            self.record(path, shown(raw) if value is BAD else _as_text(kind, raw), own or mark)
        return value

    def unwrap(self, raw: dict[str, Any], path: Path) -> tuple[Any, Mark | None]:
        """Return value and mark of { value = …, fact = … }; a table without `value` is its own value."""
        rest, own = self.take_marks(raw, path, None)
        if "value" not in rest:
            return rest, own
        self.no_strangers(rest, dict.fromkeys(("value", *KINDS[:-1])), path)
        return rest["value"], own

    def amounts(self, kind: Amounts, raw: Any, path: Path, frame: Frame, mark: Mark | None) -> Any:
        """Read quantities by asset; or one numeral that stands for several assets."""
        if isinstance(raw, dict) and "value" not in raw:
            rest, mark = self.take_marks(raw, path, mark)
            return self.each(rest, path, mark, self.amount)
        if not kind.spread:
            return self.bad(path, f"{shown(raw)} is not a table of amounts by asset.")
        value, own = self.unwrap(raw, path) if isinstance(raw, dict) else (raw, None)
        read = {}
        try:
            for asset in self.meant(kind, frame):
                read[asset] = self.amount(asset, value)
        except Unknown:
            return BAD
        except ValueError as error:
            return self.wrong(path, error)
        self.record(path, str(value), own or mark)
        return read

    def meant(self, kind: Amounts, frame: Frame) -> list[str]:
        """Return the assets that one numeral stands for."""
        asset = frame.value(kind.of) if kind.of else None
        if asset is None and "stake" in frame.raw and kind.of:
            asset = self.known.stake_asset(frame.venue, frame.value("stake"))
        if asset is not None:
            return [asset]
        return self.known.names("reserves", frame.venue)

    def amount(self, asset: str, value: Any) -> int:
        """Read a quantity of a named asset."""
        names = self.known.names("assets")
        if asset not in names:
            raise ValueError(f"there is no asset {shown(asset)}. {did_you_mean(asset, names)}".rstrip())
        return leaves.amount_of(value, asset, self.known)

    def each(
        self, raw: Mapping[str, Any], path: Path, mark: Mark | None, read: Callable[[str, Any], Any]
    ) -> Any:
        """Read a table whose values are all marked numbers."""
        values: dict[str, Any] = {}
        for name, inner in raw.items():
            at = (*path, name)
            own: Mark | None = None
            if isinstance(inner, dict):
                inner, own = self.unwrap(inner, at)  # noqa: PLW2901 - the value inside is what is meant
            try:
                values[name] = read(name, inner)
            except Unknown:
                values[name] = BAD
            except ValueError as error:
                values[name] = self.wrong(at, error)
                continue
            self.record(at, str(inner), own or (None if at in self.cuts else mark))
        return BAD if any(value is BAD for value in values.values()) else values

    def loose(self, kind: Kind, raw: Any, path: Path, frame: Frame, mark: Mark | None) -> Any:
        """Read a table whose keys are chosen freely, or from a few words."""
        if not isinstance(raw, dict):
            return self.bad(path, f"{shown(raw)} is not a table.")
        if isinstance(kind, Strings):
            return self.strings(kind, raw, path)
        if isinstance(kind, Settings):
            return dict(raw) if self.no_floats(raw, path) else BAD
        rest, mark = self.take_marks(raw, path, mark)
        if isinstance(kind, Funds | Weights):
            read = {name: self.inner(kind, inner, (*path, name), frame, mark) for name, inner in rest.items()}
            return BAD if any(value is BAD for value in read.values()) else read
        assert isinstance(kind, Counts), "no other kind has free keys"
        if not self.no_strangers(rest, dict.fromkeys(kind.options), path):
            return BAD
        return self.each(rest, path, mark, lambda _, value: scalars.read_whole(value, 0, GAS_MAX))

    def inner(self, kind: Funds | Weights, raw: Any, path: Path, frame: Frame, mark: Mark | None) -> Any:
        """Read what stands under one name of a table of quantities or numbers."""
        if not self.is_account(path):
            return BAD
        if isinstance(kind, Funds):
            if kind.levels > 1:
                return self.loose(Funds(kind.levels - 1), raw, path, frame, mark)
            return self.amounts(Amounts(), raw, path, frame, mark)
        if not isinstance(raw, dict):
            return self.bad(path, f"{shown(raw)} is not a table.")
        rest, mark = self.take_marks(raw, path, mark)
        return self.each(rest, path, mark, lambda _, value: scalars.read_whole(value, 0, WHOLE_MAX))

    def is_account(self, path: Path) -> bool:
        """Check the name at the end of a path; returns whether it is one."""
        try:
            scalars.read_name(path[-1])
        except ValueError as error:
            self.wrong(path, error)
            return False
        return True

    def strings(self, kind: Strings, raw: Mapping[str, Any], path: Path) -> Any:
        """Read a table of texts."""
        values: dict[str, Any] = {}
        for name, text in raw.items():
            try:
                values[scalars.read_id(name)] = scalars.read_text(text, kind.limit)
            except ValueError as error:
                values[name] = self.wrong((*path, name), error)
        return BAD if any(value is BAD for value in values.values()) else values

    def no_floats(self, raw: Any, path: Path) -> bool:
        """Note floats and dates in data that is read later; returns whether there are none."""
        if isinstance(raw, dict):
            found = [self.no_floats(value, (*path, name)) for name, value in raw.items()]
            return all(found)
        if isinstance(raw, list):
            found = [self.no_floats(value, (*path, number)) for number, value in enumerate(raw)]
            return all(found)
        try:
            scalars.unfloat(raw)
        except ValueError as error:
            self.bad(path, str(error))
            return False
        return True

    # --- marks -------------------------------------------------------------------------------------------

    def take_marks(
        self, raw: Mapping[str, Any], path: Path, mark: Mark | None
    ) -> tuple[dict[str, Any], Mark | None]:
        """Split a table into its values and its mark; without one of its own, the mark around it holds."""
        rest = {name: value for name, value in raw.items() if name not in RESERVED}
        found = {name: raw[name] for name in KINDS if name in raw}
        if MARKED in raw:
            marked = raw[MARKED]
            if not isinstance(marked, dict):
                self.bad((*path, MARKED), f"{shown(marked)} is not a mark")
                return rest, mark
            self.no_strangers(marked, dict.fromkeys(KINDS), (*path, MARKED))
            found = {**found, **marked} if not found else {**found, "twice": ""}
        if not found:
            return rest, None if path in self.cuts else mark
        return rest, self.mark(found, path) or mark

    def mark(self, found: Mapping[str, Any], path: Path) -> Mark | None:
        """Read a mark, or note what is wrong with it."""
        if len(found) != 1:
            self.bad(path, f"one mark is needed, not {len(found)}: fact, calibrated or assumed")
            return None
        ((kind, why),) = found.items()
        if kind not in KINDS:
            return None
        try:
            mark = Mark(kind, scalars.read_text(why, 400))
        except ValueError as error:
            self.bad((*path, kind), str(error))
            return None
        names = self.known.names("sources")
        if not why.strip():
            self.bad((*path, kind), "the mark does not say why")
        if kind == "fact" and mark.source not in names:
            self.bad(
                (*path, kind), f"there is no source {shown(mark.source)}. {did_you_mean(mark.source, names)}"
            )
        return mark

    def record(self, path: Path, text: str, mark: Mark | None) -> None:
        """Note a number among the inputs, or the absence of its mark."""
        if mark is None:
            self.problems.add(
                path,
                f"the number {shown(text)} is not marked.",
                'Write { value = …, assumed = "why" } (or fact, calibrated), or marked = { … } in its table.',
            )
            return
        self.marks[path] = mark
        self.inputs.append(Input(self.labelled(path), text, mark.kind, mark.why))

    def labelled(self, path: Path) -> str:
        """Write a path with rows by their labels: 'borrowers.whales.count'."""
        steps: list[str | int] = []
        for length, step in enumerate(path, 1):
            steps.append(self.labels.get(path[:length], step) if isinstance(step, int) else step)
        return format_path(tuple(steps))

    def bad(self, path: Path, problem: str, remedy: str = "") -> Any:
        """Note a problem and return BAD."""
        self.problems.add(path, problem, remedy)
        return BAD

    def wrong(self, path: Path, error: ValueError) -> Any:
        """Note what reading a value raised, and return BAD."""
        if isinstance(error, BeyondLimitError):
            self.problems.add(path, str(error), error.remedy, Exit.LIMIT)
            return BAD
        return self.bad(path, str(error))


def _kind(field: attrs.Attribute[Any]) -> Kind:
    kind = kind_of(field)
    assert kind is not None, "fields_of gives fields with a kind"
    return kind


def _as_text(kind: Kind, raw: Any) -> str:
    """Write a raw value into the list of inputs."""
    if isinstance(kind, Distribution):
        return distributions.write_distribution(raw)
    if isinstance(kind, Points):
        return f"{len(raw)} points, {raw[0][1]} to {raw[-1][1]}"
    return shown(raw)[1:-1] if isinstance(raw, str) else shown(raw)
