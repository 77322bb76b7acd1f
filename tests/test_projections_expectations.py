"""Expectations: what was stated beforehand, met or missed, in the metric's own integers."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mutualize.errors import MutualizeError
from mutualize.events import (
    Cell,
    Entry,
    Event,
    Liquidated,
    PricePublished,
    ReserveListed,
    ShortfallRecognised,
)
from mutualize.projections.board import Board
from mutualize.projections.expectations import Expectation, Expectations, Outcome, figure_of
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import ask
from mutualize.units import RAY, WAD

FRAME = Frame(decimals={"CRV": 18, "USDC": 6})
NOON = 1_669_120_800
"""2022-11-22T12:40:00Z."""


def entries() -> list[Entry]:
    """Two prices, a liquidation, and a shortfall of 2,500 CRV."""
    numbers = {"decimals": 18, "borrow_index": RAY, "liquidity_index": RAY}
    cells = tuple(Cell("aave.CRV", name, value) for name, value in numbers.items())
    events: list[tuple[int, Event]] = [
        (NOON, ReserveListed(venue="aave", asset="CRV", decimals=18, cells=cells)),
        (NOON, price(60)),
        (
            NOON + 300,
            Liquidated(
                venue="aave", liquidator="keeper-1", account="whale", collateral="USDC", debt="CRV", paid=10,
                seized=5,
            ),
        ),
        (
            NOON + 300,
            ShortfallRecognised(
                venue="aave", account="whale", asset="CRV", amount=2_500 * WAD, price=60 * 10**6
            ),
        ),
        (NOON + 900, price(40)),
    ]  # fmt: skip
    return [Entry(seq, at, seq, None, event) for seq, (at, event) in enumerate(events)]


def price(cents: int) -> PricePublished:
    amount = cents * 10**6
    return PricePublished(asset="CRV", price=amount, market=amount, cells=(Cell("oracle", "CRV", amount),))


def judge(metric: str, op: str, *values: str, **more: Any) -> Outcome:
    """Return what becomes of one expectation."""
    one = attrs.evolve(Expectation(id="it", metric=metric, op=op, values=values), **more)
    stated = Expectations([one], FRAME)
    board = Board(attrs.evolve(FRAME, watch=stated.accounts))
    stated.attach(board)
    board.take_all(entries()).until(NOON + 1_000)
    (outcome,) = stated.outcomes(board)
    return outcome


@pytest.mark.parametrize(
    ("metric", "op", "values", "more", "met"),
    [
        ("shortfall.CRV", "equals", ("2500",), {}, True),
        ("shortfall.CRV", "equals", ("2640",), {"tolerance": WAD // 10, "relative": True}, True),
        ("shortfall.CRV", "equals", ("2640",), {"tolerance": WAD // 20, "relative": True}, False),
        ("shortfall.CRV", "equals", ("2499",), {"tolerance": WAD}, True),
        ("shortfall.CRV", "at_least", ("2500.000000000000000001",), {}, False),
        ("shortfall.CRV", "at_most", ("2500",), {}, True),
        ("shortfall.CRV", "between", ("2400", "2600"), {}, True),
        ("shortfall.CRV", "between", ("2600", "2700"), {}, False),
        ("shortfall.USDC", "absent", (), {}, True),
        ("liquidations", "first", ("2022-11-22T12:45:00Z",), {}, True),
        ("liquidations", "last", ("2022-11-22T13:45:00+01:00",), {}, True),
        ("liquidations.last", "equals", ("2022-11-22T12:50:00Z",), {"tolerance": 300 * WAD}, True),
        ("liquidations.count", "equals", ("2",), {}, False),
        ("price.CRV.max", "equals", ("0.6",), {}, True),
        ("price.CRV", "equals", ("0.6",), {"at": NOON + 899}, True),
        ("price.CRV", "equals", ("0.4",), {"at": NOON + 900}, True),
        ("tiers.order", "order", (), {}, True),
        ("tiers.order", "order", ("fund",), {}, False),
        ("utilization.CRV", "at_most", ("85%",), {}, True),
        ("exhausted.whale", "absent", (), {}, False),
        ("ltv.whale", "at_least", ("0.5",), {}, False),
    ],
)
def test_an_outcome_is_met_or_missed(
    metric: str, op: str, values: tuple[str, ...], more: dict[str, Any], met: bool
) -> None:
    """Each way to compare, at its edge; what never happened meets nothing but 'absent'."""
    assert judge(metric, op, *values, **more).met is met


def test_a_deviation_is_counted_from_what_was_published() -> None:
    """Computed less published, as a number and as a share; from the nearer bound of a range."""
    outcome = judge("shortfall.CRV", "equals", "2000")
    assert (outcome.deviation, outcome.deviation_share) == (500 * WAD, WAD // 4)
    assert judge("shortfall.CRV", "between", "2600", "2700").deviation == -100 * WAD
    assert judge("liquidations", "first", "2022-11-22T12:40:00Z").deviation == 300
    assert judge("ltv.whale", "equals", "1").deviation is None


def test_the_accounts_that_are_asked_about_are_watched() -> None:
    """An expectation about a debt has its account followed, and no other one."""
    stated = Expectations([Expectation(id="a", metric="debt.whale.CRV", op="absent")], FRAME)
    assert stated.accounts == ("whale",)


def test_all_mistakes_are_reported_at_once() -> None:
    """Unknown metrics, unreadable numbers and impossible comparisons come in one error, with their places."""
    stated = [
        Expectation(id="one", metric="shortfal.CRV", op="equals", values=("1",)),
        Expectation(id="two", metric="shortfall.DOGE", op="equals", values=("1",)),
        Expectation(id="three", metric="liquidations", op="first", values=("2022-11-22T12:40:00",)),
        Expectation(id="four", metric="shortfall.CRV", op="order", values=("fund",)),
        Expectation(id="five", metric="shortfall.CRV", op="equals", values=("1e6",)),
    ]
    with pytest.raises(MutualizeError) as caught:
        Expectations(stated, FRAME)
    three = "expect three: '2022-11-22T12:40:00' is no time:"
    assert caught.value.lines() == [
        "expect one: 'shortfal.CRV' is not a metric. Did you mean 'shortfall.<asset>'?",
        "expect two: 'DOGE' is not an asset of the scenario.",
        f"{three} it says no time zone; write it as 2022-11-22T17:20:00Z.",
        "expect four: 'shortfall.CRV' cannot be compared by 'order'. A list has an order.",
        "expect five: '1e6' is no amount: '1e6' is not a plain decimal number.",
    ]


def test_a_metric_knows_its_words() -> None:
    """The words of a name fill its pattern: the account to watch, the asset that an amount is in."""
    asked = ask("debt.whale.CRV")
    assert (asked.account, asked.asset, asked.unit) == ("whale", "CRV", "amount")
    assert ask("tier.fund.share").words == ("fund",)
    assert ask("price.USDC.e.max").words == ("USDC.e",)
    assert ask("price.USDC.max").metric.pattern == "price.<asset>.max"


def test_a_figure_of_a_vault_engine_is_read_to_its_last_place() -> None:
    """A stablecoin that a vault engine counts in has 45 decimals, and a figure of it all of them."""
    frame = Frame(decimals={"DAI": 45})
    asked = ask("shortfall.DAI")
    text = "7138734.33634647694968870847859790502393133113386963"
    found = figure_of(text, asked, frame)
    assert found == 713873433634647694968870847859790502393133113386963 * 10
    with pytest.raises(MutualizeError, match="is no amount"):
        figure_of(f"{text}99", asked, frame)
