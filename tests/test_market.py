"""A market: quotes, offers and fills; what trades leave behind, and what a halt makes impossible."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest

from mutualize.market.depth import DEEP, Depth
from mutualize.market.market import Fill, Market
from mutualize.market.path import Bar, ConstantPath, Path, PricePath
from mutualize.units import PRICE_UNIT, WAD, Ratio

PERCENT = WAD // 100
CRV = 10**18
USDC = 10**6


def depth_of(amount: int, impact: int, recovery_s: int = 600, permanent: int = 0) -> Depth:
    """Make a depth."""
    return Depth(amount=amount, impact=Ratio(impact), recovery_s=recovery_s, permanent=Ratio(permanent))


def market_of(path: Path, depth: Depth = DEEP, asset_decimals: int = 0, money_decimals: int = 6) -> Market:
    """Make a market of CRV against USDC."""
    return Market(
        asset="CRV",
        money="USDC",
        asset_decimals=asset_decimals,
        money_decimals=money_decimals,
        path=path,
        place="somewhere",
        depth=depth,
    )


def crv(price: int = PRICE_UNIT // 2, **fields: int) -> Market:
    """Make the market of the CRV crash: one percent for three million, at half a dollar."""
    depth = depth_of(3_000_000 * CRV, PERCENT, **fields)
    return market_of(ConstantPath(price), depth, asset_decimals=18)


def test_three_million_move_the_quote_by_one_percent() -> None:
    """A purchase pays half of its own impact on average, and leaves all of it to the next one."""
    market = crv()
    three = 3_000_000 * CRV
    assert market.quote_buy(three, at=0) == 1_507_500 * USDC  # 1.5 M at half a percent above
    assert market.quote_sell(three, at=0) == 1_492_500 * USDC
    fill = market.take_buy(three, at=0)
    assert fill == Fill(
        at=0,
        sold="USDC",
        sold_amount=1_507_500 * USDC,
        bought="CRV",
        bought_amount=three,
        place="somewhere",
        mid=PRICE_UNIT // 2,
    )
    assert market.quote_buy(three, at=0) == 1_522_500 * USDC
    assert market.quote_sell(three, at=0) == 1_507_500 * USDC
    assert market.mid(0) == PRICE_UNIT // 2


def test_pressure_fades_in_a_straight_line() -> None:
    """Half of the recovery time takes away half of the pressure; after all of it nothing is left."""
    market = crv()
    market.take_sell(3_000_000 * CRV, at=100)
    assert [market.pressure(100 + t) // CRV for t in (0, 150, 300, 599, 600, 10**6)] == [
        3_000_000,
        2_250_000,
        1_500_000,
        5_000,
        0,
        0,
    ]


def test_a_speck_of_dust_does_not_delay_recovery() -> None:
    """Each trade fades by itself: a later one does not start the earlier one's recovery anew."""
    alone, dusted = crv(), crv()
    for market in (alone, dusted):
        market.take_sell(3_000_000 * CRV, at=0)
    for t in range(1, 600, 7):
        dusted.take_sell(1, at=t)
    assert alone.pressure(599) + 100 > dusted.pressure(599) >= alone.pressure(599)
    assert dusted.pressure(600) < 100


def test_pressure_is_shown_rounded_towards_zero() -> None:
    """A third of one unit is shown as none, on either side."""
    market = market_of(ConstantPath(PRICE_UNIT), depth_of(100, PERCENT, recovery_s=3))
    market.take_sell(1, at=0)
    assert [market.pressure(t) for t in range(4)] == [1, 0, 0, 0]
    market.take_buy(5, at=10)
    assert [market.pressure(10 + t) for t in range(4)] == [-5, -3, -1, 0]


def test_the_quote_stops_at_zero() -> None:
    """Beyond the point where the line meets zero more is sold for nothing: no price is ever negative."""
    market = market_of(ConstantPath(PRICE_UNIT), depth_of(100, WAD // 2))  # zero after 200
    all_of_it = market.quote_sell(200, at=0)
    assert all_of_it == 100 * USDC
    assert market.quote_sell(10**30, at=0) == all_of_it
    market.take_sell(250, at=0)
    assert market.quote_sell(10**30, at=0) == 0
    assert market.quote_buy(50, at=0) == 0
    assert market.quote_buy(51, at=0) == 2_500  # one half of a half percent of one
    assert market.largest_sell(1, at=0, most=99) == 0
    assert market.largest_sell(0, at=0, most=99) == 99


def test_a_sale_may_end_behind_the_zero_of_the_line() -> None:
    """Seven thirds of a unit earn all there is, so the third unit is free and lowers the average to 7/18."""
    market = market_of(ConstantPath(18 * PRICE_UNIT), depth_of(7, 3 * WAD))
    assert market.quote_sell(3, at=0) == 21 * USDC
    assert market.largest_sell(7 * PRICE_UNIT, at=0, most=99) == 3
    assert market.largest_sell(7 * PRICE_UNIT + 1, at=0, most=99) == 2
    assert market.amount_sold_for(21 * USDC, at=0) == 3


def test_a_deep_market_trades_at_its_price() -> None:
    """Without impact every amount trades at mid, whatever was traded before."""
    market = market_of(ConstantPath(3 * PRICE_UNIT), DEEP)
    market.take_sell(10**30, at=0)
    assert (market.quote_sell(7, at=0), market.quote_buy(7, at=0), market.mid(0)) == (
        21 * USDC,
        21 * USDC,
        3 * PRICE_UNIT,
    )


def test_a_permanent_share_moves_the_market_itself() -> None:
    """A fifth of the impact stays on the mid, for oracles to see; the rest fades."""
    market = crv(permanent=WAD // 5)
    market.take_sell(30_000_000 * CRV, at=0)  # ten percent
    assert market.mid(0) == market.mid(10**6) == PRICE_UNIT * 49 // 100
    assert market.pressure(0) == 30_000_000 * CRV
    assert market.pressure(10**6) == 6_000_000 * CRV
    market.take_buy(30_000_000 * CRV, at=10**6)
    assert market.mid(10**7) == PRICE_UNIT // 2


def test_sales_without_end_leave_a_mid_of_zero() -> None:
    """Where the permanent impact exceeds the whole price, the mid is zero until it is bought back."""
    market = market_of(PricePath([Bar(0, 5, 5, 5, 5)], 60), depth_of(100, WAD, recovery_s=1, permanent=WAD))
    market.take_sell(100, at=0)
    assert market.mid(0) == 0
    assert market.next_crossing(0, 100, 0, 0) is None
    assert market.next_crossing(0, 100, 1, 9) == 1
    assert market.next_crossing(59, 100, 1, 9) is None


def test_a_halted_market_trades_nothing() -> None:
    """In a hole there is no price, no quote and no fill; amounts that could be traded are zero."""
    market = market_of(PricePath([Bar(0, 5, 5, 5, 5), Bar(200, 5, 5, 5, 5)], 60), depth_of(100, PERCENT))
    assert market.next_halt_change(0, 1_000) == 60
    assert market.next_price(60, 1_000) == 200
    assert [market.mid(60), market.quote_sell(1, at=60), market.quote_buy(1, at=60)] == [None] * 3
    assert [market.take_sell(1, at=60), market.take_buy(1, at=60), market.amount_sold_for(1, at=60)] == [
        None
    ] * 3
    assert market.largest_sell(1, at=60, most=9) == market.largest_buy(9, at=60, most=9) == 0
    assert market.amount_bought_for(10**9, at=60, most=9) == 0
    assert market.pressure(60) == 0


def test_an_offer_binds_nobody() -> None:
    """An offer changes nothing; taken, it weighs as a trade on the same terms does."""
    asked, traded = crv(), crv()
    offer = asked.offer_sell(CRV * 10**6, at=5)
    assert asked.pressure(5) == 0
    assert offer == traded.take_sell(CRV * 10**6, at=5)
    assert offer is not None
    asked.take(offer)
    assert asked.pressure(5) == traded.pressure(5) == CRV * 10**6


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: depth_of(0, 1),
        lambda: depth_of(1, -1),
        lambda: depth_of(1, 1, recovery_s=0),
        lambda: depth_of(1, 1, permanent=WAD + 1),
        lambda: depth_of(1, 1, permanent=-1),
        lambda: crv().quote_sell(-1, at=0),
        lambda: crv().quote_buy(-1, at=0),
        lambda: late().quote_sell(1, at=4),
        lambda: late().take_sell(1, at=4),
        lambda: late().take(
            Fill(at=4, sold="CRV", sold_amount=1, bought="USDC", bought_amount=1, place="", mid=1)
        ),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: object) -> None:
    """Depths without size, negative amounts, and trades before the last one raise ValueError."""
    assert callable(wrong)
    with pytest.raises(ValueError):
        wrong()


def late() -> Market:
    """Make a market whose last trade was at second 5."""
    market = crv()
    market.take_buy(CRV, at=5)
    return market


@pytest.mark.parametrize("cost", [0, 2 * 10**16, WAD - 1])
def test_a_cost_is_a_share_of_every_trade(cost: int) -> None:
    """A seller gets less by the cost and a buyer pays more by it, rounded against the trader."""
    market = Market(
        asset="ETH", money="USDC", asset_decimals=18, money_decimals=6, path=ConstantPath(2_000 * 10**8 + 1),
        cost=Ratio(cost),
    )  # fmt: skip
    price = Fraction(2_000 * 10**8 + 1, 10**8) * Fraction(10**6, 10**18)
    for amount in (0, 1, 10**12 + 7, 3 * 10**18 + 1):
        net, gross = amount * price * (WAD - cost) / WAD, amount * price * (WAD + cost) / WAD
        assert market.quote_sell(amount, at=0) == floor(net)
        assert market.quote_buy(amount, at=0) == ceil(gross)
        rate = market.rate(0)
        assert rate is not None
        assert floor(Fraction(amount * rate[0], rate[1])) == floor(net)
    bought = market.amount_bought_for(10**9, at=0, most=10**30)
    assert (market.quote_buy(bought, at=0) or 0) <= 10**9 < (market.quote_buy(bought + 1, at=0) or 0)


@pytest.mark.parametrize("cost", [-1, WAD])
def test_a_cost_that_is_no_share_is_refused(cost: int) -> None:
    """A trade cannot cost all of itself, nor less than nothing."""
    with pytest.raises(ValueError, match="a cost is a share"):
        Market(
            asset="ETH", money="USDC", asset_decimals=18, money_decimals=6, path=ConstantPath(1),
            cost=Ratio(cost),
        )  # fmt: skip
