"""The older Safety Module's stake: an exchange rate, a slash that must be settled, leaving free meanwhile.

    shares = assets · rate // 10¹⁸       assets = shares · 10¹⁸ // rate
    slash x:  rate' = ⌈shares · 10¹⁸ / (assets − x)⌉

Rules: bgd-labs/aave-stk-gov-v3 0c4cb0b7 `StakedTokenV3`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mutualize.commands import (
    Command,
    OpenCooldown,
    Redeem,
    ReturnFunds,
    SettleSlashing,
    Slash,
    Stake,
    StartCooldown,
    TransferStake,
)
from mutualize.errors import Reason, require
from mutualize.events import Cell, Event, FundsReturned, Slashed, SlashingSettled
from mutualize.staking import StakePool
from mutualize.units import BPS, WAD, mul_div_down, mul_div_up

SHARES_MAX = 2**104 - 1
"""The most shares that the contract's words hold: of one holder, or in one call (`toUint104`)."""

if TYPE_CHECKING:
    from mutualize.book import View


class RateStakePool(StakePool):
    """Shares at an exchange rate. `shares` cells and accounts as in `StakePool`."""

    form: ClassVar[str] = "exchange-rate"

    def __init__(
        self,
        venue: str,
        stake: str,
        asset: str,
        *,
        cooldown_s: int,
        window_s: int,
        slash_max: int = 3_000,
        lower_bound: int = WAD,
    ) -> None:
        """`slash_max` in bps of the stake; at least `lower_bound` base units remain, and are returned."""
        super().__init__(venue, stake, asset, cooldown_s=cooldown_s, window_s=window_s)
        self.slash_max, self.lower_bound = slash_max, lower_bound

    def rate(self, view: View) -> int:
        """Return shares per asset, in WAD."""
        return view.cell(self.table, "exchange_rate", WAD)

    def unsettled(self, view: View) -> bool:
        """Say whether a slash waits to be settled."""
        return bool(view.cell(self.table, "unsettled"))

    def to_shares_down(self, view: View, assets: int) -> int:
        """Return the shares that a deposit of `assets` gets."""
        return mul_div_down(assets, self.rate(view), WAD)

    def to_assets_down(self, view: View, shares: int) -> int:
        """Return the assets that `shares` are redeemed for."""
        return mul_div_down(shares, WAD, self.rate(view))

    def slashable(self, view: View) -> int:
        """Return how much can be taken at once: the largest share, none while a slash is unsettled."""
        worth = self.to_assets_down(view, self.shares(view))
        most = mul_div_down(worth, self.slash_max, BPS)
        return 0 if self.unsettled(view) or worth - most < self.lower_bound else most

    def is_returnable(self, view: View, assets: int) -> bool:
        """Say whether assets can be given to all stakers: the contract refuses where either is too little."""
        return min(assets, self.shares(view)) >= self.lower_bound

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        match command:
            case Stake():
                require(not self.unsettled(view), Reason.SLASHING_IS_ONGOING)
                require(command.assets > 0, Reason.AMOUNT_IS_ZERO)
                shares = self.to_shares_down(view, command.assets)
                held = self.shares_of(view, command.account)
                require(held + shares <= SHARES_MAX, Reason.AMOUNT_IS_TOO_LARGE)
                return self._enter(view, command, command.assets, shares)
            case Redeem():
                return self._redeem(view, command, at)
            case Slash():
                return self._slash(view, command)
            case SettleSlashing():
                cell = Cell(self.table, "unsettled", 0)
                return [SlashingSettled(venue=self.venue, stake=self.stake, cells=(cell,))]
            case ReturnFunds():
                return self._return(view, command)
            case StartCooldown() | OpenCooldown() | TransferStake():
                return super().decide(view, command, at)
        raise AssertionError(command)

    def _redeem(self, view: View, command: Redeem, at: int) -> list[Event]:
        require(command.shares > 0, Reason.AMOUNT_IS_ZERO)
        require(command.shares <= SHARES_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        announced, ends, window = self.cooldown(view, command.account)
        free = self.unsettled(view)
        if not free:
            opens = ends if announced else self.cooldown_s or 0
            require(at >= opens, Reason.COOLDOWN_IS_RUNNING)
            require(at - opens <= (window or self.window_s), Reason.WINDOW_IS_CLOSED)
        most = self.shares_of(view, command.account) if free else announced
        require(most > 0, Reason.SHARES_ARE_ZERO)
        shares = min(command.shares, most)
        require(not announced or shares <= announced, Reason.AMOUNT_IS_TOO_LARGE)
        return self._leave(view, command, self.to_assets_down(view, shares), shares)

    def _cooldown_cells(self, view: View, holder: str, shares: int) -> list[Cell]:
        """Return the cells of a cooldown after `shares` are left in it; nothing where there was none."""
        return super()._cooldown_cells(view, holder, shares) if self.cooldown(view, holder)[1] else []

    def _slash(self, view: View, command: Slash) -> list[Event]:
        require(not self.unsettled(view), Reason.SLASHING_IS_UNSETTLED)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        worth = self.to_assets_down(view, self.shares(view))
        amount = min(command.amount, mul_div_down(worth, self.slash_max, BPS))
        require(worth - amount >= self.lower_bound, Reason.REMAINING_STAKE_IS_TOO_SMALL)
        return [self.slashed(view, amount, leaves=True)]

    def slashed(self, view: View, amount: int, *, leaves: bool) -> Event:
        """Return the event of taking `amount`: the rate rises (rounded up), and the slash is unsettled."""
        left = self.to_assets_down(view, self.shares(view)) - amount
        cells = (
            Cell(self.table, "exchange_rate", mul_div_up(self.shares(view), WAD, left)),
            Cell(self.table, "total_assets", self.assets(view) - amount),
            Cell(self.table, "unsettled", 1),
        )
        return Slashed(
            venue=self.venue,
            stake=self.stake,
            asset=self.asset,
            assets=amount,
            transfers=self._out(amount) if leaves else (),
            cells=cells,
        )

    def _return(self, view: View, command: ReturnFunds) -> list[Event]:
        require(command.assets >= self.lower_bound, Reason.RETURN_IS_TOO_SMALL)
        require(self.shares(view) >= self.lower_bound, Reason.SHARES_ARE_INSUFFICIENT)
        worth = self.to_assets_down(view, self.shares(view)) + command.assets
        cells = (
            Cell(self.table, "exchange_rate", mul_div_up(self.shares(view), WAD, worth)),
            Cell(self.table, "total_assets", self.assets(view) + command.assets),
        )
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
