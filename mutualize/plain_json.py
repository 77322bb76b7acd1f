"""JSON by the standard library alone: what `encoding` takes of msgspec, for where no C extension can be had.

    encoder   sorted keys, nothing padded, UTF-8: the same bytes, for all that an entry may hold
    decoder   the same lines are taken, and the same refused; only the words of an error differ

CPython in WebAssembly and PyPy have no msgspec. The rule: whoever reads or writes a ledger by this module
cannot be told from one who has it. It is several times slower, and does nothing else differently.
"""

from __future__ import annotations

import json as standard
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring
from types import UnionType
from typing import Any, Final, NoReturn, get_args, get_origin

_MISSING: Final = object()


class MsgspecError(ValueError):
    """A line that is no JSON, or not of the shape that was asked for."""


class Struct:
    """What a decoded object becomes: one attribute for each of its fields."""

    tag: str
    fields: dict[str, tuple[Any, Any]]
    """By name: the type, and the value where the field is left out (`_MISSING`: it may not be)."""


def defstruct(
    name: str,
    fields: Sequence[tuple[str, Any] | tuple[str, Any, Any]],
    *,
    tag_field: str,
    tag: str,
    forbid_unknown_fields: bool,
    kw_only: bool,
    omit_defaults: bool,
) -> type[Struct]:
    """Return the shape of an object that says by its `tag_field` what it is, and holds no other field."""
    assert forbid_unknown_fields, "no other shape is asked for"
    assert kw_only, "no other shape is asked for"
    assert omit_defaults, "a line leaves out what is as it is by default"
    assert tag_field == "kind", "a line says by its kind what it is"
    declared = {field[0]: (field[1], field[2] if len(field) > 2 else _MISSING) for field in fields}
    return type(name, (Struct,), {"tag": tag, "fields": declared})


# --- writing ---------------------------------------------------------------------------------------------


class Encoder:
    """Mappings as lines with sorted keys. Raises TypeError for what no line holds: a float, say."""

    def __init__(self, *, order: str) -> None:
        assert order == "sorted", "a line has one spelling"

    def encode(self, value: object) -> bytes:
        """Return a value as JSON. Raises UnicodeEncodeError for a lone surrogate."""
        return _text(value).encode()

    def encode_lines(self, values: Iterable[object]) -> bytes:
        """Return values as JSON, each with a line feed after it. Raises as `encode` does."""
        return "".join([_text(value) + "\n" for value in values]).encode()


def _text(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, dict):
        return f"{{{','.join([f'{_key(name)}:{_text(value[name])}' for name in sorted(value)])}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, Struct):
        return _text({"kind": value.tag, **_spelled(value)})
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _spelled(value: Struct) -> dict[str, Any]:
    """Return the fields that an object does not leave out."""
    found = {name: (getattr(value, name), default) for name, (_, default) in value.fields.items()}
    return {name: held for name, (held, default) in found.items() if held != default}


def _key(name: object) -> str:
    if isinstance(name, str):
        return encode_basestring(name)
    raise TypeError("Only dicts with str keys are supported")


# --- reading ---------------------------------------------------------------------------------------------


class _Object(tuple[tuple[str, Any], ...]):
    """An object as it was written, so that a name that comes twice can be seen."""

    __slots__ = ()


class Decoder:
    """Lines of one of several shapes, told apart by `kind`. `type` is a shape, or a union of shapes."""

    def __init__(self, type: Any) -> None:  # noqa: A002 (msgspec's word)
        self._shapes: dict[str, Any] = {shape.tag: shape for shape in get_args(type) or (type,)}

    def decode(self, line: bytes) -> Any:
        """Return a line as an object of its shape. Raises MsgspecError where it has none, or ValueError."""
        found = _parsed(line)
        if not isinstance(found, _Object):
            raise MsgspecError("Expected `object`")
        kinds = [value for name, value in found if name == "kind"]
        shape = self._shapes.get(kinds[0]) if kinds and isinstance(kinds[0], str) else None
        if shape is None:
            raise MsgspecError("Object missing required field `kind`, or of an unknown one")
        if kinds.count(kinds[0]) != len(kinds):
            raise MsgspecError("Object of two kinds")
        return _filled(shape, found)

    def decode_lines(self, lines: bytes) -> list[Any]:
        """Return many lines, each with its line feed, as objects of their shapes. Raises as `decode`."""
        return [self.decode(line) for line in lines.split(b"\n") if line]


def _filled(shape: type[Struct], found: _Object) -> Struct:
    """Return an object of a shape, every field checked; of one that comes twice the last value counts."""
    made = shape()
    for name, (_, default) in shape.fields.items():
        if default is not _MISSING:
            setattr(made, name, default.copy() if isinstance(default, dict | list) else default)
    for name, value in found:
        if name in shape.fields:
            setattr(made, name, _checked(shape.fields[name][0], value, name))
        elif name != "kind":
            raise MsgspecError(f"Object contains unknown field `{name}`")
    for name in shape.fields:
        if not hasattr(made, name):
            raise MsgspecError(f"Object missing required field `{name}`")
    return made


def _checked(wanted: Any, value: Any, place: str) -> Any:
    """Return a value of the wanted type. Raises MsgspecError, naming the field, for any other."""
    within = get_origin(wanted)
    if isinstance(wanted, UnionType):
        if any(type(value) is each for each in get_args(wanted)):
            return value
    elif within is dict and isinstance(value, _Object):
        key, each = get_args(wanted)
        return {_checked(key, name, place): _checked(each, inner, place) for name, inner in value}
    elif within is list and type(value) is list:
        (each,) = get_args(wanted)
        return [_checked(each, inner, place) for inner in value]
    elif within is tuple and type(value) is list and len(value) == len(get_args(wanted)):
        return tuple(
            [_checked(each, inner, place) for each, inner in zip(get_args(wanted), value, strict=True)]
        )
    elif type(value) is wanted:
        return _whole(value) if wanted is str else value
    raise MsgspecError(f"Expected `{wanted}`, got `{type(value).__name__}` - at `$.{place}`")


def _whole(text: str) -> str:
    """Return a text. Raises UnicodeEncodeError where half of a pair of surrogates stands alone in it."""
    text.encode()
    return text


def _parsed(line: bytes) -> Any:
    """Read JSON as it is defined: UTF-8, no NaN, no lone surrogate. Objects come as `_Object`."""
    return _decoder.decode(line.decode())


def _no_number(word: str) -> NoReturn:
    raise MsgspecError(f"JSON is malformed: {word} is no number")


_decoder = standard.JSONDecoder(object_pairs_hook=_Object, parse_constant=_no_number)


def decode(line: bytes) -> Any:
    """Return what any JSON holds; of a name that comes twice the last value counts. Raises ValueError."""
    return standard.JSONDecoder(parse_constant=_no_number).decode(line.decode())


class json:  # noqa: N801 (msgspec's word for the module that this stands for)
    """Where msgspec has them."""

    Encoder = Encoder
    Decoder = Decoder
    decode = staticmethod(decode)
