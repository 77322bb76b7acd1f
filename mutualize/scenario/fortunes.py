"""Members of funds, dated losses and settlements, and money that comes back, as a scenario states them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from mutualize.loss_commands import LOSSES
from mutualize.randomness import Distribution, Fixed
from mutualize.scenario.fields import (
    Amount,
    Choice,
    Flag,
    Funds,
    Name,
    Ref,
    Time,
    Whole,
    of,
    ratio,
)
from mutualize.scenario.fields import Distribution as Draw
from mutualize.scenario.population import COUNT_MAX, REACTION
from mutualize.units import WAD


@attrs.frozen(kw_only=True)
class Members:
    """Members of a fund: what they contribute and when, how they answer a call for money, when they leave."""

    name: str = of(Name(), "how the group is called; its members are name-0001 and so on")
    count: int | None = of(
        Whole(0, COUNT_MAX), "how many; left out: one member, of this very name", default=None
    )
    venue: str = of(Ref("venues"), "where the fund answers")
    fund: str = of(Name(), "the fund: the tier whose purse it is")
    asset: str = of(Ref("reserves"), "what they contribute")
    amount: Distribution = of(
        Draw(Amount("asset")), "how much each contributes, beside what the fund begins with", default=Fixed(0)
    )
    joins_at: int | None = of(Time(), "when they contribute it; left out: at the start", default=None)
    answers: int = ratio("how much of what they are called for they pay", default=WAD)
    reaction_s: Distribution = of(
        Draw(REACTION), "how long each takes to pay, or to leave, seconds", default=Fixed(0)
    )
    leaves_at: int | None = of(
        Time(), "when they want their contribution back; while exits are frozen they wait", default=None
    )


@attrs.frozen(kw_only=True)
class Loss:
    """A loss from outside: theft, claims without money, backing that is gone, a mutual's accepted claim."""

    venue: str = of(Ref("venues"), "who loses")
    at: int = of(Time(), "when")
    loss: str = of(
        Choice(LOSSES, "kind of loss"),
        "theft: cash left; mint: claims were made without money; backing: cash lost worth; claim: a mutual"
        " accepted a claim",
    )
    asset: str = of(Ref("reserves"), "what is lost")
    amount: int | None = of(Amount("asset"), "how much; theft: left out: all cash", default=None)
    share: int | None = ratio("backing: which share of the cash is gone", 1, default=None)
    holder: str | None = of(
        Name(), "mint, claim: whose claim it is; theft: who took it, if he is a debtor", default=None
    )


@attrs.frozen(kw_only=True)
class Profits:
    """A settlement in custody: those who lost pay those who won; who cannot leaves a shortfall."""

    venue: str = of(Ref("venues"), "where it is settled")
    at: int = of(Time(), "when")
    instrument: str = of(Name(), "what was won and lost with")
    won: Mapping[str, Mapping[str, int]] = of(Funds(), "who won how much: name, asset, base units")
    lost: Mapping[str, Mapping[str, int]] = of(Funds(), "who lost how much: the same sum of each asset")

    def gains(self, asset: str) -> tuple[tuple[str, str, int], ...]:
        """Return the gains in one asset: (account, instrument, signed amount)."""
        signed = [(1, self.won), (-1, self.lost)]
        return tuple(
            (name, self.instrument, sign * amounts[asset])
            for sign, table in signed
            for name, amounts in table.items()
            if asset in amounts
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets in which anybody won or lost."""
        amounts = (*self.won.values(), *self.lost.values())
        return tuple(dict.fromkeys(asset for each in amounts for asset in each))


@attrs.frozen(kw_only=True)
class Recovered:
    """Money that comes back after a loss, or is promised to."""

    venue: str = of(Ref("venues"), "where it comes back")
    at: int = of(Time(), "when")
    asset: str = of(Ref("reserves"), "in what")
    amount: int = of(Amount("asset", 1), "how much; what the table has no use for is not taken")
    donor: str = of(Name(), "whose money it is")
    pledge: bool = of(Flag(), "true: it is promised, not given", default=False)
