"""The bytes of an entry: one encoder and one decoder between `Entry` and a canonical JSON line.

    {"account":"bob","amount":"700","cause":41,"kind":"Repaid","seq":42,"set":{"aave.USDC":{"virtual":"900"}},
     "t":1583971260,"transfers":[["aave:cash","aave:loans","USDC","700"]],"tx":40, …}

Its one rule: an entry has exactly one spelling. Keys are sorted at every level, nothing is padded, the line
is UTF-8 and ends with a line feed; the stdlib's `json` gives the same bytes. The envelope's integers (cause,
seq, t, tx) are JSON numbers; every other integer is a decimal string, which no reader can round. `set` and
`transfers` are left out where they are empty, and so is a field that holds its default. Cells are written
sorted by table and key, so decoding gives them in that order, which is the canonical one; where an event
sets a cell twice, the last value counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import attrs

import mutualize.compound_events
import mutualize.isolated_events
import mutualize.tier_events
import mutualize.trove_events
import mutualize.vault_events  # noqa: F401 - the kinds of events of all are registered by being imported
from mutualize.accounts import Transfer
from mutualize.events import KINDS, Cell, Entry, Event

try:
    import msgspec
except ImportError:  # there is no such extension for WebAssembly and PyPy
    from mutualize import plain_json as msgspec  # type: ignore[no-redef]  # the same face

DIGITS_MAX = 1_000
"""No integer of a ledger is longer. No contract's is; and Python itself refuses to write 4,301 digits."""
RESERVED_FIRST_KEYS = ("blk", "events", "format")
"""First keys of commit lines, seals and headers: no event line may start with one of them."""

LIBRARY = msgspec.__name__
"""Which library makes the bytes, which are the same by any."""

_ENVELOPE = ("cause", "kind", "seq", "set", "t", "transfers", "tx")
_encoder = msgspec.json.Encoder(order="sorted")
encode_text: Callable[[str], bytes] = _encoder.encode
"""Spells a text as a line does."""
_digits = int.__repr__
"""Unlike `str` it raises TypeError for a float or a Decimal. True counts as 1."""

Converter = Callable[[Entry], dict[str, Any]]


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
        return _built(_decoder().decode(line))
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{_kind_of(line)}: {error}") from error


def proved(lines: bytes) -> list[Line] | None:
    """Return what lines hold, integers as they are spelled; None unless all are what `encode` writes.

    What was decoded is written again as it is: the same proof as encoding the entries, at a fraction of the
    price. Integers that are plain would be spelled as they are. Many lines at once cost less than each alone,
    as long as what they hold fits the processor's cache.
    """
    numerals: list[str] = []
    try:
        found: list[Any] = _decoder().decode_lines(lines)
        for record in found:
            _readers[type(record)].spell(record, numerals)
        require_plain(numerals)
    except (msgspec.MsgspecError, ValueError):
        return None
    return found if _encoder.encode_lines(found) == lines else None


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


# --- writing: a function for each kind, written out from its fields --------------------------------------


class _Converters(dict[type[Event], Converter]):
    """Converters by class, each made when the first event of its kind is written."""

    def __missing__(self, kind: type[Event]) -> Converter:
        self[kind] = made = _converter(kind)
        return made


_converters = _Converters()

_CONVERTER = """
def convert(entry):
    event = entry.event
    "".join(({texts}))  # raises TypeError unless every one is text; the cheapest check there is
    entry.seq | entry.at | entry.tx | (entry.cause or 0)  # raises TypeError for a float
    line = {{{items}, "cause": entry.cause, "kind": {kind!r}, "seq": entry.seq, "t": entry.at}}
    line["tx"] = entry.tx
    {optional}
    if event.transfers:
        line["transfers"] = [
            (debit, credit, asset, number(amount)) for debit, credit, asset, amount in event.transfers
        ]
    if event.cells:
        line["set"] = tables(event.cells)
    return line
"""


def _converter(kind: type[Event]) -> Converter:
    """Return the function that turns an entry of this kind into a mapping that the encoder takes.

    Its code names each field, as if it had been written by hand: half the price of a loop over fields.
    """
    if KINDS.get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} is not a registered kind of event")
    own = own_fields(kind)
    optional = [
        f"value = {_spelling(name, own[name])}; value == {_spelled(default)!r} or line.update({name}=value)"
        for name, default in defaults_of(kind).items()
    ]
    source = _CONVERTER.format(
        kind=kind.__name__,
        texts="".join(f"event.{name}, " for name, of in own.items() if of == "str"),
        items=", ".join(
            f'"{name}": {_spelling(name, of)}' for name, of in own.items() if name not in defaults_of(kind)
        )
        or "**{}",
        optional="\n    ".join(optional),
    )
    made: dict[str, Any] = {"number": _digits, "truth": _truth, "tables": _tables}
    exec(source, made)  # noqa: S102 - made of our own classes' field names, as attrs makes their constructors
    converter: Converter = made["convert"]
    return converter


def _spelling(name: str, of: str) -> str:
    """Return the code that spells a field as the ledger does."""
    return {"str": "event.{}", "int": "number(event.{})", "bool": "truth(event.{})"}[of].format(name)


def _spelled(default: Any) -> Any:
    """Return how a default would be spelled, so that it can be left out."""
    return _digits(default) if type(default) is int else default


def defaults_of(kind: type[Event]) -> dict[str, Any]:
    """Return the fields of a kind that a line leaves out where they hold their default."""
    own = own_fields(kind)
    return {a.name: a.default for a in attrs.fields(kind) if a.name in own and a.default is not attrs.NOTHING}


def _truth(value: object) -> bool:
    if value is True or value is False:
        return value
    raise TypeError(f"{value!r} is not a truth value")


def _tables(cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
    """Group cells by table; the encoder sorts."""
    tables: dict[str, dict[str, str]] = {}
    rows: dict[str, str] = {}
    last = None
    for table, key, value in cells:
        if table != last:
            rows = tables.setdefault(table, {})
            last = table
        rows[key] = _digits(value)
    return tables


# --- reading: msgspec checks the shape, a function for each kind makes the event --------------------------


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    """Return the decoder for all kinds. Made when first used, since many commands never read a ledger."""
    return msgspec.json.Decoder(type=_union([_record(name) for name in KINDS]))


def _union(types: list[type[msgspec.Struct]]) -> Any:
    union: Any = types[0]
    for each in types[1:]:
        union = union | each
    return union


@cache
def _record(name: str) -> type[msgspec.Struct]:
    """Return the shape of a line of the kind of this name: what must be there, and of which type."""
    kind = KINDS[name]
    shapes: dict[str, Any] = {"str": str, "int": str, "bool": bool}
    own, left_out = own_fields(kind), defaults_of(kind)
    return msgspec.defstruct(
        name,
        [(field, shapes[of]) for field, of in own.items() if field not in left_out]
        + [(field, shapes[of], None) for field, of in own.items() if field in left_out]
        + [("cause", int | None), ("seq", int), ("t", int), ("tx", int)]
        + [("set", dict[str, dict[str, str]], {}), ("transfers", list[tuple[str, str, str, str]], [])],
        tag_field="kind",
        tag=name,
        forbid_unknown_fields=True,
        kw_only=True,
        omit_defaults=True,  # for `proved`, which writes it again
    )


class Line(Protocol):
    """A line as it was decoded, without the fields of its kind: integers of the event are texts."""

    seq: int
    t: int
    tx: int
    cause: int | None
    transfers: list[tuple[str, str, str, str]]
    set: dict[str, dict[str, str]]


class _Reader(NamedTuple):
    """The two functions for lines of one kind."""

    spell: Callable[[Any, list[str]], None]
    """Adds all integers of a line as they are spelled to a list, for `require_plain`.

    Raises ValueError, without a word, where a table is empty, or a field that holds its default is there.
    """
    build: Callable[[Any], Entry]
    """Makes the entry of what was proved."""


class _Readers(dict[type[msgspec.Struct], _Reader]):
    """Readers by shape, each made when the first line of its kind is read."""

    def __missing__(self, shape: type[msgspec.Struct]) -> _Reader:
        self[shape] = made = _reader(KINDS[shape.__name__])
        return made


_readers = _Readers()

_PLAIN = re.compile(rf"(?:[1-9][0-9]{{0,{DIGITS_MAX - 1}}}+,|0,|-[1-9][0-9]{{0,{DIGITS_MAX - 2}}}+,)*+")
"""Integers that `_integer` takes, with a comma behind each."""
_READER = """
def spell(record, numerals):
    numerals += ({numerals})
    for _, _, _, amount in record.transfers:
        numerals.append(amount)
    for row in record.set.values():
        if not row:
            raise ValueError
        numerals += row.values()
    {optional}

def build(record):
    event = kind(
        transfers=tuple([new(Transfer, (d, c, a, int(n))) for d, c, a, n in record.transfers]),
        cells=tuple([new(Cell, (t, k, int(v))) for t, row in record.set.items() for k, v in row.items()]),
        {fields}
    )
    return Entry(record.seq, record.t, record.tx, record.cause, event)
"""
_OPTIONAL = """
    value = record.{name}
    if value == {spelled!r}:
        raise ValueError
    if value is not None:
        {taken}
"""


def _reader(kind: type[Event]) -> _Reader:
    """Return the functions that read lines of a kind, whose code names each field, as a converter's does."""
    own, left_out = own_fields(kind), defaults_of(kind)
    fields = []
    for name, of in own.items():
        value = f"int(record.{name})" if of == "int" else f"record.{name}"
        if name in left_out:
            value = f"{left_out[name]!r} if record.{name} is None else {value}"
        fields.append(f"{name}={value},")
    source = _READER.format(
        numerals="".join(f"record.{name}, " for name in own if own[name] == "int" and name not in left_out),
        optional="".join(
            _OPTIONAL.format(
                name=name,
                spelled=_spelled(default),
                taken="numerals.append(value)" if own[name] == "int" else "pass",
            )
            for name, default in left_out.items()
        ),
        fields="\n        ".join(fields),
    )
    made: dict[str, Any] = {"kind": kind, "Entry": Entry, "Transfer": Transfer, "Cell": Cell}
    made |= {"new": tuple.__new__}
    exec(source, made)  # noqa: S102 - made of our own classes' field names, as attrs makes their constructors
    return _Reader(made["spell"], made["build"])


def require_plain(numerals: list[str]) -> None:
    """Raise ValueError, without a word, unless each of them is an integer as `_integer` takes it."""
    text = ",".join((*numerals, ""))
    if not _PLAIN.fullmatch(text) or text.count(",") != len(
        numerals
    ):  # as many as there are: no comma in one
        raise ValueError


def _built(record: Any) -> Entry:
    """Return the entry of a decoded line. Raises ValueError, as `_plainly` words it."""
    reader = _readers[type(record)]
    numerals: list[str] = []
    try:
        reader.spell(record, numerals)
        require_plain(numerals)
    except ValueError:
        return _plainly(record)
    return reader.build(record)


def _plainly(record: Any) -> Entry:
    """Make the entry of a decoded line field by field, and raise ValueError at the first that is wrong."""
    kind = KINDS[type(record).__name__]
    own, left_out = own_fields(kind), defaults_of(kind)
    fields: dict[str, Any] = {}
    for name in sorted(own, key=left_out.__contains__):
        value = getattr(record, name)
        if name not in left_out:
            fields[name] = _integer(value) if own[name] == "int" else value
        elif value is not None:
            fields[name] = _other(name, value, left_out[name])
    event = kind(
        transfers=tuple([Transfer(d, c, a, _integer(n)) for d, c, a, n in record.transfers]),
        cells=tuple([Cell(t, k, _integer(v)) for t, row in record.set.items() for k, v in row.items()]),
        **fields,
    )
    return Entry(record.seq, record.t, record.tx, record.cause, event)


def _other(name: str, spelled: Any, default: Any) -> Any:
    """Return a field that a line spells. Raises ValueError where it had to be left out."""
    value = _integer(spelled) if type(default) is int else spelled
    if value == default:
        raise ValueError(f"{name} is spelled out, and holds what it holds where it is left out")
    return value


def _integer(numeral: str) -> int:
    """Read a decimal string. `int` alone would take ' 5 ', '1_000' and '007' as well."""
    if len(numeral) > DIGITS_MAX:
        raise ValueError(f"an integer has more than {DIGITS_MAX:,} digits")
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
