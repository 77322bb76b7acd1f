"""Stories of a vault engine: one sentence, a small ledger, what happened. All laws are checked on the way.

The rule: the terms are those of random play (vault_wishes.py), mostly: a penalty of 13 %, 10 ETH or 2,000 of
debt an auction, bids that stand for 600 seconds in auctions of three hours, a queue of one hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from vault_game import Game
from vault_wishes import SYSTEM, TERMS, VENUE

from mutualize import commands as c
from mutualize import events as e
from mutualize import vault_commands as v
from mutualize import vault_events as ve
from mutualize.errors import Reason
from mutualize.protocol import Receipt
from mutualize.units import RAD, RAY, WAD
from mutualize.venues.auction import CLIP, FLIP, OLD
from mutualize.venues.clip import Sale

ILK = "ETH-A"


class Story(Game):
    """A game without chance, and words for what people do in it."""

    terms: Mapping[str, int] = {**TERMS, "tail": 3_600}
    system: Mapping[str, int] = {**SYSTEM, "bump": 40 * RAD, "hump": 50 * RAD, "lid": 90 * RAD, "end_wait": 0}

    def __init__(self, code: str = FLIP) -> None:
        super().__init__(code, 0)

    def ask(self, kind: type[c.Command], who: str = "anyone", ilk: str = "", **fields: Any) -> Receipt:
        """Carry somebody's command out."""
        return self.do(self.wish(kind, who, ilk, **fields))

    def done(self, kind: type[c.Command], who: str = "anyone", ilk: str = "", **fields: Any) -> Receipt:
        """Carry a command out that is not refused."""
        return self.must(self.wish(kind, who, ilk, **fields))

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.at += seconds

    def crash(self, dollars: int, who: str = "u0", debt: int = 1_300, ether: int = 10) -> int:
        """Let somebody draw stablecoins at 200 dollars an ether; let it fall; liquidate. Returns the debt."""
        self.done(v.ChangeVault, who, ILK, collateral=ether * WAD, debt=debt * WAD)
        self.price("ETH", dollars * 10**8)
        self.done(v.TakePrice, ilk=ILK)
        receipt = self.done(v.LiquidateVault, "kp0", ILK, vault=who)
        event = receipt.event(ve.VaultLiquidated)
        assert isinstance(event, ve.VaultLiquidated)
        return event.owed

    def tend(self, who: str, bid: int, kind: str = "flip", number: int = 1) -> Receipt:
        """Bid in an auction."""
        ilk = ILK if kind == "flip" else ""
        lot = self.cell(f"{ilk}.{kind}" if ilk else kind, f"{number}.lot")
        return self.ask(v.RaiseBid, who, ilk, auction=kind, id=number, lot=lot, bid=bid)

    def deal(self, kind: str = "flip", number: int = 1) -> Receipt:
        """End an auction."""
        return self.ask(v.EndAuction, ilk=ILK if kind == "flip" else "", auction=kind, id=number)

    def held(self, part: str, asset: str = "DAI") -> int:
        """Return an account of the engine."""
        return self.book.balance(f"{VENUE}:{part}", asset)


def amounts(receipt: Receipt, kind: type[e.Event]) -> list[int]:
    """Return the amounts of a receipt's events of a kind."""
    return [getattr(entry.event, "amount", 0) for entry in receipt.entries if isinstance(entry.event, kind)]


@pytest.mark.parametrize("code", [FLIP, OLD])
def test_a_bid_of_nearly_nothing_wins_where_nobody_else_bids(code: str) -> None:
    """Ten ether go for one unit of 10⁻⁴⁵ stablecoins, and the whole debt but that is a shortfall.

    ---
    u0     draw 1 300, 10 ETH at 200
    oracle 100
    kp0    liquidate u0, bid 1
    anyone deal, ten minutes later
        => ShortfallRecognised 1 299.99…
    """
    story = Story(code)
    owed = story.crash(100)
    assert story.tend("kp1", 1)
    story.wait(601)
    receipt = story.deal()
    assert amounts(receipt, e.ShortfallRecognised) == [owed - 1]
    assert story.held("deficit") == owed - 1
    assert story.cell(f"gem.{ILK}", "kp1") == 510 * WAD


@pytest.mark.parametrize(("code", "answer"), [(OLD, Reason.BALANCE_IS_INSUFFICIENT), (FLIP, None)])
def test_who_raises_his_own_bid_must_have_it_twice_in_march_2020(code: str, answer: Reason | None) -> None:
    """A bidder with 500 left cannot raise his bid of 1,000 by 100, though 100 is all that he would pay."""
    story = Story(code)
    story.crash(130)
    story.done(v.MoveDai, "kp1", to="u3", amount=28_500 * RAD)
    assert story.tend("kp1", 1_000 * RAD)
    assert story.cell("dai", "kp1") == 500 * RAD
    assert story.tend("kp1", 1_100 * RAD).refused is answer


@pytest.mark.parametrize("code", [FLIP, OLD])
def test_once_the_tab_is_bid_the_lot_falls(code: str) -> None:
    """Who asks for less of the lot wins, the rest goes back to the vault's owner, and nothing is missing."""
    story = Story(code)
    story.crash(140)
    tab = story.cell(f"{ILK}.flip", "1.tab")
    assert story.tend("kp0", tab // 2)
    fields = {"auction": "flip", "id": 1, "lot": 8 * WAD}
    assert story.ask(v.LowerLot, "kp1", ILK, **fields, bid=tab // 2).refused is Reason.TAB_IS_UNPAID
    assert story.tend("kp0", tab + 1).refused is Reason.BID_IS_TOO_HIGH
    assert story.tend("kp0", tab)
    story.done(v.LowerLot, "kp1", ILK, **fields, bid=tab)
    assert story.cell(f"gem.{ILK}", "u0") == (90 + 2) * WAD
    assert story.cell("dai", "kp0") == 30_000 * RAD
    story.wait(601)
    assert not amounts(story.deal(), e.ShortfallRecognised)
    assert story.cell("system", "sold") == 1_300 * RAD


def test_at_the_last_second_of_a_bid_nobody_can_act() -> None:
    """At `tic` itself the auction takes no bid and cannot be ended; a second later it can."""
    story = Story()
    story.crash(100)
    assert story.tend("kp0", RAD)
    story.wait(600)
    assert story.tend("kp1", 2 * RAD).refused is Reason.BID_IS_FINAL
    assert story.deal().refused is Reason.AUCTION_IS_UNFINISHED
    story.wait(1)
    assert story.deal()


@pytest.mark.parametrize("code", [FLIP, OLD])
def test_an_auction_without_bids_begins_again(code: str) -> None:
    """After its end a flip goes on at the same terms; before, and with a bid, it does not."""
    story = Story(code)
    story.crash(100)
    again: dict[str, Any] = {"ilk": ILK, "auction": "flip", "id": 1}
    story.wait(10_800)
    assert story.ask(v.RestartAuction, **again).refused is Reason.AUCTION_IS_UNFINISHED
    story.wait(1)
    assert story.tend("kp0", RAD).refused is Reason.AUCTION_IS_OVER
    story.done(v.RestartAuction, **again)
    assert story.tend("kp0", RAD)
    story.wait(10_801)
    assert story.ask(v.RestartAuction, **again).refused is Reason.BID_IS_PLACED


def test_a_purchase_leaves_no_dust() -> None:
    """Who would leave a tab below 22.6 (a vault's least debt with the penalty) buys so much less."""
    story = Story(CLIP)
    story.crash(140)
    tab, top = story.cell(f"{ILK}.clip", "1.tab"), story.cell(f"{ILK}.clip", "1.top")
    assert top == 182 * RAY
    most = (tab - RAD) // top
    story.done(v.TakeCollateral, "kp0", ILK, id=1, amount=most, price_max=top)
    assert story.cell(f"{ILK}.clip", "1.tab") == 226 * RAD // 10
    late = story.ask(v.TakeCollateral, "kp0", ILK, id=1, amount=1, price_max=top)
    assert late.refused is Reason.PURCHASE_IS_PARTIAL
    receipt = story.done(v.TakeCollateral, "kp0", ILK, id=1, amount=10 * WAD, price_max=top)
    ended = receipt.event(ve.AuctionEnded)
    assert isinstance(ended, ve.AuctionEnded)
    assert (ended.account, ended.bid) == ("u0", tab)
    assert story.cell("system", "Dirt") == 0


def test_a_sale_that_is_too_old_begins_again_for_a_reward() -> None:
    """After its time nobody can buy until somebody resets it, for a flat reward and 0.1 % of the tab."""
    story = Story(CLIP)
    story.crash(140)
    tab, had = story.cell(f"{ILK}.clip", "1.tab"), story.cell("dai", "kp1")
    story.price("ETH", 70 * 10**8)
    story.wait(story.terms["tail"])
    assert story.ask(v.ResetSale, "kp1", ILK, id=1).refused is Reason.SALE_NEEDS_NO_RESET
    story.wait(1)
    buy: dict[str, Any] = {"id": 1, "amount": WAD, "price_max": 200 * RAY}
    assert story.ask(v.TakeCollateral, "kp1", ILK, **buy).refused is Reason.SALE_NEEDS_RESET
    story.done(v.ResetSale, "kp1", ILK, id=1)
    assert story.cell("dai", "kp1") == had + RAD + tab // 1_000
    assert Sale(story.vaults.vat(story.book, story.at), "clip", ILK, 1).status() == (False, 91 * RAY)


def test_a_price_falls_in_steps() -> None:
    """After 89 seconds the price is what it was, after 90 one percent less, whoever asks."""
    story = Story(CLIP)
    story.crash(140)
    asked = []
    for seconds in (0, 89, 1, 90):
        story.wait(seconds)
        asked.append(Sale(story.vaults.vat(story.book, story.at), "clip", ILK, 1).status()[1])
    assert asked == [182 * RAY, 182 * RAY, 18_018 * RAY // 100, 1_783_782 * RAY // 10_000]


def test_debt_waits_in_the_queue_before_it_is_paid() -> None:
    """A liquidation's debt cannot be healed for an hour; then so much as is free and as there is surplus."""
    story = Story()
    era = story.at
    owed = story.crash(130)
    assert story.tend("kp0", 1_000 * RAD)
    assert story.ask(v.HealDebt, amount=1).refused is Reason.SHORTFALL_IS_INSUFFICIENT
    story.wait(3_599)
    assert story.ask(v.FlogSin, era=era).refused is Reason.WAIT_IS_UNFINISHED
    story.wait(1)
    story.done(v.FlogSin, era=era)
    assert story.ask(v.HealDebt, amount=1_000 * RAD + 1).refused is Reason.SURPLUS_IS_INSUFFICIENT
    story.done(v.HealDebt, amount=1_000 * RAD)
    assert story.cell("system", "vice") == owed - 1_000 * RAD
    receipt = story.deal()
    assert amounts(receipt, e.ShortfallRecognised) == [owed - 1_000 * RAD]
    assert not amounts(receipt, e.LossAbsorbed)


def test_surplus_that_pays_in_advance_is_told_when_the_auction_ends() -> None:
    """The buffer pays 700 of an auction that then brings nearly nothing: it bore them, as is told then."""
    story = Story()
    story.done(v.MoveDai, "kp1", to="vow", amount=700 * RAD)
    era = story.at
    owed = story.crash(100)
    story.wait(3_600)
    story.done(v.FlogSin, era=era)
    assert not amounts(story.done(v.HealDebt, amount=700 * RAD), e.LossAbsorbed)
    assert story.tend("kp0", 1)
    story.wait(601)
    receipt = story.deal()
    assert amounts(receipt, e.ShortfallRecognised) == [owed - 1]
    assert amounts(receipt, e.LossAbsorbed) == [700 * RAD - 1]
    assert story.held("deficit") == owed - 700 * RAD


def _flop(story: Story) -> int:
    """Let an auction bring one unit, heal with it, and begin a debt auction; return the free debt."""
    era = story.at
    owed = story.crash(100)
    assert story.tend("kp0", 1)
    story.wait(3_601)
    assert story.deal()
    story.done(v.FlogSin, era=era)
    assert story.ask(v.StartDebtAuction).refused is Reason.SURPLUS_IS_NOT_ZERO
    story.done(v.HealDebt, amount=1)
    story.done(v.StartDebtAuction)
    return owed - 1


def test_holders_of_the_governance_token_pay_by_dilution() -> None:
    """The first bid of a debt auction pays debt at once, and the winner gets tokens that did not exist."""
    story = Story()
    free = _flop(story)
    bid: dict[str, Any] = {"auction": "flop", "id": 1, "bid": 500 * RAD}
    receipt = story.done(v.LowerLot, "kp0", **bid, lot=40 * WAD)
    assert amounts(receipt, e.LossAbsorbed) == [500 * RAD]
    assert story.held("deficit") == free - 500 * RAD
    assert story.ask(v.LowerLot, "kp1", **bid, lot=39 * WAD).refused is Reason.LOT_FALLS_TOO_LITTLE
    story.done(v.LowerLot, "kp1", **bid, lot=30 * WAD)
    assert story.cell("dai", "kp0") == 30_000 * RAD - 1
    story.wait(10_801)
    assert amounts(story.deal("flop"), ve.GovernanceMinted) == [30 * WAD]
    assert story.cell("system", "supply") == 2_030 * WAD


def test_in_march_2020_a_debt_auction_pays_when_somebody_kisses() -> None:
    """The first bid stays with the vow, and no other debt auction can begin, until somebody kisses."""
    story = Story(OLD)
    free = _flop(story)
    story.done(v.LowerLot, "kp0", auction="flop", id=1, bid=500 * RAD, lot=40 * WAD)
    assert (story.held("deficit"), story.cell("dai", "vow")) == (free, 500 * RAD)
    assert story.ask(v.StartDebtAuction).refused is Reason.SURPLUS_IS_NOT_ZERO
    assert story.ask(v.KissDebt, amount=500 * RAD + 1).refused is Reason.ASH_IS_INSUFFICIENT
    receipt = story.done(v.KissDebt, amount=500 * RAD)
    assert amounts(receipt, e.LossAbsorbed) == [500 * RAD]
    assert story.held("deficit") == free - 500 * RAD


def test_a_debt_auction_without_bids_offers_half_as_much_again() -> None:
    """50 tokens that nobody wanted for 500 become 75 two days later."""
    story = Story()
    _flop(story)
    story.wait(172_801)
    story.done(v.RestartAuction, auction="flop", id=1)
    assert story.cell("flop", "1.lot") == 75 * WAD


def test_surplus_is_sold_for_governance_tokens_that_are_burned() -> None:
    """Fees beyond the buffer are sold for 12 tokens, which are gone; who was outbid has his back."""
    story = Story()
    assert story.ask(v.StartSurplusAuction).refused is Reason.SURPLUS_IS_INSUFFICIENT
    story.wait(30_000)
    story.done(v.AccrueRate, ilk=ILK)
    story.done(v.StartSurplusAuction)
    assert story.held("tier:flap") == 40 * RAD
    assert story.tend("kp0", 10 * WAD, "flap")
    assert story.tend("kp1", 10 * WAD + 1, "flap").refused is Reason.BID_RISES_TOO_LITTLE
    assert story.tend("kp1", 12 * WAD, "flap")
    assert (story.cell("gov", "kp0"), story.held("tier:flap", "MKR")) == (1_000 * WAD, 12 * WAD)
    story.wait(10_801)
    assert story.deal("flap")
    assert story.cell("dai", "kp1") == 30_040 * RAD
    assert story.cell("system", "supply") == 1_988 * WAD


def test_a_delayed_feed_tells_what_was_an_hour_ago() -> None:
    """Vaults in bitcoin are valued at a new price once the feed has moved on twice, an hour apart."""
    story = Story()
    story.wait(3_600)
    story.price("BTC", 3_000 * 10**8)
    spots = []
    for _ in range(2):
        story.done(v.AdvanceFeed, ilk="BTC-A")
        assert story.ask(v.AdvanceFeed, ilk="BTC-A").refused is Reason.FEED_IS_EARLY
        story.done(v.TakePrice, ilk="BTC-A")
        spots.append(story.cell("BTC-A", "spot"))
        story.wait(3_600)
    assert spots == [5_000 * RAY * 2 // 3, 2_000 * RAY]


def test_what_a_vault_may_draw_is_limited_to_the_unit() -> None:
    """At a ratio of 150 % one unit of debt more is refused, and so is less debt than the least."""
    story = Story()
    most = 10 * WAD * story.cell(ILK, "spot") // RAY
    fields: dict[str, Any] = {"who": "u0", "ilk": ILK}
    over = story.ask(v.ChangeVault, **fields, collateral=10 * WAD, debt=most + 1)
    assert over.refused is Reason.VAULT_WOULD_BE_UNSAFE
    few = story.ask(v.ChangeVault, **fields, collateral=10 * WAD, debt=20 * WAD - 1)
    assert few.refused is Reason.VAULT_WOULD_BE_DUST
    story.done(v.ChangeVault, **fields, collateral=10 * WAD, debt=most)
    assert story.ask(v.LiquidateVault, "kp0", ILK, vault="u0").refused is Reason.VAULT_IS_SAFE


def test_shutdown_pays_holders_in_collateral() -> None:
    """A vault that covers half of its debt leaves every holder short by the same part, to the last unit.

    ---
    kp0, kp1  30 000 drawn each, 500 ETH each     u0  1 300, 10 ETH
    oracle    65: u0 covers 650 of 1 300
    everybody cashes out
    """
    story = Story()
    story.done(v.ChangeVault, "u0", ILK, collateral=10 * WAD, debt=1_300 * WAD)
    story.price("ETH", 65 * 10**8)
    story.done(v.Shutdown, "governance")
    assert story.ask(v.ChangeVault, "u1", ILK, collateral=0, debt=0).refused is Reason.VENUE_IS_SHUT_DOWN
    story.done(v.TagPrice, ilk=ILK)
    skims = [story.done(v.SkimVault, ilk=ILK, vault=who) for who in ("kp0", "kp1", "u0")]
    assert [amounts(receipt, e.ShortfallRecognised) != [] for receipt in skims] == [False, False, True]
    story.done(v.FreeCollateral, "kp0", ILK)
    story.done(v.ThawDebt)
    story.done(v.FixShare, ilk=ILK)
    deficit = story.held("deficit")
    assert 649 * RAD < deficit < 651 * RAD
    for who, drawn in (("kp0", 30_000), ("kp1", 30_000), ("u0", 1_300)):
        had = story.cell(f"gem.{ILK}", who)
        receipt = story.done(v.CashOut, who, ILK, amount=drawn * WAD)
        assert abs(amounts(receipt, e.LossAbsorbed)[0] - deficit * drawn // 61_300) <= 1
        got = story.cell(f"gem.{ILK}", who) - had
        assert abs(got - drawn * WAD * (61_300 - 650) // 61_300 // 65) < 10**6
    assert (story.held("deficit"), story.held("claims"), story.cell("system", "vice")) == (0, 0, 0)
    assert story.held("tier:shutdown", "ETH") < 10**6


@pytest.mark.parametrize("code", [FLIP, OLD, CLIP])
def test_shutdown_gives_an_auction_back_to_its_vault(code: str) -> None:
    """The lot returns with the whole tab as debt, the bidder has his bid back, and nothing is a shortfall."""
    story = Story(code)
    story.crash(140)
    kind = "clip" if code == CLIP else "flip"
    if code != CLIP:
        assert story.tend("kp1", 500 * RAD)
    story.done(v.Shutdown, "governance")
    story.done(v.TagPrice, ilk=ILK)
    receipt = story.done(v.CancelAuction, ilk=ILK, auction=kind, id=1)
    assert not amounts(receipt, e.ShortfallRecognised)
    assert story.cell(f"{ILK}.ink", "u0") == 10 * WAD
    assert story.cell(f"{ILK}.art", "u0") == 1_469 * WAD
    assert story.cell("dai", "kp1") == 30_000 * RAD
