"""A tier: one row of a waterfall. Whose money, up to how much, when, and shared how.

payer     fund, house, stake · members, assessment, debtor · claims, winners, holder, margin
          depositors, loans · mint, injection, revenue
limit     a share of what is left, an amount, a multiple of a contribution, a quota; above an offset
when      at once · not before a wait or a vote · later, by a deadline, and passes on what it lacks
sharing   pro rata · by weight · ranked · first-loss, as things are now or at the default
"""

from __future__ import annotations

from typing import Final

import attrs

from mutualize.units import WAD, mul_div_down

FUND, HOUSE, STAKE = "fund", "house", "stake"
MEMBERS, ASSESSMENT, DEBTOR = "members", "assessment", "debtor"
CLAIMS, WINNERS, HOLDER, MARGIN = "claims", "winners", "holder", "margin"
LOANS, MINT, INJECTION, REVENUE = "loans", "mint", "injection", "revenue"
DEPOSITORS: Final = "depositors"
PAYERS: Final = (
    FUND,
    HOUSE,
    STAKE,
    MEMBERS,
    ASSESSMENT,
    DEBTOR,
    CLAIMS,
    WINNERS,
    HOLDER,
    MARGIN,
    DEPOSITORS,
    LOANS,
    MINT,
    INJECTION,
    REVENUE,
)
"""Whose money a tier can be."""

PRO_RATA, BY_WEIGHT, RANKED, FIRST_LOSS = "pro-rata", "by-weight", "ranked", "first-loss"
SHARINGS: Final = (PRO_RATA, BY_WEIGHT, RANKED, FIRST_LOSS)
"""How several payers of one tier share what it owes."""

NOW, AT_DEFAULT = "now", "at-default"
SNAPSHOTS: Final = (NOW, AT_DEFAULT)
"""As of when entitlements and weights are read."""


@attrs.frozen(kw_only=True)
class Perimeter:
    """What a tier covers: losses in these `assets` (empty: in all), borne by these payers.

    `since` and `before` are moments: of a tier's payers only those take part who joined at or after `since`
    and before `before` (None: no such bound).
    """

    assets: tuple[str, ...] = ()
    since: int | None = None
    before: int | None = None

    def covers(self, asset: str) -> bool:
        """Say whether a loss in this asset is the tier's concern."""
        return not self.assets or asset in self.assets

    def includes(self, joined: int) -> bool:
        """Say whether somebody who joined at that moment takes part."""
        return (self.since is None or joined >= self.since) and (self.before is None or joined < self.before)

    @property
    def has_cohort(self) -> bool:
        """Say whether it leaves anybody out by when he joined."""
        return self.since is not None or self.before is not None


@attrs.frozen(kw_only=True)
class Quota:
    """At most `amount` base units of the loss in each period of `period_s`, counted from 1970-01-01."""

    amount: int
    period_s: int


EVERYTHING: Final = Perimeter()


@attrs.frozen(kw_only=True)
class Tier:
    """One row of the table.

    name         what the tier is called, and whose account it is (`<venue>:tier:<name>`, unless `purse`)
    payer        one of `PAYERS`
    limit        largest share of what is left that one shortfall may take, in WAD
    of_loss      largest share of what reaches the tier of a loss that it pays, in WAD, rounded down
    amount_max   largest amount that it pays at once, in base units of the paying asset (None: no limit)
    quota        how much it pays in a period, in base units of the loss
    multiple     assessment: of each member's contribution, at most this many WAD per default …
    multiple_max … and this many per period (`period_s`); None: no such limit
    min_left     base units that always stay
    offset       the part of the rest, in base units of the loss, that this tier leaves to those below
    used         False for a tier that exists and is not used
    wait_s       not before so many seconds after the loss was recognised
    vote         not before a vote, which also says how much
    due_s        pays later, by so many seconds after it was made to owe (None: at once)
    asset        the asset it pays in, where that is not the asset of the loss
    purse        whose purse it is, where several tiers share one (empty: its own, by its name)
    stake        which stake pays (payer 'stake')
    holder       whose claim is cancelled (payer 'holder'), or who injects (payer 'injection')
    sharing, by  one of `SHARINGS`, and the table of weights or ranks that it goes by
    snapshot     one of `SNAPSHOTS`
    perimeter    which losses it covers, and which cohort of its payers
    every_asset  accounts of every asset pay, by value at published prices (False: of the lost one only)
    iou          the name of the IOU that who is cut gets for what he lost (empty: he gets nothing)
    iou_asset    what that is counted in, where it is not the lost asset
    price        fixed price of the paying asset, 8 decimals; None: what the oracle says
    loss_price   fixed price of the lost asset, 8 decimals; None: what the oracle says
    discount     what a buyer takes off the price, in WAD
    depth        (amount, impact in WAD): selling `amount` moves the price by `impact`; None: no slippage
    """

    name: str
    payer: str
    limit: int = WAD
    of_loss: int = WAD
    amount_max: int | None = None
    quota: Quota | None = None
    multiple: int = WAD
    multiple_max: int | None = None
    period_s: int = 0
    min_left: int = 0
    offset: int = 0
    used: bool = True
    wait_s: int = 0
    vote: str = ""
    due_s: int | None = None
    asset: str = ""
    purse: str = ""
    stake: str = ""
    holder: str = ""
    sharing: str = PRO_RATA
    by: str = ""
    snapshot: str = NOW
    perimeter: Perimeter = EVERYTHING
    every_asset: bool = False
    iou: str = ""
    iou_asset: str = ""
    price: int | None = None
    loss_price: int | None = None
    discount: int = 0
    depth: tuple[int, int] | None = None

    @property
    def account(self) -> str:
        """Which tier account its money stands in."""
        return self.purse or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names that stand in events about it."""
        return self.name, self.account, self.stake

    @property
    def waits(self) -> bool:
        """Say whether it has to wait or to be voted on before it owes anything."""
        return bool(self.wait_s or self.vote)

    def share_of(self, loss: int) -> int:
        """Return how much of what reaches it of a loss it would pay, had it enough; rounded down."""
        return mul_div_down(max(0, loss - self.offset), self.of_loss, WAD)


def allowed(tier: Tier, left: int) -> int:
    """Return how much of what is left a tier may use, by its own limits, rounded down."""
    most = mul_div_down(max(0, left - tier.min_left), tier.limit, WAD)
    return most if tier.amount_max is None else min(most, tier.amount_max)
