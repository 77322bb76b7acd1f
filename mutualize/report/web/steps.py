"""What the waterfalls did, row by row: what was recognised, what each tier paid, what each had before.

It is read off the projection that the summary was made by, so that page and summary cannot differ.
"""

from __future__ import annotations

import attrs

from mutualize.events import Entry, LossAbsorbed, LossAllocated, ShortfallRecognised
from mutualize.projections.board import by_kind
from mutualize.projections.frame import Frame, TierRow
from mutualize.projections.mirror import Mirror
from mutualize.projections.tiers import Shortfall, Waterfalls
from mutualize.report.figures import Data
from mutualize.report.web.columns import in_columns
from mutualize.tier import CLAIMS, Tier
from mutualize.units import parse_decimal

Key = tuple[str, str]
"""Venue and asset of a waterfall."""


@attrs.define
class Loss:
    """One shortfall and what the tiers found and paid: base units of the asset, by tier."""

    row: int
    amount: int
    found: dict[str, int] = attrs.field(factory=dict)
    paid: dict[str, int] = attrs.field(factory=dict)


class Steps:
    """All waterfalls of a run, folded from its entries. `take` is to be called with every entry."""

    def __init__(self, summary: Data) -> None:
        self.decimals: dict[str, int] = dict(summary["assets"])
        self.terms: list[Data] = list(summary["terms"])
        rows = tuple(
            TierRow(
                venue=row["venue"],
                tier=row["tier"],
                payer=row["payer"],
                holder=row["holder"],
                asset=row["asset"],
                used=row["used"],
            )
            for row in self.terms
        )
        money = summary["scenario"]["money"]
        self._frame = Frame(decimals={money: 8, **self.decimals}, tiers=rows, currency=money)
        self.mirror = Mirror()
        self.waterfalls = Waterfalls(self._frame, self.mirror)
        self._early = by_kind((self.waterfalls.early,))
        self._late = by_kind((self.waterfalls.handlers,))
        self._before: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.recognised: dict[tuple[int, Key], int] = {}
        """By row and waterfall: how much fell short."""
        self.paid: dict[tuple[int, Key, str], tuple[int, int]] = {}
        """By row, waterfall and tier: what it covered of the missing asset, and paid of its own."""
        self.losses: dict[Key, list[Loss]] = {}

    def take(self, entry: Entry, row: int) -> None:
        """Take one entry in, which stands on the page in this row."""
        kind, event = type(entry.event), entry.event
        if isinstance(event, ShortfallRecognised):
            self._begin(event, row)
        for handle in self._early[kind]:
            handle(entry)
        if isinstance(event, LossAllocated):
            self._found(event)
        self.mirror.take(entry)
        for handle in self._late[kind]:
            handle(entry)
        if self._late[kind]:
            self._look(row)
        if isinstance(event, LossAbsorbed) and (losses := self.losses.get((event.venue, event.asset))):
            losses[-1].paid[event.tier] = losses[-1].paid.get(event.tier, 0) + event.amount

    def _begin(self, event: ShortfallRecognised, row: int) -> None:
        key = (event.venue, event.asset)
        self.recognised[row, key] = self.recognised.get((row, key), 0) + event.amount
        loss = Loss(row, event.amount)
        for term in self.terms:
            if term["venue"] == event.venue and term["holder"]:
                loss.found[term["tier"]] = self.mirror.balance(term["holder"], term["asset"] or event.asset)
        self.losses.setdefault(key, []).append(loss)

    def _found(self, event: LossAllocated) -> None:
        """Note what a tier of claims had, which the ledger says to the unit where nothing limits it."""
        losses = self.losses.get((event.venue, event.asset))
        term = self.term(event.venue, event.tier)
        if losses and term and term["payer"] == CLAIMS and self._is_unlimited(term):
            losses[-1].found[event.tier] = event.capacity

    @staticmethod
    def _is_unlimited(term: Data) -> bool:
        return parse_decimal(term["limit"], 18) == 10**18 and not term["min_left"] and not term["amount_max"]

    def _look(self, row: int) -> None:
        """Note what the last entry changed in what the tiers have paid."""
        for short in self.waterfalls.shortfalls():
            for name, tier in short.tiers.items():
                key = (short.venue, short.asset, name)
                covered, paid = self._before.get(key, (0, 0))
                if (covered, paid) != (tier.covered, tier.paid):
                    at = (row, key[:2], name)
                    before = self.paid.get(at, (0, 0))
                    self.paid[at] = (before[0] + tier.covered - covered, before[1] + tier.paid - paid)
                    self._before[key] = (tier.covered, tier.paid)

    # --- what there is to tell ---------------------------------------------------------------------------

    def term(self, venue: str, tier: str) -> Data | None:
        """Return what a tier's row of the table says, or nothing for who pays beside it."""
        return next((row for row in self.terms if (row["venue"], row["tier"]) == (venue, tier)), None)

    def shortfalls(self) -> list[Shortfall]:
        """Return the waterfalls in which something fell short, in the summary's order."""
        return [short for short in self.waterfalls.shortfalls() if short.first is not None]

    def tier_of(self, venue: str, asset: str, name: str) -> Tier | None:
        """Return a tier as its row of the table answers for this asset; None where it has no row."""
        term = self.term(venue, name)
        if term is None:
            return None
        pays = term["asset"] or asset
        most = term["amount_max"].get(pays)
        return Tier(
            name=name,
            payer=term["payer"],
            limit=parse_decimal(term["limit"], 18),
            of_loss=parse_decimal(term["of_loss"], 18),
            min_left=self._amount(term["min_left"].get(pays, "0"), pays),
            amount_max=None if most is None else self._amount(most, pays),
            offset=self._amount(term["offset"].get(asset, "0"), asset),
            used=term["used"],
        )

    def _amount(self, numeral: str, asset: str) -> int:
        return parse_decimal(numeral, self.decimals[asset])

    def data(self) -> list[Data]:
        """Return the waterfalls for the page; rows and amounts in columns."""
        told = []
        for short in self.shortfalls():
            key, names = (short.venue, short.asset), list(short.tiers)
            fell = [(row, amount) for (row, of), amount in self.recognised.items() if of == key]
            paid = [
                (row, names.index(tier), *parts) for (row, of, tier), parts in self.paid.items() if of == key
            ]
            told.append(
                {
                    "venue": short.venue,
                    "asset": short.asset,
                    "deficit": f"{short.venue}:deficit",
                    "debtors": len(short.debtors),  # a theft has none
                    "fell": in_columns(fell, 2),
                    "paid": in_columns(paid, 4),
                    "tiers": [
                        {
                            "tier": tier.tier,
                            "payer": tier.payer,
                            "holder": tier.holder,
                            "holds": tier.holds,
                            "used": tier.used,
                            "had": str(tier.had) if tier.holder else None,
                        }
                        for tier in short.tiers.values()
                    ],
                }
            )
        return told
