"""The rows of a venue's tables in a scenario: tiers, what recovered money repays, and what tiers look up.

They say what `mutualize.tier.Tier` and `mutualize.recoveries.Row` say, in whole units of assets, and by asset
where an amount means something else in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from mutualize.recoveries import RULES
from mutualize.scenario.fields import (
    Amount,
    Amounts,
    Choice,
    Flag,
    Name,
    Numeral,
    Ref,
    Refs,
    Table,
    Time,
    of,
    ratio,
    seconds,
)
from mutualize.scenario.market import PRICE_MAX
from mutualize.tier import NOW, PAYERS, PRO_RATA, SHARINGS, SNAPSHOTS
from mutualize.units import WAD

TIER_PRICES: Final = ("oracle", "market")
MULTIPLE_MAX: Final = 10**6 * WAD


@attrs.frozen(kw_only=True)
class Perimeter:
    """Which losses a tier covers, and which cohort of its payers takes part."""

    assets: tuple[str, ...] = of(Refs("assets"), "losses in these assets; left out: in all", default=())
    since: int | None = of(Time(), "of its payers, those who joined at this moment or later", default=None)
    before: int | None = of(Time(), "of its payers, those who joined before this moment", default=None)


@attrs.frozen(kw_only=True)
class Tier:
    """One row of a waterfall: whose money, up to how much, when, and shared how.

    It pays in `asset`, or else in the asset of its stake, or else in the asset that is missing (`pays_in`).
    """

    tier: str = of(Name(), "how the tier is called")
    payer: str = of(
        Choice(PAYERS),
        "whose money: a purse's (fund, house, stake), members' (members, assessment, debtor), what stands in"
        " the venue (claims, winners, holder, margin, loans, revenue), or what comes in (mint, injection)",
    )
    limit: int = ratio("the largest share of what the payer has left that one loss may take", default=WAD)
    of_loss: int = ratio(
        "the largest share of what reaches this tier of a loss that it pays; the rest is for those below",
        default=WAD,
    )
    amount_max: Mapping[str, int] = of(
        Amounts(spread=True, of="asset"),
        "the most that it pays at once, by the asset that is paid (what another tier passes on later counts"
        " anew); no entry: no such limit",
        factory=dict,
    )
    quota: Mapping[str, int] = of(
        Amounts(spread=True),
        "the most that it pays in each period of period_s, by the asset that is missing",
        factory=dict,
    )
    multiple: int = of(
        Numeral(18, 1, MULTIPLE_MAX),
        "assessment: of each member's contribution, for one default",
        default=WAD,
    )
    multiple_max: int | None = of(
        Numeral(18, 1, MULTIPLE_MAX),
        "assessment: of each member's contribution, in each period of period_s",
        default=None,
    )
    period_s: int | None = seconds(
        "how long a period of quota or multiple_max is, counted from 1970", 1, default=None
    )
    min_left: Mapping[str, int] = of(
        Amounts(spread=True, of="asset"), "this much always stays, by the asset that is paid", factory=dict
    )
    offset: Mapping[str, int] = of(
        Amounts(spread=True),
        "this much of a loss is left to the tiers below, by the asset that is missing",
        factory=dict,
    )
    used: bool = of(Flag(), "false: the tier exists and is not used", default=True)
    wait_s: int = seconds("not before so long after the loss was recognised", default=0)
    vote: str | None = of(
        Name(), "not before this vote: a row of governance that releases the tier", default=None
    )
    due_s: int | None = seconds(
        "pays later, by so long after it was made to owe; what it lacks goes to the tiers below", default=None
    )
    asset: str | None = of(Ref("assets"), "what is paid with, if not the asset that is missing", default=None)
    purse: str | None = of(Name(), "the purse of another tier that it pays from", default=None)
    stake: str | None = of(Ref("stakes"), "payer stake: which", default=None)
    holder: str | None = of(
        Name(), "payer holder: whose claim is cancelled; payer injection: who injects", default=None
    )
    sharing: str = of(Choice(SHARINGS, "way of sharing"), "how payers share the loss", default=PRO_RATA)
    by: str | None = of(Name(), "the table of weights or ranks that they share by", default=None)
    snapshot: str = of(Choice(SNAPSHOTS), "as of when entitlements are read", default=NOW)
    perimeter: Perimeter = of(Table(Perimeter), "what it covers, and who takes part", factory=Perimeter)
    every_asset: bool = of(
        Flag(), "custody: accounts of every asset are cut, by value (false: of the lost one)", default=False
    )
    iou: str | None = of(Name(), "the IOU that those who are cut get for what they lost", default=None)
    iou_asset: str | None = of(
        Ref("assets"), "what the IOU is counted in, if not the lost asset", default=None
    )
    price: int | str | None = of(
        Numeral(8, 1, PRICE_MAX, also=TIER_PRICES),
        "at which price another asset pays: a number, the oracle's, or the market's (through its depth)",
        default=None,
    )
    loss_price: int | None = of(
        Numeral(8, 1, PRICE_MAX), "at which price the lost asset counts, if not the oracle's", default=None
    )
    discount: int = ratio("by how much less than that price it sells", default=0)


@attrs.frozen(kw_only=True)
class Recovery:
    """One row of the table of recoveries: what recovered money repays, row after row."""

    row: str = of(Name(), "how the row is called")
    rule: str = of(Choice(RULES), "who is given money, and in which order")
    tier: str | None = of(Name(), "rules tier and replenish: which", default=None)
    iou: str | None = of(Name(), "rule ious: which; left out: all", default=None)
    limit: int = ratio("the largest share of what the rows above left", default=WAD)
    asset: str | None = of(
        Ref("assets"), "only what is recovered in this asset; amount and target are in it", default=None
    )
    amount: int | None = of(Amount("asset"), "the most that it shares out in all", default=None)
    target: int = of(Amount("asset"), "rule replenish: up to what the purse is filled", default=0)
    donors: tuple[str, ...] = of(Refs(), "whose money it shares out; left out: everybody's", default=())
    skip: tuple[str, ...] = of(Refs(), "tiers that it gives nothing", default=())


CONTRACT_TIERS: Final = (
    Tier(tier="surplus-buffer", payer="fund"),
    Tier(tier="dilution", payer="mint"),
    Tier(tier="shutdown", payer="claims", used=False),
)
"""What a vault engine's own contract does, in this order: no scenario can say otherwise."""
