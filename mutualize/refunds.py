"""The way back: how recovered money reaches those who paid, the mirror of `payers.py`.

    fund, house, stake    into the purse; bought back at the oracle's price, where it paid in another asset
    members, debtor       into the fund, to each member's contribution
    of the venue          into claims, balances, loans, revenue: what only the venue itself can give
    the others            out, to whoever brought the money: it passes through and is the venue's at no time

`takes` says how much a tier can take back, `refund` gives it: a consequence, so it is never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.accounts import Transfer, account, tier_account
from mutualize.book import balance
from mutualize.commands import ReturnFunds
from mutualize.members import cells_of_parts
from mutualize.payers import Payment, Terms, converts
from mutualize.tier import DEBTOR, FUND, HOLDER, HOUSE, MEMBERS, STAKE, Tier
from mutualize.units import UINT256_MAX, mul_div_down

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.cover import Cover

PURSES = (FUND, HOUSE, STAKE)


class Refunds:
    """How each payer of a venue is given back what it paid."""

    def __init__(self, cover: Cover, stakes: Mapping[str, StakePool], decimals: Mapping[str, int]) -> None:
        self._cover, self._stakes, self._terms = cover, stakes, Terms(cover, decimals)

    def room(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return how much a tier has room for in all, in base units of the recovered asset."""
        if tier.payer in self._cover.payers:
            return self._cover.room(view, tier, asset, at)
        if tier.payer in PURSES and not self._bought(view, tier, asset, UINT256_MAX):
            return 0
        return UINT256_MAX

    def takes(self, view: View, tier: Tier, asset: str, amount: int) -> int:
        """Return `amount`, or 0 where a stake does not take so little, or has nobody who could own it."""
        if tier.payer not in PURSES:
            return amount
        bought = self._bought(view, tier, asset, amount)
        if tier.payer != STAKE:
            return amount if bought else 0
        return amount if self._stakes[tier.stake].is_returnable(view, bought) else 0

    def refund(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], donor: str, at: int
    ) -> Payment:
        """Give `amount` back to a tier that takes it; `parts` to those of its payers known by name."""
        if tier.payer in PURSES:
            return self._to_purse(view, tier, asset, amount, donor, at)
        if tier.payer in (MEMBERS, DEBTOR):
            into = self._into(tier.account, asset, amount)
            lowered = {name: -part for name, part in parts.items()}
            cells = tuple(sorted(cells_of_parts(view, self._cover.name, tier.account, asset, lowered)))
            return Payment(tier.name, asset, amount, (), (into,), cells, parts)
        if tier.payer in self._cover.payers:
            change = self._cover.give(view, tier, asset, amount, parts, at)
            before, transfers, cells, _ = change
            return Payment(tier.holder or tier.payer, asset, amount, tuple(before), transfers, cells, parts)
        return Payment(tier.holder or tier.name, asset, amount, (), (), (), parts)

    def held(self, view: View, tier: Tier, asset: str) -> int | None:
        """Return what a purse holds of an asset; None where the tier has none in it."""
        if tier.payer not in PURSES or converts(tier, asset):
            return None
        if tier.payer == STAKE:
            stake = self._stakes[tier.stake]
            return stake.assets(view) if stake.asset == asset else None
        return balance(view, tier_account(self._cover.name, tier.account), asset)

    def redeem(self, view: View, iou: str, asset: str, parts: Mapping[str, int], at: int) -> Payment:
        """Pay holders of an IOU: what they get is theirs at the venue, to be taken out as all else."""
        before, transfers, cells, _ = self._cover.credit(view, asset, parts, at)
        return Payment(iou, asset, sum(parts.values()), tuple(before), transfers, cells, parts)

    def room_for_ious(self, view: View, asset: str, at: int) -> int:
        """Return how much holders by name can be given."""
        return self._cover.room(view, Tier(name="", payer=HOLDER), asset, at)

    def _into(self, purse: str, asset: str, amount: int) -> Transfer:
        return Transfer(
            account(self._cover.name, "cash"), tier_account(self._cover.name, purse), asset, amount
        )

    def _pays_in(self, tier: Tier, asset: str) -> str:
        return tier.asset if converts(tier, asset) else asset

    def _bought(self, view: View, tier: Tier, asset: str, amount: int) -> int:
        """Return how much of its own asset a purse gets back, rounded down; 0 where there is no price."""
        if not converts(tier, asset):
            return amount
        terms = self._terms.of(view, tier, asset)
        if not terms.price:
            return 0
        worth = amount * terms.loss_price * int(10**terms.decimals)
        return mul_div_down(worth, 1, terms.price * int(10**terms.loss_decimals))

    def _to_purse(self, view: View, tier: Tier, asset: str, amount: int, donor: str, at: int) -> Payment:
        paid_in, paid = self._pays_in(tier, asset), self._bought(view, tier, asset, amount)
        if tier.payer != STAKE:
            return Payment(tier.name, paid_in, paid, (), (self._into(tier.account, paid_in, paid),), ())
        stake = self._stakes[tier.stake]
        give = ReturnFunds(venue=stake.name, account=donor, stake=stake.stake, assets=paid)
        return Payment(stake.stake, paid_in, paid, tuple(stake.decide(view, give, at)), (), ())
