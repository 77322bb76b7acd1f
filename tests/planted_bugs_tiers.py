"""Bugs on purpose in custody, sharing, payers, open losses and recoveries; each names the laws that see it.

The rule: as in `planted_bugs.py`. They are hunted in the plays of `custody_play.py`, by `custody_auditor.py`.
"""

from __future__ import annotations

from planting import Bug

CUSTODY, COVER = "venues.custody:Custody", "venues.custody_cover:CustodyCover"
BALANCES = ("balances-sum-up",)
CAPS = ("capacity", "caps", "fair", "crash-ValueError", "balances-sum-up")

TIER_BUGS = (
    Bug("a withdrawal leaves its balance", f"{CUSTODY}.withdraw", "held - amount", "held", BALANCES),
    Bug(
        "tiers' money is paid out to holders",
        f"{CUSTODY}.cash",
        'return owed - balance(view, account(self.name, "deficit"), asset)',
        "return owed",
        ("tiers-are-in-cash", "nothing-is-negative", "backing", "reported"),
    ),
    Bug(
        "a loser pays more than he has",
        f"{CUSTODY}.settle_profits",
        "max(0, after)",
        "after",
        ("balances-sum-up", "profits"),
    ),
    Bug(
        "a loser's shortfall is forgotten",
        f"{CUSTODY}.settle_profits",
        "if after < 0:",
        "if after < -1:",
        ("balances-sum-up",),
    ),
    Bug(
        "gains are not netted over a period",
        f"{CUSTODY}.settle_profits",
        "view.cell(counted, name) + gain",
        "gain",
        ("profits",),
    ),
    Bug(
        "backing is lost rounded down",
        "venues.reported_losses:lost",
        "mul_div_up(cash, command.share, WAD)",
        "mul_div_up(cash - 1, command.share, WAD)",
        ("backing",),
    ),
    Bug(
        "a claim is created and not recognised whole",
        f"{CUSTODY}.report_loss",
        "command.holder, command.asset, amount, at)",
        "command.holder, command.asset, amount + 1, at)",
        BALANCES,
    ),
    Bug(
        "the debtor's balance is a winner's",
        f"{COVER}._held",
        "if name != debtor",
        "if name",
        CAPS,
    ),
    Bug(
        "a winner pays more than he won",
        f"{COVER}._held",
        "min(gain, balances.get(name, 0))",
        "balances.get(name, 0)",
        CAPS,
    ),
    Bug("a cohort is ignored", f"{COVER}._includes", "not perimeter.has_cohort or", "True or", CAPS),
    Bug(
        "an asset that is short pays for another",
        f"{COVER}._paying",
        "and not view.debits(deficit, each)",
        "",
        (*CAPS, "tiers-are-in-cash", "nothing-is-negative"),
    ),
    Bug(
        "what is needed is rounded down",
        f"{COVER}._needed",
        "mul_div_up(part, below, above)",
        "mul_div_down(part, below, above)",
        ("sold", "parts"),
    ),
    Bug(
        "worth is rounded up",
        f"{COVER}._worth",
        "mul_div_down(held, above, below)",
        "mul_div_up(held, above, below)",
        CAPS,
    ),
    Bug(
        "a cut is not rounded to the residue",
        f"{COVER}._sold",
        "transfers if sold == cut else",
        "transfers if True else",
        ("balances-sum-up", "sold"),
    ),
    Bug(
        "a winner's gain is not lowered",
        f"{COVER}._cut",
        "if tier.payer == WINNERS:",
        "if False:",
        ("gains",),
    ),
    Bug("a claimant's cap is ignored", "sharing:_by_weight", "if part > caps[name]", "if False", CAPS),
    Bug(
        "ranks are read backwards",
        "sharing:share",
        "sign = -1 if sharing == RANKED else 1",
        "sign = 1 if sharing == RANKED else -1",
        ("ranks",),
    ),
    Bug(
        "who has no weight bears by weight",
        "sharing:bearable",
        "if (by or {}).get(name, 0)",
        "if True",
        CAPS,
    ),
    Bug(
        "an unmet share is dropped",
        "sharing:_by_weight",
        "left -= caps[name]",
        "left -= caps[name] + (left > caps[name])",
        ("parts", "fair", "balances-sum-up", "funds-hold-contributions", "borne-sums-up", "ious", "deficit"),
    ),
    Bug(
        "members answer for the debtor's default twice",
        "payers:Members._caps",
        "if name != loss.debtor",
        "if name",
        CAPS,
    ),
    Bug(
        "an assessment forgets what was called before",
        "payers:assessable",
        "- used",
        "- 0 * used",
        CAPS,
    ),
    Bug("a quota is never spent", "waterfall:Waterfall._quota_cells", "+ amount", "", ("capacity", "quota")),
    Bug(
        "what a vote allows is ignored",
        "waterfall:Waterfall._allocate",
        "capacity, most)",
        "capacity)",
        ("exact-tiers",),
    ),
    Bug(
        "a lapsed loss is not passed on",
        "waterfall:Waterfall._lapse",
        "amount=loss.amount",
        "amount=loss.amount - 1",
        ("exact-tier-rule",),
    ),
    Bug(
        "what a tier owes later is paid and still owed",
        "waterfall:Waterfall._settle_later",
        "first.amount - amount",
        "first.amount",
        ("exact-tier-rule", "deficit", "nothing-is-negative"),
    ),
    Bug(
        "a snapshot is taken only once",
        "waterfall:Waterfall._snapshot",
        "if now.get(name, 0) != then.get(name, 0)",
        "if name not in then",
        (*CAPS, "snapshot"),
    ),
    Bug(
        "what was borne is not written down",
        "borne:Borne.changed",
        "+ sign * amount",
        "",
        ("borne", "borne-sums-up"),
    ),
    Bug(
        "an IOU is a unit short",
        "borne:Borne._ious",
        "mul_div_down(part,",
        "mul_div_down(part - 1,",
        ("ious",),
    ),
    Bug(
        "a tier is given more than it bore",
        "recoveries:Plan._left",
        "- self._given.get(due, 0)",
        "",
        ("borne-sums-up", "crash-ValueError", "deficit", "ious-are-not-negative"),
    ),
    Bug(
        "recovered money pays what a tier owes",
        "recoveries:Recoveries.deficit",
        "- pending",
        "",
        ("deficit", "nothing-is-negative"),
    ),
    Bug(
        "a redeemed IOU stays",
        "recoveries:Recoveries.pay",
        "view.cell(table, name) - part)",
        "view.cell(table, name))",
        ("ious",),
    ),
    Bug(
        "a refund lowers contributions",
        "refunds:Refunds.refund",
        "name: -part",
        "name: part",
        ("funds-hold-contributions", "given-back"),
    ),
    Bug(
        "money comes back to the first tier first",
        "recoveries:Recoveries.who_bore",
        "found[::-1] if row.rule == REVERSE else found",
        "found",
        ("order-of-recoveries",),
    ),
)
