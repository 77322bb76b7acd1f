"""The error oracle: says of a command, before it is carried out, whether it must be refused, and why.

The rule: it knows the protocols' own guards in their own order and reads the auditor's figures; it shares no
code with the venues. Each function lists the guards that a command would fail, lazily, so that the first
one is the reason that must be given, and none at all means that the command must succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from auditor import BPS, ONE, WAD, Auditor, ceil_div
from laws import NUMBER
from systems import ASSETS, GOVERNANCE, TREASURY, UMBRELLA, Setup

from mutualize import commands as c
from mutualize.errors import Reason

WORD: Final = 2**256 - 1
Guards = Iterator[Reason]


class Case:
    """A state, a set-up and an instant, with what the guards ask about them."""

    def __init__(self, now: Auditor, setup: Setup, at: int) -> None:
        self.now, self.setup, self.at = now, setup, at

    def index(self, asset: str) -> int:
        """Return the liquidity index."""
        return self.now.indexes(asset, self.at)[0]

    def borrow_index(self, asset: str) -> int:
        """Return the borrow index."""
        return self.now.indexes(asset, self.at)[1]

    def free(self, asset: str) -> int:
        """Return what can be lent or paid out."""
        return self.now.reserve(asset).get("virtual", 0)

    def closed(self, asset: str) -> Guards:
        """Fail where an asset is not listed, or its reserve is paused."""
        if "decimals" not in self.now.reserve(asset):
            yield Reason.RESERVE_IS_UNKNOWN
        elif self.now.reserve(asset).get("paused"):
            yield Reason.RESERVE_IS_PAUSED

    def counted(self, amount: int, index: int) -> Guards:
        """Fail where an amount cannot be counted in units of an index."""
        if index == 0:
            yield Reason.RESERVE_IS_WIPED_OUT
        elif amount * ONE > WORD:
            yield Reason.AMOUNT_IS_TOO_LARGE

    def unsafe(self, owner: str, after: Mapping[tuple[str, str], int], flags: int) -> Guards:
        """Fail where somebody who owes would be unsafe with these units and flags."""
        if any(flags >> 2 * number & 1 for number in range(len(ASSETS))):
            health = Health(self, owner, after, flags)
            if health.unpriced:
                yield Reason.PRICE_IS_MISSING
            elif health.factor < WAD:
                yield Reason.POSITION_WOULD_BE_UNSAFE

    def losing(self, owner: str, asset: str, units: int) -> Guards:
        """Fail where giving up `units` of a claim that is collateral would make its owner unsafe."""
        flags = self.now.flags(owner)
        if flags >> 2 * NUMBER[asset] & 2:
            left = self.now.units("supply", asset, owner) - units
            flags = flags if left else flags & ~(2 << 2 * NUMBER[asset])
            yield from self.unsafe(owner, {("supply", asset): left}, flags)


class Health:
    """A position, with some units replaced."""

    def __init__(self, case: Case, owner: str, after: Mapping[tuple[str, str], int], flags: int) -> None:
        self.collateral = self.weighted = self.borrowable = self.debt = 0
        self.unpriced = False
        now, prices = case.now, case.now.cells.get("oracle", {})
        for number, asset in enumerate(ASSETS):
            used = flags >> 2 * number & 3
            if not used:
                continue
            if asset not in prices:
                self.unpriced = True
                return
            cells, price = now.reserve(asset), prices[asset]
            unit = 10 ** cells["decimals"]
            if used & 2 and cells["threshold"]:
                units = after.get(("supply", asset), now.units("supply", asset, owner))
                value = units * case.index(asset) // ONE * price // unit
                self.collateral += value
                self.weighted += value * cells["threshold"]
                self.borrowable += value * cells.get("ltv", 0)
            if used & 1:
                units = after.get(("debt", asset), now.units("debt", asset, owner))
                self.debt += ceil_div(ceil_div(units * case.borrow_index(asset), ONE) * price, unit)

    @property
    def factor(self) -> int:
        """Return the health factor in WAD."""
        return (self.weighted * WAD + self.debt // 2) // self.debt // BPS if self.debt else WORD


# --- the pool ----------------------------------------------------------------------------------------------

BOUNDS: Final = {
    "decimals": (0, 36),
    "bonus": (10_000, 20_000),
    "optimal": (100, 9_900),
    "paused": (0, 1),
    **dict.fromkeys(("base", "slope1", "slope2"), (0, 100_000)),
    **dict.fromkeys(("ltv", "threshold", "reserve_factor", "protocol_fee"), (0, 10_000)),
    **dict.fromkeys(("fund_fee_share", "fund_reserve_share"), (0, 10_000)),
}


def list_reserve(case: Case, cmd: c.ListReserve) -> Guards:
    """Want only what the pool was made for, once, with parameters inside their bounds."""
    if cmd.asset not in ASSETS:
        yield Reason.RESERVE_IS_UNKNOWN
    known = all(name in BOUNDS for name, _ in cmd.parameters)
    fits = known and all(BOUNDS[name][0] <= value <= BOUNDS[name][1] for name, value in cmd.parameters)
    if case.now.reserve(cmd.asset) or not fits:
        yield Reason.PARAMETER_IS_INVALID


def set_parameter(case: Case, cmd: c.SetParameter) -> Guards:
    """Want governance, inside the bounds; decimals are for ever."""
    if cmd.account != GOVERNANCE:
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    low, high = BOUNDS.get(cmd.name, (1, 0))
    if cmd.name == "decimals" or not low <= cmd.value <= high:
        yield Reason.PARAMETER_IS_INVALID
    if not case.now.reserve(cmd.asset):
        yield Reason.RESERVE_IS_UNKNOWN


def supply(case: Case, cmd: c.Supply) -> Guards:
    """Want an amount that buys at least one unit."""
    yield from case.closed(cmd.asset)
    index = case.index(cmd.asset)
    yield from case.counted(cmd.amount, index)
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    if cmd.amount * ONE < index:
        yield Reason.AMOUNT_IS_TOO_SMALL


def withdraw(case: Case, cmd: c.Withdraw) -> Guards:
    """Want what one has, what is there, and what leaves one safe."""
    yield from case.closed(cmd.asset)
    held, index = case.now.units("supply", cmd.asset, cmd.account), case.index(cmd.asset)
    amount, units = held * index // ONE, held
    if cmd.amount != c.ALL:
        yield from case.counted(cmd.amount, index)
        amount, units = cmd.amount, ceil_div(cmd.amount * ONE, index)
    if units == 0:
        yield Reason.AMOUNT_IS_ZERO
    if units > held:
        yield Reason.BALANCE_IS_INSUFFICIENT
    if amount > case.free(cmd.asset):
        yield Reason.LIQUIDITY_IS_INSUFFICIENT
    yield from case.losing(cmd.account, cmd.asset, units)


def borrow(case: Case, cmd: c.Borrow) -> Guards:
    """Want what is there, against collateral that carries it."""
    yield from case.closed(cmd.asset)
    index = case.borrow_index(cmd.asset)
    yield from case.counted(cmd.amount, index)
    units = ceil_div(cmd.amount * ONE, index)
    if units == 0:
        yield Reason.AMOUNT_IS_ZERO
    claims = case.now.reserve(cmd.asset).get("supply_scaled", 0) * case.index(cmd.asset) // ONE
    if claims < ceil_div(units * index, ONE):
        yield Reason.CLAIMS_ARE_INSUFFICIENT
    if cmd.amount > case.free(cmd.asset):
        yield Reason.LIQUIDITY_IS_INSUFFICIENT
    owed = {("debt", cmd.asset): case.now.units("debt", cmd.asset, cmd.account) + units}
    flags = case.now.flags(cmd.account) | 1 << 2 * NUMBER[cmd.asset]
    health = Health(case, cmd.account, owed, flags)
    if health.unpriced:
        yield Reason.PRICE_IS_MISSING
    ltv = health.borrowable // health.collateral if health.collateral else 0
    if ltv == 0:
        yield Reason.LOAN_TO_VALUE_IS_ZERO
    if health.factor < WAD:
        yield Reason.POSITION_WOULD_BE_UNSAFE
    if health.collateral * ltv < health.debt * BPS:
        yield Reason.COLLATERAL_IS_INSUFFICIENT


def repay(case: Case, cmd: c.Repay) -> Guards:
    """Want a debt, and at least one unit of it."""
    yield from case.closed(cmd.asset)
    index = case.borrow_index(cmd.asset)
    owed = case.now.debt(cmd.asset, cmd.on_behalf_of or cmd.account, case.at)
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    if owed == 0:
        yield Reason.DEBT_IS_ZERO
    if min(cmd.amount, owed) * ONE < index:
        yield Reason.BURN_IS_TOO_SMALL


def set_collateral(case: Case, cmd: c.SetCollateral) -> Guards:
    """Want a claim of an asset that may be borrowed against; taking it back must leave one safe."""
    yield from case.closed(cmd.asset)
    flags, bit = case.now.flags(cmd.account), 2 << 2 * NUMBER[cmd.asset]
    if bool(flags & bit) == cmd.on:
        return
    if not cmd.on:
        yield from case.unsafe(cmd.account, {}, flags & ~bit)
        return
    if not case.now.units("supply", cmd.asset, cmd.account):
        yield Reason.BALANCE_IS_ZERO
    if not case.now.reserve(cmd.asset).get("ltv"):
        yield Reason.COLLATERAL_IS_NOT_ALLOWED


def transfer_claims(case: Case, cmd: c.TransferClaims) -> Guards:
    """Want what one has, and what leaves one safe, be it a transfer to oneself that moves nothing."""
    yield from case.closed(cmd.asset)
    held, index = case.now.units("supply", cmd.asset, cmd.account), case.index(cmd.asset)
    units = held
    if cmd.amount != c.ALL:
        yield from case.counted(cmd.amount, index)
        units = ceil_div(cmd.amount * ONE, index)
    if units == 0:
        yield Reason.AMOUNT_IS_ZERO
    if units > held:
        yield Reason.BALANCE_IS_INSUFFICIENT
    yield from case.losing(cmd.account, cmd.asset, 0 if cmd.to == cmd.account else units)


def open_position(case: Case, cmd: c.OpenPosition) -> Guards:
    """Want collateral that buys a unit, a loan that is there, and a position that is safe."""
    yield from case.closed(cmd.collateral)
    yield from case.closed(cmd.debt)
    index, who = case.index(cmd.collateral), cmd.account
    yield from case.counted(cmd.collateral_amount, index)
    if cmd.collateral_amount * ONE < index:
        yield Reason.AMOUNT_IS_TOO_SMALL
    if not cmd.debt_amount:
        return
    paid_in = cmd.collateral_amount if cmd.collateral == cmd.debt else 0
    if cmd.debt_amount > case.free(cmd.debt) + paid_in:
        yield Reason.LIQUIDITY_IS_INSUFFICIENT
    yield from case.counted(cmd.debt_amount, case.borrow_index(cmd.debt))
    had = case.now.units("supply", cmd.collateral, who)
    owes = ceil_div(cmd.debt_amount * ONE, case.borrow_index(cmd.debt))
    after = {
        ("supply", cmd.collateral): had + cmd.collateral_amount * ONE // index,
        ("debt", cmd.debt): case.now.units("debt", cmd.debt, who) + owes,
    }
    flags = case.now.flags(who) | 1 << 2 * NUMBER[cmd.debt]
    if not had and case.now.reserve(cmd.collateral).get("ltv"):
        flags |= 2 << 2 * NUMBER[cmd.collateral]
    yield from case.unsafe(who, after, flags)


def recognise(case: Case, cmd: c.RecogniseShortfall) -> Guards:
    """Want governance, a debt, and nothing behind it."""
    if cmd.account != GOVERNANCE:
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    yield from case.closed(cmd.asset)
    if not case.now.units("debt", cmd.asset, cmd.borrower):
        yield Reason.DEBT_IS_NOT_OWED
    health = Health(case, cmd.borrower, {}, case.now.flags(cmd.borrower))
    if health.unpriced:
        yield Reason.PRICE_IS_MISSING
    if health.collateral:
        yield Reason.COLLATERAL_REMAINS


def mint_to_treasury(case: Case, cmd: c.MintToTreasury) -> Guards:
    """Let anybody, at any time."""
    if "decimals" not in case.now.reserve(cmd.asset):
        yield Reason.RESERVE_IS_UNKNOWN


def eliminate(case: Case, cmd: c.EliminateDeficit) -> Guards:
    """Want the covering address, that owes nothing, with claims of its own, where there is a deficit."""
    if cmd.account != UMBRELLA:
        yield Reason.CALLER_IS_NOT_UMBRELLA
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    cells = case.now.reserve(cmd.asset)
    if "decimals" not in cells:
        yield Reason.RESERVE_IS_UNKNOWN
    if not cells.get("deficit"):
        yield Reason.DEFICIT_IS_ZERO
    if any(case.now.units("debt", asset, cmd.account) for asset in ASSETS):
        yield Reason.CALLER_HAS_DEBT
    yield from case.closed(cmd.asset)
    yield from burning(case, cmd.asset, cmd.account, min(cmd.amount, cells["deficit"]))


def burning(case: Case, asset: str, owner: str, amount: int) -> Guards:
    """Fail where a claim of `amount` cannot be given up."""
    yield from case.counted(amount, case.index(asset))
    if ceil_div(amount * ONE, case.index(asset)) > case.now.units("supply", asset, owner):
        yield Reason.BALANCE_IS_INSUFFICIENT


def contribute(_case: Case, cmd: c.ContributeToFund) -> Guards:
    """Want anything but nothing."""
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO


POOL: Final[Mapping[type[c.Command], Callable[[Case, Any], Guards]]] = {
    c.ListReserve: list_reserve,
    c.SetParameter: set_parameter,
    c.Supply: supply,
    c.Withdraw: withdraw,
    c.Borrow: borrow,
    c.Repay: repay,
    c.SetCollateral: set_collateral,
    c.TransferClaims: transfer_claims,
    c.OpenPosition: open_position,
    c.RecogniseShortfall: recognise,
    c.MintToTreasury: mint_to_treasury,
    c.EliminateDeficit: eliminate,
    c.ContributeToFund: contribute,
}
"""What a lending pool is asked for; its liquidations are foretold in a file of their own."""

__all__ = ["POOL", "TREASURY", "Case", "Guards", "Health", "burning"]
