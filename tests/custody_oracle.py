"""The error oracle of a venue of balances, its waterfall and its stake: whether a wish is refused, and why.

The rule: it reads the auditor's figures, and lists the guards of a command in the order in which a reader of
the rules would ask; it shares no code with what decides. Whether anybody is owed what comes back it leaves to
the auditor: there it only says that nothing else may be in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from custody_auditor import NOTHING, WAD, Auditor
from custody_play import DECIMALS

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.errors import Reason
from mutualize.loss_commands import ReportLoss, SettleProfits
from mutualize.tier import Tier

WORD: Final = 2**256 - 1
Guards = Iterator[Reason]


class Open(NamedTuple):
    """What is open at a tier: its state (1 held, 2 owed), when it is due, how much, and whose loss it is."""

    number: int
    tier: int
    state: int
    due: int
    amount: int
    debtor: str


class Now:
    """What the guards ask about."""

    def __init__(self, auditor: Auditor, tiers: tuple[Tier, ...], at: int) -> None:
        self.auditor, self.tiers, self.at = auditor, tiers, at

    def held(self, who: str, asset: str) -> int:
        """Return somebody's balance."""
        return self.auditor.cell(f"ex.{asset}.balance", who)

    def cash(self, asset: str) -> int:
        """Return the cash that no tier holds."""
        sums = self.auditor.sums.items()
        return sum(amount for (part, of), amount in sums if of == asset and _is_cash(part))

    def frozen(self) -> Guards:
        """Fail while exits are frozen."""
        if self.auditor.cell("ex.exits", "frozen"):
            yield Reason.EXITS_ARE_FROZEN

    def open(self, asset: str) -> list[Open]:
        """Return what is open of an asset, the oldest first."""
        table = f"ex.open.{asset}"
        found = []
        for key, amount in self.auditor.cells.get(table, NOTHING).items():
            number, _, debtor = key.partition("/")
            index, state, due = (
                self.auditor.cell(f"{table}.{name}", number) for name in ("index", "state", "due")
            )
            found += [Open(int(number), index, state, due, amount, debtor)] * bool(amount)
        return sorted(found)

    def at_tier(self, cmd: Any, state: int) -> list[Open]:
        """Return what is open at the tier that a command names, in a state."""
        names = [tier.name for tier in self.tiers]
        return [x for x in self.open(cmd.asset) if x.state == state and names[x.tier] == cmd.tier]

    def tier(self, name: str) -> Tier:
        """Return a tier."""
        return next(tier for tier in self.tiers if tier.name == name)


def _is_cash(part: str) -> bool:
    return part == "ex:cash" or part.startswith("ex:tier:")


def listed(cmd: Any) -> Guards:
    """Fail where the venue does not have the asset."""
    if cmd.asset not in DECIMALS:
        yield Reason.RESERVE_IS_UNKNOWN


def positive(amount: int) -> Guards:
    """Fail where nothing is asked for."""
    if amount <= 0:
        yield Reason.AMOUNT_IS_ZERO


def word(value: int) -> Guards:
    """Fail where a machine word cannot hold a result."""
    if value > WORD:
        yield Reason.AMOUNT_IS_TOO_LARGE


# --- the venue -------------------------------------------------------------------------------------------


def deposit(now: Now, cmd: c.Supply) -> Guards:
    """Want an amount."""
    yield from listed(cmd)
    yield from positive(cmd.amount)
    yield from word(now.held(cmd.account, cmd.asset) + cmd.amount)


def withdraw(now: Now, cmd: c.Withdraw) -> Guards:
    """Want what one has, and what is there, while exits are open."""
    held = now.held(cmd.account, cmd.asset)
    amount = held if cmd.amount == c.ALL else cmd.amount
    yield from listed(cmd)
    yield from now.frozen()
    yield from positive(amount)
    if amount > held:
        yield Reason.BALANCE_IS_INSUFFICIENT
    if amount > now.cash(cmd.asset):
        yield Reason.LIQUIDITY_IS_INSUFFICIENT


def transfer(now: Now, cmd: c.TransferClaims) -> Guards:
    """Want what one has."""
    held = now.held(cmd.account, cmd.asset)
    amount = held if cmd.amount == c.ALL else cmd.amount
    yield from listed(cmd)
    yield from positive(amount)
    if amount > held:
        yield Reason.BALANCE_IS_INSUFFICIENT
    if cmd.to != cmd.account:
        yield from word(now.held(cmd.to, cmd.asset) + amount)


def contribute(_now: Now, cmd: c.ContributeToFund) -> Guards:
    """Want an amount."""
    yield from listed(cmd)
    yield from positive(cmd.amount)


def settle_profits(now: Now, cmd: SettleProfits) -> Guards:
    """Want what somebody wins to be lost by others, on each instrument, and all of them to be known."""
    yield from listed(cmd)
    instruments = {instrument for _, instrument, _ in cmd.gains}
    if any(sum(gain for _, which, gain in cmd.gains if which == each) for each in instruments):
        yield Reason.PARAMETER_IS_INVALID
    net = {name: sum(gain for who, _, gain in cmd.gains if who == name) for name, _, _ in cmd.gains}
    if not any(net.values()):
        yield Reason.AMOUNT_IS_ZERO
    if any(name not in now.auditor.cells.get("ex.joined", NOTHING) for name in net):
        yield Reason.MEMBER_IS_UNKNOWN
    for name, gain in net.items():
        yield from word(now.held(name, cmd.asset) + gain)


def report_loss(now: Now, cmd: ReportLoss) -> Guards:
    """Want what each kind of loss needs, and cash to be there that is said to be gone."""
    yield from listed(cmd)
    backing = cmd.loss == "backing"
    nobody = cmd.loss in ("mint", "claim") and not cmd.holder
    shared = 0 < cmd.share <= WAD if backing else cmd.share <= 0
    if cmd.loss not in ("theft", "mint", "backing", "claim") or not shared or nobody:
        yield Reason.PARAMETER_IS_INVALID
    if backing and cmd.amount:
        yield Reason.PARAMETER_IS_INVALID
    if cmd.loss == "claim" and cmd.account != "governance":
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    cash, amount = now.cash(cmd.asset), cmd.amount
    if backing:
        amount = -(-cash * cmd.share // WAD)
    elif cmd.loss == "theft":
        amount = cash if amount == c.ALL else amount
        if amount > cash:
            yield Reason.LIQUIDITY_IS_INSUFFICIENT
    elif amount >= WORD:
        yield Reason.AMOUNT_IS_TOO_LARGE
    yield from positive(amount)
    if cmd.loss in ("mint", "claim"):
        yield from word(now.held(cmd.holder, cmd.asset) + amount)


# --- the waterfall ---------------------------------------------------------------------------------------


def release(now: Now, cmd: tc.ReleaseTier) -> Guards:
    """Want something held, governance for a vote, and the wait to be over."""
    found = now.at_tier(cmd, 1)
    if not found:
        yield Reason.NOTHING_IS_OPEN
    is_vote = bool(now.tier(cmd.tier).vote)
    if (cmd.account != "governance") if is_vote else (cmd.most is not None):
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    if cmd.most is not None and cmd.most < 0:
        yield Reason.AMOUNT_IS_TOO_SMALL
    if all(x.due > now.at for x in found):
        yield Reason.TIER_HAS_TO_WAIT


def settle(now: Now, cmd: tc.SettleTier) -> Guards:
    """Want something owed, a member to have been called, and money to be there."""
    found = now.at_tier(cmd, 2)
    if not found:
        yield Reason.NOTHING_IS_OPEN
    yield from positive(cmd.amount)
    tier = now.tier(cmd.tier)
    if tier.payer == "assessment":
        if not now.auditor.cell(f"ex.called.{tier.name}.{cmd.asset}", cmd.account):
            yield Reason.CALLER_IS_NOT_CALLED
    elif not now.auditor.payable(tier, cmd.asset, now.at, found[0].debtor):
        yield Reason.PURSE_IS_EMPTY


def lapse(now: Now, cmd: tc.LapseTier) -> Guards:
    """Want something owed whose deadline has come."""
    found = now.at_tier(cmd, 2)
    if not found:
        yield Reason.NOTHING_IS_OPEN
    if all(x.due > now.at for x in found):
        yield Reason.TIER_HAS_TO_WAIT


def join(_now: Now, cmd: tc.JoinFund) -> Guards:
    """Want an amount."""
    yield from positive(cmd.amount)


def leave(now: Now, cmd: tc.LeaveFund) -> Guards:
    """Want what one has given, while exits are open."""
    given = now.auditor.cell(f"ex.fund.{cmd.fund}.{cmd.asset}", cmd.account)
    amount = given if cmd.amount == c.ALL else cmd.amount
    yield from positive(amount)
    if amount > given:
        yield Reason.BALANCE_IS_INSUFFICIENT
    yield from now.frozen()


def set_numbers(_now: Now, cmd: tc.SetNumbers) -> Guards:
    """Want governance, and no number below zero."""
    if cmd.account != "governance":
        yield Reason.CALLER_IS_NOT_GOVERNANCE
    if any(number < 0 for _, number in cmd.numbers):
        yield Reason.PARAMETER_IS_INVALID


def open_exits(now: Now, cmd: tc.OpenExits) -> Guards:
    """Want them frozen; who is not governance wants nothing to be open."""
    if not now.auditor.cell("ex.exits", "frozen"):
        yield Reason.EXITS_ARE_OPEN
    if cmd.account != "governance" and any(now.open(asset) for asset in DECIMALS):
        yield Reason.CALLER_IS_NOT_GOVERNANCE


def money_back(_now: Now, cmd: Any) -> Guards:
    """Want an amount."""
    yield from listed(cmd)
    yield from positive(cmd.amount)


# --- the stake -------------------------------------------------------------------------------------------


def stake(now: Now, cmd: c.Stake) -> Guards:
    """Want shares that a machine word holds, and not below zero."""
    if cmd.assets < 0:
        yield Reason.AMOUNT_IS_TOO_SMALL
    shares, assets = (now.auditor.cell("ex.stake.stakers", f"total_{x}") for x in ("shares", "assets"))
    yield from word(shares + cmd.assets * (shares + 1) // (assets + 1))


def redeem(now: Now, cmd: c.Redeem) -> Guards:
    """Want shares that one has, while exits are open."""
    if cmd.shares < 0:
        yield Reason.AMOUNT_IS_TOO_SMALL
    if cmd.shares > now.auditor.cell("ex.stake.stakers.shares", cmd.account):
        yield Reason.REDEEM_IS_TOO_LARGE
    yield from now.frozen()


FORETELL: Final[Mapping[type[c.Command], Callable[[Now, Any], Guards]]] = {
    c.PublishPrice: lambda _now, _cmd: iter(()),
    c.Supply: deposit,
    c.Withdraw: withdraw,
    c.TransferClaims: transfer,
    c.ContributeToFund: contribute,
    SettleProfits: settle_profits,
    ReportLoss: report_loss,
    tc.ReleaseTier: release,
    tc.SettleTier: settle,
    tc.LapseTier: lapse,
    tc.JoinFund: join,
    tc.LeaveFund: leave,
    tc.SetNumbers: set_numbers,
    tc.OpenExits: open_exits,
    tc.Recover: money_back,
    tc.Pledge: money_back,
    c.Stake: stake,
    c.Redeem: redeem,
}


def foretell(now: Now, command: c.Command) -> Reason | None:
    """Return the reason for which a command is refused now, or None."""
    return next(FORETELL[type(command)](now, command), None)


def is_as_told(told: Reason | None, command: c.Command, refused: Reason | None) -> bool:
    """Say whether what came is what was told; of money that comes back, nobody may want any."""
    nobody_is_owed = isinstance(command, tc.Recover) and refused is Reason.NOTHING_IS_OWED_BACK
    return refused is told or (told is None and nobody_is_owed)
