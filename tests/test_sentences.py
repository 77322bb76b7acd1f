"""Every kind of event as a sentence of its own: figures are exact, and no name steers a terminal."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import attrs
import pytest

import mutualize
from mutualize import events as e
from mutualize.accounts import Transfer, outside
from mutualize.errors import MutualizeError
from mutualize.events import KINDS, Cell, Entry, Event
from mutualize.ledger_reader import read, verify
from mutualize.report.sentences.tell import MODULES, sentence
from mutualize.report.sentences.words import TELLERS, Units, Words, exact, units_beside
from mutualize.scenario.find import shipped
from mutualize.tables import as_integer
from mutualize.vault_events import AuctionEnded, BidPlaced, CollateralListed, VaultChanged

LEDGERS = Path(__file__).parent / "ledgers"
SMALL = Path(__file__).parent / "small"
HOSTILE = "\x1b[31m<b>bob\u202eevil\u2066\n\x07</b>"
UNITS = Units({"USDC": 6, "ETH": 18, "DAI": 45}, "USD", {"ETH": "USDC"})


def sample(kind: type[Event], name: str = "bob") -> Event:
    """Return an event of a kind, with a name in every text and a number in every integer."""
    values: dict[str, Any] = {"str": name, "int": 1_234_567, "bool": True}
    own: dict[str, Any] = {
        field.name: values[str(field.type).removeprefix("builtins.")]
        for field in attrs.fields(kind)
        if field.name not in ("transfers", "cells")
    }
    moved = (Transfer(outside(name), outside("ann"), "USDC", 5), Transfer(outside("ann"), name, "ETH", 7))
    return kind(transfers=moved, **own)


def steers(text: str) -> bool:
    """Say whether a text has a character that a terminal would obey instead of showing it."""
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in text)


def test_every_kind_of_event_has_a_sentence_of_its_own() -> None:
    """What is registered as an event is told, and no two kinds are told alike."""
    assert MODULES
    assert set(TELLERS) == set(KINDS.values())
    assert len({*TELLERS.values()}) == len(KINDS)
    told = {sentence(sample(kind), Words(UNITS)) for kind in KINDS.values()}
    assert len(told) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", ["bob", HOSTILE, "", "x" * 5_000], ids=["plain", "hostile", "empty", "long"])
def test_a_sentence_is_one_line_whatever_the_names(kind: type[Event], name: str) -> None:
    """No name can break a line, steer a terminal, or push the figures out of sight."""
    told = sentence(sample(kind, name), Words(UNITS))
    assert told.endswith(".")
    assert not steers(told)
    assert len(told) < 900
    assert told[0] == told[0].strip()


def hold(path: Path) -> int:
    """Tell a whole ledger, and return how many sentences that were."""
    words, count = Words(units_beside(path)), 0
    for entry in read(path):
        told = sentence(entry.event, words)
        words.take(entry)
        assert told.endswith(".")
        assert not steers(told)
        count += 1
    return count


@pytest.mark.parametrize("path", sorted(LEDGERS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_sample_ledgers_are_told(path: Path) -> None:
    """Ledgers without a scenario beside them are told as well, as far as they can be read."""
    if path.stem == "corrupt":
        with pytest.raises(MutualizeError):
            hold(path)
    else:
        assert hold(path) == verify(path).events


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_shipped_scenarios_are_told(name: str, tmp_path: Path) -> None:
    """Each event of each shipped scenario is told."""
    ran = mutualize.run(name, out=tmp_path / "run")
    assert hold(tmp_path / "run" / "ledger.jsonl") == ran.ledger.durable_seq


def test_figures_are_exact_and_worth_is_at_the_price_told_last() -> None:
    """An amount has all its digits, and its worth in money beside it where a price is known.

    ---
    oracle ETH 2,000, then 955.61111111
    """
    words = Words(UNITS)
    words.take(entry_of(e.PricePublished(asset="ETH", price=2_000 * 10**8, market=2_000 * 10**8)))
    lower = e.PricePublished(asset="ETH", price=95_561_111_111, market=90_116_111_111)
    assert sentence(lower, words) == (
        "The oracle lowered ETH from 2,000 USD to 955.61111111 USD; the market said 901.16111111 USD."
    )
    words.take(entry_of(lower))
    supplied = e.Supplied(
        venue="pool", account="ann", asset="ETH", amount=10_483_958_375_193_865_424, scaled=1
    )
    assert sentence(supplied, words) == "ann lent 10.483958375193865424 ETH (10,018 USD) to pool."


def test_what_is_not_known_is_told_in_base_units() -> None:
    """Without decimals no amount is guessed."""
    supplied = e.Supplied(venue="pool", account="ann", asset="ETH", amount=12_345, scaled=1)
    assert sentence(supplied, Words()) == "ann lent 12,345 base units of ETH to pool."


def test_a_tier_that_may_not_pay_for_somebody_is_not_called_empty() -> None:
    """In recovery mode a full stability pool pays nothing for a trove that is worth less than it owes."""
    event = e.LossAllocated(
        venue="liquity",
        tier="stability-pool",
        asset="USDC",
        amount=0,
        index=0,
        rest=15 * 10**6,
        capacity=0,
        debtor="ann",
    )
    told = "stability-pool at liquity can pay nothing of ann's loss; 15 USDC is left to the tiers below."
    assert sentence(event, Words(UNITS)) == told
    event = attrs.evolve(event, debtor="")
    told = "stability-pool at liquity has nothing to pay with; 15 USDC is left to the tiers below."
    assert sentence(event, Words(UNITS)) == told


def test_decimals_come_from_the_ledger_itself() -> None:
    """A reserve's listing tells decimals, a vault engine's the names of its coins."""
    words = Words()
    words.take(entry_of(e.ReserveListed(venue="pool", asset="ETH", decimals=18)))
    assert words.amount("ETH", 15 * 10**17) == "1.5 ETH"
    words.take(entry_of(e.ReserveListed(venue="pool", asset="FORGED", decimals=10**9)))
    assert words.amount("FORGED", 1) == "1 base units of FORGED"
    names = (
        Cell("maker.system", "stablecoin", as_integer("DAI")),
        Cell("maker.system", "governance_token", as_integer("MKR")),
    )
    words.take(entry_of(CollateralListed(venue="maker", ilk="eth-a", asset="ETH", cells=names)))
    drawn = VaultChanged(
        venue="maker", account="ann", ilk="eth-a", asset="ETH", collateral=0, debt=0, drawn=25 * 10**44
    )
    assert sentence(drawn, words) == "ann drew 2.5 DAI at maker."
    bid = BidPlaced(venue="maker", account="ann", auction="flop", ilk="", id=3, lot=10**18, bid=5 * 10**45)
    assert sentence(bid, words) == "ann bid 5 DAI for 1 MKR in the flop auction 3 at maker."
    won = AuctionEnded(venue="maker", account="ann", auction="flip", ilk="eth-a", id=4, lot=10**18, bid=0)
    assert sentence(won, words) == "ann won 1 ETH for 0 DAI in the flip auction 4 at maker."


def test_more_places_than_people_read_are_marked() -> None:
    """What a vault engine counts in is cut at 18 places, visibly."""
    assert exact(1_500_000, 6) == "1.5"
    assert exact(10**45 + 1, 45) == "1.000000000000000000…"
    assert exact(1, 45) == "0.0…"
    assert exact(-(10**45), 45) == "-1"


def test_a_forged_engine_name_is_shown_as_a_number() -> None:
    """What stands for no name is no error."""
    words = Words()
    cells = (Cell("maker.system", "stablecoin", 255),)
    words.take(entry_of(CollateralListed(venue="maker", ilk="a", asset="ETH", cells=cells)))
    assert words.stablecoin("maker") == "255"


def test_units_are_read_beside_the_ledger() -> None:
    """A scenario beside a ledger gives decimals and the money of account; a broken one gives nothing."""
    units = units_beside(SMALL / "ledger.jsonl")
    assert units.decimals
    assert units.currency
    assert units_beside(LEDGERS / "good.jsonl") == Units()


def test_money_of_account_is_told_in_units_where_something_is_traded_for_it(tmp_path: Path) -> None:
    """It has 8 decimals, unless it is an asset that says otherwise."""
    scenario, ledger = tmp_path / "scenario.toml", tmp_path / "ledger.jsonl"
    scenario.write_text('money = "EUR"\n[assets.ETH]\ndecimals = 18\n[markets.ETH]\nprice = "2"')
    assert Words(units_beside(ledger)).amount("EUR", 25_000 * 10**8) == "25,000 EUR"
    scenario.write_text('[assets.USD]\ndecimals = 6\n[markets.ETH]\nprice = "2"')
    assert Words(units_beside(ledger)).amount("USD", 25_000 * 10**6) == "25,000 USD"


@pytest.mark.parametrize(
    "text", ["", "assets = 3", "[assets]\nETH = 3", "[assets.ETH]\ndecimals = -1", "\x00"]
)
def test_a_broken_scenario_beside_gives_no_units(text: str, tmp_path: Path) -> None:
    """Nothing in a file beside the ledger can end a sentence in an error."""
    (tmp_path / "scenario.toml").write_text(text)
    assert units_beside(tmp_path / "ledger.jsonl").decimals == {}


def entry_of(event: Event) -> Entry:
    return Entry(0, 1_704_103_200, 0, None, event)


def test_a_moment_beyond_all_calendars_is_a_number() -> None:
    """A forged deadline is told in seconds."""
    proposed = e.ProposalMade(account="ann", proposal="x", executable=10**30)
    assert f"{10**30:,} s" in sentence(proposed, Words())
