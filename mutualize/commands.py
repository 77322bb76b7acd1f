"""What somebody asks for. Imperatives; a command carries a wish and no result.

Every command names its `venue` (who decides) and `account` (who asks). Amounts are base units; `ALL` as
an amount means the whole balance or debt, as in the contracts.
"""

from __future__ import annotations

import attrs

from mutualize.units import UINT256_MAX

ALL = UINT256_MAX


@attrs.frozen(kw_only=True)
class Command:
    """The face that all commands share."""

    venue: str
    account: str


# --- the world -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PublishPrice(Command):
    """Tell protocols a price (8 decimals); `market` is what the market said."""

    asset: str
    price: int
    market: int


@attrs.frozen(kw_only=True)
class Trade(Command):
    """Sell one asset for another at a place of trading, at terms that the market already quoted."""

    sold: str
    sold_amount: int
    bought: str
    bought_amount: int
    place: str
    mid: int


@attrs.frozen(kw_only=True)
class PayGas(Command):
    """Pay for an included transaction, in the chain's native asset."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class HaltMarket(Command):
    """Record that a place of trading has no price (`on`), or has one again."""

    asset: str
    place: str
    on: bool


@attrs.frozen(kw_only=True)
class Propose(Command):
    """Begin a vote."""

    proposal: str
    executable: int


@attrs.frozen(kw_only=True)
class ExecuteProposal(Command):
    """Record that a proposal is carried out; its command goes in the same transaction."""

    proposal: str


@attrs.frozen(kw_only=True)
class FailTransaction(Command):
    """Record a transaction that was included and rejected for `reason`: its sender pays the gas anyway."""

    reason: str
    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class FailAgent(Command):
    """Record that an agent's own code (`account`) raised an error."""

    problem: str


@attrs.frozen(kw_only=True)
class AwaitCash(Command):
    """Record that a holder wants `amount` out of `pool`, which has no cash; 0 when he no longer waits."""

    pool: str
    asset: str
    amount: int


# --- a lending pool --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Supply(Command):
    """Put money in, get a claim."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Withdraw(Command):
    """Take money out against a claim; ALL for the whole balance."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Borrow(Command):
    """Draw a loan."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Repay(Command):
    """Repay a loan, one's own or (`on_behalf_of`) another's; ALL for the whole debt."""

    asset: str
    amount: int
    on_behalf_of: str = ""


@attrs.frozen(kw_only=True)
class SetCollateral(Command):
    """Put a claim up as collateral, or take it back."""

    asset: str
    on: bool


@attrs.frozen(kw_only=True)
class TransferClaims(Command):
    """Give a claim of `amount` to somebody else; ALL for the whole balance."""

    to: str
    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class OpenPosition(Command):
    """Begin with a position: supply `collateral`, borrow `debt`. One event; health is checked."""

    collateral: str
    collateral_amount: int
    debt: str
    debt_amount: int


@attrs.frozen(kw_only=True)
class Liquidate(Command):
    """Repay up to `debt_to_cover` of an unsafe borrower's debt and seize collateral at a bonus."""

    borrower: str
    collateral: str
    debt: str
    debt_to_cover: int = ALL
    receive_claims: bool = False


@attrs.frozen(kw_only=True)
class RecogniseShortfall(Command):
    """Move the debt of a borrower who has no collateral left to the deficit (governance)."""

    borrower: str
    asset: str


@attrs.frozen(kw_only=True)
class MintToTreasury(Command):
    """Turn the accrued share of the treasury into claims of `account` (and the fund's share into cash)."""

    asset: str


@attrs.frozen(kw_only=True)
class EliminateDeficit(Command):
    """Give up claims of one's own to pay an open deficit. Only the covering address may."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class ListReserve(Command):
    """Open a reserve. `parameters` are (name, integer) pairs; venues/pool.py documents each."""

    asset: str
    parameters: tuple[tuple[str, int], ...]


@attrs.frozen(kw_only=True)
class SetParameter(Command):
    """Set one parameter of a reserve (governance)."""

    asset: str
    name: str
    value: int


@attrs.frozen(kw_only=True)
class ContributeToFund(Command):
    """Put money into a tier's fund."""

    tier: str
    asset: str
    amount: int


# --- stake and umbrella ----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Stake(Command):
    """Put assets into a stake."""

    stake: str
    assets: int


@attrs.frozen(kw_only=True)
class MintShares(Command):
    """Put in as many assets as `shares` cost."""

    stake: str
    shares: int


@attrs.frozen(kw_only=True)
class Redeem(Command):
    """Turn shares into assets, within the withdrawal window."""

    stake: str
    shares: int


@attrs.frozen(kw_only=True)
class WithdrawAssets(Command):
    """Take out `assets` for as many shares as they cost."""

    stake: str
    assets: int


@attrs.frozen(kw_only=True)
class StartCooldown(Command):
    """Announce to leave."""

    stake: str


@attrs.frozen(kw_only=True)
class OpenCooldown(Command):
    """Come with a cooldown that was started before, at `began`, for all of the holder's shares."""

    stake: str
    began: int


@attrs.frozen(kw_only=True)
class TransferStake(Command):
    """Give shares to somebody else."""

    stake: str
    to: str
    shares: int


@attrs.frozen(kw_only=True)
class Slash(Command):
    """Take assets from a stake. With Umbrella, as much as the open deficit asks for (`amount` unused)."""

    stake: str
    amount: int = 0


@attrs.frozen(kw_only=True)
class SettleSlashing(Command):
    """End the unsettled state after a slash."""

    stake: str


@attrs.frozen(kw_only=True)
class ReturnFunds(Command):
    """Give assets to all stakers, without new shares."""

    stake: str
    assets: int


@attrs.frozen(kw_only=True)
class LoseAssets(Command):
    """Take assets out of a share vault without burning shares (a loss from outside)."""

    stake: str
    assets: int


@attrs.frozen(kw_only=True)
class CoverPendingDeficit(Command):
    """Burn claims against the pending deficit; at most `amount`."""

    amount: int


@attrs.frozen(kw_only=True)
class CoverDeficitOffset(Command):
    """Burn claims against the deficit offset; at most `amount`."""

    amount: int


@attrs.frozen(kw_only=True)
class SetDeficitOffset(Command):
    """Set the deficit below which stakers are not touched."""

    amount: int
