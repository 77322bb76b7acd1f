"""What the people of a ledger are, by what they did there: the file alone says it, years later."""

from __future__ import annotations

from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.events import Entry
from mutualize.projections.frame import MARKETS, NAMED, OTHERS

DID: Final = (
    ("Liquidated", "liquidator", "liquidators"),
    ("VaultLiquidated", "liquidator", "biters"),
    ("BidPlaced", "account", "bidders"),
    ("CollateralTaken", "account", "takers"),
    ("Staked", "account", "stakers"),
    ("Borrowed", "account", "borrowers"),
    ("PositionOpened", "account", "borrowers"),
    ("ShortfallRecognised", "account", "borrowers"),
    ("VaultChanged", "account", "borrowers"),
    ("TroveOpened", "account", "borrowers"),
    ("MemberContributed", "account", "members"),
    ("MoneyRecovered", "account", "donors"),
    ("ProposalMade", "account", "treasury"),
    ("FundContributed", "account", "founders"),
    ("Donated", "account", "founders"),
    ("Supplied", "account", "depositors"),
    ("PoolDeposited", "account", "depositors"),
)
"""Who did the first of these is that, whatever else he did."""
_BY_KIND: Final = {kind: (at, field, role) for at, (kind, field, role) in reversed(list(enumerate(DID)))}


class Roles:
    """The role of everybody who was named so far."""

    def __init__(self) -> None:
        self._ranked: dict[str, int] = {}

    def take(self, entry: Entry) -> None:
        """Take one entry in."""
        known = _BY_KIND.get(type(entry.event).__name__)
        if known is not None:
            at, field, _ = known
            name = getattr(entry.event, field)
            self._ranked[name] = min(at, self._ranked.get(name, at))

    def of(self, name: str) -> str:
        """Return the role of who has this name."""
        if name.startswith(MARKETS):
            return "market"
        if name in NAMED:
            return NAMED[name]
        rank = self._ranked.get(name)
        return OTHERS if rank is None else DID[rank][2]

    def account(self, account: str) -> str:
        """Return an account, or the role in its place where it is somebody's outside."""
        venue, _, name = account.partition(":")
        return f"{OUTSIDE}:{self.of(name)}" if venue == OUTSIDE else account
