"""Entries as bytes: one spelling, the same that the standard library gives, and back again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import ledger_samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutualize.accounts import Transfer
from mutualize.encoding import RESERVED_FIRST_KEYS, decode, encode, encode_all, own_fields
from mutualize.events import (
    KINDS,
    AssetsLost,
    Cell,
    CollateralSet,
    Entry,
    Event,
    PricePublished,
    RefusalsCounted,
    TransactionFailed,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INTEGER = st.one_of(
    st.integers(-3, 3), st.integers(-(2**255), 2**256), st.sampled_from([2**53, 2**63, 2**64])
)
NUMBER = st.integers(0, 2**40)
VALUES: dict[str, st.SearchStrategy[Any]] = {"str": TEXT, "int": INTEGER, "bool": st.booleans()}
TRANSFERS = st.lists(st.builds(Transfer, TEXT, TEXT, TEXT, INTEGER), max_size=4).map(tuple)
CELLS = st.dictionaries(st.tuples(TEXT, TEXT), INTEGER, max_size=6)


def plain(entry: Entry) -> dict[str, Any]:
    """Return what a line holds, worked out field by field and by no code that is tested here."""
    fields: dict[str, Any] = {}
    for a in attrs.fields(type(entry.event)):
        value = getattr(entry.event, a.name)
        if a.name not in {"transfers", "cells"} and value != a.default:
            fields[a.name] = value if isinstance(value, str | bool) else str(value)
    tables: dict[str, dict[str, str]] = {}
    for table, key, value in entry.event.cells:
        tables.setdefault(table, {})[key] = str(value)
    moved = [[t.debit, t.credit, t.asset, str(t.amount)] for t in entry.event.transfers]
    fields |= {"cause": entry.cause, "kind": type(entry.event).__name__, "seq": entry.seq}
    fields |= {"t": entry.at, "tx": entry.tx}
    fields |= {"set": tables} if tables else {}
    return fields | ({"transfers": moved} if moved else {})


def by_the_standard_library(entry: Entry) -> bytes:
    """Return the line as `json` writes it."""
    text = json.dumps(plain(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Draw an entry of any kind, with its cells in the canonical order."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    fields = {name: draw(VALUES[type_]) for name, type_ in own_fields(KINDS[kind]).items()}
    cells = tuple(Cell(table, key, value) for (table, key), value in sorted(draw(CELLS).items()))
    event = KINDS[kind](transfers=draw(TRANSFERS), cells=cells, **fields)
    return Entry(draw(NUMBER), draw(NUMBER), draw(NUMBER), draw(st.none() | NUMBER), event)


@given(entries())
def test_an_entry_comes_back_as_it_went(entry: Entry) -> None:
    """Decoding what was encoded gives the same entry, and encoding that the same bytes."""
    line = encode(entry)
    assert decode(line) == entry
    assert encode(decode(line)) == line


@given(entries())
def test_the_bytes_are_those_of_the_standard_library(entry: Entry) -> None:
    """Whoever sorts the keys and pads nothing gets the same line from any JSON library."""
    assert encode(entry) == by_the_standard_library(entry)


def test_every_code_point_is_written_as_the_standard_library_does() -> None:
    """All of Unicode but the surrogates goes through, in names, tables and keys."""
    every = [chr(i) for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]
    for i in range(0, len(every), 5_000):
        text = "".join(every[i : i + 5_000])
        event = RefusalsCounted(reason=text, count=0, cells=(Cell(text, text, 0),))
        entry = Entry(0, 0, 0, None, event)
        assert encode(entry) == by_the_standard_library(entry)
        assert decode(encode(entry)) == entry


def test_the_line_of_a_known_event() -> None:
    """The envelope's integers are numbers, all others are decimal strings."""
    event = TransactionFailed(
        reason="POSITION_IS_HEALTHY",
        transfers=(Transfer("outside:miners", "outside:keeper", "ETH", 10**16),),
        cells=(Cell("gas", "paid", 3), Cell("gas", "base", -2), Cell("fees", "all", 2**256 - 1)),
    )
    assert encode(Entry(42, 1_583_971_260, 41, None, event)).decode() == (
        '{"cause":null,"kind":"TransactionFailed","reason":"POSITION_IS_HEALTHY","seq":42,'
        f'"set":{{"fees":{{"all":"{2**256 - 1}"}},"gas":{{"base":"-2","paid":"3"}}}},"t":1583971260,'
        '"transfers":[["outside:miners","outside:keeper","ETH","10000000000000000"]],"tx":41}\n'
    )


def test_cells_come_back_sorted() -> None:
    """Cells are written by table and key; of two that set the same, the last one counts, as in the book."""
    cells = (Cell("b", "y", 1), Cell("a", "z", 2), Cell("b", "x", 3), Cell("b", "y", 4))
    entry = decode(encode(Entry(0, 0, 0, None, PricePublished(asset="X", price=1, market=1, cells=cells))))
    assert entry.event.cells == (Cell("a", "z", 2), Cell("b", "x", 3), Cell("b", "y", 4))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_event_line_can_be_taken_for_another_line(kind: str) -> None:
    """No kind of event begins with the first key of a commit line, a seal or a header."""
    values = {"str": "", "int": 0, "bool": False}
    fields: dict[str, Any] = {name: values[type_] for name, type_ in own_fields(KINDS[kind]).items()}
    line = encode(Entry(0, 0, 0, None, KINDS[kind](**fields)))
    assert not line.startswith(tuple(f'{{"{key}"'.encode() for key in RESERVED_FIRST_KEYS))
    assert next(iter(json.loads(line))) not in RESERVED_FIRST_KEYS


def test_many_lines_are_the_lines_one_by_one() -> None:
    """A transaction is written as its entries are."""
    for transaction in ledger_samples.transactions():
        assert encode_all(transaction) == b"".join(map(encode, transaction))
    assert encode_all(()) == b""


NO_INTEGERS = [1.5, 1.0, Decimal(1), None, "1"]


@pytest.mark.parametrize("value", NO_INTEGERS, ids=repr)
@pytest.mark.parametrize("place", ["field", "transfer", "cell", "at"])
def test_only_integers_pass_for_integers(value: Any, place: str) -> None:
    """A float, a Decimal, a text or nothing in the place of an integer is refused, and the kind is named."""
    event = RefusalsCounted(
        reason="a",
        count=value if place == "field" else 1,
        transfers=(Transfer("a", "b", "ETH", value if place == "transfer" else 1),),
        cells=(Cell("t", "k", value if place == "cell" else 1),),
    )
    with pytest.raises(ValueError, match=r"^RefusalsCounted: "):
        encode(Entry(0, value if place == "at" else 1, 0, None, event))


@pytest.mark.parametrize("value", [1.5, 1, None, b"a", "\ud800"], ids=repr)
def test_only_text_passes_for_text(value: Any) -> None:
    """What is no text, or text that UTF-8 does not know, is refused, wherever in a transaction it stands."""
    good = Entry(0, 0, 0, None, RefusalsCounted(reason="a", count=1))
    bad = Entry(1, 0, 0, None, TransactionFailed(reason=value))
    with pytest.raises(ValueError, match=r"^TransactionFailed: "):
        encode_all([good, bad])


def test_only_truth_passes_for_truth() -> None:
    """A number in the place of a truth value is refused."""
    bad: Any = 1
    with pytest.raises(ValueError, match=r"^CollateralSet: 1 is not a truth value"):
        encode(Entry(0, 0, 0, None, CollateralSet(venue="", account="", asset="", on=bad)))


GOOD = encode(
    Entry(7, 9, 7, 3, AssetsLost(venue="v", stake="s", asset="ETH", assets=12, cells=(Cell("t", "k", 5),)))
).decode()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"kind":"AssetsLost"', '"kind":"GasLost"', "GasLost: Invalid value 'GasLost'"),
        ('"kind":"AssetsLost",', "", "a line that is no event: .*missing required field `kind`"),
        ('"asset":"ETH",', "", "AssetsLost: .*missing required field `asset`"),
        ('"cause":3,', "", "AssetsLost: .*missing required field `cause`"),
        ('"tx":7', '"tx":7,"ty":7', "AssetsLost: .*unknown field `ty`"),
        ('"assets":"12"', '"assets":12', "AssetsLost: Expected `str`, got `int`"),
        ('"assets":"12"', '"assets":"1_2"', "AssetsLost: '1_2' is not a plain decimal integer"),
        ('"assets":"12"', '"assets":" 12"', "AssetsLost: ' 12' is not a plain decimal integer"),
        ('"assets":"12"', '"assets":"012"', "AssetsLost: '012' is not a plain decimal integer"),
        ('"assets":"12"', '"assets":"+12"', "AssetsLost: '.12' is not a plain decimal integer"),
        ('"assets":"12"', '"assets":"١٢"', "AssetsLost: '١٢' is not a plain decimal integer"),
        ('"assets":"12"', '"assets":"1.2"', "AssetsLost: invalid literal"),
        ('"k":"5"', '"k":5', "AssetsLost: Expected `str`, got `int`"),
        ('"seq":7', '"seq":"7"', "AssetsLost: Expected `int`, got `str`"),
        ('"seq":7', '"seq":7.5', "AssetsLost: Expected `int`, got `float`"),
        ("}\n", "", "a line that is no event"),
    ],
)
def test_a_line_that_is_no_event_is_refused(old: str, new: str, problem: str) -> None:
    """An unknown kind, a missing, strange or mistyped field is an error that names the kind."""
    assert old in GOOD
    with pytest.raises(ValueError, match=f"^{problem}"):
        decode(GOOD.replace(old, new).encode())


def test_a_kind_that_is_not_registered_is_not_written() -> None:
    """An event class of somebody's own has to be registered, or no reader would know it."""

    @attrs.frozen(kw_only=True)
    class Dreamt(Event):
        of: str

    with pytest.raises(ValueError, match="Dreamt is not a registered kind of event"):
        encode(Entry(0, 0, 0, None, Dreamt(of="sheep")))


@pytest.mark.parametrize(
    ("name", "type_", "problem"),
    [
        ("blk", int, "themselves"),
        ("seq", int, "themselves"),
        ("price", float, "holds text, integers and truth"),
    ],
)
def test_a_field_that_would_spoil_a_line_is_refused(name: str, type_: type, problem: str) -> None:
    """A field may not take a name of the envelope or a first key of another line, nor hold a float."""
    kind = attrs.make_class("Odd", {name: attrs.field(type=type_)}, bases=(Event,), kw_only=True, frozen=True)
    with pytest.raises(TypeError, match=problem):
        own_fields(kind)
