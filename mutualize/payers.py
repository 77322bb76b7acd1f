"""The payers of a waterfall: whose money a tier is, what it can pay, and how it does.

    Purse     fund, house, stake    money held for the tier, slashed or used; converted where it must be
    Outside   mint, injection       money that comes in: tokens sold, or an operator's own
    Members   members, debtor       contributions to a fund: of those who did not default, or his own
    Called    assessment            a call for more, by contributions, capped per default and per period
    OfVenue   claims, loans …       what only the venue itself can take

A payer says how much it can pay of a loss (`capacity`, rounded down) and pays exactly what it is made to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Protocol as Face

import attrs

from mutualize.accounts import Transfer, account, tier_account
from mutualize.book import EMPTY, balance
from mutualize.conversion import Conversion
from mutualize.errors import Reason, require
from mutualize.events import Cell, Event
from mutualize.members import caps_of, cells_of_parts, contributions, way_of
from mutualize.sharing import bearable, share
from mutualize.tables import ORACLE
from mutualize.tier import (
    ASSESSMENT,
    BY_WEIGHT,
    DEBTOR,
    FUND,
    HOUSE,
    INJECTION,
    MARGIN,
    MEMBERS,
    MINT,
    REVENUE,
    STAKE,
    Tier,
    allowed,
)
from mutualize.tier_events import MembersCalled
from mutualize.units import UINT256_MAX, WAD, div_down, mul_div_down

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.cover import Cover


@attrs.frozen
class Loss:
    """What a tier is asked about: a loss in `asset` at a moment, and whose it is (where that matters)."""

    asset: str
    at: int
    debtor: str = ""


@attrs.frozen
class Payment:
    """What a payer gave: `paid` base units of `asset` for the amount that it was made to owe.

    `parts` says who bore how much of that amount, where they are known by name.
    """

    bearer: str
    asset: str
    paid: int
    before: tuple[Event, ...]
    transfers: tuple[Transfer, ...]
    cells: tuple[Cell, ...]
    parts: Mapping[str, int] = EMPTY


class Payer(Face):
    """Whose money a kind of tier takes."""

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return the most that this tier can pay, in base units of the lost asset, rounded down."""

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Pay exactly `amount` ≤ capacity."""

    def call(self, view: View, tier: Tier, loss: Loss, amount: int) -> list[Event]:
        """Return what being made to owe `amount` by a deadline leads to at once."""

    def answerable(self, view: View, tier: Tier, loss: Loss, account: str) -> int:
        """Return how much of what the tier owes by a deadline can be paid now, if `account` asks."""

    def answer(self, view: View, tier: Tier, loss: Loss, account: str, amount: int) -> Payment:
        """Pay `amount` ≤ answerable of it."""

    def lapse(self, view: View, tier: Tier, asset: str) -> tuple[Cell, ...]:
        """Return what becomes of what the tier still owes when its deadline has come."""


class Prompt(ABC):
    """What most payers have in common: they owe as a whole, and pay out of one purse, whoever asks."""

    @abstractmethod
    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return the most that this tier can pay."""

    @abstractmethod
    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Pay exactly `amount` ≤ capacity."""

    def call(self, _view: View, _tier: Tier, _loss: Loss, _amount: int) -> list[Event]:
        """Nothing follows."""
        return []

    def answerable(self, view: View, tier: Tier, loss: Loss, _account: str) -> int:
        """Return what it can pay now."""
        return self.capacity(view, attrs.evolve(tier, due_s=None), loss)

    def answer(self, view: View, tier: Tier, loss: Loss, _account: str, amount: int) -> Payment:
        """Pay."""
        return self.pay(view, tier, loss, amount)

    def lapse(self, _view: View, _tier: Tier, _asset: str) -> tuple[Cell, ...]:
        """Nothing is left of it."""
        return ()


def payers_of(
    cover: Cover, stakes: Mapping[str, StakePool], decimals: Mapping[str, int]
) -> Mapping[str, Payer]:
    """Return the payers of a venue by their names; `decimals` are those of assets that tiers pay in."""
    terms = Terms(cover, decimals)
    purse, outside, members = Purse(cover, terms, stakes), Outside(cover, terms), Members(cover)
    own = OfVenue(cover)
    return {
        **dict.fromkeys((FUND, HOUSE, STAKE), purse),
        **dict.fromkeys((MINT, INJECTION), outside),
        **dict.fromkeys((MEMBERS, DEBTOR), members),
        ASSESSMENT: Called(cover),
        **dict.fromkeys(cover.payers, own),
    }


def converts(tier: Tier, asset: str) -> bool:
    """Say whether a tier pays a loss in this asset with another one."""
    return bool(tier.asset) and tier.asset != asset


def paying_price(view: View, tier: Tier) -> int:
    """Return the price of the asset that a tier pays in, 8 decimals."""
    return view.cell(ORACLE, tier.asset) if tier.price is None else tier.price


@attrs.frozen
class Terms:
    """At which terms a tier's own asset becomes the lost one."""

    cover: Cover
    decimals: Mapping[str, int]

    def of(self, view: View, tier: Tier, asset: str) -> Conversion:
        """Return the terms for one tier and one lost asset, as the oracle's prices are now."""
        oracle_price = view.cell(ORACLE, asset)
        return Conversion(
            price=paying_price(view, tier),
            decimals=self.decimals[tier.asset],
            loss_price=oracle_price if tier.loss_price is None else tier.loss_price,
            loss_decimals=self.cover.decimals(view, asset),
            discount=tier.discount,
            depth=tier.depth,
        )


class Purse(Prompt):
    """Money that is held for a tier: a fund, or what a stake's shares stand for. Converts where it must."""

    def __init__(self, cover: Cover, terms: Terms, stakes: Mapping[str, StakePool]) -> None:
        self._cover = cover
        self._terms = terms
        self._stakes = stakes

    def _left(self, view: View, tier: Tier, asset: str) -> int:
        if tier.payer == STAKE:
            stake = self._stakes[tier.stake]
            if stake.asset != asset and not tier.asset:
                return 0
            return allowed(tier, stake.slashable(view))
        return allowed(tier, balance(view, tier_account(self._cover.name, tier.account), tier.asset or asset))

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return what the money at hand is worth in the asset of the loss, rounded down."""
        left = self._left(view, tier, loss.asset)
        if not left or not converts(tier, loss.asset):
            return left
        return self._terms.of(view, tier, loss.asset).worth_down(left)

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Pay from the purse; a stake is slashed for it, shares untouched."""
        sells, asset, paid, name = converts(tier, loss.asset), loss.asset, amount, tier.account
        if sells:
            terms = self._terms.of(view, tier, asset)
            paid = terms.needed_up(amount, self._left(view, tier, asset))
        slashes: list[Event] = []
        if tier.payer == STAKE:
            stake = self._stakes[tier.stake]
            name = stake.stake
            slashes = [stake.slashed(view, paid, leaves=sells)]
        bearer = name if tier.payer == STAKE else tier.name
        if not sells:
            before, transfers, cells, _ = self._cover.from_tier(view, asset, name, amount, loss.at)
            return Payment(bearer, asset, paid, (*before, *slashes), transfers, cells)
        before, transfers, cells, _ = self._cover.from_outside(view, asset, amount, loss.at)
        if tier.payer != STAKE and paid:
            cash = account(self._cover.name, "cash")
            transfers += (Transfer(tier_account(self._cover.name, name), cash, tier.asset, paid),)
        return Payment(bearer, tier.asset, paid, (*before, *slashes), transfers, cells)


class Outside(Prompt):
    """Money that comes in: new tokens that dilute their holders, or an operator's own money."""

    def __init__(self, cover: Cover, terms: Terms) -> None:
        self._cover = cover
        self._terms = terms

    def _most(self, tier: Tier) -> int:
        """Return how much of its own asset a tier may bring. The loader has seen to it that it says so."""
        assert tier.amount_max is not None, "a mint or an injection without an amount has no end"
        return tier.amount_max

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return what the tokens or the money are worth in the asset of the loss, rounded down."""
        most = self._most(tier)
        return self._terms.of(view, tier, loss.asset).worth_down(most) if converts(tier, loss.asset) else most

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Bring the amount in. What was minted or given for it was never the venue's."""
        asset, paid = loss.asset, amount
        if converts(tier, asset):
            asset = tier.asset
            paid = self._terms.of(view, tier, loss.asset).needed_up(amount, self._most(tier))
        before, transfers, cells, _ = self._cover.from_outside(view, loss.asset, amount, loss.at)
        return Payment(tier.holder or tier.name, asset, paid, tuple(before), transfers, cells)


class Members(Prompt):
    """Contributions to a fund: of all members but the debtor, or of the debtor alone."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover

    def _caps(self, view: View, tier: Tier, loss: Loss) -> dict[str, int]:
        caps = caps_of(view, self._cover.name, tier, loss.asset)
        if tier.payer == DEBTOR:
            return {name: cap for name, cap in caps.items() if name == loss.debtor}
        return {name: cap for name, cap in caps.items() if name != loss.debtor}

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return what those members have in the fund and may lose, within the tier's limits."""
        caps = self._caps(view, tier, loss)
        sharing, numbers = way_of(view, self._cover.name, tier, loss.asset)
        return allowed(tier, bearable(sharing, caps, numbers))

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Take each member's part out of the fund."""
        sharing, numbers = way_of(view, self._cover.name, tier, loss.asset)
        parts = share(sharing, amount, self._caps(view, tier, loss), numbers)
        before, transfers, cells, _ = self._cover.from_tier(view, loss.asset, tier.account, amount, loss.at)
        taken = cells_of_parts(view, self._cover.name, tier.account, loss.asset, parts)
        bearer = loss.debtor if tier.payer == DEBTOR else tier.name
        changed = tuple(sorted((*cells, *taken)))
        return Payment(bearer, loss.asset, amount, tuple(before), transfers, changed, parts)


class Called(Prompt):
    """A call for more money: each member in proportion to his contribution, up to a multiple of it.

    Without a deadline all pay at once. With one, each pays his own part when he answers, or does not.
    """

    def __init__(self, cover: Cover) -> None:
        self._cover = cover

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return how much all members but the debtor can still be called for."""
        return allowed(tier, sum(assessable(view, self._cover.name, tier, loss).values()))

    def _parts(self, view: View, tier: Tier, loss: Loss, amount: int) -> dict[str, int]:
        """Share what is called: in proportion to contributions, as far as caps allow."""
        venue = self._cover.name
        weights = contributions(view, venue, tier, loss.asset)
        return share(BY_WEIGHT, amount, assessable(view, venue, tier, loss), weights)

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Take every member's part at once, out of his own pocket."""
        parts = self._parts(view, tier, loss, amount)
        return self._paid(
            view, loss, parts, tier.name, assessed_cells(view, self._cover.name, tier, loss, parts)
        )

    def _paid(
        self, view: View, loss: Loss, parts: Mapping[str, int], bearer: str, cells: list[Cell]
    ) -> Payment:
        amount = sum(parts.values())
        before, transfers, changed, _ = self._cover.from_outside(view, loss.asset, amount, loss.at)
        cells_after = tuple(sorted((*changed, *cells)))
        return Payment(bearer, loss.asset, amount, tuple(before), transfers, cells_after, parts)

    def call(self, view: View, tier: Tier, loss: Loss, amount: int) -> list[Event]:
        """Call every member for his part."""
        venue, parts = self._cover.name, self._parts(view, tier, loss, amount)
        table = called_table(venue, tier.name, loss.asset)
        calls = [Cell(table, name, view.cell(table, name) + part) for name, part in parts.items()]
        cells = tuple(sorted((*calls, *assessed_cells(view, venue, tier, loss, parts))))
        return [MembersCalled(venue=venue, asset=loss.asset, tier=tier.name, amount=amount, cells=cells)]

    def answerable(self, view: View, tier: Tier, loss: Loss, account: str) -> int:
        """Return what this member was called for and has not paid. Refuses who was not called."""
        called = view.cell(called_table(self._cover.name, tier.name, loss.asset), account)
        require(called > 0, Reason.CALLER_IS_NOT_CALLED)
        return called

    def answer(self, view: View, tier: Tier, loss: Loss, account: str, amount: int) -> Payment:
        """Pay a member's part of it, or some of that."""
        table = called_table(self._cover.name, tier.name, loss.asset)
        left = Cell(table, account, view.cell(table, account) - amount)
        return self._paid(view, loss, {account: amount}, account, [left])

    def lapse(self, view: View, tier: Tier, asset: str) -> tuple[Cell, ...]:
        """Nobody is called any more."""
        table = called_table(self._cover.name, tier.name, asset)
        return tuple(Cell(table, name, 0) for name, called in sorted(view.table(table).items()) if called)


class OfVenue(Prompt):
    """What only the venue can take: claims, winners' gains, one holder's claim, loans, revenue."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return what the venue can take, within the tier's limits; revenue to come has no other."""
        if tier.payer == REVENUE and tier.due_s is not None:
            return allowed(tier, UINT256_MAX)
        return allowed(tier, self._cover.left(view, tier, loss.asset, loss.at, loss.debtor))

    def pay(self, view: View, tier: Tier, loss: Loss, amount: int) -> Payment:
        """Take it."""
        change = self._cover.take(view, tier, loss.asset, amount, loss.at, loss.debtor)
        bearer = loss.debtor if tier.payer == MARGIN else tier.holder or tier.payer
        before, transfers, cells, parts = change
        return Payment(bearer, loss.asset, amount, tuple(before), transfers, cells, parts)


# --- assessments -----------------------------------------------------------------------------------------


def called_table(venue: str, tier: str, asset: str) -> str:
    """Name the table of what members were called for and have not paid."""
    return f"{venue}.called.{tier}.{asset}"


def _assessed_table(venue: str, tier: Tier, asset: str) -> str:
    return f"{venue}.assessed.{tier.name}.{asset}"


def _period(tier: Tier, at: int) -> str:
    return str(div_down(at, tier.period_s)) if tier.period_s else "0"


def assessable(view: View, venue: str, tier: Tier, loss: Loss) -> dict[str, int]:
    """Return the most that each member but the debtor can be called for by one default, base units.

    A multiple of his contribution per default, and a larger one per period, of which earlier calls were part.
    """
    caps = {}
    table, period = _assessed_table(venue, tier, loss.asset), _period(tier, loss.at)
    for name, contribution in contributions(view, venue, tier, loss.asset).items():
        if name == loss.debtor:
            continue
        cap = _multiple(contribution, tier.multiple)
        if tier.multiple_max is not None:
            used = view.cell(table, f"{period}/{name}")
            cap = min(cap, max(0, _multiple(contribution, tier.multiple_max) - used))
        caps[name] = cap
    return caps


def _multiple(contribution: int, multiple: int) -> int:
    return mul_div_down(contribution, multiple, WAD)


def assessed_cells(view: View, venue: str, tier: Tier, loss: Loss, parts: Mapping[str, int]) -> list[Cell]:
    """Return the cells that count what members were called for in this period, where that is limited."""
    if tier.multiple_max is None:
        return []
    table, period = _assessed_table(venue, tier, loss.asset), _period(tier, loss.at)
    keys = {name: f"{period}/{name}" for name in parts}
    return [Cell(table, keys[name], view.cell(table, keys[name]) + part) for name, part in parts.items()]
