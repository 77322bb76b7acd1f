"""What is asked besides: of the world outside, in places that do not exist, and before anything is there."""

from __future__ import annotations

from driver_op import Op
from player_verbs import NAMES, POOL, STAKE, Verbs
from systems import ASSETS, LOWER_BOUND, System

from mutualize import commands as c

UNKNOWN = "DOGE"
"""An asset that no pool was made for."""


class Errands(Verbs):
    """Draws what is done elsewhere, and what can only be refused."""

    def elsewhere(self) -> c.Command:
        """Draw a trade, gas, a vote, a halt, a failure, somebody who waits."""
        s = self.stream
        who, asset = self._who(), self._asset()
        amount = s.choice((0, 1, 10**6, 10**18))
        terms = {"venue": "outside", "account": who}
        kind = s.below(8)
        if kind < 2:
            return c.Trade(
                **terms,
                sold=asset,
                sold_amount=amount,
                bought=self._asset(),
                bought_amount=s.choice((0, 1, 7, 10**12)),
                place="market",
                mid=self._quote(asset),
            )
        if kind == 2:
            return c.PayGas(**terms, asset="ETH", amount=amount)
        if kind == 3:
            return c.FailTransaction(**terms, reason="LEFTOVER_IS_DUST", asset="ETH", amount=amount)
        if kind == 4:
            return c.HaltMarket(**terms, asset=asset, place="market", on=s.chance(1, 2))
        if kind == 5:
            return c.AwaitCash(**terms, pool=POOL, asset=asset, amount=amount)
        if kind == 6:
            return c.FailAgent(**terms, problem="a mistake of its own")
        if s.chance(1, 2):
            return c.Propose(**terms, proposal="(1)", executable=self.system.at + 60)
        return c.ExecuteProposal(**terms, proposal="(1)")

    def misplaced(self) -> c.Command:
        """Draw something that is asked of a reserve that there is not, or a second listing."""
        s = self.stream
        terms = {"venue": POOL, "account": self._who(), "asset": UNKNOWN}
        governed = {**terms, "account": "governance"}
        known = {**terms, "asset": self._asset()}
        drawn: tuple[c.Command, ...] = (
            c.Supply(**terms, amount=1),
            c.Withdraw(**terms, amount=c.ALL),
            c.Borrow(**terms, amount=1),
            c.Repay(**terms, amount=1),
            c.SetCollateral(**terms, on=True),
            c.TransferClaims(**terms, to="bob", amount=1),
            c.MintToTreasury(**terms),
            c.RecogniseShortfall(**governed, borrower="alice"),
            c.EliminateDeficit(**{**terms, "account": "umbrella"}, amount=1),
            c.SetParameter(**governed, name="ltv", value=1),
            c.SetParameter(**{**governed, "asset": ASSETS[0]}, name="colour", value=1),
            c.ListReserve(**governed, parameters=(("decimals", 18),)),
            c.ListReserve(**known, parameters=(("decimals", 18),)),
            c.ListReserve(**known, parameters=(("bonus", 1),)),
            c.OpenPosition(
                venue=POOL,
                account="alice",
                collateral=s.choice((UNKNOWN, "ETH")),
                collateral_amount=10**18,
                debt=s.choice((UNKNOWN, "USDC")),
                debt_amount=s.choice((0, 1)),
            ),
            c.Liquidate(
                venue=POOL,
                account="keeper",
                borrower="alice",
                collateral=s.choice((UNKNOWN, "ETH")),
                debt=UNKNOWN,
            ),
        )
        return s.choice(drawn)


def early(system: System) -> list[Op]:
    """List the reserves and publish the first prices, and ask for things before each of the two."""
    begin = system.begin()
    listing = [command for command in begin if isinstance(command, c.ListReserve)]
    prices = [command for command in begin if not isinstance(command, c.ListReserve)]
    ann, eth = {"venue": POOL, "account": NAMES[0]}, 10**18
    position = c.OpenPosition(**ann, collateral="ETH", collateral_amount=eth, debt="USDC", debt_amount=10**6)
    seize = c.Liquidate(venue=POOL, account="keeper", borrower=NAMES[0], collateral="ETH", debt="USDC")
    before: tuple[c.Command, ...] = (
        c.Supply(**ann, asset="USDC", amount=10**9),
        c.Supply(**ann, asset="ETH", amount=eth),
        c.Borrow(**ann, asset="USDC", amount=10**6),
        position,
        seize,
    )
    wrong: list[c.Command] = [
        c.ListReserve(venue=POOL, account="governance", asset="USDC", parameters=((name, 1),))
        for name in ("bonus", "colour")
    ]
    if system.setup.rate_form:
        stake = {"venue": STAKE, "account": "governance", "stake": "stakers"}
        wrong.append(c.ReturnFunds(**stake, assets=LOWER_BOUND))  # to shares that there are not
    return [Op(0, command) for command in (before[0], *wrong, *listing, *before, *prices)]
