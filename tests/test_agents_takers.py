"""Takers: when they buy at a falling price, how much, what they leave, and who begins a sale again."""

from __future__ import annotations

from typing import Any

from tiny_vaults import played, told, vault_problems, vaults

from mutualize.agents.stock import Stock
from mutualize.errors import Reason
from mutualize.events import TransactionFailed
from mutualize.protocol import Receipt
from mutualize.scenario.size import steps
from mutualize.units import RAD, RAY, WAD
from mutualize.vault_commands import Deliver, ExitCollateral, MoveDai
from mutualize.vault_events import AuctionEnded, AuctionRestarted, CollateralTaken, VaultLiquidated
from mutualize.venues.cdp import Vaults

RISING = 'lump = "50"\nbeg = "1.03"\nttl = 600\ntau = 259200'
FALLING = 'buf = "1.2"\ntail = 8400\ncusp = "0.4"\ncut = "0.99"\nstep = 90\nhole = "1000000"'
CODE = (
    ('auctions = "flip-2020-03"', 'auctions = "clip"'),
    (RISING, FALLING),
    ("[venues.maker.system]\n", '[venues.maker.system]\nHole = "1000000"\n'),
)
TAKERS = """
[[takers]]
name = "takers"
venue = "maker"
ilk = "eth-a"
capital = "50000"
margin = "0.02"
"""
STEP = 90


def test_a_taker_waits_until_it_pays() -> None:
    """The price starts above the feed; he buys at the first step below the market's less his margin."""
    run = played(TAKERS, edits=CODE)
    ((began, seized),) = told(run, VaultLiquidated)
    ((at, bought),) = told(run, CollateralTaken)
    worth = 140 * RAY * 98 // 100
    price, steps = 140 * 12 * RAY // 10, 0
    while price > worth:
        price, steps = price * 99 // 100, steps + 1
    assert steps > 10
    assert at - began == STEP * steps
    assert bought.price <= worth < bought.price * 100 // 99 + RAY // 10**6
    assert bought.tab == 0
    assert bought.paid == seized.tab
    ((_, ended),) = told(run, AuctionEnded)
    assert ended.lot == seized.lot - bought.amount > 0


def test_two_takers_share_a_lot_by_their_means() -> None:
    """Who has little buys what he can, and the other takes the rest at the same price."""
    poor = TAKERS.replace("[[takers]]", "[[takers]]\ncount = 2").replace('"50000"', '"6000"')
    run = played(poor, edits=CODE)
    bought = [event for _, event in told(run, CollateralTaken)]
    assert len(bought) >= 2
    assert {event.account for event in bought[:2]} == {"takers-0001", "takers-0002"}
    assert bought[0].price == bought[1].price
    assert bought[0].amount == 6_000 * 10**45 // bought[0].price


def test_money_is_there_again_after_a_cycle() -> None:
    """With a purse that is too small he buys, sells an hour later, and buys again as long as it pays."""
    one = TAKERS.replace('"50000"', '"6000"') + "cycle_s = 3600\n"
    bought = told(played(one, edits=CODE), CollateralTaken)
    assert len(bought) >= 2
    assert bought[1][0] - bought[0][0] >= 3_600


def test_what_nobody_bought_is_begun_again() -> None:
    """Where it never pays in time the price falls too far, and the sale begins again, again and again."""
    greedy = TAKERS.replace('"0.02"', '"0.7"')
    run = played(greedy, edits=CODE)
    again = told(run, AuctionRestarted)
    assert len(again) >= 2
    assert not told(run, CollateralTaken)
    assert again[1][0] - again[0][0] == 92 * STEP  # the first step at which 0.99ⁿ is below 0.4


def test_reactions_take_their_time() -> None:
    """With a latency he is so much later, and buys at the price of that moment."""
    now = told(played(TAKERS, edits=CODE), CollateralTaken)
    later = told(played(TAKERS + "latency_s = 100\n", edits=CODE), CollateralTaken)
    assert later[0][0] == now[0][0] + 100
    assert abs(later[0][1].price * 100 - now[0][1].price * 99) < 10_000  # rays


def test_who_comes_later_buys_later() -> None:
    """Nothing is bought before he arrives."""
    late = TAKERS + 'arrives_at = "2024-01-01T20:00:00Z"\n'
    assert told(played(late, edits=CODE), CollateralTaken)[0][0] >= 20 * 3_600


def test_a_halted_market_is_waited_for() -> None:
    """What is due while nothing is traded, or nobody pays, is kept, and tried again every minute."""
    sold: list[tuple[int, int]] = []

    class Clock:
        now = 0

        def submit(self, *commands: Any, cause: int | None = None) -> Receipt:
            assert [type(command) for command in commands] == [ExitCollateral, Deliver, MoveDai]
            sold.append((self.now, commands[2].amount))
            return Receipt(refused=None if self.now > 300 else Reason.BALANCE_IS_INSUFFICIENT)

    venue = Vaults("maker", "DAI", {"eth-a": "ETH"})
    stock = Stock("taker", venue, "eth-a", lambda at: None if at < 250 else 3 * RAY, 100)
    world: Any = Clock()
    stock.add(0, 5 * WAD)
    seen = []
    while (due := stock.next()) is not None:
        seen.append(due)
        world.now = due
        stock.sell(world)
    assert seen == [100, 160, 220, 280, 340]
    assert sold == [(280, 15 * RAD), (340, 15 * RAD)]


def test_a_failed_purchase_is_not_sent_again_and_again() -> None:
    """Who can't leave more than dust to others fails once, not at every step."""
    dusty = (*CODE, ('asset = "ETH"\nmat', 'asset = "ETH"\ndust = "5000"\nmat'))
    run = played(TAKERS.replace('"50000"', '"5000"'), edits=dusty)
    failed = [event for _, event in told(run, TransactionFailed)]
    assert len(failed) <= 2


def test_who_was_refused_tries_again_with_more_money() -> None:
    """What is left would be dust, so it can be bought as a whole alone: he does once he has the money."""
    dusty = (*CODE, ('asset = "ETH"\nmat', 'asset = "ETH"\ndust = "5000"\nmat'))
    run = played(TAKERS.replace('"50000"', '"7000"') + "cycle_s = 600\n", edits=dusty)
    bought = told(run, CollateralTaken)
    assert len(bought) == 2
    assert bought[1][1].tab == 0


def test_a_small_step_counts() -> None:
    """How often takers look is part of the estimate of steps: by the step, and by who looks."""
    slow = (*CODE, ("step = 90", "step = 1"))
    few, many = (steps(vaults(TAKERS + f"count = {n}\n", edits=slow)) for n in (1, 5))
    assert many - few >= 4 * 2 * 8_400
    assert few > steps(vaults(TAKERS, edits=CODE)) + 8_400


def test_takers_and_bidders_have_each_their_code() -> None:
    """Who buys where bids rise, or bids where a price falls, is told so."""
    lines = vault_problems(TAKERS)
    assert any("there is no falling price here: its code is 'flip-2020-03'." in line for line in lines)
    assert any("Give [[bidders]], who bid." in line for line in lines)
