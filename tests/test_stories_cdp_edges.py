"""Stories of a vault engine at its edges: what random play found once its oracle knew the contracts."""

from __future__ import annotations

from typing import Any

import pytest
from test_stories_cdp import ILK, Story
from vault_wishes import PRICES, TERMS, VENUE

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.errors import Reason
from mutualize.units import RAD, RAY, WAD
from mutualize.venues.vat import CONTRACTS


def by_governance(story: Story, name: str, value: int, asset: str = ILK) -> Reason | None:
    """Let governance set a term; return why it may not."""
    own = {"venue": VENUE, "account": "governance"}
    return story.do(c.SetParameter(**own, asset=asset, name=name, value=value)).refused


@pytest.mark.parametrize("contract", CONTRACTS)
def test_stablecoins_sent_to_a_contract_break_no_law(contract: str) -> None:
    """Anybody may send any contract some: there they stay, but that the vow's and the flaps' are surplus.

    ---
    kp0    5 to the contract
    shutdown
        => what the flaps had, and the vow, is the vow's
    """
    story = Story()
    story.done(v.MoveDai, "kp0", to=contract, amount=5 * RAD)
    assert story.cell("dai", contract) == 5 * RAD
    story.done(v.Shutdown, "governance")
    surplus = 5 * RAD if contract in ("vow", "flap") else 0
    assert story.held("tier:surplus-buffer") == surplus
    assert story.held("claims") == 60_000 * RAD - surplus


def test_what_the_shutdown_fixes_stays() -> None:
    """After it nothing is listed, no price is taken, and no term changes that its contract has closed."""
    story = Story()
    story.done(v.Shutdown, "governance")
    closed = Reason.VENUE_IS_SHUT_DOWN
    assert story.ask(v.TakePrice, ilk=ILK).refused is closed
    assert [by_governance(story, name, RAY) for name in ("line", "dust", "mat", "duty")] == [closed] * 4
    assert [by_governance(story, name, 0, "") for name in ("Line", "end_wait")] == [closed] * 2
    assert by_governance(story, "chop", WAD) is None
    listing: dict[str, Any] = {"venue": VENUE, "account": "governance", "parameters": ()}
    assert story.do(v.ListCollateral(**listing, ilk="ETH-B")).refused is closed


def test_no_more_collateral_moves_at_once_than_a_signed_word_holds() -> None:
    """The contracts' collateral comes and goes as a signed number of 256 bits."""
    story, most = Story(), 2**255 - 1
    assert story.ask(v.JoinCollateral, "u0", ILK, amount=most + 1).refused is Reason.AMOUNT_IS_TOO_LARGE
    story.done(v.JoinCollateral, "u0", ILK, amount=most)
    assert story.ask(v.ExitCollateral, "u0", ILK, amount=most + 1).refused is Reason.AMOUNT_IS_TOO_LARGE
    story.price("ETH", 0)
    story.done(v.TakePrice, ilk=ILK)
    change = story.ask(v.ChangeVault, "u0", ILK, collateral=most + 1, debt=0)
    assert change.refused is Reason.AMOUNT_IS_TOO_LARGE
    story.done(v.ChangeVault, "u0", ILK, collateral=most, debt=0)


def test_a_ceiling_is_asked_before_collateral_is_valued() -> None:
    """Of two guards that fail the contract's first one is told."""
    story = Story()
    assert by_governance(story, "line", 60_000 * RAD) is None
    story.done(v.JoinCollateral, "u0", ILK, amount=2**254)
    over = story.ask(v.ChangeVault, "u0", ILK, collateral=2**254, debt=20 * WAD)
    assert over.refused is Reason.CEILING_IS_EXCEEDED
    assert (
        story.ask(v.ChangeVault, "u0", ILK, collateral=2**254, debt=0).refused is Reason.AMOUNT_IS_TOO_LARGE
    )


def test_a_moment_has_48_bits() -> None:
    """An auction that would end, or a bid that would stand, beyond all time is refused."""
    story, over = Story(), 2**48 - 1
    story.crash(140)
    assert by_governance(story, "ttl", over) is None
    assert story.tend("kp0", 500 * RAD).refused is Reason.AMOUNT_IS_TOO_LARGE
    story.done(v.ChangeVault, "u1", ILK, collateral=10 * WAD, debt=900 * WAD)
    story.price("ETH", 100 * 10**8)
    story.done(v.TakePrice, ilk=ILK)
    assert by_governance(story, "tau", over) is None
    assert story.ask(v.LiquidateVault, "kp0", ILK, vault="u1").refused is Reason.AMOUNT_IS_TOO_LARGE
    assert by_governance(story, "tau", TERMS["tau"]) is None
    story.done(v.LiquidateVault, "kp0", ILK, vault="u1")


def test_what_is_not_there_is_refused() -> None:
    """An ilk that is not listed, or none, or one where none belongs, changes nothing."""
    story = Story()
    unknown = Reason.RESERVE_IS_UNKNOWN
    assert story.ask(v.JoinCollateral, "u0", "DOGE-A", amount=1).refused is unknown
    assert story.do(v.AccrueRate(venue=VENUE, account="u0", ilk="")).refused is unknown
    assert story.ask(v.RestartAuction, auction="flip", id=1).refused is unknown
    assert story.ask(v.RestartAuction, ilk=ILK, auction="flop", id=1).refused is unknown
    assert story.ask(v.EndAuction, ilk=ILK, auction="clop", id=1).refused is Reason.AUCTION_IS_UNKNOWN
    own: dict[str, Any] = {"venue": VENUE, "account": "governance", "parameters": ()}
    assert story.do(v.ListCollateral(**own, ilk=ILK)).refused is unknown
    duty = c.SetParameter(venue=VENUE, account="governance", asset="", name="duty", value=RAY)
    assert story.do(duty).refused is Reason.PARAMETER_IS_INVALID


def test_who_is_a_contract_asks_for_nothing() -> None:
    """The vow's name is its own: nobody acts by it, and what is sent there is surplus."""
    story = Story()
    assert story.ask(v.MoveDai, "vow", to="u0", amount=0).refused is Reason.CALLER_IS_A_CONTRACT
    story.done(v.MoveDai, "kp0", to="vow", amount=RAD)
    assert story.held("tier:surplus-buffer") == RAD
    assert PRICES["ETH"] == story.book.cell("oracle", "ETH")
