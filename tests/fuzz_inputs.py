"""What the fuzzer feeds: scenarios, tables, options and ledgers, each a valid one after a few changes.

The rule: an input depends on the seed and its number alone. Changes know the structure (tables, rows, keys,
cells, events, commit lines), so that most of them get past the parser; some are of bytes, and know nothing.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
from fuzz_ledgers import changed
from fuzz_toml import (
    FILES,
    KEYS,
    MOMENTS,
    NUMERALS,
    RAWS,
    SEEDS,
    WHOLE,
    WORDS,
    Doc,
    alike,
    copied,
    damaged,
    edge,
    gentle,
    nodes,
    write,
)

from mutualize.randomness import Stream
from mutualize.scenario.find import FILE, shelf
from mutualize.scenario.template import template

TABLES = {"prices.csv": "tables", "gas.csv": "tables", "owed.csv": "tables", "vaults.csv": "vaults"}
"""Tables beside a scenario, and the scenario that reads each."""
LEDGER = "ledger.jsonl"


@attrs.frozen
class Case:
    """One input: what sort of thing it is, what it was made from, and the bytes of its main file."""

    number: int
    kind: str
    base: str
    name: str
    """The name of the file that was changed."""
    data: bytes
    options: tuple[tuple[str, str], ...] = ()


# --- what is changed -------------------------------------------------------------------------------------


def _cut(doc: Doc) -> Doc:
    """Make a shipped scenario small: few people, an hour or two, a spread of two seeds and two sets."""
    for role in ("depositors", "borrowers", "liquidators", "stakers"):
        for row in doc.get(role, ()):
            if isinstance(row.get("count"), int):
                row["count"] = min(row["count"], 2)
            elif isinstance(row.get("count"), dict):
                row["count"]["value"] = min(row["count"]["value"], 2)
    if "spread" in doc:
        doc["spread"] |= {"seeds": 2, "draws": 2}
    return doc


@cache
def documents() -> dict[str, Doc]:
    """Return the scenarios that are changed, parsed, by name."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(SEEDS.glob("*.toml"))}
    found = {name: tomllib.loads(text) for name, text in texts.items()}
    found["template"] = _cut(tomllib.loads(template()))
    for name in ("aave-crv-2022", "three-tiers"):
        found[name] = _cut(tomllib.loads((shelf() / name / FILE).read_text("utf-8")))
    return found


@cache
def texts() -> dict[str, bytes]:
    """Return the scenarios that are changed, as bytes, by name; without the long ones."""
    return {path.stem: path.read_bytes() for path in sorted(SEEDS.glob("*.toml"))}


@cache
def table(name: str) -> list[list[str]]:
    """Return the rows of a table beside a scenario."""
    return list(csv.reader((SEEDS / name).read_text("utf-8").splitlines()))


WEIGHTS = {
    "scenario": 36,
    "text": 14,
    "prices": 10,
    "gas": 4,
    "positions": 6,
    "vaults": 4,
    "options": 4,
    "ledger": 22,
}
"""How many of a hundred inputs are of each kind."""
_KINDS = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
_SHORT = ["calm"] * 9 + ["crash"] * 4 + ["tables"] * 3 + ["words"] * 3 + ["vaults"] * 5
_LONG = ["template", "aave-crv-2022", "three-tiers", "three-tiers"]


def case(seed: int, number: int) -> Case:
    """Return the input of that number."""
    stream = Stream(seed, f"fuzz/{number}")
    kind = _KINDS[number % 100]
    return _MAKERS[kind](number, stream)


# --- scenarios -------------------------------------------------------------------------------------------


def _scenario(number: int, stream: Stream) -> Case:
    base = stream.choice(_LONG) if stream.chance(1, 20) else stream.choice(_SHORT)
    doc = copied(documents()[base])
    if stream.chance(1, 6):
        for inside, key in [stream.choice(list(nodes(doc))) for _ in range(1 + stream.below(6))]:
            inside[key] = gentle(inside[key], stream)
    else:
        for _ in range(1 + stream.below(3) * stream.below(2)):
            change(doc, stream)
    text = write(doc)
    if stream.chance(1, 12):
        text = _broken(text, stream)
    return Case(number, "scenario", base, FILE, text.encode("utf-8", "surrogatepass"))


def change(doc: Doc, stream: Stream) -> None:
    """Change one thing in a parsed document."""
    found = list(nodes(doc))
    if not found:
        doc[stream.choice(KEYS)] = edge(stream)
        return
    inside, key = stream.choice(found)
    way = stream.below(20)
    if way < 7:
        inside[key] = alike(inside[key], stream)
    elif way < 10:
        inside[key] = edge(stream)
    elif way < 12:
        del inside[key]
    elif way < 14 and isinstance(inside, dict):
        _rename(inside, key, stream)
    elif way == 14:
        other, name = stream.choice(found)
        inside[key] = copied(other[name]) if name in other or isinstance(other, list) else 1
    elif way == 15:
        mark = stream.choice(["assumed", "fact", "calibrated", "override"])
        inside[key] = {"value": inside[key], mark: stream.choice(["S1", "x", "", 5])}
    elif way == 16 and isinstance(inside, list):
        _rows(inside, key, stream)
    elif way == 17:
        inside[key] = _nested(inside[key], stream)
    elif isinstance(inside, dict):
        inside[stream.choice(KEYS)] = edge(stream)
    else:
        inside.insert(key, edge(stream))


def _rename(table_: Doc, key: str, stream: Stream) -> None:
    """Give a key another name, at its place: one letter less, a letter twice, or a name of elsewhere."""
    at = stream.below(len(key) + 1)
    name = stream.choice(
        [key[:at] + key[at + 1 :], key[:at] + key[at - 1 : at] + key[at:], stream.choice(KEYS)]
    )
    pairs = [(name if old == key else old, value) for old, value in table_.items()]
    table_.clear()
    table_.update(pairs)


def _rows(rows: list[Any], key: int, stream: Stream) -> None:
    way = stream.below(5)
    if way == 0:
        rows.insert(key, copied(rows[key]))
    elif way == 1:
        rows.reverse()
    elif way == 2:
        rows.clear()
    elif way == 3:
        rows.extend(copied(rows[key]) for _ in range(stream.choice([1, 2, 120])))
    else:
        rows[key] = {}


def _nested(value: Any, stream: Stream) -> Any:
    for _ in range(stream.choice([1, 2, 5, 35])):
        value = [value] if stream.chance(1, 2) else {stream.choice(["value", "a"]): value}
    return value


def _broken(text: str, stream: Stream) -> str:
    """Break the text around what it says: a line twice, another line feed, a word where none may stand."""
    lines = text.split("\n")
    at, other = stream.below(len(lines)), stream.below(len(lines))
    way = stream.below(8)
    if way < 3:
        lines.insert(at, lines[other])
    elif way == 3:
        lines[at] = f"{lines[at]} {stream.choice(RAWS)}"
    elif way == 4:
        return "\ufeff" * (1 + stream.below(2)) + text
    elif way == 5:
        return text.replace("\n", stream.choice(["\r\n", "\r", "\n\n"]))
    elif way == 6:
        lines.insert(at, f"[{stream.choice(KEYS)}.{stream.choice(KEYS)}]")
    else:
        lines.insert(at, "# " + stream.choice(["x" * 5_000, "\x00", "\x07", "\u2028", "\u202e"]))
    return "\n".join(lines)


def _text(number: int, stream: Stream) -> Case:
    base = stream.choice(_SHORT)
    return Case(number, "text", base, FILE, damaged(texts()[base], stream))


PATHS = [
    "seed", "start", "end", "venues", "venues.pool", "venues.pool.waterfall", "venues.pool.waterfall[0]",
    "a", "",
    "venues.pool.reserves.ETH.ltv", "venues.pool.waterfall.haircut.limit", "borrowers", "borrowers[0].health",
    "borrowers.borrowers.count", "markets", "markets.ETH.price", "markets.ETH.points",
    "markets.ETH.prices.file",
    "chain.gas", "assets.ETH.decimals", "variants", "expect", "spread", "venues.pool.funds.x.USDC", ".",
    "[0]", "seed.x",
    "positions[0].file", "depositors[0].amount", "depositors[99999999999].amount", "seed[0]", '"',
    "a" * 5_000,
    "liquidators[0].capital.USDC", "venues.maker.auctions", "venues.maker.ilks.eth-a.hop",
    "bidders[0].capital",
    "venues.maker.system.sump", "vaults[0].liquidation_price", "debt_bidders[0].paid[0].price",
    "acts[0].terms.lump", "venues.new", "applied", "conflicts", "not_modelled", "money", "name",
    "marked",
]  # fmt: skip


def _options(number: int, stream: Stream) -> Case:
    base = stream.choice(["calm", "crash", "tables", "words", "vaults"])
    values = [
        *NUMERALS,
        *WORDS,
        *FILES,
        *MOMENTS,
        *map(str, RAWS),
        *map(str, WHOLE),
        "x = 1\ny = 2",
        "1\n[a]",
    ]
    pairs = tuple((stream.choice(PATHS), stream.choice(values)) for _ in range(1 + stream.below(2)))
    return Case(number, "options", base, FILE, texts()[base], pairs)


# --- tables ----------------------------------------------------------------------------------------------


def _table(kind: str, name: str) -> Callable[[int, Stream], Case]:
    def make(number: int, stream: Stream) -> Case:
        if stream.chance(1, 4):
            return Case(number, kind, TABLES[name], name, damaged((SEEDS / name).read_bytes(), stream))
        rows = [list(row) for row in table(name)]
        for _ in range(1 + stream.below(2)):
            _change_rows(rows, stream)
        out = io.StringIO()
        ending = stream.choice(["\n", "\n", "\n", "\r\n"])
        writer = csv.writer(
            out, lineterminator=ending, quoting=stream.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        )
        writer.writerows(rows)
        text = out.getvalue().replace('"# source: invented"', "# source: invented")
        if stream.chance(1, 10):
            text = stream.choice(
                [
                    "\ufeff" + text,
                    text.replace(",", ";"),
                    text + "\n\n\n",
                    "#\n" * 50 + text,
                    text[:-3],
                    "",
                    "\n",
                    '"',
                ]
            )
        return Case(number, kind, TABLES[name], name, text.encode("utf-8", "surrogatepass"))

    return make


def _change_rows(rows: list[list[str]], stream: Stream) -> None:
    """Change one thing in a table."""
    at, other = stream.below(len(rows)), stream.below(len(rows))
    row = rows[at]
    way = stream.below(16)
    if way < 7 and row:
        cell = stream.below(len(row))
        row[cell] = stream.choice(stream.choice([NUMERALS, MOMENTS, WORDS, [alike(row[cell], stream)]]))
    elif way == 7:
        rows.insert(at, list(row))
    elif way == 8 and len(rows) > 1:
        del rows[at]
    elif way == 9:
        rows[at], rows[other] = rows[other], rows[at]
    elif way == 10 and row:
        del row[stream.below(len(row))]
    elif way == 11:
        row.insert(stream.below(len(row) + 1), stream.choice(NUMERALS))
    elif way == 12:
        rows.insert(at, [stream.choice(WORDS) for _ in range(stream.below(7))])
    elif way == 13:
        row.append(stream.choice(["x" * 5_000, "x" * 140_000, '"' * 3, "\n", "\0"]))
    elif way == 14:
        rows.extend([list(row)] * stream.choice([1, 2, 300]))
    else:
        rows[at] = [cell.strip("0") for cell in row]


# --- ledgers ---------------------------------------------------------------------------------------------


def _ledger(number: int, stream: Stream) -> Case:
    base, data = changed(stream)
    return Case(number, "ledger", base, LEDGER, data)


_MAKERS: dict[str, Callable[[int, Stream], Case]] = {
    "scenario": _scenario,
    "text": _text,
    "prices": _table("prices", "prices.csv"),
    "gas": _table("gas", "gas.csv"),
    "positions": _table("positions", "owed.csv"),
    "vaults": _table("vaults", "vaults.csv"),
    "options": _options,
    "ledger": _ledger,
}
