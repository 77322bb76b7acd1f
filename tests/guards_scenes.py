"""Scenes in which guards are hunted that no random game comes to: a state by hand, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import custody_game
from guards import Refusal
from guards_games import OfBalances, OfVaults, outcome
from systems import DECIMALS, SETUPS, START, Notebook, System, new_pool
from vault_game import Game
from vault_odd import LATER
from vault_wishes import VENUE

from mutualize import commands as c
from mutualize import units
from mutualize import vault_commands as v
from mutualize.errors import Reason, Refused
from mutualize.loss_commands import ReportLoss
from mutualize.protocol import Protocol
from mutualize.tier import Tier
from mutualize.units import RAD, RAY, WAD
from mutualize.venues.auction import CLIP
from mutualize.venues.cdp import CODES
from mutualize.venues.outside import Feed, Outside
from mutualize.waterfall import Waterfall

YEAR = 31_536_000
ILK = "ETH-A"

# --- a pool ----------------------------------------------------------------------------------------------


def new_scene() -> Protocol:
    """Return a pool whose one tier waits for a vote, and the world outside."""
    pool = new_pool(SETUPS[0])
    tier = Tier(name="depositors", payer="claims", vote="haircut")
    waterfall = Waterfall(pool.cover(), (tier,), decimals=DECIMALS, freezes=True)
    return Protocol([Feed(), Outside(), pool, waterfall], Notebook(), reactors=[waterfall])


@attrs.frozen
class OfScene(Refusal):
    """A refusal whose reason is plain."""

    protocol: Protocol
    command: c.Command
    reason: Reason

    def told(self) -> Reason | None:
        """Return the reason."""
        return self.reason

    def again(self) -> Reason | None:
        """Ask a new pool."""
        return outcome(new_scene(), self.protocol.book, self.command, START + YEAR)


def pool_scenes() -> Iterator[Refusal]:
    """Let a pool's cash be stolen: exits freeze, and its deficit is its tiers' to pay."""
    own = {"venue": "aave", "asset": "USDC"}
    loss: dict[str, Any] = {**own, "account": "governance"}
    sides: dict[str, Any] = {
        "collateral": "ETH",
        "collateral_amount": 10**21,
        "debt": "USDC",
        "debt_amount": 5 * 10**11,
    }
    protocol = new_scene()
    for command in (
        *System(SETUPS[0], written=False).begin(),
        c.Supply(**own, account="ann", amount=10**12),
        c.OpenPosition(venue="aave", account="bob", **sides),
    ):
        assert protocol.submit(command, at=START), command
    assert protocol.submit(ReportLoss(**loss, loss="theft", amount=10**11), at=START + YEAR)
    wishes: list[tuple[c.Command, Reason]] = [
        (c.Withdraw(**own, account="ann", amount=1), Reason.EXITS_ARE_FROZEN),
        (c.EliminateDeficit(**own, account="umbrella", amount=1), Reason.DEFICIT_IS_ZERO),
        (ReportLoss(**loss, loss="theft"), Reason.AMOUNT_IS_ZERO),
        (ReportLoss(**loss, loss="mint", amount=1, holder="cat"), Reason.AMOUNT_IS_TOO_SMALL),
        (ReportLoss(**loss, loss="fire", amount=1), Reason.PARAMETER_IS_INVALID),
        (v.Deliver(venue="outside", account="ann", to="bob", asset="USDC", amount=0), Reason.AMOUNT_IS_ZERO),
    ]
    for wish, reason in wishes:
        assert protocol.submit(wish, at=START + YEAR).refused is reason, wish
        yield OfScene(protocol, wish, reason)


# --- a vault engine --------------------------------------------------------------------------------------


def vault_scenes() -> Iterator[Refusal]:
    """Let governance ask for what cannot be, and a vault hold more than moves at once."""
    for code in CODES:
        game = Game(code, 0)
        listing = {"venue": VENUE, "ilk": LATER}
        for account, parameters in (
            ("u0", ()),
            ("governance", (("nonsense", 1),)),
            ("governance", (("mat", 0),)),
        ):
            yield from _asked(game, v.ListCollateral(**listing, account=account, parameters=parameters))
        yield from _asked(game, game.wish(v.MintGovernance, "u0", to="u0", amount=1))
        if code == CLIP:
            yield from _crumb(game)
        yield from _whole(game)


def _crumb(game: Game) -> Iterator[Refusal]:
    """Leave so little room for sales that none holds any collateral."""
    own = {"venue": VENUE, "account": "governance", "asset": ILK}
    for name, value in (("dust", 0), ("hole", 1)):
        game.must(c.SetParameter(**own, name=name, value=value))
    game.must(game.wish(v.ChangeVault, "u0", ILK, collateral=10 * WAD, debt=1_000 * WAD))
    game.price("ETH", 100 * 10**8)
    game.must(game.wish(v.TakePrice, "anyone", ILK))
    yield from _asked(game, game.wish(v.LiquidateVault, "kp0", ILK, vault="u0"))


def _whole(game: Game) -> Iterator[Refusal]:
    """Fill a vault of no worth with more than a signed word, end it all, and take it out."""
    game.price("ETH", 0)
    game.must(game.wish(v.TakePrice, "anyone", ILK))
    most = 2**255 - 1
    for _ in range(2):
        game.must(game.wish(v.JoinCollateral, "u3", ILK, amount=most - 10**30))
        game.must(game.wish(v.ChangeVault, "u3", ILK, collateral=most - 10**30, debt=0))
    game.must(game.wish(v.MoveDai, "kp0", to="vow", amount=100 * RAD))
    own = {"venue": VENUE, "account": "governance", "asset": "", "name": "flap_tau"}
    game.must(c.SetParameter(**own, value=2**48 - 1))
    yield from _asked(game, game.wish(v.StartSurplusAuction, "anyone"))
    game.must(c.SetParameter(**own, value=YEAR))
    game.must(game.wish(v.StartSurplusAuction, "anyone"))
    yield from _asked(game, game.wish(v.AccrueRate, "anyone", ILK))
    game.must(game.wish(v.Shutdown, "governance"))
    yield from _asked(game, game.wish(v.CancelAuction, "anyone", ILK, auction="nothing", id=1))
    yield from _asked(game, v.ListCollateral(venue=VENUE, ilk=LATER, account="governance", parameters=()))
    yield from _asked(game, game.wish(v.TagPrice, "anyone", ILK))
    yield from _asked(game, game.wish(v.FreeCollateral, "u3", ILK))
    yield from _asked(game, game.wish(v.AccrueRate, "anyone", ILK))


def _asked(game: Game, command: c.Command) -> Iterator[Refusal]:
    if not game.do(command):
        yield OfVaults(game, command)


# --- balances --------------------------------------------------------------------------------------------


def balance_scenes() -> Iterator[Refusal]:
    """Let more be minted for somebody new than there can be."""
    game = custody_game.Game(0)
    loss = ReportLoss(venue="ex", account="ann", asset="USD", loss="mint", amount=c.ALL, holder="zoe")
    if not game.do(loss):
        yield OfBalances(game, loss)


# --- words of 256 bits -----------------------------------------------------------------------------------


@attrs.frozen
class OfUnits(Refusal):
    """A result that a machine word cannot hold."""

    function: str
    arguments: Sequence[int]
    reason: Reason

    def told(self) -> Reason | None:
        """Return the reason."""
        return self.reason

    def again(self) -> Reason | None:
        """Compute it again."""
        return _computed(self.function, self.arguments)


def _computed(function: str, arguments: Sequence[int]) -> Reason | None:
    compute: Callable[..., int] = getattr(units, function)
    try:
        plan = compute(*arguments)
    except Refused as refused:
        return refused.reason
    assert plan
    return None


def unit_scenes() -> Iterator[Refusal]:
    """Compute what is just too large, and divide by nothing."""
    large, least = Reason.AMOUNT_IS_TOO_LARGE, 2**256 // RAY + 1
    products = ("ray_mul_half_up", "ray_mul_down", "ray_mul_up")
    quotients = ("ray_div_half_up", "ray_div_down", "ray_div_up")
    nothing = (*quotients, "wad_div_down")
    percents = ("percent_mul_half_up", "percent_mul_down", "percent_mul_up")
    for function, arguments, reason in (
        *((name, (2**200, 2**56), large) for name in (*products, *percents)),
        *((name, (least, 2), large) for name in quotients),
        *((name, (1, 0), Reason.RESERVE_IS_WIPED_OUT) for name in nothing),
        *((name, (2**250, 1), large) for name in ("percent_div_down", "percent_div_up")),
        ("times_signed", (WAD, -(2**200)), large),
    ):
        assert _computed(function, arguments) is reason, function
        yield OfUnits(function, arguments, reason)
