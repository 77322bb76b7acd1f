"""The JSON Schema of a scenario, made from the same fields that the reader reads.

For editors: completion, descriptions, and most mistakes while typing. What holds between fields (a reference,
a number of decimals, an order of moments) is checked by the loader alone.
"""

from __future__ import annotations

from typing import Any, Final

from mutualize.scenario.distributions import HISTOGRAM, WAYS
from mutualize.scenario.fields import (
    DOC,
    SCALARS,
    Amount,
    Amounts,
    AssetName,
    Choice,
    Counts,
    Distribution,
    File,
    Flag,
    Funds,
    Kind,
    Name,
    Numeral,
    Parameter,
    Path,
    Points,
    Ref,
    Refs,
    Rows,
    Settings,
    Strings,
    Table,
    Tables,
    Text,
    Texts,
    Time,
    Tolerance,
    Value,
    Values,
    Weights,
    Whole,
    fields_of,
    is_required,
    kind_of,
)
from mutualize.scenario.known import MARKED
from mutualize.scenario.marks import KINDS
from mutualize.scenario.model import FORMAT, Scenario

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
NUMERAL: Final = r"^[0-9]{1,40}(\.[0-9]{1,45})?$"
NAME: Final = r"^[a-z0-9_-]{1,64}$"
ASSET: Final = r"^[A-Za-z0-9.]{1,16}$"
TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|\+00:00)$"

Json = dict[str, Any]


def schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of `scenario.toml`."""
    definitions: dict[str, Json] = {
        "mark": {
            "description": "where numbers come from: exactly one of these",
            "type": "object",
            "properties": _marks(),
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        "numeral": {"type": ["string", "integer"], "pattern": NUMERAL, "minimum": 0},
        "time": {"type": ["string", "integer"], "pattern": TIME, "minimum": 0},
    }
    root = _table(Scenario, definitions)
    return {"$schema": DIALECT, "$id": FORMAT, "title": "a scenario", **root, "$defs": definitions}


def _marks() -> Json:
    why = {
        "fact": "the id of a source, and a remark behind a colon",
        "calibrated": "to what it was calibrated",
        "assumed": "why this was assumed",
        "override": "written by the program: set for one run",
    }
    return {kind: {"type": "string", "description": why[kind]} for kind in KINDS}


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _table(cls: type, definitions: dict[str, Json]) -> Json:
    """Describe a table; its marks may stand in it."""
    fields = fields_of(cls)
    properties = {}
    for name, field in fields.items():
        kind = kind_of(field)
        assert kind is not None, "fields_of gives fields with a kind"
        properties[name] = {"description": field.metadata[DOC], **_field(kind, definitions)}
    return {
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": {**properties, MARKED: _ref("mark"), **_marks()},
        "required": [name for name, field in fields.items() if is_required(field)],
        "additionalProperties": False,
    }


def _class(cls: type, definitions: dict[str, Json]) -> Json:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}  # taken, should a table ever contain its own kind
        definitions[cls.__name__] = _table(cls, definitions)
    return _ref(cls.__name__)


def _field(kind: Kind, definitions: dict[str, Json]) -> Json:
    if isinstance(kind, Table | Tables | Rows):
        inner = _class(kind.cls, definitions)
        if isinstance(kind, Table):
            return inner
        if isinstance(kind, Rows):
            return {"type": "array", "items": inner}
        return _map(inner, NAME if isinstance(kind.names, Name) else ASSET)
    return _markable(_leaf(kind)) if isinstance(kind, SCALARS) else _numbers(kind)


def _numbers(kind: Kind) -> Json:
    """Describe tables whose values are numbers or texts."""
    amount = _markable(_ref("numeral"))
    match kind:
        case Amounts():
            return {"anyOf": [_map(amount, ASSET), amount]} if kind.spread else _map(amount, ASSET)
        case Funds():
            inner = _map(amount, ASSET)
            for _ in range(kind.levels):
                inner = _map(inner, NAME)
            return inner
        case Weights():
            return _map(_map(_markable({"type": "integer", "minimum": 0}), NAME), NAME)
        case Counts():
            count = _markable({"type": "integer", "minimum": 0})
            properties = {**dict.fromkeys(kind.options, count), MARKED: _ref("mark"), **_marks()}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        case Strings():
            return {"type": "object", "additionalProperties": {"type": "string", "maxLength": kind.limit}}
        case _:
            assert isinstance(kind, Settings), "there is no other kind of table"
            return {"type": "object"}


def _map(inner: Json, pattern: str) -> Json:
    """Describe tables or numbers by freely chosen names."""
    return {
        "type": "object",
        "properties": {MARKED: _ref("mark"), **_marks()},
        "patternProperties": {_unreserved(pattern): inner},
        "additionalProperties": False,
    }


def _unreserved(pattern: str) -> str:
    """Keep a pattern of names from matching the keys that hold marks."""
    return f"^(?!({'|'.join((MARKED, *KINDS))})$){pattern[1:]}"


def _markable(plain: Json) -> Json:
    """Describe a value that may be written as { value = …, fact = … } as well."""
    wrapped = {
        "type": "object",
        "properties": {"value": plain, **_marks()},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {"anyOf": [plain, wrapped]}


_PLAIN: Final[dict[type, Json]] = {
    Name: {"type": "string", "pattern": NAME},
    AssetName: {"type": "string", "pattern": ASSET},
    Ref: {"type": "string", "maxLength": 64},
    Refs: {"type": "array", "items": {"type": "string", "maxLength": 64}},
    Flag: {"type": "boolean"},
    Time: _ref("time"),
    Amount: _ref("numeral"),
    Parameter: _ref("numeral"),
    Value: {"type": ["string", "integer"]},
    Values: {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
    Tolerance: {"type": ["string", "integer"], "pattern": r"^[0-9]{1,40}(\.[0-9]{1,45})?%?$"},
    File: {"type": "string", "maxLength": 200},
    Path: {"type": "string", "maxLength": 200},
    Points: {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "array",
            "prefixItems": [_ref("time"), _ref("numeral")],
            "minItems": 2,
            "maxItems": 2,
        },
    },
}


def _leaf(kind: Kind) -> Json:
    match kind:
        case Whole():
            return {"type": "integer", "minimum": kind.low, "maximum": kind.high}
        case Numeral():
            return {"anyOf": [_ref("numeral"), {"enum": list(kind.also)}]} if kind.also else _ref("numeral")
        case Choice():
            return {"enum": list(kind.options)}
        case Text():
            return {"type": "string", "maxLength": kind.limit}
        case Texts():
            return {"type": "array", "items": {"type": "string", "maxLength": kind.limit}}
        case Distribution():
            return _distribution(_leaf(kind.inner))
        case _:
            return _PLAIN[type(kind)]


def _distribution(number: Json) -> Json:
    ways: Json = {
        way: {"type": "array", "items": number, "minItems": count, "maxItems": count}
        for way, count in WAYS.items()
    }
    row = {"type": "array", "prefixItems": [number, number, _ref("numeral")], "minItems": 3, "maxItems": 3}
    ways[HISTOGRAM] = {"type": "array", "items": row, "minItems": 1}
    drawn = {
        "type": "object",
        "properties": {**ways, **_marks()},
        "anyOf": [{"required": [way]} for way in ways],
        "additionalProperties": False,
    }
    return {"anyOf": [number, drawn]}
