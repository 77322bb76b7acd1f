"""Who takes part: populations drawn from distributions, single positions, and votes.

Amounts are base units, money 8 decimals, ratios WAD, times seconds. A distribution draws such integers
(`mutualize.randomness`): `depositors.amount.draw(stream)` is base units of `depositors.asset`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from mutualize.randomness import Distribution, Fixed
from mutualize.scenario.fields import (
    Amount,
    Amounts,
    Choice,
    File,
    Flag,
    Name,
    Numeral,
    Parameter,
    Ref,
    Refs,
    Table,
    Text,
    Time,
    Whole,
    money,
    of,
    ratio,
    seconds,
    whole,
)
from mutualize.scenario.fields import Distribution as Draw
from mutualize.scenario.market import RATIO_MAX, Bid
from mutualize.scenario.venue import CELLS, COMET_CELLS
from mutualize.units import PRICE_UNIT, WAD

COUNT_MAX = 10**12
PARAMETERS = tuple(dict.fromkeys((*CELLS, *COMET_CELLS)))
REACTION = Whole(0, 10 * 365 * 86_400)
ACTIONS = (
    "cover-deficit",
    "set-offset",
    "set-parameter",
    "pause",
    "unpause",
    "recognise-shortfall",
    "repay-debt",
    "release-tier",
    "open-exits",
)


@attrs.frozen(kw_only=True)
class Depositors:
    """People who lend. They hold, or run once something crosses their threshold."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX)
    venue: str = of(Ref("venues"), "where they lend")
    asset: str = of(Ref("reserves"), "what they lend")
    amount: Distribution = of(Draw(Amount("asset")), "how much each lends")
    collateral: bool = of(Flag(), "whether the claim is put up as collateral", default=True)
    behaviour: str = of(Choice(("hold", "run")), "hold, or run", default="hold")
    run_at_utilization: int | None = ratio("run: from this utilization on", default=None)
    run_at_deficit: int | None = ratio("run: from this deficit on, a share of all claims", default=None)
    rumour_at: int | None = of(Time(), "run: at this moment", default=None)
    reaction_s: Distribution = of(Draw(REACTION), "how long each takes to act, seconds", default=Fixed(0))


@attrs.frozen(kw_only=True)
class Borrowers:
    """People who borrow against collateral. Exactly one of `health` and `debt_amount` is given."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX)
    venue: str = of(Ref("venues"), "where they borrow")
    collateral: str = of(Ref("reserves"), "what they put up")
    collateral_amount: Distribution = of(Draw(Amount("collateral")), "how much each puts up")
    debt: str = of(Ref("reserves"), "what they borrow")
    health: Distribution | None = of(
        Draw(Numeral(18, WAD, RATIO_MAX)), "the health factor each starts with", default=None
    )
    debt_amount: Distribution | None = of(Draw(Amount("debt")), "how much each borrows", default=None)
    behaviour: str = of(
        Choice(("passive", "top-up", "deleverage")),
        "passive; on a margin call put up more collateral; or repay",
        default="passive",
    )
    margin_health: int = of(
        Numeral(18, WAD, RATIO_MAX), "the health factor that is a margin call", default=105 * 10**16
    )
    reaction_s: Distribution = of(Draw(REACTION), "from margin call to action, seconds", default=Fixed(0))
    purse: Distribution = of(
        Draw(Amount("debt", switch=("behaviour", "top-up", "collateral"))),
        "what each can add: collateral where they top up, else the asset they owe",
        default=Fixed(0),
    )

    @property
    def purse_asset(self) -> str:
        """The asset that the purse holds."""
        return self.collateral if self.behaviour == "top-up" else self.debt


@attrs.frozen(kw_only=True)
class Liquidators:
    """People who close unsafe positions for profit, with capital of their own or flash liquidity."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where they look")
    capital: Mapping[str, int] = of(Amounts(), "what each starts with, by asset", factory=dict)
    flash: bool = of(Flag(), "repay with flash liquidity, as long as a sale pays it back", default=False)
    latency_s: Distribution = of(Draw(REACTION), "from chance to transaction, seconds", default=Fixed(0))
    per_block: int = whole("how many transactions each gets into one block", 1, default=1)
    together: int = whole(
        "how many liquidations one transaction may hold, as far as a block's gas allows", 1, 10**6, default=1
    )
    min_profit: int = money("the least profit that makes one act, money of account", default=0)
    fraction_max: int = ratio("the largest share of a debt that one transaction repays", 1, default=WAD)
    lot_max: Mapping[str, int] = of(
        Amounts(spread=True), "the most that one transaction repays, by asset of the debt", factory=dict
    )
    bid: Bid | None = of(
        Table(Bid),
        "how they bid for block space, `per_block` transactions at a time; left out: the next block",
        default=None,
    )


@attrs.frozen(kw_only=True)
class Opportunists:
    """People who borrow against collateral that the oracle overstates, and never come back."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many, each for himself", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where they borrow")
    collateral: str = of(Ref("reserves"), "what they put up")
    collateral_amount: Distribution = of(
        Draw(Amount("collateral")), "how much of it each has already", default=Fixed(0)
    )
    budget: Distribution = of(
        Draw(Numeral(8, 0, 10**18 * PRICE_UNIT)),
        "for how much each buys it, money of its market, as long as it costs less than it lets him borrow",
        default=Fixed(0),
    )
    borrows: tuple[str, ...] = of(Refs("reserves"), "what they borrow, in this order, as much as there is")
    premium: int = ratio("the least share by which that has to exceed the cost", 0, RATIO_MAX, default=0)
    at: int | None = of(Time(), "not before this moment", default=None)
    reaction_s: Distribution = of(Draw(REACTION), "how long each takes to act, seconds", default=Fixed(0))
    again: bool = of(Flag(), "whether they sell what they borrowed, and buy more", default=True)


@attrs.frozen(kw_only=True)
class Stakers:
    """People whose stake pays for shortfalls. They stay, or start the cooldown and leave."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX)
    venue: str = of(Ref("venues"), "whose risk they bear")
    stake: str = of(Ref("stakes"), "which of its stakes")
    amount: Distribution = of(Draw(Amount("stake")), "how much each stakes, of the stake's asset")
    behaviour: str = of(Choice(("stay", "leave")), "stay, or leave", default="stay")
    leave_at_loss: int | None = ratio("leave: once this share of the stake was slashed", default=None)
    leave_at: int | None = of(Time(), "leave: start the cooldown at this moment", default=None)
    leave_at_fall: int | None = ratio(
        "leave: once the price of `watches` is this share below the highest that was told", 1, default=None
    )
    watches: str | None = of(Ref("assets"), "leave_at_fall: the price of what they watch", default=None)
    cooldown_began: int | None = of(
        Time(), "leave: they started the cooldown at this moment, before the run", default=None
    )
    reaction_s: Distribution = of(Draw(REACTION), "how long each takes to act, seconds", default=Fixed(0))


@attrs.frozen(kw_only=True)
class Governance:
    """A vote, and the command that it leads to. It begins `at` a moment, or `on` an event."""

    name: str = of(Name(), "how the proposal is called")
    venue: str = of(Ref("venues"), "what it is about")
    at: int | None = of(Time(), "when it is proposed", default=None)
    on: str | None = of(Choice(("deficit",), "trigger"), "or: by what it is set off", default=None)
    delay_s: int = seconds("from proposal to execution, seconds", default=0)
    action: str = of(Choice(ACTIONS), "what is done")
    reserve: str | None = of(Ref("reserves"), "in which reserve", default=None)
    amount: int | None = of(
        Amount("reserve"), "how much; left out: all of it (set-offset needs it)", default=None
    )
    borrower: str | None = of(
        Name(),
        "recognise-shortfall, repay-debt: whose debt; the former: or of which population",
        default=None,
    )
    parameter: str | None = of(Choice(PARAMETERS), "set-parameter: which", default=None)
    value: int | None = of(Parameter("parameter"), "set-parameter: to what", default=None)
    payer: str | None = of(Name(), "cover-deficit, repay-debt: who pays, an account outside", default=None)
    tier: str | None = of(
        Name(), "release-tier: which tier may pay, at most `amount` of what waits for it", default=None
    )

    @property
    def cell(self) -> str | None:
        """What the pool calls the parameter."""
        return CELLS[self.parameter] if self.parameter is not None else None


@attrs.frozen(kw_only=True)
class Columns:
    """Which column of a table of positions holds what."""

    account: str = of(Text(64), "the account", default="account")
    collateral_asset: str = of(Text(64), "the asset put up", default="collateral_asset")
    collateral: str = of(Text(64), "how much of it, whole units", default="collateral")
    debt_asset: str = of(Text(64), "the asset owed", default="debt_asset")
    debt: str = of(Text(64), "how much of it, whole units", default="debt")


@attrs.frozen(kw_only=True)
class PositionRow:
    """`[[positions]]` as it stands in the file: one position, or a table of them."""

    venue: str = of(Ref("venues"), "where the position is")
    account: str | None = of(Name(), "whose it is", default=None)
    collateral: str | None = of(
        Ref("reserves"), "what is put up (with a file: for all its rows)", default=None
    )
    collateral_amount: int | None = of(Amount("collateral"), "how much of it", default=None)
    debt: str | None = of(Ref("reserves"), "what is owed (with a file: for all its rows)", default=None)
    debt_amount: int | None = of(Amount("debt"), "how much of it", default=None)
    file: str | None = of(File(), "a CSV file in the scenario's folder with one position a row", default=None)
    columns: Columns = of(Table(Columns), "which column of the file holds what", factory=Columns)


@attrs.frozen(kw_only=True)
class Position:
    """One debtor's collateral and debt, whether it stood in the scenario or in a table."""

    account: str
    venue: str
    collateral: str
    collateral_amount: int
    debt: str
    debt_amount: int
