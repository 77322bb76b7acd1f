"""How the deficit of a venue of balances is paid: by its holders, its winners, one holder, or the debtor.

    of the lost asset     deficit falls, and with it what the venue owes:   balance −= part
    of another asset      balance −= the least that is worth the part; it is sold at published prices,
                          the lost asset comes in, the deficit falls; what rounding leaves over is residue

Who is asked, and how much each may lose, is one table (`_entitled`); how they share is `sharing.share`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.accounts import Transfer, account, tier_account
from mutualize.events import Cell
from mutualize.members import default_table, numbers_table
from mutualize.sharing import bearable, share
from mutualize.tables import ORACLE, balance_table, gains_table, since_table
from mutualize.tier import AT_DEFAULT, BY_WEIGHT, CLAIMS, HOLDER, MARGIN, PRO_RATA, WINNERS, Tier
from mutualize.units import UINT256_MAX, div_down, mul_div_down, mul_div_up
from mutualize.venues.cover import Change

if TYPE_CHECKING:
    from mutualize.book import View


class CustodyCover:
    """A venue of balances, as tiers see it. `period_s` is that of its gains."""

    payers: tuple[str, ...] = (CLAIMS, WINNERS, HOLDER, MARGIN)
    named: tuple[str, ...] = payers

    def __init__(self, name: str, decimals: Mapping[str, int], period_s: int) -> None:
        self.name, self.assets, self._decimals = name, tuple(decimals), dict(decimals)
        self._period_s = period_s

    def decimals(self, _view: View, asset: str) -> int:
        """Return the decimals of an asset."""
        return self._decimals[asset]

    # --- paying a deficit --------------------------------------------------------------------------------

    def from_tier(self, _view: View, asset: str, tier: str, amount: int, _at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""
        return Change([], (self._to(tier_account(self.name, tier), "deficit", asset, amount),), ())

    def from_outside(self, _view: View, asset: str, amount: int, _at: int) -> Change:
        """Pay with money that comes in."""
        return Change([], (self._to(account(self.name, "cash"), "deficit", asset, amount),), ())

    def left(self, view: View, tier: Tier, asset: str, at: int, debtor: str) -> int:
        """Return what those whom a tier asks can bear together."""
        caps = self._entitled(view, tier, asset, at, debtor)
        sharing, numbers = self._way(view, tier, asset, caps)
        return bearable(sharing, caps, numbers)

    def take(self, view: View, tier: Tier, asset: str, amount: int, at: int, debtor: str) -> Change:
        """Cut each account by its part, in its own asset."""
        caps = self._entitled(view, tier, asset, at, debtor)
        sharing, numbers = self._way(view, tier, asset, caps)
        cut: dict[str, dict[str, int]] = {}
        borne: dict[str, int] = {}
        worth: dict[str, int] = {}
        for key, part in share(sharing, amount, caps, numbers).items():
            paid_in, _, holder = key.partition("/")
            cut.setdefault(paid_in, {})[holder] = self._needed(view, tier, asset, paid_in, part)
            worth[paid_in] = worth.get(paid_in, 0) + part
            borne[holder] = borne.get(holder, 0) + part
        transfers: list[Transfer] = []
        cells: list[Cell] = []
        for paid_in, cuts in sorted(cut.items()):
            transfers += self._sold(view, tier, asset, paid_in, worth[paid_in], sum(cuts.values()))
            cells += self._cut(view, tier, paid_in, cuts, at)
        return Change([], tuple(transfers), tuple(sorted(cells)), borne)

    def entitled(self, view: View, tier: Tier, asset: str, at: int) -> dict[str, int]:
        """Return what a tier's accounts are worth now in the lost asset's base units, by '<asset>/<name>'."""
        return self._entitled(view, tier, asset, at, "")

    def _entitled(self, view: View, tier: Tier, asset: str, at: int, debtor: str) -> dict[str, int]:
        """Return the most that each account may bear, in base units of the lost asset, rounded down."""
        found: dict[str, int] = {}
        for paid_in in self._paying(view, tier, asset):
            for holder, held in self._held(view, tier, paid_in, at, debtor).items():
                if held > 0 and self._includes(view, tier, holder):
                    found[f"{paid_in}/{holder}"] = self._worth(view, tier, asset, paid_in, held)
        return found

    def _paying(self, view: View, tier: Tier, asset: str) -> list[str]:
        """Return the assets whose accounts are asked. One that is short itself does not pay for another."""
        if not tier.every_asset or tier.payer == WINNERS:
            return [asset]
        deficit = account(self.name, "deficit")
        return [
            each
            for each in self.assets
            if each == asset
            or (view.cell(ORACLE, each) and self._price(view, tier, asset) and not view.debits(deficit, each))
        ]

    def _held(self, view: View, tier: Tier, asset: str, at: int, debtor: str) -> Mapping[str, int]:
        """Return what those whom a tier asks have at stake in one asset."""
        balances = view.table(balance_table(self.name, asset))
        match tier.payer:
            case "winners":
                gains = view.table(gains_table(self.name, asset, div_down(at, self._period_s)))
                return {
                    name: min(gain, balances.get(name, 0)) for name, gain in gains.items() if name != debtor
                }
            case "holder":
                return {tier.holder: balances.get(tier.holder, 0)}
            case "margin":
                return {debtor: balances.get(debtor, 0)}
        return balances

    def _includes(self, view: View, tier: Tier, holder: str) -> bool:
        perimeter = tier.perimeter
        return not perimeter.has_cohort or perimeter.includes(view.cell(since_table(self.name), holder))

    def _way(self, view: View, tier: Tier, asset: str, caps: Mapping[str, int]) -> tuple[str, dict[str, int]]:
        """Return how accounts share, and by which weights or ranks: a holder's hold for all his accounts."""
        if tier.sharing == PRO_RATA and tier.snapshot == AT_DEFAULT:
            then = view.table(default_table(self.name, tier.account, asset))
            return BY_WEIGHT, {key: then.get(key, 0) for key in caps}
        numbers = view.table(numbers_table(self.name, tier.by)) if tier.by else {}
        return tier.sharing, {key: numbers.get(key.partition("/")[2], 0) for key in caps}

    # --- one asset for another ---------------------------------------------------------------------------

    def _price(self, view: View, tier: Tier, asset: str) -> int:
        return view.cell(ORACLE, asset) if tier.loss_price is None else tier.loss_price

    def _worth(self, view: View, tier: Tier, asset: str, paid_in: str, held: int) -> int:
        """Return what an amount is worth in base units of the lost asset, rounded down."""
        if paid_in == asset:
            return held
        above, below = self._rate(view, tier, asset, paid_in)
        return mul_div_down(held, above, below)

    def _needed(self, view: View, tier: Tier, asset: str, paid_in: str, part: int) -> int:
        """Return the least amount that is worth a part of the loss."""
        if paid_in == asset:
            return part
        above, below = self._rate(view, tier, asset, paid_in)
        return mul_div_up(part, below, above)

    def _rate(self, view: View, tier: Tier, asset: str, paid_in: str) -> tuple[int, int]:
        """Return base units of the lost asset for one base unit of another, as a fraction."""
        price = view.cell(ORACLE, paid_in)
        return (
            price * int(10 ** self._decimals[asset]),
            self._price(view, tier, asset) * int(10 ** self._decimals[paid_in]),
        )

    def _sold(self, view: View, tier: Tier, asset: str, paid_in: str, worth: int, cut: int) -> list[Transfer]:
        """Return the transfers of a cut: the claims that go, and what is sold for the lost asset."""
        claims = account(self.name, "claims")
        if paid_in == asset:
            return [self._to(claims, "deficit", asset, cut)]
        sold = self._needed(view, tier, asset, paid_in, worth)
        transfers = [
            self._to(claims, "cash", paid_in, sold),
            self._to(account(self.name, "cash"), "deficit", asset, worth),
        ]
        return transfers if sold == cut else [*transfers, self._to(claims, "residue", paid_in, cut - sold)]

    def _cut(self, view: View, tier: Tier, asset: str, cuts: Mapping[str, int], at: int) -> list[Cell]:
        """Return what is left of balances; a winner has gained less."""
        tables = [balance_table(self.name, asset)]
        if tier.payer == WINNERS:
            tables.append(gains_table(self.name, asset, div_down(at, self._period_s)))
        return [
            Cell(table, name, view.cell(table, name) - part)
            for table in tables
            for name, part in cuts.items()
        ]

    # --- the way back ------------------------------------------------------------------------------------

    def room(self, _view: View, _tier: Tier, _asset: str, _at: int) -> int:
        """Return how much a payer of `payers` can be given back."""
        return UINT256_MAX

    def give(
        self, view: View, _tier: Tier, asset: str, _amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Give back to those who were cut, in the recovered asset."""
        return self.credit(view, asset, parts, at)

    def credit(self, view: View, asset: str, parts: Mapping[str, int], _at: int) -> Change:
        """Raise named holders' balances by money that comes in."""
        table = balance_table(self.name, asset)
        cells = [Cell(table, name, view.cell(table, name) + part) for name, part in sorted(parts.items())]
        return Change(
            [], (self._to(account(self.name, "cash"), "claims", asset, sum(parts.values())),), tuple(cells)
        )

    def _to(self, debit: str, credit: str, asset: str, amount: int) -> Transfer:
        return Transfer(debit, account(self.name, credit), asset, amount)
