"""What must hold between the fields of one table of a vault engine. Problems are noted, not raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mutualize.scenario.noting import Note, exactly_one, positive
from mutualize.scenario.place import shown
from mutualize.scenario.vaults import Acts, Bidders, DebtBidders, Takers, VaultRows
from mutualize.scenario.venue import Venue

POOL_ONLY: Final = ("reserves", "waterfall", "funds", "stakes", "umbrella")
CDP_ONLY: Final = ("stablecoin", "governance_token", "ilks", "buffer", "governance_supply")
INSTEAD: Final = {
    "waterfall": "Its contract has its own: surplus-buffer, dilution, shutdown.",
    "funds": "Give buffer, the surplus that it begins with.",
}


def of_its_kind(venue: Venue, note: Note) -> bool:
    """Hold a venue to say what its kind has; returns whether it has tiers of its own."""
    for field in POOL_ONLY if venue.kind == "cdp" else CDP_ONLY:
        if getattr(venue, field) and venue.kind != "stability":  # which says itself what it has
            note(field, f"a venue of the kind {shown(venue.kind)} has no {field}.", INSTEAD.get(field, ""))
    if venue.kind != "cdp":
        return True
    for field in ("stablecoin", "governance_token"):
        if getattr(venue, field) is None:
            note("", f"{shown(field)} is missing: a vault engine needs it.")
    if not venue.ilks:
        note("ilks", "a vault engine without ilks lends nothing.")
    return False


def check_holdings(row: Any, note: Note, either: tuple[str, str], what: str) -> None:
    """Hold a row of vaults or troves to say what each holds, and one of two things of what it owes."""
    if row.file is not None:
        for field in ("count", "collateral", *either):
            if getattr(row, field) is not None:
                note(field, "this stands in the file.", "Leave it out.")
        return
    if row.collateral is None:
        note("", "'collateral' is missing.", f"Give it, or a file with many {what}s.")
    else:
        positive(row.collateral, "collateral", note)
    if exactly_one(row, either, note) and row.debt is not None:
        positive(row.debt, "debt", note)


def _vaults(row: VaultRows, note: Note) -> None:
    check_holdings(row, note, ("debt", "liquidation_price"), "vault")


def _bidders(people: Bidders, note: Note) -> None:
    if people.offer == "nothing" and people.margin.support != (0, 0):
        note("margin", "who offers nothing has no margin.", "Leave it out, or write offer = 'value'.")
    positive(people.capital, "capital", note)


def _takers(people: Takers, note: Note) -> None:
    positive(people.capital, "capital", note)


def _debt_bidders(people: DebtBidders, note: Note) -> None:
    if not people.paid:
        note("paid", "there is nothing that he pays.", "Give [[debt_bidders.paid]].")
    positive(people.capital, "capital", note)


def _acts(act: Acts, note: Note) -> None:
    if act.terms is None and act.system is None:
        note("", "the act changes nothing.", "Give terms (with an ilk), or system.")
    if (act.terms is None) != (act.ilk is None):
        note("ilk", "an ilk and its new terms go together.")


VAULT_CHECKS: Final[dict[type, Callable[[Any, Note], None]]] = {
    Acts: _acts,
    Bidders: _bidders,
    DebtBidders: _debt_bidders,
    Takers: _takers,
    VaultRows: _vaults,
}
