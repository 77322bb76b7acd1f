"""Edge values and damaged bytes for the fuzzer, and a writer of TOML that will also write what is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mutualize.randomness import Stream

Doc = dict[str, Any]
SEEDS = Path(__file__).parent / "fuzz"
"""Where the scenarios and tables lie that are changed."""


class Raw(str):
    """A text that is written as it stands, whether or not it is TOML."""

    __slots__ = ()


NUMERALS = [
    "0", "1", "2", "0.5", "1.5", "0.000001", "0.0000001", "-1", "-0", "0.0", "00", "007", "1.", ".5", "+1",
    "1e9", "1e400", "1e1000000", "1E5", "nan", "NaN", "inf", "-inf", "Infinity", "1_000", "1,000", " 5 ",
    "5 ",
    "0x10", "\uff15", "\u0663", "\u00b2", "\u2164", "", "%", "5%", "-5%", "9" * 38, "9" * 39, "1" + "0" * 38,
    "9" * 40, "9" * 41, "9" * 500, "0." + "0" * 35 + "1", "0." + "0" * 36 + "1", "1000000", "1e", "--1",
    "1.1.1",
    "100", "99.99", "0.9999999999999999", "1.000000000000000001", "12345678.123456",
]  # fmt: skip
WORDS = [
    "", "a", "ETH", "USDC", "BTC", "pool", "none", "borrowers", "lenders", "treasury", "umbrella", "oracle",
    "market", "fund", "stake", "claims", "run", "hold", "leave", "stay", "top-up", "deleverage", "passive",
    "half",
    "full", "never", "aave-v3", "at-zero-collateral", "exchange-rate", "shares", "pro-rata", "held-out",
    "fitted",
    "pause", "unpause", "set-parameter", "cover-deficit", "recognise-shortfall", "repay-debt", "deficit",
    "ltv",
    "liquidation_bonus", "optimal", "true", "a" * 64, "a" * 65, "A", "a b", "e\u0301", "\u00e9", "\u202e",
    "\u200b",
    "\x00", "\x1b[31m", "\ufeff", "\ufffe", "{0.__class__}", "%n%s", "$HOME", "__import__('os').system('id')",
    "</script><script>", "=1+1", "'", '"', "\\", "line\nbreak", "x" * 201, "x" * 4_001,
    "mutualize-scenario/2",
    "shortfall.USDC", "tier.fund.paid.USDC", "debt.ann.USDC", "price.ETH", "tiers.order",
    "liquidations.count",
    "cdp", "flip-2020-03", "flip", "clip", "nothing", "eth-a", "eth-b", "maker", "dutch", "DAI", "MKR",
    "Hole", "hop", "chop", "vaults", "shortfall.DAI", "auctions.count", "minted.MKR",
    "haircut.USDC.share", "refusals.AMOUNT_IS_ZERO", "..", ".", "a..b", "a[0]", "[0]", "venues.pool.rules",
    "borrowers-0001", "lenders-1", "keepers-0001", "ann", "genesis", "miners",
]  # fmt: skip
FILES = [
    "prices.csv", "gas.csv", "owed.csv", "vaults.csv", "none.csv", "out.csv", "up/secret.csv", "loop.csv",
    "up", "in.csv",
    "scenario.toml", ".", "..", "../secret.csv", "a/../../secret.csv", "/etc/passwd", "//host/share",
    "$HOME/x", "~/x.csv", "C:" + "\\x.csv", "..\\secret.csv", "file:///etc/passwd", "https://example.org/x",
    "CON", "nul.csv", "prices.csv\x00", "x" * 300, "prices.csv/", "/dev/zero", "/dev/stdin",
    "/proc/self/environ",
    "PRICES.CSV",
]  # fmt: skip
MOMENTS = [
    "2024-01-01T00:00:00Z", "2024-01-01T00:10:00Z", "2024-01-01T00:59:59Z", "2024-01-01T01:00:00Z",
    "2024-01-02T00:00:00Z", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T23:59:60Z",
    "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "2024-01-01T00:00:00+02:00", "2024-01-01T00:00:00+00:00", "2024-01-01", "2024-01-01 00:00:00", "now",
    "2024-01-01T00:00Z", "10000-01-01T00:00:00Z", "\uff12024-01-01T00:00:00Z", "2023-12-31T23:00:00Z",
]  # fmt: skip
WHOLE = [
    0, 1, 2, 3, 6, 12, 18, 36, 37, 60, 100, 600, 3600, -1, -(2**63), 2**31, 2**53 - 1, 2**53, 2**63 - 1,
    2**63, 2**64,
    10**6, 10**9, 10**12, 10**12 + 1, 10**18, 10**38, 10**39, 10**40, 10**100, 10**400, 253_402_300_799,
    253_402_300_800, 1_704_067_200, 3_153_600_000, 3_153_600_001,
]  # fmt: skip
RAWS = [
    Raw(text)
    for text in (
        "nan", "inf", "-inf", "+nan", "1e400", "-1e400", "1e1000000", "0.1", "-0.0", "1_000", "1__0", "0x10",
        "0o7", "0b1", "01", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27T07:32:00",
        "2024-13-01", "99:99:99", "'x'", "'''x'''", '"""y"""', "[", "]", "{", "}", "=", "", "#", '[1, "a"]',
        "[[1]]", "[[]]", "[{}]", "{}", "[]", "[[[]]]", "[" * 31 + "]" * 31, "[" * 33 + "]" * 33,
        "[" * 500 + "]" * 500, "{ a = " * 40 + "1" + " }" * 40, "9" * 4_000, "9" * 5_000, '"\\ud800"',
        '"\\u0000"',
        '"\\U00110000"', '"\\x"', "true", "false", "True", "yes", "null", "~", "!!python/object:os.system",
        "{ a = 1, a = 2 }", "{ value = 1, value = 2 }", "0e0", "1.0", "1e0", ".".join("a" * 40),
    )
]  # fmt: skip
TREES: list[Any] = [
    {"value": 1}, {"value": {"value": 1}}, {"value": "1", "assumed": "x"}, {"value": "1", "fact": "S1"},
    {"value": "1", "fact": "nobody"}, {"value": "1", "fact": "S1", "assumed": "x"}, {"marked": 5},
    {"marked": {"assumed": 5}}, {"uniform": ["1", "2"]}, {"uniform": ["2", "1"]}, {"uniform": ["1"]},
    {"uniform": [1, 2]}, {"uniform": []}, {"uniform": "1"}, {"power_law": ["0", "1"]}, {"power_law": ["1",
    "9"]},
    {"power_law": [1, 10**12]}, {"triangular": ["1", "2", "3"]}, {"triangular": ["1", "3", "2"]},
    {"histogram": []}, {"histogram": [[]]}, {"histogram": [["1", "2", "0"]]}, {"histogram": [["1", "2",
    "1"]]},
    {"histogram": [[1, 2, 1], [3, 9, 5]]}, {"histogram": {"a": 1}}, {"uniform": ["1", "2"],
    "power_law": ["1", "2"]},
    {"override": "mine"}, {"": 1}, {"a b": {"": []}}, {"file": "prices.csv", "bar_s": 3600},
    {"file": "../secret.csv", "bar_s": 1}, {"USDC": "5"}, {"USDC": {"value": "5", "assumed": "x"}},
    {"BTC": "5"},
    [["2024-01-01T00:00:00Z", "1"]], [["2024-01-01T00:00:00Z", "1"], ["2024-01-01T00:00:00Z", "2"]],
    [["2024-01-01T00:00:00Z", "0"], ["2024-01-01T00:30:00Z", "1"]], [["2024-01-01T00:00:00Z"]], [[1, 2, 3]],
    [{}],
    [{"tier": "a", "payer": "fund"}], [{"tier": "a"}, {"tier": "a"}], {"set": {"seed": 1}}, {"set": {"": 1}},
    {"seed": 7, "venues.pool.rules.dust_rule": True}, {"venues.pool.waterfall[0].limit": "0.5"}, [True],
    [[True]],
]  # fmt: skip
KEYS = [
    "", "a", "value", "fact", "assumed", "calibrated", "override", "marked", "name", "count", "applied",
    "variant",
    "ltv", "limit", "price", "prices", "points", "depth", "file", "venue", "__class__", "__init__", "a b",
    "\u00e9",
    "\u202e", "x" * 65, "x" * 600, "no-fund", "USDC", "ETH", "pool", "0", "-1", "files", "folder", "sha256",
    "limits",
]  # fmt: skip


def edge(stream: Stream) -> Any:
    """Return a value that some reader is not prepared for, of any type."""
    kind = stream.below(20)
    if kind < 6:
        return stream.choice(NUMERALS)
    if kind < 9:
        return stream.choice(WHOLE)
    if kind < 12:
        return stream.choice(WORDS)
    if kind < 15:
        return stream.choice(RAWS)
    if kind < 17:
        return copied(stream.choice(TREES))
    return stream.choice([True, False, stream.choice(FILES), stream.choice(MOMENTS)])


def alike(value: Any, stream: Stream) -> Any:
    """Return a value of the same sort as the one that stood there."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return stream.choice([value + 1, value - 1, value * 10, value >> 1, 0, 1, stream.choice(WHOLE)])
    if isinstance(value, str) and value[:1].isdigit() and "T" in value:
        return stream.choice(MOMENTS)
    if isinstance(value, str) and value.endswith(".csv"):
        return stream.choice(FILES)
    if (
        isinstance(value, str)
        and value[:1].isdigit()
        and value.isascii()
        and value.replace(".", "", 1).isdigit()
    ):
        return _near(value, stream)
    return stream.choice(WORDS) if isinstance(value, str) else edge(stream)


def _near(text: str, stream: Stream) -> str:
    """Return a numeral in the neighbourhood of another, or far away from it."""
    whole, _, fraction = text.partition(".")
    way = stream.below(8)
    if way < 3:
        return str(int(whole) * 10 ** stream.below(20)) + (f".{fraction}" if fraction else "")
    if way == 3:
        return f"{whole}.{fraction}{stream.below(10)}"
    if way == 4:
        return f"0.{'0' * stream.below(8)}{whole}{fraction}"
    return stream.choice(["0", "1", "2", "0.5", "1000000", stream.choice(NUMERALS)])


def gentle(value: Any, stream: Stream) -> Any:
    """Return a number that a reader most likely takes, where one stood: what makes runs stumble."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    if isinstance(value, int):
        return stream.choice([0, 1, 2, value + 1, value * 2, value * 10, value * 1000, value >> 1])
    if not (value.isascii() and value.replace(".", "", 1).isdigit() and value[:1].isdigit()):
        return value
    whole, _, fraction = value.partition(".")
    more = str(int(whole) * 10 ** stream.below(26) + stream.below(2)) + (f".{fraction}" if fraction else "")
    less = f"0.{'0' * stream.below(6)}{whole}"
    return stream.choice([more, more, less, "0", "1", "0.01", "0.5", "0.99", f"{whole}.000001"])


def copied(value: Any) -> Any:
    """Return a copy whose tables and lists can be changed."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of everything below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from nodes(inner)


PIECES = [
    b'"', b"'", b'"""', b"[", b"]", b"[[", b"{", b"}", b"=", b",", b".", b"#", b"\n", b"\r", b"\0", b"\\",
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"nan", b"-", b"0", b"9" * 50,
    b"true",
    b"value", b"marked = {}", b" ", b"\t", b"{}", b"[]", b'"1"', b"1e400", b"\\u0000", b"a." * 20, b"[" * 40,
]  # fmt: skip


def damaged(data: bytes, stream: Stream) -> bytes:
    """Return bytes after one to three changes that know nothing of what the bytes mean."""
    raw = bytearray(data)
    for _ in range(1 + stream.below(3)):
        at, size = stream.below(len(raw) + 1), stream.below(12)
        way = stream.below(6)
        if way == 0:
            del raw[at : at + size]
        elif way == 1:
            raw[at:at] = stream.choice(PIECES)
        elif way == 2:
            raw[at : at + size] = stream.choice(PIECES)
        elif way == 3:
            raw[at:at] = raw[at : at + 8 * size]
        elif way == 4 and at < len(raw):
            raw[at] ^= 1 << stream.below(8)
        else:
            other = stream.below(len(raw) + 1)
            raw[at:at] = raw[other : other + 8 * size]
    return bytes(raw[: stream.below(len(raw) + 1)] if stream.chance(1, 40) else raw)


# --- writing ---------------------------------------------------------------------------------------------


def write(doc: Doc) -> str:
    """Return a document as text: values first in each table, then its tables under headers."""
    lines: list[str] = []
    _table(doc, "", lines)
    return "\n".join(lines) + "\n"


def _table(table: Doc, path: str, lines: list[str]) -> None:
    later: list[tuple[str, Any]] = []
    for key, value in table.items():
        if _has_header(value):
            later.append((key, value))
        else:
            lines.append(f"{_key(key)} = {_inline(value)}")
    for key, value in later:
        inner = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, dict):
            lines.append(f"[{inner}]")
            _table(value, inner, lines)
        else:
            for row in value:
                lines.append(f"[[{inner}]]")
                _table(row, inner, lines)


def _has_header(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, dict) for row in value)
    return isinstance(value, dict) and (
        len(value) > 3 or any(isinstance(v, dict | list) for v in value.values())
    )


def _key(key: object) -> str:
    text = str(key)
    return (
        text
        if text and text.replace("_", "a").replace("-", "a").isalnum() and text.isascii()
        else _text(text)
    )


def _inline(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_inline(inner)}' for key, inner in value.items())} }}"
    return _text(str(value))


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}


def _text(text: str) -> str:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    escaped = (_ESCAPED.get(c) or (c if ord(c) >= 32 and c != "\x7f" else f"\\u{ord(c):04x}") for c in text)
    return f'"{"".join(escaped)}"'
