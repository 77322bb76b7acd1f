"""Single values of a scenario: numerals, moments, names, texts. Each reads strictly or raises ValueError.

The message of the ValueError is the problem as a person should read it; nothing is rounded, trimmed or
coerced, and only ASCII digits are digits.
"""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata
from typing import Any, Final

from mutualize.scenario.document import Float
from mutualize.scenario.fields import TIME_MAX
from mutualize.scenario.place import shown
from mutualize.units import parse_decimal

_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")
_ASSET: Final = re.compile(r"[A-Za-z0-9.]{1,16}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(Z|\+00:00)"
)
_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_SPACES: Final = "Zs"
_DIGITS: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DIGITS_MAX: Final = 40
LONG_TEXT: Final = 1000
"""Texts that may be this long may have several lines."""


def unfloat(raw: Any) -> Any:
    """Return a raw value, or raise for a TOML float: it should have been quoted."""
    if isinstance(raw, Float) and raw.text.strip("+-") in {"inf", "nan"}:
        raise ValueError(f"{raw.text} is not a number")
    if isinstance(raw, Float):
        raise ValueError(f'{raw.text} is a floating-point number. Write it in quotes: "{raw.text}"')
    if isinstance(raw, datetime.date | datetime.time):
        raise ValueError(f'{raw} is a TOML date. Write it in quotes: "2024-01-01T00:00:00Z"')
    return raw


def read_whole(raw: Any, low: int, high: int) -> int:
    """Read a whole number that is written without quotes."""
    if isinstance(raw, bool) or not isinstance(raw, int):
        hint = " (without quotes)" if isinstance(raw, str) else ""
        raise ValueError(f"{shown(unfloat(raw))} is not a whole number{hint}")
    return _bounded(raw, low, high, shown(raw), 0)


def read_decimal(raw: Any, places: int, low: int, high: int) -> int:
    """Read a numeral in quotes, or a whole number without, as an integer with `places` decimals."""
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError(f"{shown(unfloat(raw))} is not a number in quotes")
    if isinstance(raw, int):
        if abs(raw) >= 10**40:
            raise ValueError(f"{shown(raw)} is too large")
        return _bounded(raw * 10**places, low, high, shown(raw), places)
    if not raw:
        raise ValueError("the number is empty")
    if raw.endswith("%"):
        raise ValueError(f'{shown(raw)} is a percentage. Write it as a share, such as "0.05"')
    if len(raw) > DIGITS_MAX and _DIGITS.fullmatch(raw):
        raise ValueError(f"{shown(raw)} has more digits than any number of a scenario")
    return _bounded(parse_decimal(raw, places), low, high, shown(raw), places)


def _bounded(value: int, low: int, high: int, text: str, places: int) -> int:
    if value < 0 <= low:
        raise ValueError(f"{text} is negative")
    if value == 0 and places and low == 1:
        raise ValueError(f"{text} is not above zero")
    if value < low:
        raise ValueError(f"{text} is too small: at least {_plain(low, places)}")
    if value > high:
        raise ValueError(f"{text} is too large: at most {_plain(high, places)}")
    return value


def _plain(value: int, places: int) -> str:
    digits = str(value).rjust(places + 1, "0")
    whole, fraction = (digits[:-places], digits[-places:].rstrip("0")) if places else (digits, "")
    return f"{whole}.{fraction}" if fraction else whole


def read_flag(raw: Any) -> bool:
    """Read true or false."""
    if not isinstance(raw, bool):
        raise ValueError(f"{shown(unfloat(raw))} is not true or false (without quotes)")
    return raw


def read_time(raw: Any) -> int:
    """Read a moment in UTC as seconds since 1970."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return read_whole(raw, 0, TIME_MAX)
    return parse_time(unfloat(raw))


def parse_time(text: Any) -> int:
    """Read '2022-11-22T17:20:00Z' as seconds since 1970."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{shown(text)} is not a moment in UTC such as '2022-11-22T17:20:00Z'")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a moment that the calendar has") from None
    seconds = calendar.timegm(moment.utctimetuple())
    if seconds < 0:
        raise ValueError(f"{shown(text)} is before 1970")
    return seconds


def parse_row_time(text: str) -> int:
    """Read the moment of a table's row: a text as above, or whole seconds."""
    return int(text) if _WHOLE.fullmatch(text) else parse_time(text)


def format_time(seconds: int) -> str:
    """Write seconds since 1970 as '2022-11-22T17:20:00Z'."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_text(raw: Any, limit: int) -> str:
    """Read words for people: printable, in normal form, not too long."""
    if not isinstance(raw, str):
        raise ValueError(f"{shown(unfloat(raw))} is not a text in quotes")
    if len(raw) > limit:
        raise ValueError(f"the text has {len(raw):,} characters: at most {limit:,}")
    bad = next((c for c in raw if not _is_printable(c, limit >= LONG_TEXT)), None)
    if bad is not None:
        raise ValueError(f"the text contains the character U+{ord(bad):04X}, which cannot be printed")
    if not unicodedata.is_normalized("NFC", raw):
        raise ValueError("the text is not in Unicode normal form NFC")
    return raw


def _is_printable(c: str, has_lines: bool) -> bool:
    """Say whether a character is harmless: neither control nor bidi nor invisible."""
    return c.isprintable() or (c == "\n" and has_lines) or unicodedata.category(c) == _SPACES


def read_name(raw: Any) -> str:
    """Read an identifier."""
    if not isinstance(raw, str) or not _NAME.fullmatch(raw):
        raise ValueError(f"{shown(unfloat(raw))} is not a name: a-z, 0-9, '_' and '-', at most 64")
    return raw


def read_asset_name(raw: Any) -> str:
    """Read what an asset is called."""
    if not isinstance(raw, str) or not _ASSET.fullmatch(raw):
        raise ValueError(f"{shown(unfloat(raw))} is not an asset's name: letters, digits and '.', at most 16")
    return raw


def read_id(raw: Any) -> str:
    """Read the id of a source."""
    if not isinstance(raw, str) or not _ID.fullmatch(raw):
        raise ValueError(f"{shown(raw)} is not an id: letters, digits, '_' and '-', at most 32")
    return raw


def read_value(raw: Any) -> str:
    """Read something to compare with: a number, a moment or a name, kept as text."""
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 10**40:
        return str(raw)
    if isinstance(raw, bool) or not isinstance(raw, str) or not raw:
        raise ValueError(f"{shown(unfloat(raw))} is not a number, a moment or a name in quotes")
    return read_text(raw, 80)


def read_tolerance(raw: Any) -> tuple[int, bool]:
    """Read '10%' as (amount with 18 decimals, True), and an absolute numeral with False."""
    if isinstance(raw, str) and raw.endswith("%"):
        return parse_decimal(raw[:-1], 16) if raw[:1] != "-" else _negative(raw), True
    return read_decimal(raw, 18, 0, 10**58), False


def _negative(raw: str) -> int:
    raise ValueError(f"{shown(raw)} is negative")
