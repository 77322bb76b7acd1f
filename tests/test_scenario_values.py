"""Single values of a scenario: numerals, moments, and the marks of where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tiny_scenario import problems, tiny

from mutualize.errors import MutualizeError
from mutualize.randomness import Fixed
from mutualize.scenario.fields import Rows, Table, Tables, fields_of, kind_of
from mutualize.scenario.marks import in_list_order
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import did_you_mean
from mutualize.scenario.scalars import format_time, parse_time, read_decimal, read_tolerance
from mutualize.units import AMOUNT_MAX, WAD

# --- numerals and moments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "places", "value"),
    [
        ("0", 18, 0), ("1.5", 6, 1_500_000), ("0.10", 1, 1), ("007", 0, 7), (7, 2, 700),
        ("9" * 32 + ".999999", 6, int("9" * 38)),
    ],
)  # fmt: skip
def test_a_numeral_is_exact(raw: str | int, places: int, value: int) -> None:
    """A plain numeral is the integer that it says, no more and no less."""
    assert read_decimal(raw, places, 0, AMOUNT_MAX) == value


@pytest.mark.parametrize(
    "raw",
    [
        "", " 5", "5 ", "1_000", "1e9", "1E9", "1e1000000", "+5", "-5", "--5", ".5", "5.", "0x10", "1,000",
        "\uff15", "\u0665", "nan", "NaN", "inf", "-inf", "-0.0.1", "5%", "1/2", "1.2.3", "0.1234567",
        "\u2212", "9" * 33, "9" * 5_000, "0." + "0" * 5_000, True, False, None, [], {}, 10**41, -1, "5\n",
        "\x005",
    ],
)  # fmt: skip
def test_what_is_no_plain_numeral_is_refused(raw: Any) -> None:
    """Nothing is rounded, trimmed, converted or guessed."""
    with pytest.raises(ValueError, match=r"\S"):
        read_decimal(raw, 6, 0, AMOUNT_MAX)


def test_an_amount_has_a_cap() -> None:
    """10^38 base units is the most that can be stated, and one more is too much."""
    cap = f"1{'0' * 32}"
    assert tiny(('amount = "1000"', f'amount = "{cap}"')).depositors[0].amount == Fixed(AMOUNT_MAX)
    assert "is too large" in problems(('amount = "1000"', f'amount = "{cap}.000001"'))[0]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00+01:00", "2024-01-01t00:00:00z",
        "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2016-12-31T23:59:60Z", "2024-01-01T00:00:00.5Z",
        " 2024-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
        "2023-02-29T00:00:00Z", "\uff12024-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "now", "",
    ],
)  # fmt: skip
def test_only_utc_is_a_moment(text: str) -> None:
    """A moment has a date, a time and a Z; no zones, no fractions, no leap seconds."""
    with pytest.raises(ValueError, match=r"moment|1970"):
        parse_time(text)


def test_moments_are_seconds() -> None:
    """A moment and its seconds are the same, in both directions."""
    assert parse_time("2022-11-22T17:20Z") == parse_time("2022-11-22T17:20:00+00:00") == 1_669_137_600
    assert format_time(1_669_137_600) == "2022-11-22T17:20:00Z"


def test_a_tolerance_is_a_share_or_a_number() -> None:
    """'10%' is relative, '1200' absolute, both with 18 decimals."""
    assert read_tolerance("10%") == (10**17, True)
    assert read_tolerance("0.5%") == (5 * 10**15, True)
    assert read_tolerance("1200") == (1_200 * WAD, False)


# --- marks -----------------------------------------------------------------------------------------------


def test_the_nearest_mark_holds() -> None:
    """A mark on the number goes before that of its table, and that before those around it."""
    scenario = tiny(
        ('price = "2000"', 'price = { value = "2000", fact = "CV4: page 3" }'),
        ("[venues.pool.reserves.ETH]", '[venues.pool.reserves.ETH]\nmarked = { calibrated = "to the loss" }'),
        ("count = 2", 'count = { value = 2, assumed = "a pair" }'),
    )
    marks = {given.path: (given.kind, given.why) for given in scenario.inputs}
    assert marks["markets.ETH.price"] == ("fact", "CV4: page 3")
    assert marks["venues.pool.reserves.ETH.ltv"] == ("calibrated", "to the loss")
    assert marks["venues.pool.reserves.USDC.ltv"] == ("assumed", "invented")
    assert marks["depositors.lenders.count"] == ("assumed", "a pair")
    assert next(g for g in scenario.inputs if g.path == "markets.ETH.price").source == "CV4"


def test_what_was_not_published_is_listed_first() -> None:
    """The order of listing is: overridden, calibrated, assumed, facts."""
    scenario = tiny(
        ('price = "2000"', 'price = { value = "2000", fact = "CV4" }'),
        ('price = "1"', 'price = { value = "1", calibrated = "to the loss" }'),
        overrides=[("depositors.lenders.count", "3")],
    )
    kinds = [given.kind for given in in_list_order(scenario.inputs)]
    assert kinds[:2] == ["override", "calibrated"]
    assert kinds[-1] == "fact"
    assert set(kinds[2:-1]) == {"assumed"}


def test_a_word_may_be_marked() -> None:
    """A choice needs no mark, but may have one, and is listed then."""
    scenario = tiny(add='[venues.pool.rules]\nrecognition = { value = "never", fact = "CV4" }')
    assert scenario.venues["pool"].rules.recognition == "never"
    assert ("venues.pool.rules.recognition", "never") in [(g.path, g.value) for g in scenario.inputs]


def test_no_number_escapes_the_list() -> None:
    """Without the mark of the file, each of the scenario's inputs is told to be unmarked."""
    told = problems(('marked = { assumed = "invented" }\n', ""))
    assert len(told) == len(tiny().inputs)
    assert all("is not marked" in line for line in told)


BAD_NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "-0.5",
    "1e400",
    "NaN",
    "true",
    "[]",
    "{}",
    '"5 "',
    '"1_0"',
    '"+1"',
    '"0x1"',
    "x",
]


@pytest.mark.parametrize("bad", BAD_NUMBERS)
def test_every_number_refuses_what_is_none(bad: str) -> None:
    """Each number of the scenario, set to something that is no number of its kind, is told by its path."""
    for given in tiny().inputs:
        with pytest.raises(MutualizeError) as caught:
            tiny(overrides=[(given.path, bad)])
        assert any(f"--set {given.path}" in line for line in caught.value.lines()), (given.path, bad)


def every_table(cls: type = Scenario) -> Iterator[type]:
    """Return the classes of all tables of a scenario."""
    yield cls
    for field in fields_of(cls).values():
        kind = kind_of(field)
        if isinstance(kind, Table | Tables | Rows):
            yield from every_table(kind.cls)


AS_NEAR = {
    "prices",
    "slope1",
    "slope2",
    "supply_slope1",
    "supply_slope2",
    *(f"{a}_{term}" for a in ("flap", "flop") for term in ("beg", "tau", "ttl")),
}
"""Keys that have a neighbour which a slip may mean just as well."""


def slips(key: str) -> Iterator[str]:
    """Return the key with one letter lost, doubled, or swapped with the next."""
    for at in range(1, len(key) - 1):
        yield key[:at] + key[at + 1 :]
        yield key[:at] + key[at] + key[at:]
        yield key[:at] + key[at + 1] + key[at] + key[at + 2 :]


def test_every_key_is_suggested_for_a_slip() -> None:
    """Any key of any table, but for the shortest, finds its way back from a slip."""
    tried = 0
    for cls in dict.fromkeys(every_table()):
        keys = list(fields_of(cls))
        for key in keys:
            if len(key) > 4 and key not in AS_NEAR:
                for wrong in slips(key):
                    tried += 1
                    assert wrong in keys or did_you_mean(wrong, keys) == f"Did you mean '{key}'?", (
                        cls,
                        wrong,
                    )
    assert tried > 2_000
