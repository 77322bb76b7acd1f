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
    CALLER_MAY_NOT_COVER = "AccessControlUnauthorizedAccount"
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
    # a waterfall that takes time
    TIER_HAS_TO_WAIT = "TierHasToWait"
    NOTHING_IS_OPEN = "NothingIsOpen"
    EXITS_ARE_FROZEN = "ExitsAreFrozen"
    EXITS_ARE_OPEN = "ExitsAreOpen"
    CALLER_IS_NOT_CALLED = "CallerIsNotCalled"
    MEMBER_IS_UNKNOWN = "MemberIsUnknown"
    NOTHING_IS_OWED_BACK = "NothingIsOwedBack"
    # a vault engine; the word is what follows the contract's name and a slash
    VENUE_IS_SHUT_DOWN = "not-live"
    VENUE_IS_LIVE = "still-live"
    CALLER_IS_A_CONTRACT = "not-authorized"
    CEILING_IS_EXCEEDED = "ceiling-exceeded"
    VAULT_WOULD_BE_UNSAFE = "not-safe"
    VAULT_WOULD_BE_DUST = "dust"
    VAULT_IS_SAFE = "not-unsafe"
    LIQUIDATIONS_ARE_AT_LIMIT = "liquidation-limit-hit"
    AUCTION_WOULD_BE_EMPTY = "null-auction"
    AUCTION_WOULD_BE_DUST = "dusty-auction-from-partial-liquidation"
    AUCTION_IS_UNKNOWN = "guy-not-set"
    SALE_IS_UNKNOWN = "not-running-auction"
    BID_IS_FINAL = "already-finished-tic"
    AUCTION_IS_OVER = "already-finished-end"
    AUCTION_IS_UNFINISHED = "not-finished"
    BID_IS_PLACED = "bid-already-placed"
    LOT_DOES_NOT_MATCH = "lot-not-matching"
    BID_DOES_NOT_MATCH = "not-matching-bid"
    BID_IS_TOO_HIGH = "higher-than-tab"
    BID_IS_NOT_HIGHER = "bid-not-higher"
    BID_RISES_TOO_LITTLE = "insufficient-increase"
    TAB_IS_UNPAID = "tend-not-finished"
    TAB_IS_PAID = "already-dent-phase"
    LOT_IS_NOT_LOWER = "lot-not-lower"
    LOT_FALLS_TOO_LITTLE = "insufficient-decrease"
    SURPLUS_AUCTIONS_ARE_AT_LIMIT = "over-lid"
    SALE_NEEDS_RESET = "needs-reset"
    SALE_NEEDS_NO_RESET = "cannot-reset"
    PRICE_IS_TOO_HIGH = "too-expensive"
    PURCHASE_IS_PARTIAL = "no-partial-purchase"
    TAB_IS_ZERO = "zero-tab"
    STARTING_PRICE_IS_ZERO = "zero-top-price"
    WAIT_IS_UNFINISHED = "wait-not-finished"
    SURPLUS_IS_INSUFFICIENT = "insufficient-surplus"
    SHORTFALL_IS_INSUFFICIENT = "insufficient-debt"
    ASH_IS_INSUFFICIENT = "not-enough-ash"
    SURPLUS_IS_NOT_ZERO = "surplus-not-zero"
    SHORTFALL_IS_NOT_ZERO = "debt-not-zero"
    FEED_IS_EARLY = "not-passed"
    PRICE_IS_TAGGED = "tag-ilk-already-defined"
    PRICE_IS_NOT_TAGGED = "tag-ilk-not-defined"
    DEBT_IS_NOT_ZERO = "art-not-zero"
    DEBT_IS_NOT_THAWED = "debt-zero"
    SHARE_IS_FIXED = "fix-ilk-already-defined"
    SHARE_IS_NOT_FIXED = "fix-ilk-not-defined"
    # an isolated market; the word is the contract's
    INPUT_IS_INCONSISTENT = "inconsistent input"
    # markets of Compound's
    REPAYMENT_IS_TOO_LARGE = "TOO_MUCH_REPAY"
    SEIZURE_IS_TOO_LARGE = "LIQUIDATE_SEIZE_TOO_MUCH"
    RATE_IS_ABSURD = "borrow rate is absurdly high"
    BORROW_CAP_IS_REACHED = "market borrow cap reached"
    RESERVES_ARE_INSUFFICIENT = "InsufficientReserves"
    BORROW_IS_TOO_SMALL = "BorrowTooSmall"
    SUPPLY_CAP_IS_EXCEEDED = "SupplyCapExceeded"
    COLLATERAL_IS_NOT_FOR_SALE = "NotForSale"
    SLIPPAGE_IS_TOO_LARGE = "TooMuchSlippage"
    COLLATERAL_COVERS_DEBT = "CollateralCoversDebt"
    # a trove system; the word is what follows the contract's name and a colon
    TROVE_IS_ACTIVE = "Trove is active"
    TROVE_IS_NOT_ACTIVE = "Trove does not exist or is closed"
    TROVE_IS_THE_LAST = "Only one trove in the system"
    TROVE_DEBT_IS_TOO_SMALL = "Trove's net debt must be greater than minimum"
    TROVE_WOULD_BE_UNSAFE = "An operation that would result in ICR < MCR is not permitted"
    TROVE_WOULD_BE_CRITICAL = "Operation must leave trove with ICR >= CCR"
    TROVE_WOULD_BE_WORSE = "Cannot decrease your Trove's ICR in Recovery Mode"
    SYSTEM_WOULD_BE_CRITICAL = "An operation that would result in TCR < CCR is not permitted"
    SYSTEM_IS_IN_RECOVERY = "Operation not permitted during Recovery Mode"
    COLLATERAL_IS_HELD = "Collateral withdrawal not permitted Recovery Mode"
    COLLATERAL_GOES_BOTH_WAYS = "Cannot withdraw and add coll"
    ADJUSTMENT_IS_EMPTY = "There must be either a collateral change or a debt change"
    DEBT_CHANGE_IS_ZERO = "Debt increase requires non-zero debtChange"
    STABLECOINS_ARE_INSUFFICIENT = "Caller doesnt have enough LUSD to make repayment"
    NOTHING_IS_UNSAFE = "nothing to liquidate"
    SURPLUS_IS_ZERO = "No collateral available to claim"
    DEPOSIT_IS_ZERO = "User must have a non-zero deposit"
    TROVES_ARE_UNSAFE = "Cannot withdraw while there are troves with ICR < MCR"
    POOL_WOULD_BE_EMPTY = "Withdrawal must leave totalBoldDeposits >= MIN_LUSD_IN_SP"
    POOL_IS_EXHAUSTED = "InvalidOpcode"
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
