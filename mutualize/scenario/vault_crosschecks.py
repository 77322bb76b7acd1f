"""What must hold between a vault engine and the other tables of a scenario. Problems are noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mutualize.scenario.market import Bid
from mutualize.scenario.model import Scenario, Venue
from mutualize.scenario.place import Path, did_you_mean, shown
from mutualize.scenario.vaults import RAD_DECIMALS, WAD_DECIMALS
from mutualize.venues.auction import CLIP

POOL_ROLES: Final = ("depositors", "borrowers", "liquidators", "stakers", "governance", "position_rows")
VAULT_ROLES: Final = ("feed_keepers", "biters", "bidders", "takers", "vow_keepers", "debt_bidders")
ENGINE_TABLES: Final = (*VAULT_ROLES, "acts", "vault_rows")
IN_FILE: Final = {"position_rows": "positions", "vault_rows": "vaults", "trove_rows": "troves"}
"""How tables are called in the file, where that is not the field's name."""
ACTIONS: Final = {
    "feed_keepers": ("poke",),
    "biters": ("bite",),
    "bidders": ("bid", "deal"),
    "takers": ("take", "redo"),
    "vow_keepers": ("vow",),
    "debt_bidders": ("bid", "deal"),
}
"""What each role's transactions do."""

Add = Callable[..., None]


def check_engines(scenario: Scenario, add: Add) -> None:
    """Check vault engines, and that everybody is in a venue of the kind that he needs."""
    for venue in scenario.venues.values():
        if venue.kind == "cdp":
            _engine(scenario, venue, add)
    for kind, roles in (("pool", POOL_ROLES), ("cdp", ENGINE_TABLES)):
        for role in roles:
            for number, group in enumerate(getattr(scenario, role)):
                venue = scenario.venues[group.venue]
                if venue.kind != kind and "cdp" in (venue.kind, kind):
                    named = IN_FILE.get(role, role)
                    remedy = did_you_mean("", [v.name for v in scenario.venues.values() if v.kind == kind])
                    problem = (
                        f"{shown(venue.name)} is a {venue.kind}: {named} are for a venue of kind {kind}."
                    )
                    add((named, number, "venue"), problem, remedy)
    for number, people in enumerate(scenario.bidders):
        if scenario.venues[people.venue].auctions == CLIP:
            problem = "a falling price is not bid for: its code is 'clip'."
            add(("bidders", number, "venue"), problem, "Give [[takers]], who buy at it.")
    for number, takers in enumerate(scenario.takers):
        code = scenario.venues[takers.venue].auctions
        if code != CLIP:
            problem = f"there is no falling price here: its code is {shown(code)}."
            add(("takers", number, "venue"), problem, "Give [[bidders]], who bid.")
    _owners(scenario, add)


def _engine(scenario: Scenario, venue: Venue, add: Add) -> None:
    """Check that assets have the decimals that the contracts count in, and prices."""
    path: Path = ("venues", venue.name)
    counted: list[tuple[Path, str | None, int]] = [(("stablecoin",), venue.stablecoin, RAD_DECIMALS)]
    counted.append((("governance_token",), venue.governance_token, WAD_DECIMALS))
    counted += [(("ilks", name, "asset"), ilk.asset, WAD_DECIMALS) for name, ilk in venue.ilks.items()]
    for where, asset, decimals in counted:
        if asset is not None and scenario.assets[asset].decimals != decimals:
            found = scenario.assets[asset].decimals
            add((*path, *where), f"{asset} has {found} decimals: the contracts count it with {decimals}.")
    for name, ilk in venue.ilks.items():
        if ilk.asset not in scenario.markets:
            add((*path, "ilks", name, "asset"), f"{ilk.asset} has no price.", f"Give [markets.{ilk.asset}].")
        keepers = [k for k in scenario.feed_keepers if (k.venue, k.ilk) == (venue.name, name)]
        if ilk.hop and not keepers:
            add((*path, "ilks", name, "hop"), "nobody pokes this feed.", "Give [[feed_keepers]].")
        oracle = scenario.oracles.get(ilk.asset)
        if ilk.hop and oracle is not None and oracle.osm is not None:
            add((*path, "ilks", name, "hop"), f"oracles.{ilk.asset} has a hop as well.", "Give one of them.")


def _owners(scenario: Scenario, add: Add) -> None:
    """Hold every vault of a table to be the only one of its owner, and its owner to be nobody else."""
    seen = {(row.venue, row.ilk, row.name) for row in scenario.vault_rows if row.file is None}
    for vault in scenario.vaults:
        key = (vault.venue, vault.ilk, vault.owner)
        if key in seen:
            add(("vaults",), f"the vault of {shown(vault.owner)} is there twice.")
        seen.add(key)


def engine_bids(scenario: Scenario) -> list[tuple[Path, Bid | None, str]]:
    """Return who of those who act on a vault engine bids for block space, and for what."""
    return [
        ((role, number, "bid"), group.bid, action)
        for role in VAULT_ROLES
        for number, group in enumerate(getattr(scenario, role))
        for action in ACTIONS[role]
    ]


def engine_moments(scenario: Scenario) -> Iterator[tuple[Path, int | None]]:
    """Yield what is dated."""
    for number, act in enumerate(scenario.acts):
        yield ("acts", number, "at"), act.at
    for number, people in enumerate(scenario.bidders):
        yield ("bidders", number, "arrives_at"), people.arrives_at
    for number, takers in enumerate(scenario.takers):
        yield ("takers", number, "arrives_at"), takers.arrives_at
