"""Values that contain no others: from TOML to integers and texts, by the kind of their field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from mutualize.scenario import distributions, scalars
from mutualize.scenario.fields import (
    Amount,
    AssetName,
    Choice,
    Distribution,
    File,
    Flag,
    Kind,
    Name,
    Numeral,
    Parameter,
    Path,
    Points,
    Ref,
    Refs,
    Text,
    Texts,
    Time,
    Tolerance,
    Value,
    Values,
    Whole,
    fields_of,
    is_required,
    kind_of,
)
from mutualize.scenario.files import check_file_name
from mutualize.scenario.known import Known, plain
from mutualize.scenario.limits import hold
from mutualize.scenario.market import PRICE_MAX
from mutualize.scenario.model import Tolerance as Within
from mutualize.scenario.place import Path as At
from mutualize.scenario.place import did_you_mean, parse_path, shown
from mutualize.scenario.venue import Reserve
from mutualize.units import AMOUNT_MAX

FINEST: Final = 36
"""Decimals that a numeral is checked with where its asset is not known."""


class Unknown(Exception):
    """A value cannot be read because what it refers to is not sound; that is told elsewhere."""


@attrs.frozen
class Frame:
    """The table around a value: its raw fields, class, path, own name, and venue."""

    raw: Mapping[str, Any]
    cls: type
    path: At
    key: str
    venue: str

    def value(self, name: str) -> Any:
        """Return the raw value of a field, or the table's own name."""
        if name in self.raw:
            return plain(self.raw[name])
        field = fields_of(self.cls).get(name)
        return self.key if field is None else field.default

    def lacks(self, name: str) -> bool:
        """Say whether a field that may be left out is: nothing else would tell that it is needed here."""
        field = fields_of(self.cls).get(name)
        return field is not None and name not in self.raw and not is_required(field)

    def counted_in(self, kind: Amount) -> str:
        """Return the field that says in what an amount is counted."""
        if kind.switch is not None and self.value(kind.switch[0]) == kind.switch[1]:
            return kind.switch[2]
        return kind.of

    def asset(self, kind: Amount, known: Known) -> Any:
        """Return the name of the asset that an amount is counted in, as far as it is known."""
        name = self.counted_in(kind)
        field = fields_of(self.cls).get(name)
        asset = self.value(name)
        if field is not None and kind_of(field) == Ref("stakes"):
            return known.stake_asset(self.venue, asset)
        return asset


def needs_mark(kind: Kind, raw: Any) -> bool:
    """Say whether a value is a number that has to be marked."""
    if isinstance(kind, Numeral):
        return kind.marked and not (isinstance(raw, str) and raw in kind.also)
    if isinstance(kind, Whole):
        return kind.marked
    return isinstance(kind, Amount | Distribution | Parameter | Points | File)


def read_leaf(kind: Kind, raw: Any, frame: Frame, known: Known, name: str) -> Any:
    """Read one value of the field `name`. Raises ValueError with the problem, or Unknown."""
    read = _READERS.get(type(kind))
    return _SIMPLE[type(kind)](raw) if read is None else read(kind, raw, Place(frame, known, name))


@attrs.frozen
class Place:
    """Where a value is being read: its table, the names that are known, and its field."""

    frame: Frame
    known: Known
    name: str


def _whole(kind: Whole, raw: Any, _: Place) -> int:
    return scalars.read_whole(raw, kind.low, kind.high)


def _decimal(kind: Numeral, raw: Any, _: Place) -> int | str:
    if kind.also and isinstance(raw, str) and raw[:1].isalpha():
        if raw not in kind.also:
            words = ", ".join(kind.also)
            raise ValueError(f"{shown(raw)} is neither a number nor one of {words}")
        return raw
    return scalars.read_decimal(raw, kind.places, kind.low, kind.high) + kind.added


def _amount(kind: Amount, raw: Any, place: Place) -> int:
    name = place.frame.counted_in(kind)
    if place.frame.lacks(name):
        raise ValueError(f"in which asset it is counted is not known without {shown(name)}")
    return amount_of(raw, place.frame.asset(kind, place.known), place.known, kind.low)


def _distribution(kind: Distribution, raw: Any, place: Place) -> Any:
    return distributions.read_distribution(
        raw, lambda number: _READERS[type(kind.inner)](kind.inner, number, place), place.known.limits
    )


def amount_of(raw: Any, asset: Any, known: Known, low: int = 0) -> int:
    """Read a quantity of an asset in base units. Raises ValueError, or Unknown for an unknown asset."""
    decimals = known.decimals(asset)
    if decimals is None:
        scalars.read_decimal(raw, FINEST, 0, AMOUNT_MAX * 10**FINEST)
        raise Unknown
    try:
        return scalars.read_decimal(raw, decimals, low, AMOUNT_MAX)
    except ValueError as error:
        raise ValueError(
            f"{error} ({asset} has {decimals})" if "places" in str(error) else str(error)
        ) from None


def _parameter(kind: Parameter, raw: Any, place: Place) -> Any:
    if place.frame.lacks(kind.of):
        raise ValueError(f"what it means is not known without {shown(kind.of)}")
    field = fields_of(Reserve).get(str(place.frame.value(kind.of)))
    if field is None:
        raise Unknown
    parameter = kind_of(field)
    assert parameter is not None, "every field of a reserve has a kind"
    return read_leaf(parameter, raw, place.frame, place.known, field.name)


def _reference(kind: Ref, raw: Any, place: Place) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{shown(scalars.unfloat(raw))} is not a name in quotes")
    is_local = kind.to in {"stakes", "reserves", "ilks"}
    if is_local and not place.known.has_venue(place.frame.venue):
        raise Unknown
    names = place.known.names(kind.to, place.frame.venue)
    if raw not in names:
        where = f" in {shown(place.frame.venue)}" if is_local else ""
        remedy = did_you_mean(raw, names)
        if kind.to == "reserves" and place.known.has_troves(place.frame.venue):
            remedy += " It is a trove system: who borrows there is one of the [[troves]]."
        raise ValueError(f"there is no {kind.to[:-1]} {shown(raw)}{where}. {remedy}".rstrip())
    return raw


def _references(kind: Refs, raw: Any, place: Place) -> tuple[str, ...]:
    if raw == []:
        return ()
    listed = _list(raw, "names", place, "texts")
    if not kind.to:
        return tuple(scalars.read_name(name) for name in listed)
    names = tuple(_reference(Ref(kind.to), name, place) for name in listed)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{shown(twice)} is there twice")
    return names


def _choice(kind: Choice, raw: Any, place: Place) -> str:
    noun = kind.noun or place.name.replace("_", " ")
    if not isinstance(raw, str):
        raise ValueError(f"{shown(scalars.unfloat(raw))} is not a word in quotes")
    if raw not in kind.options:
        article = "an" if noun[0] in "aeiou" else "a"
        raise ValueError(f"{shown(raw)} is not {article} {noun}. {did_you_mean(raw, kind.options)}")
    return raw


def _points(_: Points, raw: Any, place: Place) -> tuple[tuple[int, int], ...]:
    points: list[tuple[int, int]] = []
    for pair in _list(raw, "[moment, price] pairs", place, "points"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError("a point is a pair [moment, price]")
        at = scalars.read_time(pair[0])
        if points and at <= points[-1][0]:
            raise ValueError(f"the moment {shown(pair[0])} does not come after the one before it")
        points.append((at, scalars.read_decimal(pair[1], 8, 0, PRICE_MAX)))
    return tuple(points)


def _list(raw: Any, what: str, place: Place, limit: str) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError(f"{shown(scalars.unfloat(raw))} is not a list of {what}")
    if not raw:
        raise ValueError(f"the list of {what} is empty")
    hold(place.known.limits, limit, len(raw), what)
    return raw


def _text(kind: Text, raw: Any, _: Place) -> str:
    return scalars.read_text(raw, kind.limit)


def _texts(kind: Texts, raw: Any, place: Place) -> tuple[str, ...]:
    return (
        tuple(scalars.read_text(text, kind.limit) for text in _list(raw, "texts", place, "texts"))
        if raw != []
        else ()
    )


def _file(_: File, raw: Any, __: Place) -> str:
    return check_file_name(scalars.read_text(raw, 200))


def _path(_: Path, raw: Any, __: Place) -> str:
    text = scalars.read_text(raw, 200)
    parse_path(text)
    return text


def _tolerance(_: Tolerance, raw: Any, __: Place) -> Within:
    return Within(*scalars.read_tolerance(raw))


def _values(_: Values, raw: Any, place: Place) -> tuple[str, ...]:
    listed = _list(raw, "numbers, moments or names", place, "texts")
    return tuple(scalars.read_value(value) for value in listed)


_READERS: Final[dict[type, Callable[[Any, Any, Place], Any]]] = {
    Amount: _amount,
    Choice: _choice,
    Numeral: _decimal,
    Distribution: _distribution,
    File: _file,
    Parameter: _parameter,
    Path: _path,
    Points: _points,
    Ref: _reference,
    Refs: _references,
    Text: _text,
    Texts: _texts,
    Tolerance: _tolerance,
    Values: _values,
    Whole: _whole,
}
"""How values of a kind are read that has something to say; the others are read by the text alone."""
_SIMPLE: Final[dict[type, Callable[[Any], Any]]] = {
    AssetName: scalars.read_asset_name,
    Flag: scalars.read_flag,
    Name: scalars.read_name,
    Time: scalars.read_time,
    Value: scalars.read_value,
}
