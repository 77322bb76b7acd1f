"""Who acts on a vault engine, as stories: pokes, bites, bids with a purse, next to nothing, and the vow."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_vaults import BUYERS, HEALERS, HOUR, KEEPERS, SHARKS, played, told, vault_problems, vaults

from mutualize.agents.vault_index import VaultIndex
from mutualize.book import Book
from mutualize.events import Cell, Entry, LossAbsorbed, ShortfallRecognised, TransactionFailed
from mutualize.randomness import Stream
from mutualize.units import PRICE_UNIT, RAD, RAY, WAD
from mutualize.vault_events import (
    AuctionEnded,
    AuctionStarted,
    BidPlaced,
    Delivered,
    FeedAdvanced,
    GovernanceMinted,
    PriceTaken,
    SinFlogged,
    VaultLiquidated,
)

SCARCE = """
[assets.GAS]
decimals = 18
[markets.GAS]
price = "1"
[chain]
block_s = 12
native = "GAS"
gas_price_gwei = "10"
[chain.gas]
bite = 300000
bid = 70000
deal = 90000
poke = 100000
[chain.space]
block_gas = 10000000
[[chain.space.demand]]
share = "0.5"
gwei = "20"
"""


# --- prices, and who is unsafe -----------------------------------------------------------------------------


def test_a_price_is_live_an_hour_after_it_was_seen() -> None:
    """The market falls at 03:30; the poke of 04:00 sees it, that of 05:00 lets it hold: alice is bitten."""
    run = played(KEEPERS)
    prices = [(at, event.price) for at, event in told(run, PriceTaken)]
    assert (4 * HOUR, 200 * WAD) in prices
    assert (5 * HOUR, 140 * WAD) in prices
    bites = told(run, VaultLiquidated)
    assert [at for at, _ in bites] == [5 * HOUR, 5 * HOUR]
    assert [event.lot for _, event in bites] == [50 * WAD, 50 * WAD]


def test_a_feed_that_nobody_pokes_liquidates_nobody() -> None:
    """With its keeper stuck at a price of gas that buys no room, the old price goes on to hold."""
    stuck = (('name = "poker"', 'name = "poker"\nbid = { gwei = "5" }'),)
    run = played(KEEPERS, SCARCE, edits=stuck)
    assert not told(run, VaultLiquidated)
    assert len(told(run, FeedAdvanced)) == 1  # the one of the beginning
    assert [event.price for _, event in told(run, PriceTaken)] == [200 * WAD]


def test_a_feed_without_delay_is_taken_when_it_is_told() -> None:
    """With a hop of zero vaults are valued at what the oracle said, in the same instant."""
    run = played(KEEPERS, edits=(("hop = 3600", "hop = 0"),))
    assert [at for at, _ in told(run, VaultLiquidated)] == [12_601, 12_601]


@pytest.mark.parametrize("code", ["flip", "flip-2020-03"])
def test_both_codes_of_rising_bids_are_kept(code: str) -> None:
    """Under Liq 1.2 a vault is cut by what its auctions are to raise, not by collateral."""
    edits = (('"flip-2020-03"', f'"{code}"'), ('lump = "50"', 'lump = "50"\ndunk = "4000"'))
    run = played(KEEPERS, edits=edits)
    lots = [event.lot for _, event in told(run, VaultLiquidated)]
    assert len(lots) == (3 if code == "flip" else 2)
    assert sum(lots) == 100 * WAD
    assert run.figure("auctions.flip.ended") == len(lots)


def test_unsafe_vaults_are_found_by_their_order() -> None:
    """What the index finds is what a look at every vault finds, whatever changes in between."""
    stream, book, index = Stream(7, "vaults"), Book(), VaultIndex("maker", "eth-a")
    found = 0
    for seq in range(600):
        owner, ink, art = f"o{stream.below(40)}", stream.below(50) * WAD, stream.below(4_000) * WAD
        spot = stream.between(20, 120) * RAY
        event = Delivered(
            account="a",
            to="b",
            asset="X",
            amount=1,
            cells=(
                Cell("maker.eth-a", "rate", RAY),
                Cell("maker.eth-a", "spot", spot),
                Cell("maker.eth-a.art", owner, art),
                Cell("maker.eth-a.ink", owner, ink),
            ),
        )
        entry = Entry(seq, seq, seq, None, event)
        book.apply(entry)
        index.observe(entry)
        inks, arts = book.table("maker.eth-a.ink"), book.table("maker.eth-a.art")
        unsafe = {o for o in inks if inks[o] and inks[o] * spot < arts[o] * RAY}
        vault = index.next(book, ())
        assert (vault in unsafe) if unsafe else vault is None
        found += vault is not None
    assert found > 100


# --- bids --------------------------------------------------------------------------------------------------


def test_a_keeper_pays_the_whole_debt_and_a_second_one_asks_for_less() -> None:
    """Two keepers: the first bids the tab, the second takes less of the lot, and the rest goes home."""
    run = played(KEEPERS.replace("[[bidders]]", "[[bidders]]\ncount = 2"))
    bids = [event for _, event in told(run, BidPlaced)]
    tab = told(run, VaultLiquidated)[0][1].tab
    assert {bid.bid for bid in bids} == {tab}
    assert bids[0].lot == 50 * WAD
    last = told(run, AuctionEnded)[-1][1]
    # 5,650 DAI at 140 less two percent: 41.18 of 50 ETH
    assert last.lot == -(-tab // (140 * RAY * 98 // 100))
    assert not told(run, ShortfallRecognised)
    assert run.figure("auctions.returned") == (50 * WAD - last.lot) * WAD // (50 * WAD)


def test_money_comes_back_after_a_cycle() -> None:
    """A purse for one lot buys one; the second waits unbid until the first is sold, seven hours later."""
    edits = (('capital = "50000"', 'capital = "6000"\ncycle_s = 25200'),)
    run = played(KEEPERS, edits=edits)
    (first, _), (second, _) = told(run, AuctionEnded)
    assert first == 5 * HOUR + 601
    sold = [at for at, _ in told(run, Delivered)]
    assert sold[0] == first + 25_200
    assert second == sold[0] + 601


def test_so_many_bids_in_ten_minutes() -> None:
    """One bid in ten minutes: the second lot is bid for when the ten minutes are over."""
    run = played(KEEPERS, edits=(('margin = "0.02"', 'margin = "0.02"\nbids_max = 1'),))
    assert [at for at, _ in told(run, BidPlaced)] == [5 * HOUR, 5 * HOUR + 600]


def test_where_nobody_bids_next_to_nothing_wins() -> None:
    """Nobody else is there: ten minutes later a bid of 10⁻¹⁸ DAI, ten minutes later the lot is his."""
    run = played(SHARKS)
    assert [(at, event.bid) for at, event in told(run, BidPlaced)] == [(5 * HOUR + 600, RAY)] * 2
    ends = told(run, AuctionEnded)
    assert [(at, event.account, event.lot) for at, event in ends] == [
        (5 * HOUR + 1_201, "sharks-0001", 50 * WAD)
    ] * 2
    owed = sum(event.owed for _, event in told(run, VaultLiquidated))
    assert sum(event.amount for _, event in told(run, ShortfallRecognised)) == owed - 2 * RAY
    assert run.figure("auctions.zero.share") == WAD
    assert run.figure("auctions.zero.lost.ETH") == 100 * WAD


def test_who_is_outbid_has_his_money_back() -> None:
    """A keeper who comes late still beats a bid of nothing, and nothing is lost."""
    late = KEEPERS.replace('name = "keepers"', 'name = "keepers"\narrives_at = "2024-01-01T05:15:00Z"')
    run = played(SHARKS, late)
    assert {event.account for _, event in told(run, AuctionEnded)} == {"keepers-0001"}
    assert run.figure("auctions.zero.count") == 0
    assert run.book.cell("maker.dai", "sharks-0001") == RAD


def test_who_pays_a_fixed_price_for_gas_is_out_when_others_pay_more() -> None:
    """The keeper's 10 gwei have no room where others pay 20: the lots go for nothing to one who pays 30."""
    stuck = KEEPERS + 'bid = { gwei = "10" }\n'
    shark = SHARKS + 'bid = { gwei = "30" }\n'
    run = played(stuck, shark, SCARCE)
    assert run.figure("auctions.zero.share") == WAD
    free = played(stuck.replace('"10"', '"25"'), shark, SCARCE)
    assert free.figure("auctions.zero.count") == 0


def test_who_comes_too_late_into_a_block_pays_for_nothing() -> None:
    """Two alike send for the same lot: the second finds it taken at a price that he would not beat."""
    two = KEEPERS.replace("[[bidders]]", "[[bidders]]\ncount = 2\nat_once = 5") + 'bid = { gwei = "30" }\n'
    run = played(two, SCARCE, edits=(('margin = "0.02"', 'margin = "0.3"'),))
    failed = [event.reason for _, event in told(run, TransactionFailed)]
    assert failed
    assert set(failed) <= {"BID_IS_NOT_HIGHER", "AUCTION_IS_OVER"}


# --- the vow -----------------------------------------------------------------------------------------------


def test_debt_waits_in_the_queue_then_the_buffer_pays_and_the_rest_is_sold() -> None:
    """Two hours after the bite: the buffer's 1,000 DAI are gone, then 5,000 DAI for 25 MKR, and no more."""
    run = played(SHARKS, HEALERS, BUYERS)
    assert [at for at, _ in told(run, SinFlogged)] == [7 * HOUR]
    started = told(run, AuctionStarted)
    assert [(event.lot, event.bid) for _, event in started] == [(50 * WAD, 5_000 * RAD)]
    minted = [event.amount for _, event in told(run, GovernanceMinted)][1:]
    assert minted == [25 * WAD]
    paid = [(event.tier, event.amount) for _, event in told(run, LossAbsorbed)]
    assert paid == [("surplus-buffer", 1_000 * RAD), ("dilution", 5_000 * RAD)]
    assert run.figure("tiers.order") == ("surplus-buffer", "dilution")
    assert run.figure("shortfall.DAI.net") == 9_000 * RAD - 2 * RAY


def test_an_act_lengthens_the_wait() -> None:
    """The vote of 06:00 makes the queue five hours long: what was to leave it at 07:00 leaves at 10:00."""
    act = """
[[acts]]
name = "longer"
venue = "maker"
at = "2024-01-01T06:00:00Z"
[acts.system]
wait = 18000
"""
    run = played(SHARKS, HEALERS, act)
    assert [at for at, _ in told(run, SinFlogged)] == [10 * HOUR]


def test_prices_of_the_table_are_paid_in_order() -> None:
    """Four times the loss is four auctions: one at 200, the others at 250 DAI for a token."""
    edits = (('collateral = "100"', 'collateral = "250"'),)
    run = played(SHARKS, HEALERS, BUYERS, edits=edits)
    minted = [event.amount for _, event in told(run, GovernanceMinted)][1:]
    assert minted == [25 * WAD, 20 * WAD, 20 * WAD, 20 * WAD]
    assert run.figure("minted.MKR") == 85 * WAD


def test_gains_and_losses_name_everybody() -> None:
    """The owner loses collateral for the debt that he had, the shark gains it, and all sums to zero."""
    summary = played(SHARKS, HEALERS, BUYERS).summary
    roles = {row["role"]: row["money"] for row in summary["gains"]["roles"]}
    assert {"vault owners", "bidders", "debt bidders", "token holders", "market", "funds"} <= set(roles)
    assert {row["asset"]: row["sum"] for row in summary["gains"]["assets"]} == dict.fromkeys(
        ("DAI", "ETH", "MKR"), "0"
    )


# --- what is drawn, read and refused -----------------------------------------------------------------------


def test_vaults_come_from_a_table(tmp_path: Path) -> None:
    """A CSV file with owners, collateral and prices opens a vault a row."""
    (tmp_path / "vaults.csv").write_text("owner,collateral,liquidation_price\nbob,10,150\ncarol,20,160.5\n")
    table = '\n[[vaults]]\nname = "table"\nvenue = "maker"\nilk = "eth-a"\nfile = "vaults.csv"\n'
    scenario = vaults(table, KEEPERS, folder=tmp_path)
    assert [(vault.owner, vault.collateral, vault.liquidation_price) for vault in scenario.vaults] == [
        ("bob", 10 * WAD, 150 * PRICE_UNIT),
        ("carol", 20 * WAD, 16_050_000_000),
    ]


@pytest.mark.parametrize(
    ("parts", "old", "new", "says"),
    [
        ("", 'governance_token = "MKR"\n', "", "'governance_token' is missing"),
        ("", "decimals = 45", "decimals = 18", "DAI has 18 decimals: the contracts count it with 45."),
        (
            "",
            '[[feed_keepers]]\nname = "poker"\nvenue = "maker"\nilk = "eth-a"\n',
            "",
            "nobody pokes this feed",
        ),
        ("", 'collateral = "100"\n', "", "'collateral' is missing."),
        ("", 'debt = "500000"', 'debt = "500000"\nliquidation_price = "75"', "exactly one of debt"),
        ("", 'ilk = "eth-a"', 'ilk = "eth-b"', "there is no ilk 'eth-b' in 'maker'. Did you mean 'eth-a'?"),
        ("", 'name = "alice"', 'name = "vow"', "'vow' is taken: a contract of a vault engine"),
        (
            KEEPERS,
            'margin = "0.02"',
            'offer = "nothing"\nmargin = "0.02"',
            "who offers nothing has no margin",
        ),
        (KEEPERS, '"flip-2020-03"', '"clip"', "a falling price is not bid for: its code is 'clip'."),
        (KEEPERS, 'margin = "0.02"', 'bid = { gwei = "1" }', "there is no block space to bid for"),
        (
            "",
            "[venues.maker.system]",
            '[[venues.maker.waterfall]]\ntier = "fund"\npayer = "fund"\n[venues.maker.system]',
            "Its contract has its own: surplus-buffer, dilution, shutdown.",
        ),
        (
            '\n[[acts]]\nname = "none"\nvenue = "maker"\nat = "2024-01-01T06:00:00Z"\n',
            "wait = 7200",
            "wait = 7201",
            "the act changes nothing",
        ),
    ],
)
def test_mistakes_are_told(parts: str, old: str, new: str, says: str) -> None:
    """What makes no sense is refused, with what to do about it."""
    assert says in "\n".join(vault_problems(parts, edits=((old, new),)))


def test_a_pool_has_no_vaults() -> None:
    """People of a lending pool in a vault engine are refused before anything runs."""
    lenders = '\n[[liquidators]]\nname = "l"\nvenue = "maker"\nflash = true\n'
    assert "'maker' is a cdp: liquidators are for a venue of kind pool." in "\n".join(vault_problems(lenders))
