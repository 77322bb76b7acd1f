"""Bugs on purpose in a vault engine: see planted_bugs.py. Random play kills them by a law, or a story does.

The rule: a bug is one that the contracts' own history, or a hurried reader of them, could have made.
"""

from __future__ import annotations

from planting import Bug

VAT, VOW, CLIP, FLIP = "venues.vat:Vat", "venues.vow", "venues.clip", "venues.flip"
OLD, NEW, SALE = ("flip-2020-03",), ("flip",), ("clip",)

BUGS = (
    Bug(
        "a vault is safe one unit too late",
        f"{VAT}.frob",
        "covered = tab <= times(ink",
        "covered = tab <= times(ink + 1",
        ("vault-safe",),
        NEW,
    ),
    Bug(
        "dust may be left",
        f"{VAT}.frob",
        "art == 0 or tab >=",
        "art == 0 or 2 * tab >=",
        ("vault-dust",),
        NEW,
    ),
    Bug(
        "a drawing is no loan",
        f"{VAT}.frob",
        "self._lend(part(owner), dtab)",
        "pass",
        ("vault-debt", "nothing-is-negative"),
        NEW,
    ),
    Bug(
        "a fee is not told to the vow",
        f"{VAT}.fold",
        'self.add("dai", VOW, rad)',
        "pass",
        ("rate", "vault-debt", "vaults-sum-up"),
        NEW,
    ),
    Bug(
        "the rate does not compound",
        "venues.cdp:drip",
        'power_half_up(vat.get(ilk, "duty"), age, RAY)',
        '(RAY + (vat.get(ilk, "duty") - RAY) * age)',
        ("rate",),
        NEW,
    ),
    Bug(
        "a safe vault is liquidated",
        f"{FLIP}:require_unsafe",
        "worth < times(",
        "worth <= 2 * times(",
        ("liquidated-unsafe", "ZeroDivisionError"),
        NEW,
    ),
    Bug(
        "the penalty is not in the tab",
        f"{FLIP}:bite",
        'times(owed, vat.get(ilk, "chop"))',
        "times(owed, RAY if old else WAD)",
        ("liquidated-tab",),
        OLD,
    ),
    Bug(
        "an auction holds more than a lump",
        f"{FLIP}:_slice_2020",
        'min(ink, vat.get(ilk, "lump"))',
        "ink",
        ("liquidated-limit",),
        OLD,
    ),
    Bug(
        "the box is never full",
        f"{FLIP}:bite",
        'vat.add(SYSTEM, "litter", tab)',
        'vat.add(SYSTEM, "litter", 0)',
        ("liquidated-limit",),
        NEW,
    ),
    Bug(
        "who is outbid is not repaid",
        f"{FLIP}:tend",
        'vat.move(bidder, auction.name("guy"), auction["bid"])',
        'vat.move(bidder, VOW, auction["bid"])',
        ("outbid-repaid", "vault-debt"),
        OLD,
    ),
    Bug(
        "a bid may be raised by a unit",
        "venues.auction:Auction.require_higher",
        'times(self.term("beg"), self["bid"])',
        'times(WAD, self["bid"])',
        ("bid-better",),
        NEW,
    ),
    Bug(
        "an auction ends at its bid's last second",
        "venues.auction:Auction.require_final",
        'self["tic"] < at',
        'self["tic"] <= at',
        ("ended-in-time",),
        NEW,
    ),
    Bug(
        "a restart does not set the clock",
        "venues.auction:Auction.tick",
        'self["end"] = self._after("tau")',
        'self["end"] = self["end"] + 1',
        ("restarted",),
        NEW,
    ),
    Bug(
        "a price falls each second",
        f"{CLIP}:Sale.status",
        'div_down(age, vat.get(ilk, "step"))',
        "age",
        ("sale-price", "restarted"),
        SALE,
    ),
    Bug(
        "a purchase may leave dust",
        f"{CLIP}:_purchase",
        "tab - paid < dust",
        "tab - paid < 0",
        ("sale-dust",),
        SALE,
    ),
    Bug(
        "the last buyer leaves dirt",
        f"{CLIP}:take",
        "dug = paid if lot else plus(tab, paid)",
        "dug = paid",
        ("vault-auctions-sum-up",),
        SALE,
    ),
    Bug(
        "debt leaves the queue at once",
        f"{VOW}:flog",
        'plus(era, vat.system("wait"))',
        "era",
        ("flog",),
        NEW,
    ),
    Bug(
        "queued debt is healed",
        f"{VOW}:free_debt",
        '-vat.system("Sin")',
        "0",
        ("heal", "vault-debt", "BALANCE_IS_INSUFFICIENT", "flop"),
        NEW,
    ),
    Bug(
        "a shortfall is not recognised",
        f"{VOW}:Outcome.tell",
        'recognise(vat, self.owner, self.shortfall, "loans:auction")',
        "pass",
        ("vault-auctions-sum-up", "told"),
        NEW,
    ),
    Bug(
        "advance payments are forgotten",
        f"{VOW}:Outcome.book",
        'vat.add(SYSTEM, "advanced", -ahead)',
        "pass",
        ("vault-auctions-sum-up",),
        NEW,
    ),
    Bug(
        "a debt auction begins with surplus",
        f"{VOW}:flop",
        'vat.get("dai", VOW) == 0',
        'vat.get("dai", VOW) >= 0',
        ("flop",),
        NEW,
    ),
    Bug(
        "nobody is made to owe what the shutdown takes",
        "venues.shutdown:thaw",
        "vow.allocate(vat, vow.SHUTDOWN, debt, deficit)",
        "pass",
        ("exact-tier-rule",),
        OLD,
    ),
    Bug(
        "the buffer pays more than it was made to owe",
        f"{VOW}:_pay",
        "allocate(vat, BUFFER, surplus, from_deficit)",
        "allocate(vat, BUFFER, surplus, from_deficit - 1)",
        ("exact-tier-rule",),
        NEW,
    ),
    Bug(
        "a gap is not kept",
        "venues.shutdown:skim",
        'vat.add(ilk, "gap", owe - wad)',
        "pass",
        ("skim",),
        NEW,
    ),
    Bug(
        "who cashes out keeps his stablecoins",
        "venues.shutdown:cash_out",
        'vat.add("bag", holder, missing)',
        'vat.add("bag", holder, missing + wad)',
        ("cash",),
        NEW,
    ),
)
"""Killed in random play with the code that is named, by one of the laws."""

STORY_BUGS = (
    (
        Bug("who raises his own bid pays himself back", f"{FLIP}:tend", "if old or", "if", ()),
        "who_raises_his_own_bid_must_have_it_twice_in_march_2020",
        (OLD[0], "refused"),
    ),
    (
        Bug("a first bid pays at once in 2020", "venues.flop:dent", "is_first and not old", "is_first", ()),
        "in_march_2020_a_debt_auction_pays_when_somebody_kisses",
        (),
    ),
    (
        Bug(
            "tokens offered do not grow",
            "venues.flop:tick",
            'auction["lot"] = div_down(times(auction.term("pad"), auction["lot"]), WAD)',
            "pass",
            (),
        ),
        "a_debt_auction_without_bids_offers_half_as_much_again",
        (),
    ),
    (
        Bug(
            "a delayed feed does not delay",
            "venues.cdp:_advance",
            'vat.put(ilk, "feed", vat.get(ilk, "next"))',
            'vat.put(ilk, "feed", price)',
            (),
        ),
        "a_delayed_feed_tells_what_was_an_hour_ago",
        (),
    ),
)
"""(bug, the story that it breaks, what the story is told with)."""
