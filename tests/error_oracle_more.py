"""The error oracle for liquidations, stakes, Umbrella and the world outside; the rule is that of the pool's.

`foretell` is what the driver asks: the reason that must be given, or None where the command must succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from auditor import BPS, ONE, WAD, Auditor, ceil_div
from error_oracle import POOL, WORD, Case, Guards, Health, burning
from laws import NUMBER, cooldown_of
from systems import COOLDOWN, DECIMALS, GOVERNANCE, LOWER_BOUND, MANAGERS, WINDOW, Setup

from mutualize import commands as c
from mutualize.errors import Reason

# --- liquidation -------------------------------------------------------------------------------------------


@attrs.frozen
class Sides:
    """The two sides of a liquidation: what the borrower holds and owes, and at which prices."""

    held: int
    owed: int
    price_c: int
    price_d: int
    unit_c: int
    unit_d: int

    def value_held(self, amount: int) -> int:
        """Return what an amount of the collateral is worth, rounded down."""
        return amount * self.price_c // self.unit_c

    def value_owed(self, amount: int) -> int:
        """Return what an amount of the debt is worth, rounded up."""
        return ceil_div(amount * self.price_d, self.unit_d)


def liquidate(case: Case, cmd: c.Liquidate) -> Guards:
    """Want an unsafe borrower, his collateral and his debt, no dust, and cash to pay it out."""
    now, who = case.now, cmd.borrower
    yield from case.closed(cmd.collateral)
    yield from case.closed(cmd.debt)
    if cmd.account == who:
        yield Reason.BORROWER_IS_LIQUIDATOR
    flags = now.flags(who)
    health = Health(case, who, {}, flags)
    if health.unpriced:
        yield Reason.PRICE_IS_MISSING
    if health.factor >= WAD:
        yield Reason.POSITION_IS_HEALTHY
    cells = now.reserve(cmd.collateral)
    if not (flags >> 2 * NUMBER[cmd.collateral] & 2 and cells["threshold"]):
        yield Reason.COLLATERAL_IS_NOT_ENABLED
    sides = Sides(
        held=now.claim(cmd.collateral, who, case.at),
        owed=now.debt(cmd.debt, who, case.at),
        price_c=now.price(cmd.collateral),
        price_d=now.price(cmd.debt),
        unit_c=int(10 ** DECIMALS[cmd.collateral]),
        unit_d=int(10 ** DECIMALS[cmd.debt]),
    )
    if not sides.owed:
        yield Reason.DEBT_IS_NOT_OWED
    if sides.price_c == 0 and not (case.setup.rules.zero_price_seizes and sides.price_d):
        yield Reason.PRICE_IS_MISSING
    paid, taken, fee = _hands(case, cmd, sides, health)
    yield from _after(case, cmd, sides, health, (paid, taken, fee))


def _most(case: Case, sides: Sides, health: Health) -> int:
    """Return the largest repayment: the close factor."""
    rules = case.setup.rules
    if rules.close_factor == "full":
        return sides.owed
    if rules.close_factor == "half":
        return (sides.owed * 5_000 + 5_000) // BPS
    worth = sides.value_held(sides.held), sides.value_owed(sides.owed)
    half = (health.debt * 5_000 + 5_000) // BPS
    if min(worth) < 2_000 * 10**8 or health.factor <= 95 * 10**16 or worth[1] <= half:
        return sides.owed
    return half * sides.unit_d // sides.price_d


def _hands(case: Case, cmd: c.Liquidate, sides: Sides, health: Health) -> tuple[int, int, int]:
    """Return (paid, taken, fee of that)."""
    cells = case.now.reserve(cmd.collateral)
    paid = min(cmd.debt_to_cover, _most(case, sides, health))
    if sides.price_c == 0:
        return 0, sides.held, 0
    taken = sides.price_d * paid * sides.unit_c // (sides.price_c * sides.unit_d) * cells["bonus"] // BPS
    if taken > sides.held:
        taken = sides.held
        worth = sides.price_c * taken * sides.unit_d // (sides.price_d * sides.unit_c)
        paid = ceil_div(worth * BPS, cells["bonus"])
    gain = taken - taken * BPS // cells["bonus"]
    return paid, taken, ceil_div(gain * cells.get("protocol_fee", 0), BPS)


def _after(case: Case, cmd: c.Liquidate, sides: Sides, health: Health, hands: tuple[int, int, int]) -> Guards:
    paid, taken, fee = hands
    if case.setup.rules.dust_rule and paid < sides.owed and taken < sides.held:
        rest = sides.value_owed(sides.owed - paid), sides.value_held(sides.held - taken)
        if min(rest) < 1_000 * 10**8:
            yield Reason.LEFTOVER_IS_DUST
    index = case.index(cmd.collateral)
    if index == 0:
        yield Reason.RESERVE_IS_WIPED_OUT
    had = case.now.units("supply", cmd.collateral, cmd.borrower)
    seized = ceil_div((taken - fee) * ONE, index)
    gone = min(had, seized + ceil_div(fee * ONE, index)) * index // ONE
    bare = sides.value_held(gone) == health.collateral
    burned = paid * ONE // case.borrow_index(cmd.debt)
    if not burned and not bare:
        yield Reason.BURN_IS_TOO_SMALL
    if cmd.receive_claims:
        return
    if min(had, seized) == 0:
        yield Reason.BURN_IS_TOO_SMALL
    if taken - fee > case.free(cmd.collateral) + (paid if cmd.collateral == cmd.debt else 0):
        yield Reason.LIQUIDITY_IS_INSUFFICIENT


# --- stake -------------------------------------------------------------------------------------------------


def _rate(case: Case) -> tuple[int, int]:
    """Return a share's price as a fraction: assets over shares."""
    cells = case.now.stake()
    if case.setup.rate_form:
        return WAD, cells.get("exchange_rate", WAD)
    return cells.get("total_assets", 0) + 1, cells.get("total_shares", 0) + 10**case.setup.offset_digits


def _held(case: Case, owner: str) -> int:
    return case.now.stake(".shares").get(owner, 0)


def stake(case: Case, cmd: c.Stake) -> Guards:
    """Want an amount whose shares a machine word holds; the older form wants one, and no slash unsettled."""
    assets, shares = _rate(case)
    got = cmd.assets * shares // assets
    if case.setup.rate_form:
        if case.now.stake().get("unsettled"):
            yield Reason.SLASHING_IS_ONGOING
        if cmd.assets == 0:
            yield Reason.AMOUNT_IS_ZERO
        if _held(case, cmd.account) + got >= 2**104:
            yield Reason.AMOUNT_IS_TOO_LARGE
    if case.now.stake().get("total_shares", 0) + got > WORD:
        yield Reason.AMOUNT_IS_TOO_LARGE


def mint_shares(case: Case, cmd: c.MintShares) -> Guards:
    """Want as many shares as a machine word holds."""
    if case.now.stake().get("total_shares", 0) + cmd.shares > WORD:
        yield Reason.AMOUNT_IS_TOO_LARGE


def _redeemable(case: Case, owner: str) -> int:
    if case.setup.vault:
        return _held(case, owner)
    shares, ends, window = cooldown_of(case.now, owner)
    return shares if ends <= case.at <= ends + window else 0


def redeem(case: Case, cmd: c.Redeem) -> Guards:
    """Want what was announced, inside the window."""
    if case.setup.rate_form:
        yield from _redeem_old(case, cmd)
    elif cmd.shares > _redeemable(case, cmd.account):
        yield Reason.REDEEM_IS_TOO_LARGE


def _redeem_old(case: Case, cmd: c.Redeem) -> Guards:
    if cmd.shares == 0:
        yield Reason.AMOUNT_IS_ZERO
    if cmd.shares >= 2**104:
        yield Reason.AMOUNT_IS_TOO_LARGE
    announced, ends, window = cooldown_of(case.now, cmd.account)
    free = bool(case.now.stake().get("unsettled"))
    if not free:  # who announced nothing has a cooldown that began at 0
        opens = ends if announced else COOLDOWN
        if case.at < opens:
            yield Reason.COOLDOWN_IS_RUNNING
        if case.at > opens + (window or WINDOW):
            yield Reason.WINDOW_IS_CLOSED
    most = _held(case, cmd.account) if free else announced
    if most == 0:
        yield Reason.SHARES_ARE_ZERO
    if announced and min(cmd.shares, most) > announced:
        yield Reason.AMOUNT_IS_TOO_LARGE


def withdraw_assets(case: Case, cmd: c.WithdrawAssets) -> Guards:
    """Want what the announced shares are worth, inside the window."""
    assets, shares = _rate(case)
    if cmd.assets > _redeemable(case, cmd.account) * assets // shares:
        yield Reason.WITHDRAW_IS_TOO_LARGE


def start_cooldown(case: Case, cmd: c.StartCooldown) -> Guards:
    """Want somebody with shares."""
    if not _held(case, cmd.account):
        yield Reason.BALANCE_IS_ZERO


def open_cooldown(case: Case, cmd: c.OpenCooldown) -> Guards:
    """Want somebody with shares, and a moment that has been."""
    if cmd.began > case.at:
        yield Reason.PARAMETER_IS_INVALID
    if not _held(case, cmd.account):
        yield Reason.BALANCE_IS_ZERO


def transfer_stake(case: Case, cmd: c.TransferStake) -> Guards:
    """Want somebody with so many."""
    if cmd.shares > _held(case, cmd.account):
        yield Reason.SHARES_ARE_INSUFFICIENT


def return_funds(case: Case, cmd: c.ReturnFunds) -> Guards:
    """Take anything; the older form wants an amount and shares that are worth the trouble."""
    if case.setup.rate_form and cmd.assets < LOWER_BOUND:
        yield Reason.RETURN_IS_TOO_SMALL
    if case.setup.rate_form and case.now.stake().get("total_shares", 0) < LOWER_BOUND:
        yield Reason.SHARES_ARE_INSUFFICIENT


def lose_assets(case: Case, cmd: c.LoseAssets) -> Guards:
    """Want no more than there is."""
    if cmd.assets > case.now.stake().get("total_assets", 0):
        yield Reason.BALANCE_IS_INSUFFICIENT


def slash(case: Case, cmd: c.Slash) -> Guards:
    """Take by Umbrella as much as is owed, by governance up to 30 % of the older stake, once."""
    if case.setup.umbrella != "none":
        yield from _slash_umbrella(case)
        return
    if case.now.stake().get("unsettled"):
        yield Reason.SLASHING_IS_UNSETTLED
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    assets, shares = _rate(case)
    worth = case.now.stake().get("total_shares", 0) * assets // shares
    if worth - min(cmd.amount, worth * 3_000 // BPS) < LOWER_BOUND:
        yield Reason.REMAINING_STAKE_IS_TOO_SMALL


def nothing(_case: Case, _cmd: c.Command) -> Guards:
    """Never fail."""
    yield from ()


# --- umbrella ----------------------------------------------------------------------------------------------


def _umbrella(case: Case) -> tuple[int, int, int]:
    """Return (deficit, offset, pending)."""
    cells = case.now.cells.get("aave.umbrella.USDC", {})
    return case.now.reserve("USDC").get("deficit", 0), cells.get("offset", 0), cells.get("pending", 0)


def _slash_umbrella(case: Case) -> Guards:
    deficit, offset, pending = _umbrella(case)
    open_deficit = deficit - offset - pending
    if open_deficit <= 0:
        yield Reason.NOTHING_IS_SLASHABLE
    stake_asset = case.setup.stake_asset
    if not case.now.price(stake_asset):
        yield Reason.PRICE_IS_MISSING
    worth = case.now.price("USDC") * (open_deficit * 10_500 // BPS) * 10 ** DECIMALS[stake_asset]
    if worth // (case.now.price(stake_asset) * 10 ** DECIMALS["USDC"]) == 0:
        yield Reason.AMOUNT_IS_ZERO
    if case.now.stake().get("total_assets", 0) <= case.setup.min_left:
        yield Reason.STAKE_IS_EXHAUSTED


def _cover(case: Case, owner: str, amount: int) -> Guards:
    if amount == 0:
        yield Reason.PENDING_DEFICIT_IS_ZERO
    yield from case.closed("USDC")
    yield from burning(case, "USDC", owner, amount)
    yield from case.losing(owner, "USDC", ceil_div(amount * ONE, case.index("USDC")))


def cover_pending(case: Case, cmd: c.CoverPendingDeficit) -> Guards:
    """Want claims, up to what is pending."""
    if cmd.account not in MANAGERS:
        yield Reason.CALLER_MAY_NOT_COVER
    deficit, _, pending = _umbrella(case)
    yield from _cover(case, cmd.account, min(cmd.amount, pending, deficit))


def cover_offset(case: Case, cmd: c.CoverDeficitOffset) -> Guards:
    """Want claims, up to the offset, as far as there is a deficit for it."""
    if cmd.account not in MANAGERS:
        yield Reason.CALLER_MAY_NOT_COVER
    deficit, offset, pending = _umbrella(case)
    yield from _cover(case, cmd.account, min(cmd.amount, offset, max(0, deficit - pending)))


def set_offset(case: Case, cmd: c.SetDeficitOffset) -> Guards:
    """Want governance, and nothing below what is already lost and not pending."""
    if cmd.account != GOVERNANCE:
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    deficit, _, pending = _umbrella(case)
    if cmd.amount + pending < deficit:
        yield Reason.OFFSET_IS_TOO_LOW


# --- the world outside -------------------------------------------------------------------------------------


def publish(_case: Case, cmd: c.PublishPrice) -> Guards:
    """Want no price below zero."""
    if cmd.price < 0:
        yield Reason.AMOUNT_IS_TOO_SMALL


def trade(_case: Case, cmd: c.Trade) -> Guards:
    """Want something for something."""
    if not (cmd.sold_amount and cmd.bought_amount):
        yield Reason.AMOUNT_IS_ZERO


def gas(_case: Case, cmd: c.PayGas | c.FailTransaction) -> Guards:
    """Want something."""
    if not cmd.amount:
        yield Reason.AMOUNT_IS_ZERO


FORETELL: Final[Mapping[type[c.Command], Callable[[Case, Any], Guards]]] = {
    **POOL,
    c.Liquidate: liquidate,
    c.Stake: stake,
    c.MintShares: mint_shares,
    c.Redeem: redeem,
    c.WithdrawAssets: withdraw_assets,
    c.StartCooldown: start_cooldown,
    c.OpenCooldown: open_cooldown,
    c.TransferStake: transfer_stake,
    c.ReturnFunds: return_funds,
    c.LoseAssets: lose_assets,
    c.Slash: slash,
    c.SettleSlashing: nothing,
    c.CoverPendingDeficit: cover_pending,
    c.CoverDeficitOffset: cover_offset,
    c.SetDeficitOffset: set_offset,
    c.PublishPrice: publish,
    c.Trade: trade,
    c.PayGas: gas,
    c.FailTransaction: gas,
    **dict.fromkeys((c.HaltMarket, c.Propose, c.ExecuteProposal, c.FailAgent, c.AwaitCash), nothing),
}


def foretell(now: Auditor, setup: Setup, command: c.Command, at: int) -> Reason | None:
    """Return the reason for which a command must be refused now, or None where it must succeed."""
    return next(FORETELL[type(command)](Case(now, setup, at), command), None)
