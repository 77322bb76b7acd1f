"""Bugs on purpose in an isolated market: see planted_bugs.py. Random play kills them by a law.

The rule: a bug is one that a hurried reader of the contract could have made. Those that break no law of money
are killed by the second opinion alone ('foretold', 'state'), which the others are not given.
"""

from __future__ import annotations

from planting import Bug

VENUE, WORK, COVER = "venues.isolated:IsolatedMarket", "venues.isolated_work:Market", "venues.isolated_cover"
ALL = ("contract", "three-tiers", "par", "others")

BUGS = (
    Bug(
        "who supplies is given a share too much",
        f"{VENUE}.supply",
        "market.supply.to_shares_down(assets)",
        "market.supply.to_shares_up(assets)",
        ("share-price", "round-trip"),
        ALL,
    ),
    Bug(
        "who withdraws gives a share too few",
        f"{VENUE}.withdraw",
        "market.supply.to_shares_up(assets)",
        "market.supply.to_shares_down(assets)",
        ("share-price",),
        ALL,
    ),
    Bug(
        "a shortfall leaves shares as they are worth",
        f"{COVER}:MarketCover.take",
        "market.supply.add(-amount, 0)",
        "pass",
        ("market-totals", "share-price", "nothing-is-negative", "residue"),
        ("contract",),
    ),
    Bug(
        "a cut burns shares too",
        f"{COVER}:MarketCover.take",
        "market.supply.add(-amount, 0)",
        "market.supply.add(-amount, -min(amount, market.supply.shares))",
        ("share-price", "market-positions-sum-up"),
        ("contract",),
    ),
    Bug(
        "a unit of collateral is none",
        f"{VENUE}._close",
        "0 if market.pledged(borrower) else",
        "0 if market.pledged(borrower) > 1 else",
        ("bad-debt",),
        ALL,
    ),
    Bug(
        "bad debt waits for somebody",
        f"{VENUE}._close",
        "0 if market.pledged(borrower) else market.owed(borrower)",
        "0",
        ("market-positions-sum-up",),
        ALL,
    ),
    Bug(
        "the bonus is a fifth",
        f"{WORK}.incentive",
        "INCENTIVE_MAX, mul_div_down(WAD, WAD, kept)",
        "12 * 10**17, 12 * 10**17",
        ("bonus",),
        ALL,
    ),
    Bug(
        "suppliers earn nothing",
        f"{WORK}.accrue",
        "self.supply.add(interest, 0)",
        "pass",
        ("market-totals", "interest", "residue", "AssertionError"),
        ALL,
    ),
    Bug(
        "the fee dilutes itself twice",
        f"{WORK}.accrue",
        "Side(self.supply.assets - amount,",
        "Side(self.supply.assets - interest,",
        ("interest",),
        ALL,
    ),
    Bug(
        "what is missing may be lent",
        f"{WORK}.liquidity",
        "- self.borrow.assets - short",
        "- self.borrow.assets",
        ("market-totals", "nothing-is-negative", "tiers-are-in-cash"),
        ("par", "others"),
    ),
    Bug(
        "safety is not asked of who takes collateral",
        f"{VENUE}.withdraw_collateral",
        "market.require_healthy(command.account)",
        "pass",
        ("safe-after", "market-positions-sum-up"),
        ALL,
    ),
    Bug(
        "a debt is rounded down where it is weighed",
        f"{WORK}.debt",
        "to_assets_up",
        "to_assets_down",
        ("foretold", "state"),
        ALL,
    ),
    Bug(
        "interest is simple",
        "venues.isolated_work:taylor_compounded",
        "plus(plus(first, second), third)",
        "first",
        ("foretold", "state"),
        ALL,
    ),
    Bug(
        "who pays a unit too much pays his debt down by it",
        f"{WORK}.burn_debt",
        "-min(assets, self.borrow.assets)",
        "-assets",
        ("AssertionError", "foretold", "state"),
        ALL,
    ),
    Bug(
        "a liquidator for assets pays for all that is owed",
        f"{VENUE}.liquidate_asset",
        "if enough <= shares:",
        "if enough < 0:",
        ("foretold", "state"),
        ALL,
    ),
)
"""Killed in random play under the tables that are named, by one of the laws."""
