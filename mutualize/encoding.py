"""The bytes of an entry: one encoder and one decoder between `Entry` and a canonical JSON line.

    {"account":"bob","amount":"700","cause":41,"kind":"Repaid","seq":42,"set":{"aave.USDC":{"virtual":"900"}},
     "t":1583971260,"transfers":[["aave:cash","aave:loans","USDC","700"]],"tx":40, …}

Its one rule: an entry has exactly one spelling. Keys are sorted at every level, nothing is padded, the line
is UTF-8 and ends with a line feed; the stdlib's `json` gives the same bytes. The envelope's integers (cause,
seq, t, tx) are JSON numbers; every other integer is a decimal string, which no reader can round. `set` and
`transfers` are left out where they are empty. Cells are written sorted by table and key, so decoding gives
them in that order, which is the canonical one; where an event sets a cell twice, the last value counts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import attrs
import msgspec

from mutualize.accounts import Transfer
from mutualize.events import KINDS, Cell, Entry, Event

RESERVED_FIRST_KEYS = ("blk", "events", "format")
"""First keys of commit lines, seals and headers: no event line may start with one of them."""

_ENVELOPE = ("cause", "kind", "seq", "set", "t", "transfers", "tx")
_encoder = msgspec.json.Encoder(order="sorted")
_digits = int.__repr__
"""Unlike `str` it raises TypeError for a float or a Decimal. True counts as 1."""

Converter = Callable[[Entry], dict[str, Any]]
Values = Callable[[Event], tuple[Any, ...]]


def canonical(value: Mapping[str, object]) -> bytes:
    """Return a mapping as one canonical line, line feed included."""
    return _encoder.encode(value) + b"\n"


def encode(entry: Entry) -> bytes:
    """Return an entry as one canonical line, line feed included.

    Raises ValueError, naming the kind, where a value is no integer, text or truth value as declared.
    """
    return encode_all((entry,))


def encode_all(entries: Sequence[Entry]) -> bytes:
    """Return entries as canonical lines, one after the other. Raises as `encode` does."""
    try:
        return _encoder.encode_lines([_converters[type(entry.event)](entry) for entry in entries])
    except (TypeError, UnicodeEncodeError) as error:
        if len(entries) > 1:
            for entry in entries:
                encode(entry)
        raise ValueError(f"{type(entries[0].event).__name__}: {error}") from error


def decode(line: bytes) -> Entry:
    """Return the entry that a line holds.

    Raises ValueError, naming the kind, where the kind is unknown, a field is missing, unknown or of the
    wrong type, or an integer is spelled in another way than the encoder does.
    """
    try:
        record = _decoder().decode(line)
        return _builder(type(record).__name__)(record)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{_kind_of(line)}: {error}") from error


def own_fields(kind: type[Event]) -> dict[str, str]:
    """Return an event class's own fields and their types by name: 'str', 'int' or 'bool'.

    Raises TypeError where a field has another type or takes a name of the envelope.
    """
    fields = {
        a.name: a.type if isinstance(a.type, str) else getattr(a.type, "__name__", "?")
        for a in attrs.fields(kind)
        if a.name not in ("transfers", "cells")
    }
    for name, type_ in fields.items():
        if type_ not in ("str", "int", "bool"):
            raise TypeError(f"{kind.__name__}.{name}: an event holds text, integers and truth values only")
        if name in _ENVELOPE or name in RESERVED_FIRST_KEYS:
            raise TypeError(f"{kind.__name__}.{name}: the ledger's lines use that name themselves")
    return fields


# --- writing: a converter for each kind, a closure over its field names -----------------------------------


class _Converters(dict[type[Event], Converter]):
    """Converters by class, each made when the first event of its kind is written."""

    def __missing__(self, kind: type[Event]) -> Converter:
        self[kind] = made = _converter(kind)
        return made


_converters = _Converters()


def _converter(kind: type[Event]) -> Converter:
    """Return the function that turns an entry of this kind into a mapping that the encoder takes."""
    if KINDS.get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} is not a registered kind of event")
    name = kind.__name__
    text_names, number_names, flag_names = (_named(kind, of) for of in ("str", "int", "bool"))
    texts, numbers, flags = (_values(names) for names in (text_names, number_names, flag_names))

    def convert(entry: Entry) -> dict[str, Any]:
        event = entry.event
        words = texts(event)
        "".join(words)  # raises TypeError unless every one is text; the cheapest check there is
        line: dict[str, Any] = dict(zip(text_names, words, strict=False))
        line.update(zip(number_names, map(_digits, numbers(event)), strict=False))
        if flag_names:
            line.update(zip(flag_names, map(_truth, flags(event)), strict=False))
        entry.seq | entry.at | entry.tx | (entry.cause or 0)  # raises TypeError for a float
        line["cause"] = entry.cause
        line["kind"] = name
        line["seq"] = entry.seq
        line["t"] = entry.at
        line["tx"] = entry.tx
        if event.transfers:
            line["transfers"] = [
                (debit, credit, asset, _digits(amount)) for debit, credit, asset, amount in event.transfers
            ]
        if event.cells:
            line["set"] = _tables(event.cells)
        return line

    return convert


def _named(kind: type[Event], type_: str) -> tuple[str, ...]:
    return tuple(name for name, of in own_fields(kind).items() if of == type_)


def _values(names: tuple[str, ...]) -> Values:
    """Return what reads these attributes as a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    if not names:
        return lambda _event: ()
    get = operator.attrgetter(names[0])
    return lambda event: (get(event),)


def _truth(value: object) -> bool:
    if value is True or value is False:
        return value
    raise TypeError(f"{value!r} is not a truth value")


def _tables(cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
    """Group cells by table; the encoder sorts."""
    tables: dict[str, dict[str, str]] = {}
    last = None
    for table, key, value in cells:
        if table != last:
            rows = tables.setdefault(table, {})
            last = table
        rows[key] = _digits(value)
    return tables


# --- reading: msgspec checks the shape, a builder for each kind makes the event ---------------------------


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    """Return the decoder for all kinds. Made when first used, since many commands never read a ledger."""
    return msgspec.json.Decoder(type=_union([_record(kind) for kind in KINDS.values()]))


def _union(types: list[type[msgspec.Struct]]) -> Any:
    union: Any = types[0]
    for each in types[1:]:
        union = union | each
    return union


def _record(kind: type[Event]) -> type[msgspec.Struct]:
    """Return the shape of a line of this kind: what must be there, and of which type."""
    shapes: dict[str, Any] = {"str": str, "int": str, "bool": bool}
    return msgspec.defstruct(
        kind.__name__,
        [(name, shapes[of]) for name, of in own_fields(kind).items()]
        + [("cause", int | None), ("seq", int), ("t", int), ("tx", int)]
        + [("set", dict[str, dict[str, str]], {}), ("transfers", list[tuple[str, str, str, str]], ())],
        tag_field="kind",
        tag=kind.__name__,
        forbid_unknown_fields=True,
        kw_only=True,
    )


@cache
def _builder(name: str) -> Callable[[Any], Entry]:
    """Return the function that turns a decoded line of this kind into an entry."""
    kind = KINDS[name]
    number_names = _named(kind, "int")
    plain_names = _named(kind, "str") + _named(kind, "bool")
    numbers, plain = _values(number_names), _values(plain_names)

    def build(record: Any) -> Entry:
        fields = dict(zip(plain_names, plain(record), strict=False))
        fields.update(zip(number_names, map(_integer, numbers(record)), strict=False))
        event = kind(
            transfers=tuple([Transfer(d, c, a, _integer(n)) for d, c, a, n in record.transfers]),
            cells=tuple([Cell(t, k, _integer(v)) for t, row in record.set.items() for k, v in row.items()]),
            **fields,
        )
        return Entry(record.seq, record.t, record.tx, record.cause, event)

    return build


def _integer(numeral: str) -> int:
    """Read a decimal string. `int` alone would take ' 5 ', '1_000' and '007' as well."""
    value = int(numeral)
    if str(value) != numeral:
        raise ValueError(f"{numeral[:60]!r} is not a plain decimal integer")
    return value


def _kind_of(line: bytes) -> str:
    """Name the kind of a line that could not be decoded, as well as can be told."""
    try:
        return str(msgspec.json.decode(line)["kind"])
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return "a line that is no event"
