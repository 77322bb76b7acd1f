"""Reports: numerals that are never larger than the truth, and text that cannot steer a terminal or a page."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.html import fragment
from mutualize.report.page import pooling
from mutualize.report.plain import plain
from mutualize.report.terminal import show
from mutualize.report.text import (
    amount,
    clean,
    duration,
    listing,
    moment,
    money,
    numeral,
    percent,
    places_for,
    plural,
    price,
    shown,
)

PAYLOADS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://example.org\x07click\x1b]8;;\x07",
    "abc\u202egpj.exe",
    "a\u2066b\u2069",
    "bell\x07 back\x08 null\x00",
    "line\u2028separator\nnewline\rreturn",
    "</script><img src=x onerror=alert(1)>",
    "<b>bold</b> & \"quoted\" 'single'",
    "[bold red]markup[/bold red] :smile:",
    "{0.__class__} %n",
)
BLOCKS: list[Block] = [
    Heading("Who paid"),
    Line("a sentence", "strong"),
    Line("a detail", indent=2),
    Table(("tier", ">paid"), (("fund", "1,000.00"), ("haircut", "25.50")), ("good", "bad")),
]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1_234_500_000, 6, "1234.5"), (-1, 18, "-0.000000000000000001"), (7, 0, "7"), (0, 8, "0")],
)
def test_a_numeral_is_exact(value: int, decimals: int, text: str) -> None:
    """Every digit is there, and no separator that a program would trip over."""
    assert numeral(value, decimals) == text


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        ("1234567.899", 2, "1,234,567.89"),
        ("-1234.999", 2, "-1,234.99"),
        ("0.000000000000000012", 2, "dust"),
        ("-0.001", 2, "-dust"),
        ("-0", 2, "0.00"),
        ("5", 0, "5"),
    ],
)
def test_what_people_read_is_cut_and_never_rounded_up(number: str, places: int, text: str) -> None:
    """No figure is shown larger than it is, and what is cut to nothing is not shown as nothing."""
    assert shown(number, places) == text


def test_a_column_has_as_many_places_as_its_largest_number_needs() -> None:
    """Large columns show cents, small ones show what there is."""
    assert places_for(["1234.5678", "0.1234"]) == 2
    assert places_for(["1.23456789", "0.1"]) == 4
    assert places_for(["0.123456789"]) == 8
    assert places_for(["5", "7"]) == 2


def test_units_are_worded_for_people() -> None:
    """Amounts, money, shares, durations and moments, as they stand in sentences."""
    assert amount("2640000.129", "CRV") == "2,640,000.12 CRV"
    assert (money("1188000.999", "USD"), money("12.345", "USD")) == ("1,188,000 USD", "12.34 USD")
    assert (money("0.00000013", "USD"), price("0.00000013", "USD")) == ("dust USD", "0.00000013 USD")
    assert (price("0.4649", "USD"), price("1", "USD"), price("1234.5", "USD")) == (
        "0.4649 USD",
        "1.00 USD",
        "1,234 USD",
    )
    assert (percent("0.164099"), percent("1"), percent("-0.05"), percent("0")) == (
        "16.4 %",
        "100.0 %",
        "-5.0 %",
        "0.0 %",
    )
    assert percent("0.0000001") == "dust"
    assert [duration(s) for s in (59, 3_180, 12_000, 187_200)] == ["59 s", "53 min", "3 h 20 min", "2 d 4 h"]
    assert moment(1_669_137_600) == "2022-11-22T17:20:00Z"
    assert (plural(1, "tier"), plural(2_000, "tier")) == ("1 tier", "2,000 tiers")
    assert listing(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_steers_a_terminal(payload: str) -> None:
    """Control, bidi and line-breaking characters of names never reach the terminal, in either printing."""
    blocks: list[Block] = [Heading(payload), Line(payload), Table((payload,), ((payload,),))]
    stream = io.StringIO()
    show(blocks, stream)
    for text in (plain(blocks), stream.getvalue()):
        assert not any(character in text for character in "\x1b\x07\x08\x00\r\u202e\u2066\u2069\u2028")
        assert all(line == clean(line) for line in text.split("\n"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_an_element(payload: str) -> None:
    """A page holds the elements that we wrote, whatever people are called."""
    seen: list[str] = []

    class Watcher(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert {name for name, _ in attrs} <= {"style"}

    Watcher().feed(fragment([Heading(payload), Line(payload), Table((payload,), ((payload,),))]))
    assert set(seen) <= {"div", "h4", "table", "thead", "tbody", "tr", "th", "td"}


def test_plain_text_aligns_its_columns() -> None:
    """Words to the left, numbers to the right, nothing cut, no trailing blanks."""
    assert plain(BLOCKS) == (
        "Who paid\n"
        "--------\n"
        "a sentence\n"
        "    a detail\n"
        "  tier         paid\n"
        "  -------  --------\n"
        "  fund     1,000.00\n"
        "  haircut     25.50\n"
    )


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False), ({}, False)],
)
def test_colour_is_for_those_who_want_it(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR beats everything; what is no terminal gets none."""
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    show(BLOCKS, stream)
    assert ("\x1b[31m" in stream.getvalue() or "\x1b[1;31m" in stream.getvalue()) is coloured


def test_a_terminal_that_knows_no_unicode_gets_ascii() -> None:
    """Boxes are drawn with what the terminal can write."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    show(BLOCKS, stream)
    stream.flush()
    assert b"fund" in raw.getvalue()


@pytest.mark.parametrize(
    ("total", "deviation", "told"),
    [
        ("0.000000", "0.000000000000000000", "as much as alone: what tiers paid before them, and chance."),
        ("-19000.000000", "0.000000000000000000", "The spread is the same."),
        ("-1.000000", "-0.010000000000000000", "The spread is 1.00 % narrower: that is pooling."),
        ("1.000000", "0.010000000000000000", "The spread is 1.00 % wider: whoever left first"),
    ],
)
def test_what_pooling_did_not_change_is_called_the_same(total: str, deviation: str, told: str) -> None:
    """Where nobody left first, nobody is said to have done so."""
    side = {"total": "0", "mean": "0", "deviation": "0", "lowest": "0", "highest": "0", "hit": "0"}
    about = {"asset": "USDC", "venue": "comet", "lent": "0.68", "rounds": 2000}
    difference = {"total": total, "deviation": deviation}
    sides = {"pooled": side | {"holders": 1}, "alone": side, "difference": difference}
    *_, last = pooling({"pooling": [about | sides]})
    assert isinstance(last, Line)
    assert told in last.text
