"""A scenario's content in one order: its digest, and its TOML text as it was run.

data ─▶ canonical: in each table plain values first, then tables; fields of a known table in the model's
        order, freely named ones (assets, reserves …) in the file's, since reserves have an order
     ─▶ JSON ─▶ SHA-256          comments, white space and the order of fields do not count
     ─▶ TOML text                loading it again gives the same digest
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mutualize.scenario.fields import Kind, Rows, Table, Tables, fields_of, kind_of
from mutualize.scenario.known import MARKED
from mutualize.scenario.marks import KINDS
from mutualize.scenario.model import DataFile, Scenario

WIDTH: Final = 100
OVERRIDES: Final = "overrides"
"""The table of what was set for a run."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\f": "\\f"}


def canonical(raw: Any, kind: Kind | None = Table(Scenario)) -> Any:  # noqa: B008 - a frozen value
    """Return parsed data in canonical order."""
    if isinstance(raw, list):
        inner = Table(kind.cls) if isinstance(kind, Rows) else None
        return [canonical(item, inner) for item in raw]
    if not isinstance(raw, dict):
        return raw
    kinds: dict[str, Kind | None] = {}
    if isinstance(kind, Table):
        kinds = {name: kind_of(field) for name, field in fields_of(kind.cls).items()}
    inner = Table(kind.cls) if isinstance(kind, Tables) else None
    free = {name for name in raw if name != MARKED} if isinstance(kind, Tables) else set()
    names = sorted(raw, key=lambda name: _rank(name, name in free or _is_section(raw[name]), list(kinds)))
    return {name: canonical(raw[name], kinds.get(name, inner)) for name in names}


def _rank(name: str, is_section: bool, names: Sequence[str]) -> tuple[bool, int]:
    """Order keys: values before tables (TOML asks for it), `marked` first, then as the model has them.

    What is named freely stays as it is in the file, however short or long each of it is.
    """
    place = names.index(name) if name in names else len(names) + (name in KINDS)
    return is_section, -1 if name == MARKED else place


def digest(data: Mapping[str, Any], files: Sequence[DataFile]) -> str:
    """Return the SHA-256 of canonical data and the digests of the files beside it, in hexadecimal.

    How its values came about does not count: the same values set by hand are the same scenario.
    """
    content = {
        "data": {name: value for name, value in data.items() if name != OVERRIDES},
        "files": {file.name: file.sha256 for file in sorted(files, key=lambda f: f.name)},
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def dump(scenario: Scenario) -> str:
    """Return the TOML text of a scenario as it was run, variant and overrides applied.

    Loading it beside the same files gives the same `sha256`.
    """
    return dump_data(scenario.data)


def dump_data(data: Mapping[str, Any]) -> str:
    """Write tables, lists, texts, whole numbers and booleans as TOML, keys in the order given."""
    lines: list[str] = []
    _table(data, (), lines)
    return "\n".join(lines).strip("\n") + "\n"


def _is_section(value: Any) -> bool:
    """Say whether a value is written under a header of its own."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and not _is_short(value)


def _is_short(value: Mapping[str, Any]) -> bool:
    """Say whether a table fits in a line: { value = "0.87", fact = "CV2" }."""
    return bool(value) and not any(_has_table(item) for item in value.values()) and len(inline(value)) < WIDTH


def _has_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_has_table(item) for item in value))


def _table(data: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    sections: dict[str, Any] = {}
    for name, value in data.items():
        if _is_section(value) or (sections and isinstance(value, dict)):  # tables stay in their order
            sections[name] = value
        else:
            lines.append(f"{_key(name)} = {_value(value)}")
    for name, value in sections.items():
        inner = (*path, name)
        header = ".".join(_key(step) for step in inner)
        if isinstance(value, list) and _is_section(value):
            for row in value:
                lines.extend(("", f"[[{header}]]"))
                _table(row, inner, lines)
        else:
            if not value or not all(_is_section(item) for item in value.values()):
                lines.extend(("", f"[{header}]"))
            _table(value, inner, lines)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    """Write a value, over several lines where one would be long."""
    short = inline(value)
    if len(short) <= WIDTH or isinstance(value, int):
        return short
    if isinstance(value, str):
        return _long_text(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"    {inline(item)},\n" for item in value) + "]"
    return short


def inline(value: Any) -> str:
    """Write a value in one line; a fraction in quotes, as everywhere in a scenario."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {inline(item)}" for name, item in value.items()) + " }"
    return _text(str(value))


def _text(text: str) -> str:
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _long_text(text: str) -> str:
    """Write a text over several lines that a reader joins again.

    A backslash at a line's end, with the white space after it, is nothing; so no line may begin with some.
    """
    lines: list[str] = []
    current = ""
    for before, c in zip(" " + text, text, strict=False):
        is_full = len(current) > WIDTH and (before == " " or len(current) > 2 * WIDTH)
        if is_full and c not in " \t\n":
            lines.append(current + "\\")
            current = ""
        if c == "\n":
            lines.append(current)
            current = ""
        else:
            current += _escaped(c)
    return '"""\n' + "\n".join([*lines, current]) + '"""'


def _escaped(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return c if c.isprintable() or c > "\x7f" else f"\\u{ord(c):04X}"
