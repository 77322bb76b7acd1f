"""What can go wrong, in two kinds that are never mixed.

A wish that the rules reject is *refused* (`Refused`, with a `Reason`): an expected outcome, counted.
A mistake of the user is a `MutualizeError`: it names place, problem and remedy, and an exit code.
Everything else is a bug of ours (`InvariantBroken`, or a plain exception) that nobody catches.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Self


class Reason(Enum):
    """Why a command was refused. `word` is the deployed contract's own name for it, where it has one.

    Several reasons may share one contract word; they are told apart by name.
    """

    def __new__(cls, word: str) -> Self:
        """Give the member a number as its value, since words are not unique."""
        member = object.__new__(cls)
        member._value_ = len(cls.__members__) + 1
        member.word = word
        return member

    word: str

    # amounts and balances
    AMOUNT_IS_ZERO = "InvalidAmount"
    AMOUNT_IS_TOO_SMALL = "InvalidMintAmount"
    BURN_IS_TOO_SMALL = "InvalidBurnAmount"
    AMOUNT_IS_TOO_LARGE = "Panic"
    BALANCE_IS_INSUFFICIENT = "NotEnoughAvailableUserBalance"
    LIQUIDITY_IS_INSUFFICIENT = "InvalidAmount"
    CLAIMS_ARE_INSUFFICIENT = "InvalidAmount"
    BALANCE_IS_ZERO = "UnderlyingBalanceZero"
    # lending
    DEBT_IS_ZERO = "NoDebtOfSelectedType"
    POSITION_IS_HEALTHY = "HealthFactorNotBelowThreshold"
    POSITION_WOULD_BE_UNSAFE = "HealthFactorLowerThanLiquidationThreshold"
    COLLATERAL_IS_INSUFFICIENT = "CollateralCannotCoverNewBorrow"
    LOAN_TO_VALUE_IS_ZERO = "LtvValidationFailed"
    COLLATERAL_IS_NOT_ALLOWED = "UserInIsolationModeOrLtvZero"
    COLLATERAL_IS_NOT_ENABLED = "CollateralCannotBeLiquidated"
    BORROWER_IS_LIQUIDATOR = "SelfLiquidation"
    DEBT_IS_NOT_OWED = "SpecifiedCurrencyNotBorrowedByUser"
    LEFTOVER_IS_DUST = "MustNotLeaveDust"
    RESERVE_IS_PAUSED = "ReservePaused"
    RESERVE_IS_UNKNOWN = "AssetNotListed"
    RESERVE_IS_WIPED_OUT = "DivisionByZero"
    PRICE_IS_MISSING = "PriceOracleSentinelCheckFailed"
    CALLER_IS_NOT_UMBRELLA = "CallerNotUmbrella"
    CALLER_IS_NOT_GOVERNANCE = "CallerNotPoolAdmin"
    CALLER_HAS_DEBT = "UserCannotHaveDebt"
    DEFICIT_IS_ZERO = "ReserveNotInDeficit"
    COLLATERAL_REMAINS = "CollateralRemains"
    PARAMETER_IS_INVALID = "InvalidReserveParams"
    # umbrella, stake
    NOTHING_IS_SLASHABLE = "CannotSlash"
    STAKE_IS_EXHAUSTED = "ZeroFundsAvailable"
    PENDING_DEFICIT_IS_ZERO = "ZeroDeficitToCover"
    OFFSET_IS_TOO_LOW = "TooMuchDeficitOffsetReduction"
    REDEEM_IS_TOO_LARGE = "ERC4626ExceededMaxRedeem"
    WITHDRAW_IS_TOO_LARGE = "ERC4626ExceededMaxWithdraw"
    SHARES_ARE_INSUFFICIENT = "ERC20InsufficientBalance"
    SHARES_ARE_ZERO = "ZeroShares"
    SLASHING_IS_ONGOING = "SLASHING_ONGOING"
    SLASHING_IS_UNSETTLED = "PREVIOUS_SLASHING_NOT_SETTLED"
    COOLDOWN_IS_RUNNING = "INSUFFICIENT_COOLDOWN"
    WINDOW_IS_CLOSED = "UNSTAKE_WINDOW_FINISHED"
    REMAINING_STAKE_IS_TOO_SMALL = "REMAINING_LT_MINIMUM"
    RETURN_IS_TOO_SMALL = "AMOUNT_LT_MINIMUM"
    # the world outside
    PROFIT_IS_TOO_SMALL = "ProfitTooSmall"
    MARKET_IS_HALTED = "MarketHalted"
    PURSE_IS_EMPTY = "PurseEmpty"
    TRANSACTION_IS_DROPPED = "TransactionDropped"


class Refused(Exception):
    """A command that the rules reject. Raised while deciding, caught by `Protocol.submit`, never written."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


def require(condition: bool, reason: Reason) -> None:
    """Refuse with `reason` unless `condition` holds."""
    if not condition:
        raise Refused(reason)


class InvariantBroken(Exception):
    """A named law does not hold: a bug of ours. No `assert`, so that `python -O` keeps it."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class Exit(IntEnum):
    """Exit codes of the command line."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    INVARIANT_BROKEN = 3
    MISSING = 4
    LIMIT = 5
    TORN = 6
    UNSEALED = 7
    CORRUPT = 8
    IO = 74
    INTERRUPTED = 130
    TERMINATED = 143


class MutualizeError(Exception):
    """A mistake that a user can repair: `place: problem. remedy`.

    `place` is a file with line, an option, or empty; `remedy` may be empty. Several mistakes that were
    found together are raised as one error whose `others` hold the rest.
    """

    def __init__(
        self,
        place: str,
        problem: str,
        remedy: str = "",
        *,
        code: Exit = Exit.USAGE,
        others: tuple[MutualizeError, ...] = (),
    ) -> None:
        self.place = place
        self.problem = problem
        self.remedy = remedy
        self.code = code
        self.others = others
        super().__init__(self.line())

    def line(self) -> str:
        """Return this one mistake as a single line."""
        head = f"{self.place}: " if self.place else ""
        tail = f" {self.remedy}" if self.remedy else ""
        return f"{head}{self.problem}{tail}"

    def lines(self) -> list[str]:
        """Return all mistakes that were found together, one line each."""
        return [self.line(), *(other.line() for other in self.others)]
