"""Stake: money that answers for others, held as shares, so that a slash is O(1) whatever the stakers' number.

    shares↓ = assets · (S + 10^δ) // (A + 1)        assets↓ = shares · (A + 1) // (S + 10^δ)
    slash:  A −= x        nobody is visited, the price of all shares falls

`StakePool` has the ERC-4626 form with virtual offset δ and, where `cooldown_s` is given, Umbrella's cooldown
and withdrawal window. `RateStakePool` is the older Safety Module's form. Stake is slashable in cooldown.

Rules: OpenZeppelin 5.1 ERC4626; aave-dao/aave-umbrella 759147d1 `StakeToken`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mutualize.accounts import Transfer, account, tier_account
from mutualize.commands import (
    Command,
    LoseAssets,
    MintShares,
    OpenCooldown,
    Redeem,
    ReturnFunds,
    Stake,
    StartCooldown,
    TransferStake,
    WithdrawAssets,
)
from mutualize.errors import Reason, require
from mutualize.events import (
    AssetsLost,
    Cell,
    CooldownOpened,
    CooldownStarted,
    Event,
    FundsReturned,
    Slashed,
    Staked,
    StakeTransferred,
    Unstaked,
)
from mutualize.tables import exits_table, stake_table
from mutualize.units import UINT256_MAX, mul_div_down, mul_div_up

if TYPE_CHECKING:
    from mutualize.book import View


class StakePool:
    """Shares of one purse. Its money is the account `<venue>:tier:<stake>`."""

    form: ClassVar[str] = "shares"

    def __init__(
        self,
        venue: str,
        stake: str,
        asset: str,
        *,
        offset_digits: int = 0,
        cooldown_s: int | None = None,
        window_s: int = 0,
        min_left: int = 0,
    ) -> None:
        """`cooldown_s` None: a plain vault, free to leave. `min_left` base units always stay."""
        self.venue, self.stake, self.asset = venue, stake, asset
        self.table = self.name = stake_table(venue, stake)
        self.virtual_shares = int(10**offset_digits)
        self.cooldown_s, self.window_s, self.min_left = cooldown_s, window_s, min_left

    # --- reads -------------------------------------------------------------------------------------------

    def assets(self, view: View) -> int:
        """Return the assets held, in base units."""
        return view.cell(self.table, "total_assets")

    def shares(self, view: View) -> int:
        """Return the number of all shares."""
        return view.cell(self.table, "total_shares")

    def shares_of(self, view: View, holder: str) -> int:
        """Return a holder's shares."""
        return view.cell(f"{self.table}.shares", holder)

    def to_shares_down(self, view: View, assets: int) -> int:
        """Return the shares that a deposit of `assets` gets."""
        return mul_div_down(assets, self.shares(view) + self.virtual_shares, self.assets(view) + 1)

    def to_shares_up(self, view: View, assets: int) -> int:
        """Return the shares that taking out `assets` costs."""
        return mul_div_up(assets, self.shares(view) + self.virtual_shares, self.assets(view) + 1)

    def to_assets_down(self, view: View, shares: int) -> int:
        """Return the assets that `shares` are redeemed for."""
        return mul_div_down(shares, self.assets(view) + 1, self.shares(view) + self.virtual_shares)

    def to_assets_up(self, view: View, shares: int) -> int:
        """Return the assets that `shares` cost."""
        return mul_div_up(shares, self.assets(view) + 1, self.shares(view) + self.virtual_shares)

    def value_of(self, view: View, holder: str) -> int:
        """Return what a holder's shares are worth, rounded down."""
        return self.to_assets_down(view, self.shares_of(view, holder))

    def slashable(self, view: View) -> int:
        """Return how much can be taken at once."""
        return max(0, self.assets(view) - self.min_left)

    def cooldown(self, view: View, holder: str) -> tuple[int, int, int]:
        """Return (shares, end, window) of a holder's cooldown; zeros without one."""
        shares, ends, window = (
            view.cell(f"{self.table}.cooldown.{part}", holder) for part in ("shares", "ends", "window")
        )
        return shares, ends, window

    def redeemable(self, view: View, holder: str, at: int) -> int:
        """Return how many shares a holder may redeem now. Both ends of the window count."""
        if self.cooldown_s is None:
            return self.shares_of(view, holder)
        shares, ends, window = self.cooldown(view, holder)
        return shares if shares and ends <= at <= ends + window else 0

    def is_returnable(self, view: View, assets: int) -> bool:
        """Say whether assets can be given to all stakers: there are some, and it is not too little."""
        return assets > 0 and self.shares(view) > 0

    # --- verbs -------------------------------------------------------------------------------------------

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        asked = getattr(command, "assets", getattr(command, "shares", 0))
        require(asked >= 0, Reason.AMOUNT_IS_TOO_SMALL)
        match command:
            case Stake():
                return self._enter(view, command, command.assets, self.to_shares_down(view, command.assets))
            case MintShares():
                return self._enter(view, command, self.to_assets_up(view, command.shares), command.shares)
            case Redeem():
                most = self.redeemable(view, command.account, at)
                require(command.shares <= most, Reason.REDEEM_IS_TOO_LARGE)
                assets = self.to_assets_down(view, command.shares)
                return self._leave(view, command, assets, command.shares)
            case WithdrawAssets():
                most = self.to_assets_down(view, self.redeemable(view, command.account, at))
                require(command.assets <= most, Reason.WITHDRAW_IS_TOO_LARGE)
                return self._leave(view, command, command.assets, self.to_shares_up(view, command.assets))
            case StartCooldown():
                return self._start_cooldown(view, command, at)
            case OpenCooldown():
                return self._open_cooldown(view, command, at)
            case TransferStake():
                return self._transfer(view, command)
            case ReturnFunds() | LoseAssets():
                return self._change(view, command)
        raise AssertionError(command)

    def _totals(self, assets: int, shares: int) -> list[Cell]:
        return [Cell(self.table, "total_assets", assets), Cell(self.table, "total_shares", shares)]

    def _in(self, amount: int) -> tuple[Transfer, ...]:
        cash = account(self.venue, "cash")
        return (Transfer(cash, tier_account(self.venue, self.stake), self.asset, amount),) if amount else ()

    def _out(self, amount: int) -> tuple[Transfer, ...]:
        return tuple(Transfer(t.credit, t.debit, t.asset, t.amount) for t in self._in(amount))

    def _enter(self, view: View, command: Command, assets: int, shares: int) -> list[Event]:
        total = self.shares(view) + shares
        require(total <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        held = self.shares_of(view, command.account) + shares
        cells = [
            *self._totals(self.assets(view) + assets, total),
            Cell(f"{self.table}.shares", command.account, held),
        ]
        return [
            Staked(
                venue=self.venue,
                stake=self.stake,
                account=command.account,
                asset=self.asset,
                assets=assets,
                shares=shares,
                transfers=self._in(assets),
                cells=tuple(sorted(cells)),
            )
        ]

    def _leave(self, view: View, command: Command, assets: int, shares: int) -> list[Event]:
        held = self.shares_of(view, command.account)
        require(shares <= held, Reason.SHARES_ARE_INSUFFICIENT)
        require(not view.cell(exits_table(self.venue), "frozen"), Reason.EXITS_ARE_FROZEN)
        cells = [
            *self._totals(self.assets(view) - assets, self.shares(view) - shares),
            Cell(f"{self.table}.shares", command.account, held - shares),
        ]
        if self.cooldown_s is not None:
            announced, _, _ = self.cooldown(view, command.account)
            cells += self._cooldown_cells(view, command.account, announced - shares)
        return [
            Unstaked(
                venue=self.venue,
                stake=self.stake,
                account=command.account,
                asset=self.asset,
                assets=assets,
                shares=shares,
                transfers=self._out(assets),
                cells=tuple(sorted(cells)),
            )
        ]

    def _cooldown_cells(self, view: View, holder: str, shares: int) -> list[Cell]:
        """Return the cells of a cooldown that now stands for `shares`; it ends with the last of them."""
        _, ends, window = self.cooldown(view, holder)
        values = {"shares": shares, "ends": ends, "window": window} if shares else {}
        return [
            Cell(f"{self.table}.cooldown.{part}", holder, values.get(part, 0))
            for part in ("ends", "shares", "window")
        ]

    def _start_cooldown(self, view: View, command: StartCooldown, at: int) -> list[Event]:
        terms = self._cooldown_from(view, command.account, at)
        return [CooldownStarted(venue=self.venue, stake=self.stake, account=command.account, **terms)]

    def _open_cooldown(self, view: View, command: OpenCooldown, at: int) -> list[Event]:
        require(command.began <= at, Reason.PARAMETER_IS_INVALID)
        terms = self._cooldown_from(view, command.account, command.began)
        began = {"began": command.began, **terms}
        return [CooldownOpened(venue=self.venue, stake=self.stake, account=command.account, **began)]

    def _cooldown_from(self, view: View, holder: str, began: int) -> dict[str, Any]:
        """Return what an event says of a cooldown for all of a holder's shares, its cells among it."""
        shares = self.shares_of(view, holder)
        require(shares > 0, Reason.BALANCE_IS_ZERO)
        terms = {"ends": began + (self.cooldown_s or 0), "shares": shares, "window": self.window_s}
        cells = tuple(Cell(f"{self.table}.cooldown.{part}", holder, value) for part, value in terms.items())
        return {**terms, "cells": cells}

    def _transfer(self, view: View, command: TransferStake) -> list[Event]:
        table, held = f"{self.table}.shares", self.shares_of(view, command.account)
        require(command.shares <= held, Reason.SHARES_ARE_INSUFFICIENT)
        left = held - command.shares
        cells: list[Cell] = []
        if command.to != command.account:
            received = self.shares_of(view, command.to) + command.shares
            cells = [Cell(table, command.account, left), Cell(table, command.to, received)]
            announced, _, _ = self.cooldown(view, command.account)
            if announced > left:
                cells += self._cooldown_cells(view, command.account, left)
        return [
            StakeTransferred(
                venue=self.venue,
                stake=self.stake,
                account=command.account,
                to=command.to,
                shares=command.shares,
                cells=tuple(sorted(cells)),
            )
        ]

    def _change(self, view: View, command: ReturnFunds | LoseAssets) -> list[Event]:
        """Change the assets behind unchanged shares: a gain, or a loss from outside."""
        gains = isinstance(command, ReturnFunds)
        require(gains or command.assets <= self.assets(view), Reason.BALANCE_IS_INSUFFICIENT)
        after = self.assets(view) + (command.assets if gains else -command.assets)
        cells = (Cell(self.table, "total_assets", after),)
        if gains:
            return [
                FundsReturned(
                    venue=self.venue,
                    stake=self.stake,
                    account=command.account,
                    asset=self.asset,
                    assets=command.assets,
                    transfers=self._in(command.assets),
                    cells=cells,
                )
            ]
        return [
            AssetsLost(
                venue=self.venue,
                stake=self.stake,
                asset=self.asset,
                assets=command.assets,
                transfers=self._out(command.assets),
                cells=cells,
            )
        ]

    def slashed(self, view: View, amount: int, *, leaves: bool) -> Event:
        """Return the event of taking `amount` from all shares. `leaves`: the money goes out (to be sold)."""
        assert 0 <= amount <= self.slashable(view), "a slash takes at most what may be taken"
        return Slashed(
            venue=self.venue,
            stake=self.stake,
            asset=self.asset,
            assets=amount,
            transfers=self._out(amount) if leaves else (),
            cells=(Cell(self.table, "total_assets", self.assets(view) - amount),),
        )
