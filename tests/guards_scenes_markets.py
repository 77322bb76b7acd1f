"""Scenes in which guards of Compound's markets are hunted: a state by hand, and plain refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from guards import Refusal
from guards_games import outcome
from systems import START, Notebook

from mutualize import commands as c
from mutualize import compound_commands as cc
from mutualize.errors import Reason
from mutualize.protocol import Protocol
from mutualize.tier import Tier
from mutualize.venues.comet import Comet
from mutualize.venues.compound import Compound
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

WAD = 10**18
V2: dict[str, Any] = {"venue": "comp", "asset": "USD"}
V3: dict[str, Any] = {"venue": "comet", "asset": "USD"}
NOTHING: dict[str, Any] = {"collateral": "ETH", "collateral_amount": 0, "debt": "DOGE", "debt_amount": 0}
GOVERNANCE: dict[str, Any] = {"account": "governance"}


def _protocol(venue: Any) -> Protocol:
    """Return a venue in which depositors bear all, and nobody leaves while they do."""
    tiers = (Tier(name="depositors", payer="claims"),)
    waterfall = Waterfall(venue.cover(), tiers, freezes=True)
    return Protocol([Feed(), venue, waterfall], Notebook(), reactors=[waterfall])


def new_compound() -> Protocol:
    """Return markets of v2, of which one is not listed."""
    return _protocol(Compound("comp", ("USD", "ETH", "NEW", "LATER")))


def new_comet() -> Protocol:
    """Return v3 with a collateral that is not listed."""
    return _protocol(Comet("comet", ("USD", "ETH", "LATER")))


@attrs.frozen
class OfScene(Refusal):
    """A refusal whose reason is plain."""

    new: Callable[[], Protocol]
    protocol: Protocol
    command: c.Command
    reason: Reason

    def told(self) -> Reason | None:
        """Return the reason."""
        return self.reason

    def again(self) -> Reason | None:
        """Ask a new venue."""
        return outcome(self.new(), self.protocol.book, self.command, START)


Wishes = Sequence[tuple[c.Command, Reason]]


def _played(new: Callable[[], Protocol], protocol: Protocol, wishes: Wishes) -> Iterator[Refusal]:
    for wish, reason in wishes:
        assert protocol.submit(wish, at=START).refused is reason, wish
        yield OfScene(new, protocol, wish, reason)


def _do(protocol: Protocol, *commands: c.Command) -> None:
    for command in commands:
        receipt = protocol.submit(command, at=START)
        assert receipt, (receipt.refused, command)


def price(asset: str, value: int) -> c.Command:
    """Return the command that publishes a price."""
    return c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=value, market=value)


def listed(venue: str, asset: str, **terms: int) -> c.Command:
    """Return the command that lists an asset."""
    return c.ListReserve(venue=venue, **GOVERNANCE, asset=asset, parameters=tuple(terms.items()))


def compound_scenes() -> Iterator[Refusal]:
    """Let governance ask for what cannot be, and let depositors lose everything."""
    protocol = new_compound()
    usd: dict[str, Any] = {"decimals": 6, "collateral_factor": 8 * 10**17, "initial_rate": 2 * 10**14}
    _do(
        protocol,
        listed("comp", "USD", **usd),
        listed("comp", "ETH", collateral_factor=75 * 10**16, initial_rate=WAD),
        listed("comp", "NEW"),
        price("USD", 10**8),
        price("ETH", 10**25),
        c.Supply(**V2, account="ann", amount=10**9),
        c.Supply(venue="comp", asset="ETH", account="bob", amount=10**7),
    )
    yield from _played(new_compound, protocol, _asked_of_v2())
    _do(protocol, c.Borrow(**V2, account="bob", amount=10**9), price("ETH", 1))
    seized: dict[str, Any] = {"venue": "comp", "collateral": "ETH", "debt": "USD"}
    selling = c.SetParameter(**{**V2, "asset": "ETH"}, **GOVERNANCE, name="seize_paused", value=1)
    _do(protocol, selling)
    small = c.Liquidate(**seized, account="kim", borrower="bob", debt_to_cover=1)
    yield from _played(new_compound, protocol, [(small, Reason.SEIZURE_IS_TOO_LARGE)])
    _do(protocol, price("ETH", 10**22))
    yield from _played(new_compound, protocol, [(small, Reason.RESERVE_IS_PAUSED)])
    _do(protocol, price("ETH", 1), c.RecogniseShortfall(**V2, **GOVERNANCE, borrower="bob"))
    ruined = (
        (c.Withdraw(**V2, account="ann", amount=c.ALL), Reason.EXITS_ARE_FROZEN),
        (c.TransferClaims(**V2, account="ann", to="bob", amount=1), Reason.RESERVE_IS_WIPED_OUT),
    )
    yield from _played(new_compound, protocol, ruined)


def _asked_of_v2() -> Wishes:
    term: dict[str, Any] = {**V2, **GOVERNANCE, "name": "kink", "value": WAD // 2}
    whole: dict[str, Any] = {
        "venue": "comp",
        "account": "kim",
        "borrower": "bob",
        "collateral": "ETH",
        "debt": "USD",
    }
    position: dict[str, Any] = {"venue": "comp", "account": "cyd", **NOTHING}
    invalid, other = Reason.PARAMETER_IS_INVALID, Reason.CALLER_IS_NOT_GOVERNANCE
    return [
        (listed("comp", "USD"), invalid),
        (listed("comp", "LATER", nonsense=1), invalid),
        (listed("comp", "LATER", kink=0), invalid),
        (c.SetParameter(**{**term, "account": "ann"}), other),
        (c.SetParameter(**{**term, "name": "decimals", "value": 6}), invalid),
        (c.SetParameter(**{**term, "value": WAD + 1}), invalid),
        (c.SetParameter(**{**term, "asset": "LATER"}), Reason.RESERVE_IS_UNKNOWN),
        (c.Supply(**{**V2, "asset": "DOGE"}, account="ann", amount=1), Reason.RESERVE_IS_UNKNOWN),
        (c.Supply(**V2, account="ann", amount=-1), Reason.AMOUNT_IS_TOO_LARGE),
        (c.OpenPosition(**position), Reason.RESERVE_IS_UNKNOWN),
        (cc.AddReserves(**{**V2, "asset": "NEW"}, account="ann", amount=c.ALL), Reason.AMOUNT_IS_TOO_LARGE),
        (cc.WithdrawReserves(**V2, account="ann", amount=0), other),
        (cc.WithdrawReserves(**V2, **GOVERNANCE, amount=1), Reason.RESERVES_ARE_INSUFFICIENT),
        (c.ContributeToFund(**V2, account="ann", tier="fund", amount=0), Reason.AMOUNT_IS_ZERO),
        (c.Withdraw(**V2, account="kim", amount=c.ALL), Reason.BALANCE_IS_ZERO),
        (c.RecogniseShortfall(**V2, account="ann", borrower="bob"), other),
        (c.RecogniseShortfall(**V2, **GOVERNANCE, borrower="bob"), Reason.DEBT_IS_NOT_OWED),
        (c.Repay(**V2, account="ann", amount=1), Reason.REPAYMENT_IS_TOO_LARGE),
        (c.Liquidate(**whole), Reason.POSITION_IS_HEALTHY),
    ]


def comet_scenes() -> Iterator[Refusal]:
    """Let governance ask for what cannot be, and let depositors lose everything."""
    protocol = new_comet()
    terms: dict[str, Any] = {
        "borrow_factor": 8 * 10**17,
        "liquidate_factor": 85 * 10**16,
        "liquidation_factor": 9 * 10**17,
    }
    eth: dict[str, Any] = {"venue": "comet", "asset": "ETH"}
    _do(
        protocol,
        listed("comet", "USD", target_reserves=10**9),
        listed("comet", "ETH", **terms),
        price("USD", 10**8),
        price("ETH", 2_000 * 10**8),
        c.Supply(**V3, account="ann", amount=10**9),
        c.Supply(**eth, account="bob", amount=WAD),
    )
    yield from _played(new_comet, protocol, _asked_of_v3())
    _do(protocol, c.Borrow(**V3, account="bob", amount=10**9), price("ETH", 10**6))
    liquidation: dict[str, Any] = {
        "venue": "comet",
        "account": "kim",
        "borrower": "bob",
        "collateral": "ETH",
        "debt": "USD",
    }
    none = c.Liquidate(**liquidation, debt_to_cover=0)
    yield from _played(new_comet, protocol, [(none, Reason.AMOUNT_IS_ZERO)])
    yield from _paused(protocol)
    _do(protocol, price("ETH", 1))
    buying = cc.BuyCollateral(venue="comet", account="kim", collateral="ETH", amount=1)
    discount = c.SetParameter(**V3, **GOVERNANCE, name="store_front_factor", value=WAD)
    _do(protocol, discount, cc.Absorb(venue="comet", account="kim", accounts=("bob",)))
    ruined = (
        (buying, Reason.PRICE_IS_MISSING),
        (c.Withdraw(**V3, account="ann", amount=c.ALL), Reason.EXITS_ARE_FROZEN),
        (c.Supply(**V3, account="ann", amount=1), Reason.RESERVE_IS_WIPED_OUT),
    )
    yield from _played(new_comet, protocol, ruined)


def _paused(protocol: Protocol) -> Iterator[Refusal]:
    """Pause one thing after the other, for a while."""
    bob: dict[str, Any] = {**V3, "account": "bob"}
    kim: dict[str, Any] = {"venue": "comet", "account": "kim"}
    term = {**V3, **GOVERNANCE}
    wishes: dict[str, Sequence[c.Command]] = {
        "supply_paused": (c.Supply(**bob, amount=1), c.Repay(**bob, amount=1)),
        "withdraw_paused": (c.Withdraw(**bob, amount=0), c.Borrow(**bob, amount=0)),
        "absorb_paused": (cc.Absorb(**kim, accounts=("bob",)),),
        "buy_paused": (cc.BuyCollateral(**kim, collateral="ETH", amount=1),),
    }
    for name, asked in wishes.items():
        _do(protocol, c.SetParameter(**term, name=name, value=1))
        yield from _played(new_comet, protocol, [(wish, Reason.RESERVE_IS_PAUSED) for wish in asked])
        _do(protocol, c.SetParameter(**term, name=name, value=0))


def _asked_of_v3() -> Wishes:
    term: dict[str, Any] = {**V3, **GOVERNANCE, "name": "borrow_kink", "value": WAD // 2}
    eth: dict[str, Any] = {"venue": "comet", "asset": "ETH"}
    whole: dict[str, Any] = {
        "venue": "comet",
        "account": "kim",
        "borrower": "bob",
        "collateral": "ETH",
        "debt": "USD",
    }
    invalid, unknown = Reason.PARAMETER_IS_INVALID, Reason.RESERVE_IS_UNKNOWN
    position: dict[str, Any] = {
        "venue": "comet",
        "account": "cyd",
        "collateral": "ETH",
        "collateral_amount": WAD,
    }
    paused = c.SetParameter(**{**term, "account": "ann"})
    return [
        (listed("comet", "USD"), invalid),
        (paused, Reason.CALLER_IS_NOT_GOVERNANCE),
        (c.SetParameter(**{**term, "name": "decimals", "value": 6}), invalid),
        (c.SetParameter(**{**term, "value": WAD + 1}), invalid),
        (c.Supply(**{**V3, "asset": "DOGE"}, account="ann", amount=1), unknown),
        (c.Supply(**{**V3, "asset": "LATER"}, account="ann", amount=1), unknown),
        (c.Supply(**V3, account="ann", amount=2**255), Reason.AMOUNT_IS_TOO_LARGE),
        (c.Withdraw(**V3, account="ann", amount=2**255), Reason.AMOUNT_IS_TOO_LARGE),
        (c.Supply(**eth, account="ann", amount=2**128), Reason.AMOUNT_IS_TOO_LARGE),
        (c.Borrow(**eth, account="bob", amount=1), unknown),
        (c.Repay(**eth, account="bob", amount=1), unknown),
        (c.Repay(**V3, account="bob", amount=1), Reason.DEBT_IS_ZERO),
        (c.OpenPosition(**position, debt="ETH", debt_amount=1), unknown),
        (c.OpenPosition(venue="comet", account="cyd", **NOTHING), unknown),
        (c.Supply(**V3, account="ann", amount=-1), Reason.AMOUNT_IS_TOO_LARGE),
        (cc.WithdrawReserves(**V3, account="ann", amount=0), Reason.CALLER_IS_NOT_GOVERNANCE),
        (cc.WithdrawReserves(**{**V3, "asset": "ETH"}, **GOVERNANCE, amount=0), unknown),
        (cc.WithdrawReserves(**V3, **GOVERNANCE, amount=1), Reason.RESERVES_ARE_INSUFFICIENT),
        (cc.BuyCollateral(venue="comet", account="kim", collateral="USD", amount=1), unknown),
        (c.Liquidate(**whole, receive_claims=True), invalid),
        (c.Liquidate(**{**whole, "debt": "ETH"}), Reason.DEBT_IS_NOT_OWED),
        (c.Liquidate(**{**whole, "borrower": "ann"}), Reason.COLLATERAL_IS_NOT_ENABLED),
        (c.Liquidate(**whole), Reason.POSITION_IS_HEALTHY),
    ]
