"""Bugs on purpose in Compound's markets: see planted_bugs.py. Random play kills each by a law named for it.

The rule: a bug is one that a hurried reader of the contracts could have made; `setups` names the game.
"""

from __future__ import annotations

from planting import Bug

TOKEN, RULES, V2 = "venues.ctoken:CToken", "venues.comptroller:Work", "venues.compound:Compound"
FIGURES, WORK, SALE = "venues.comet_figures", "venues.comet_work:Work", "venues.absorption"
PLAIN2, TIERS2, PLAIN3, TIERS3 = ("v2",), ("v2 under tiers",), ("v3",), ("v3 under tiers",)

BUGS = (
    Bug(
        "interest is rounded up",
        f"{TOKEN}.accrue",
        "interest = wad_mul_down(factor, self.total_borrows)",
        "interest = wad_mul_down(factor, self.total_borrows) + 1",
        ("market",),
        PLAIN2,
    ),
    Bug(
        "reserves count as lendable",
        f"{TOKEN}.net",
        "-self.total_reserves",
        "0",
        ("market", "foretold", "liquidity"),
        PLAIN2,
    ),
    Bug(
        "redeemed tokens are rounded up",
        f"{V2}.withdraw",
        "wad_div_down(command.amount, rate), command.amount",
        "wad_div_down(command.amount, rate) + 1, command.amount",
        ("market", "foretold", "tokens"),
        PLAIN2,
    ),
    Bug(
        "a debt forgets the index it was written down with",
        f"{RULES}.owe",
        "self.put(tables.snapshot, account, market.borrow_index)",
        "self.put(tables.snapshot, account, WAD)",
        ("compound-debts",),
        PLAIN2,
    ),
    Bug(
        "a whole debt may be repaid at once",
        f"{RULES}.require_liquidatable",
        "most = wad_mul_down(self.rules.close_factor, self.debt(asset, borrower))",
        "most = self.debt(asset, borrower)",
        ("foretold",),
        PLAIN2,
    ),
    Bug(
        "the liquidator gets the reserves' share, too",
        f"{V2}.liquidate",
        "work.burn(collateral, borrower, share)",
        "work.give(collateral, borrower, command.account, share)",
        ("market",),
        PLAIN2,
    ),
    Bug(
        "collateral counts in full",
        f"{RULES}.liquidity",
        "wad_mul_down(wad_mul_down(market.collateral_factor, market.exchange_rate()), price)",
        "wad_mul_down(market.exchange_rate(), price)",
        ("liquidity", "foretold", "market"),
        PLAIN2,
    ),
    Bug(
        "all is more than the tokens there are",
        f"{RULES}.most_repaid",
        "(tokens + 1) * WAD - 1",
        "(tokens + 2) * WAD",
        ("foretold",),
        PLAIN2,
    ),
    Bug(
        "what is recognised stays lent",
        f"{RULES}.recognise",
        "self.repay(asset, account, amount)",
        "pass",
        ("shortfall-from-loans",),
        TIERS2,
    ),
    Bug(
        "reserves pay and keep",
        f"{TOKEN}.cut",
        "self.total_reserves -= amount",
        "pass",
        ("par", "books-balance"),
        TIERS2,
    ),
    Bug(
        "a debt is rounded down",
        f"{FIGURES}:Base.principal",
        "mul_div_up(-present, INDEX, self.borrow_index)",
        "mul_div_down(-present, INDEX, self.borrow_index)",
        ("figures", "principal"),
        PLAIN3,
    ),
    Bug(
        "what rounding moved the wrong way is counted",
        f"{FIGURES}:_parts",
        "after > before",
        "after > before + 1",
        ("figures", "foretold"),
        PLAIN3,
    ),
    Bug(
        "the reserves pay the full price",
        f"{WORK}.seize",
        'figures.factor("liquidation_factor")',
        "WAD",
        ("figures",),
        PLAIN3,
    ),
    Bug(
        "factors have all their digits",
        f"{FIGURES}:Collateral.factor",
        "div_down(getattr(self, name), FACTOR) * FACTOR",
        "int(getattr(self, name))",
        ("figures", "collateral", "foretold"),
        PLAIN3,
    ),
    Bug(
        "nothing is sold at a discount",
        f"{SALE}:_terms",
        "wad_mul_down(work.base.store_front_factor, penalty)",
        "0",
        ("collateral", "foretold"),
        PLAIN3,
    ),
    Bug(
        "what is beyond the debt is kept",
        f"{SALE}:_absorb",
        "base.principal(left - short)",
        "base.principal(min(0, left - short))",
        ("figures",),
        PLAIN3,
    ),
    Bug(
        "a sale does not lower what collateral had cost",
        f"{SALE}:_sell",
        "figures.cost -= back",
        "pass",
        ("compound-absorbed",),
        PLAIN3,
    ),
    Bug(
        "income pays what tiers were made to owe",
        f"{FIGURES}:Base.settle",
        "max(0, self.deficit - pending)",
        "self.deficit",
        ("nothing-is-negative", "compound-signs"),
        TIERS3,
    ),
    Bug(
        "a haircut is rounded in favour of holders",
        f"{FIGURES}:Base.cut",
        "mul_div_down(self.supply_index, self.claims() - amount, worth_up)",
        "mul_div_down(self.supply_index, self.claims() - amount, worth_up) + 1",
        ("nothing-is-negative", "compound-signs"),
        TIERS3,
    ),
    Bug(
        "a principal is not counted among the units",
        f"{WORK}.set_principal",
        "base.supply_units += supply - self.get(self._supply, account)",
        "pass",
        ("units-sum-up",),
        PLAIN3,
    ),
)
