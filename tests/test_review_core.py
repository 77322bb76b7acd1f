"""Answers of the deployed contracts that no carried vector pins down, found in review.

The rule: each test states what the contract does, and fails without the line that does it here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vector_players import Player, PoolPlayer, RatePlayer, load

from mutualize import commands as c
from mutualize.agents.governance import cover_deficit
from mutualize.commands import ALL
from mutualize.errors import Reason
from mutualize.events import Liquidated, ShortfallRecognised
from mutualize.protocol import Receipt
from mutualize.randomness import Stream

VECTORS = Path(__file__).parent / "vectors"


def act(player: Player, name: str, **arguments: object) -> Receipt:
    """Carry out one operation in the words of the vectors."""
    return player.play({"op": name, "args": {key: str(value) for key, value in arguments.items()}})


def pool(name: str = "aave_crv_bad_debt_style") -> PoolPlayer:
    """Return the pool of a vector file, empty."""
    return PoolPlayer(load(VECTORS / f"{name}.json"))


def in_distress(player: PoolPlayer, rnd: Stream) -> None:
    """Let x owe CRV against USDC for a while, then let CRV rise until the collateral cannot cover it."""
    act(player, "supply", user="s", asset="CRV", amount=10**24 + rnd.below(10**20))
    act(player, "supply", user="x", asset="USDC", amount=10**11 + rnd.below(10**9))
    act(player, "borrow", user="x", asset="CRV", amount=10**23 + rnd.below(10**20))
    act(player, "warp", seconds=1 + rnd.below(10**7))
    act(player, "set_price", asset="CRV", price=2 * 10**8 + rnd.below(10**7))


def liquidate(player: PoolPlayer, **arguments: object) -> Receipt:
    """Liquidate as much of x as can be."""
    given = {"user": "liq", "borrower": "x", "collateral": "USDC", "asset": "CRV", "debt_to_cover": ALL}
    return act(player, "liquidate", **{**given, "receive_a": 0, **arguments})


def test_the_deficit_is_the_debt_less_what_was_paid() -> None:
    """Burning rounds down, so the units left may owe one unit more than `db − pay`; that is no deficit."""
    for seed in range(12):
        player = pool()
        in_distress(player, Stream(seed, "review"))
        owed = player.pool.debt(player.protocol.book, "x", "CRV", player.at)
        receipt = liquidate(player)
        paid, short = receipt.event(Liquidated), receipt.event(ShortfallRecognised)
        assert isinstance(paid, Liquidated)
        assert isinstance(short, ShortfallRecognised)
        assert short.amount == owed - paid.paid
        assert player.pool.reserve(player.protocol.book, "CRV").deficit == owed - paid.paid


def test_a_worthless_debt_seizes_nothing() -> None:
    """At a debt price of zero the contract computes a seizure of zero: claims of 0 may be taken, cash not."""
    player = pool()
    act(player, "supply", user="s", asset="WETH", amount=10**21)
    in_distress(player, Stream(1, "review"))
    act(player, "set_price", asset="CRV", price=10**7)
    assert act(player, "borrow", user="x", asset="WETH", amount=10**19)
    act(player, "set_price", asset="WETH", price=10**13)
    act(player, "set_price", asset="CRV", price=0)
    assert liquidate(player).refused is Reason.BURN_IS_TOO_SMALL
    receipt = liquidate(player, receive_a=1)
    event = receipt.event(Liquidated)
    assert isinstance(event, Liquidated)
    assert event.seized == 0
    assert event.paid > 10**23


def under_umbrella() -> PoolPlayer:
    """Return a pool with an umbrella: a deficit in CRV, slashed, and `cov` with claims to cover it."""
    player = pool("umbrella_directed_full_cover")
    act(player, "stake", user="s0", assets=10**24)
    act(player, "supply", user="cov", asset="CRV", amount=10**24)
    in_distress(player, Stream(2, "review"))
    assert isinstance(liquidate(player).event(ShortfallRecognised), ShortfallRecognised)
    return player


def test_anybody_slashes_but_governance_sets_the_offset_and_a_manager_covers() -> None:
    """`slash` asks nobody who he is; `setDeficitOffset` wants the admin, covering COVERAGE_MANAGER_ROLE."""
    player = under_umbrella()
    umbrella = player.umbrella
    assert umbrella is not None
    umbrella.managers = ("cov",)

    def ask(command: c.Command) -> Reason | None:
        return player.protocol.submit(command, at=player.at).refused

    above: dict[str, Any] = {"venue": umbrella.name, "account": "s0"}
    deficit = umbrella.pool.reserve(player.protocol.book, umbrella.asset).deficit
    assert ask(c.SetDeficitOffset(**above, amount=deficit)) is Reason.CALLER_IS_NOT_GOVERNANCE
    assert ask(c.Slash(**above, stake="umbrella")) is None
    assert ask(c.CoverPendingDeficit(**above, amount=1)) is Reason.CALLER_MAY_NOT_COVER
    assert ask(c.CoverDeficitOffset(**above, amount=1)) is Reason.CALLER_MAY_NOT_COVER
    assert ask(c.CoverPendingDeficit(**{**above, "account": "cov"}, amount=1)) is None
    assert ask(c.SetDeficitOffset(**{**above, "account": "governance"}, amount=deficit)) is None


def test_a_slash_of_no_unit_is_refused() -> None:
    """`ZeroAmountSlashing`: a deficit that is worth less than one unit of stake leaves no pending deficit."""
    player = under_umbrella()
    act(player, "set_price", asset="CRV", price=0)
    assert act(player, "slash").refused is Reason.AMOUNT_IS_ZERO
    assert player.umbrella is not None
    assert player.umbrella.pending(player.protocol.book) == 0


def test_an_automatic_slash_of_no_unit_is_no_consequence() -> None:
    """A consequence cannot be refused: where no unit would be slashed, nothing follows."""
    player = under_umbrella()
    act(player, "set_price", asset="CRV", price=0)
    assert player.umbrella is not None
    player.umbrella.automatic = True
    book = player.protocol.book
    event = ShortfallRecognised(venue="aave", account="x", asset="CRV", amount=1, price=0)
    assert player.umbrella.slashable(book) > 0
    assert player.umbrella.react(book, event, player.at) == []


def test_covering_asks_for_health_only_where_the_claims_were_collateral() -> None:
    """An unsafe borrower may hand over claims that are no collateral (Aave `executeFinalizeTransfer`)."""
    player = under_umbrella()
    assert act(player, "slash")
    assert act(player, "supply", user="cov", asset="USDC", amount=10**11)
    assert act(player, "collateral_flag", user="cov", asset="CRV", on=0)
    assert act(player, "supply", user="s", asset="WETH", amount=10**21)
    assert act(player, "borrow", user="cov", asset="WETH", amount=3 * 10**19)
    act(player, "set_price", asset="WETH", price=10**12)
    assert act(player, "cover_pending", user="cov", amount=10**18)
    book = player.protocol.book
    assert player.pool.health(book, "cov", player.at).factor < 10**18


def test_the_older_stake_counts_in_104_bits() -> None:
    """`redeem` and `stake` cast to uint104, before anything is cut to what may be redeemed."""
    data: dict[str, Any] = load(VECTORS / "stk_directed.json")
    player = RatePlayer(data)
    assert act(player, "stake", user="a", assets=10**21)
    assert act(player, "slash", amount=10**18)
    assert act(player, "redeem", user="a", shares=2**104).refused is Reason.AMOUNT_IS_TOO_LARGE
    assert act(player, "redeem", user="a", shares=2**104 - 1)
    assert act(player, "settle")
    assert act(player, "stake", user="a", assets=2**104).refused is Reason.AMOUNT_IS_TOO_LARGE


def test_a_deficit_is_covered_whatever_the_index() -> None:
    """What governance supplies is enough to hand over and burn the deficit, at every index up to two."""
    for seed in range(300):
        rnd = Stream(seed, "review")
        player = pool()
        index = 10**27 + rnd.below(10**27)
        in_distress(player, rnd)
        liquidate(player)
        cells = player.protocol.book._tables["aave.CRV"]
        cells["liquidity_index"], cells["liquidity_rate"] = index, 0
        measure = cover_deficit(player.pool, "dao", "CRV", 1 + rnd.below(10**6))

        class Now:
            book = player.protocol.book

        commands: list[c.Command] = list(measure(Now()))  # type: ignore[arg-type]  # a measure reads the book only
        player.protocol.plan(*commands, at=player.at)


def test_handing_claims_to_oneself_changes_no_flag() -> None:
    """Aave `executeFinalizeTransfer` looks at flags only where the sender is not the receiver."""
    player = pool()
    act(player, "supply", user="x", asset="USDC", amount=10**9)
    act(player, "collateral_flag", user="x", asset="USDC", on=0)
    before = player.protocol.book.cell("aave.flags", "x")
    assert player.submit(c.TransferClaims(venue="aave", account="x", to="x", asset="USDC", amount=ALL))
    assert player.protocol.book.cell("aave.flags", "x") == before == 0
    assert player.protocol.book.cell("aave.USDC.supply", "x") == 10**9


def test_claims_without_a_threshold_are_no_collateral() -> None:
    """Governance sets a threshold to zero: the claim no longer counts, and cannot be switched on again."""
    player = pool()
    book = player.protocol.book
    assert act(player, "supply", user="a", asset="USDC", amount=10**9)
    assert player.pool.health(book, "a", player.at).collateral > 0
    for name in ("ltv", "threshold"):
        assert player.submit(
            c.SetParameter(venue="aave", account="governance", asset="USDC", name=name, value=0)
        )
    assert player.pool.health(book, "a", player.at).collateral == 0
    assert act(player, "collateral_flag", user="a", asset="USDC", on=0)
    again = act(player, "collateral_flag", user="a", asset="USDC", on=1)
    assert again.refused is Reason.COLLATERAL_IS_NOT_ALLOWED
