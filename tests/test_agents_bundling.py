"""Several liquidations in one transaction: as many as pay, and as a block's gas has room for."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from test_agents_liquidators import ETH, HOUR, USD, Exchange, thin

import mutualize
from mutualize.agents.liquidators import Liquidator
from mutualize.errors import MutualizeError
from mutualize.events import GasPaid, Liquidated, Traded
from mutualize.market.chain import Chain
from mutualize.market.space import Space

GAS = {"liquidate": 300_000, "trade": 100_000}


def fall(together: int, block_gas: int | None = None, **more: Any) -> Exchange:
    """Return a world in which five positions became unsafe at once, and its one keeper did his work."""
    world = Exchange(gas=GAS, **more)
    for number in range(5):
        world.owe(f"debtor-{number}", (10 + number) * ETH, (7_500 + 750 * number) * USD)
    world.told(HOUR, "ETH", 930, 1_000)
    if block_gas is not None:
        space = Space(block_gas=block_gas, shares=(), rows=())
        world.chain = Chain(start=0, block_s=12, native="ETH", gas_path=10**9, gas=GAS, space=space)
    world.agents.append(Liquidator("keeper", world.desk(flash=True), {}, 0, together=together))
    world.play()
    return world


def sizes(world: Exchange) -> list[int]:
    """Return how many liquidations each transaction holds."""
    done = [entry.tx for entry in world.pages.entries if isinstance(entry.event, Liquidated)]
    return [len(list(alike)) for _, alike in groupby(done)]


@pytest.mark.parametrize(
    ("together", "block_gas", "expected"),
    [
        (1, None, [1, 1, 1, 1, 1]),
        (2, None, [2, 2, 1]),
        (9, None, [5]),
        (9, 1_300_000, [3, 2]),
        (9, 800_000, [2, 2, 1]),
    ],
)
def test_as_many_as_are_allowed_and_fit_into_a_block(
    together: int, block_gas: int | None, expected: list[int]
) -> None:
    """Each liquidation with its trade needs 400,000 of gas; a transaction that would not fit ends before."""
    assert sizes(fall(together, block_gas)) == expected


def test_a_bundle_pays_for_all_its_gas_once_and_earns_what_single_ones_do() -> None:
    """In a deep market what is done together comes to the same, but for a minute's interest."""
    alone, together = fall(1), fall(9)
    done = [[event for _, event in world.seen(Liquidated)] for world in (alone, together)]
    assert [one.account for one in done[0]] == [one.account for one in done[1]]
    for one, other in zip(*done, strict=True):
        assert 0 <= one.paid - other.paid < USD // 100
    ((_, paid),) = together.seen(GasPaid)
    assert paid.amount == sum(event.amount for _, event in alone.seen(GasPaid)) == 5 * 400_000 * 10**9
    assert len(together.seen(Traded)) == 5
    earned = [world.agents[0].capital["USDC"] for world in (alone, together)]
    assert 0 <= earned[0] - earned[1] < USD


def test_what_no_longer_pays_behind_the_others_stays_out() -> None:
    """Each sale of a bundle meets the price that those before it left; the last ones lose, and are left."""
    world = fall(9, depths={"ETH": thin(ETH)}, end=HOUR + 30)
    ((count, *_),) = [sizes(world)]
    assert 1 <= count < 5
    sales = [event for _, event in world.seen(Traded)]
    prices = [sale.bought_amount * ETH // sale.sold_amount for sale in sales]
    assert prices == sorted(prices, reverse=True)


def test_who_bids_or_has_no_flash_liquidity_does_one_at_a_time() -> None:
    """A bundle is one transaction of one who borrows what he repays, in the next block."""
    own = {
        "liquidators.keepers.together": "2",
        "liquidators.keepers.flash": "false",
        "liquidators.keepers.capital": '{ USDC = "1000" }',
    }
    with pytest.raises(MutualizeError, match="only who repays with flash liquidity does several at once"):
        mutualize.run("three-tiers", set=own)
