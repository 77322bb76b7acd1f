"""Words and numerals: integers as exact decimal text, moments as UTC, and no trick characters for a terminal.

Numerals in a summary are exact (`numeral`). What people read is cut, never rounded up (`shown`), so that no
figure is ever shown larger than it is; what is cut to nothing but is not nothing reads 'dust'.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from mutualize.units import format_decimal, mul_div_down

DUST: Final = "dust"
VALUE_MAX: Final = 60
"""So many characters of a value that was set are shown in a sentence."""
_HIDDEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that steer a terminal or a reader's eye: control, bidi, surrogates, line ends."""


def numeral(value: int, decimals: int) -> str:
    """Write an integer with `decimals` places exactly, without separators: '-1234.5'."""
    return format_decimal(value, decimals).replace(",", "")


def moment(at: int) -> str:
    """Write seconds since 1970 as '2022-11-22T17:25:00Z'."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> int:
    """Read a moment that `moment` wrote."""
    return int(datetime.fromisoformat(text).timestamp())


def clean(text: str) -> str:
    """Return text without characters that could steer a terminal; each is shown as '?'."""
    return "".join("?" if unicodedata.category(c) in _HIDDEN else c for c in text)


def parts(number: str) -> tuple[bool, str, str]:
    """Take a numeral apart: (is it negative, whole, fraction)."""
    whole, _, fraction = number.lstrip("-").partition(".")
    return number.startswith("-"), whole, fraction


def places_for(numbers: list[str]) -> int:
    """Return how many decimal places suit a column of numerals: fewer, the larger its largest."""
    largest = max((int(parts(number)[1]) for number in numbers), default=0)
    longest = max((len(parts(number)[2]) for number in numbers), default=0)
    return max(2, min(longest, 2 if largest >= 100 else 4 if largest >= 1 else 8))


def shown(number: str, places: int) -> str:
    """Write a numeral for people: with separators, cut to `places`; 'dust' for what is cut to nothing."""
    negative, whole, fraction = parts(number)
    kept = fraction[:places].ljust(places, "0")
    if int(whole) == 0 and not kept.strip("0"):
        if fraction.strip("0"):
            return f"-{DUST}" if negative else DUST
        negative = False
    return ("-" if negative else "") + f"{int(whole):,}" + (f".{kept}" if places else "")


def amount(number: str, asset: str) -> str:
    """Write one amount with its asset: '1,234.50 USDC'."""
    return f"{shown(number, places_for([number]))} {asset}"


def money(number: str, unit: str = "") -> str:
    """Write a sum of money: without decimals from a thousand on."""
    large = int(parts(number)[1]) >= 1_000
    return f"{shown(number, 0 if large else 2)} {unit}".rstrip()


def price(number: str, unit: str = "") -> str:
    """Write a price: small ones with all the decimals they have."""
    _, whole, fraction = parts(number)
    places = 0 if int(whole) >= 1_000 else 2 if int(whole) else len(fraction)
    return f"{shown(number, places if int(whole) >= 1_000 else max(2, places))} {unit}".rstrip()


def percent(ratio: str, places: int = 1) -> str:
    """Write a ratio like '0.1641' as '16.4 %', cut; 'dust' where that would be nothing but is not."""
    negative, whole, fraction = parts(ratio)
    fraction = fraction.ljust(2, "0")
    moved = f"{whole}{fraction[:2]}.{fraction[2:] or '0'}"
    text = shown(("-" if negative else "") + moved, places)
    return text if text.endswith(DUST) else f"{text} %"


def duration(seconds: int) -> str:
    """Write a number of seconds for people: '53 min', '3 h 20 min', '2 d 4 h'."""
    if seconds < 60:
        return f"{seconds} s"
    minutes = mul_div_down(seconds, 1, 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def plural(count: int, word: str, words: str = "") -> str:
    """Write a count with its word: '1 tier', '2 tiers'."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def listing(words: list[str]) -> str:
    """Join words: 'a', 'a and b', 'a, b and c'."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def changed(fork: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a fork changes, as a summary has it, in a line each."""
    for change in fork["changes"]:
        now = clean(change["now"])
        now = now if len(now) <= VALUE_MAX else f"{now[: VALUE_MAX - 1]}…"
        was = f" (was {clean(change['before'])})" if change["before"] else ""
        yield f"from {fork['at']} on, {clean(change['path'])} = {now}{was}"
