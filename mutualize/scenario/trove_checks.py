"""What must hold of trove systems, of one table and between tables. Problems are noted, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from mutualize.scenario.market import Bid
from mutualize.scenario.model import Scenario
from mutualize.scenario.noting import Note
from mutualize.scenario.place import Path, did_you_mean, shown
from mutualize.scenario.population import Depositors
from mutualize.scenario.troves import TroveRows, TroveTerms
from mutualize.scenario.vault_checks import check_holdings
from mutualize.scenario.vault_crosschecks import IN_FILE
from mutualize.scenario.vaults import WAD_DECIMALS
from mutualize.scenario.venue import Venue

KIND: Final = "stability"
HAS: Final = (
    "name", "kind", "stablecoin", "collateral", "index", "trove_terms", "preset", "waterfall", "funds",
    "members", "numbers", "recoveries", "stakes",
)  # fmt: skip
"""What a trove system may say of itself."""
ONLY_HERE: Final = ("collateral", "index", "trove_terms")
"""What no other kind of venue has."""
TROVE_ROLES: Final = ("trove_rows", "trove_keepers")
OF_OTHERS: Final = ("borrowers", "liquidators", "opportunists", "position_rows", "losses", "profits")
"""Who has nothing to do at a trove system."""
INSTEAD: Final = {
    "borrowers": "Give [[troves]].",
    "position_rows": "Give [[troves]].",
    "liquidators": "Give [[trove_keepers]].",
    "reserves": "Give stablecoin and collateral.",
    "rules": "Give trove_terms.",
    "ilks": "Give collateral.",
    "system": "Give trove_terms.",
}
ACTION: Final = "liquidate"
"""What the transactions of keepers do, once for each trove."""

Add = Callable[..., None]


# --- a venue by itself -----------------------------------------------------------------------------------


def check_system(venue: Venue, note: Note) -> None:
    """Hold a venue to say what its kind has, and a trove system to say what it needs."""
    if venue.kind != KIND:
        for field in _said(venue, ONLY_HERE):
            note(field, f"a venue of the kind {shown(venue.kind)} has no {field}.")
        return
    for field in ("stablecoin", "collateral"):
        if getattr(venue, field) is None:
            note("", f"{shown(field)} is missing: a trove system needs it.")
    if venue.collateral is not None and venue.collateral == venue.stablecoin:
        note("collateral", "what troves hold is what they owe.")
    others = [field.name for field in attrs.fields(Venue) if field.name not in HAS]
    for field in _said(venue, others):
        note(field, f"a venue of the kind 'stability' has no {field}.", INSTEAD.get(field, "Leave it out."))


def _said(venue: Venue, fields: tuple[str, ...] | list[str]) -> Iterator[str]:
    """Yield which of some fields say something else than what they say where they are left out."""
    silent = Venue(name=venue.name, kind=venue.kind)
    yield from (name for name in fields if getattr(venue, name) != getattr(silent, name))


def _terms(terms: TroveTerms, note: Note) -> None:
    rules = terms.rules
    if rules.critical_ratio < rules.minimum_ratio:
        note("critical_ratio", "the critical ratio is below the minimum ratio of a single trove.")


def _rows(row: TroveRows, note: Note) -> None:
    check_holdings(row, note, ("debt", "ratio"), "trove")


TROVE_CHECKS: Final[dict[type, Callable[[Any, Note], None]]] = {TroveRows: _rows, TroveTerms: _terms}


# --- between tables --------------------------------------------------------------------------------------


def check_systems(scenario: Scenario, add: Add) -> None:
    """Check trove systems, and that everybody is in a venue of the kind that he needs."""
    systems = [venue for venue in scenario.venues.values() if venue.kind == KIND]
    for venue in systems:
        _system(scenario, venue, add)
    for role in TROVE_ROLES:
        for number, group in enumerate(getattr(scenario, role)):
            venue = scenario.venues[group.venue]
            if venue.kind != KIND:
                named, remedy = IN_FILE.get(role, role), did_you_mean("", [each.name for each in systems])
                problem = f"{shown(venue.name)} is a {venue.kind}: {named} are for a venue of kind {KIND}."
                add((named, number, "venue"), problem, remedy)
    for role in OF_OTHERS:
        for number, group in enumerate(getattr(scenario, role)):
            if scenario.venues[group.venue].kind == KIND:
                named = IN_FILE.get(role, role)
                problem = f"{group.venue} is of kind {KIND}: there is nothing for {named} to do."
                add((named, number, "venue"), problem, INSTEAD.get(role, "Leave it out."))
    for number, people in enumerate(scenario.depositors):
        if scenario.venues[people.venue].kind == KIND:
            _depositors(people, ("depositors", number), add)
    _owners(scenario, add)
    _blocks(scenario, add)


def _system(scenario: Scenario, venue: Venue, add: Add) -> None:
    """Check that there are troves and tiers, and both assets have the contracts' decimals and a price."""
    path: Path = ("venues", venue.name)
    for field in ("stablecoin", "collateral"):
        asset = getattr(venue, field)
        decimals = scenario.assets[asset].decimals
        if decimals != WAD_DECIMALS:
            problem = f"{asset} has {decimals} decimals: the contracts count it with {WAD_DECIMALS}."
            add((*path, field), problem)
        if asset not in scenario.markets and asset != scenario.money:
            add((*path, field), f"{asset} has no price.", f"Give [markets.{asset}].")
    if not venue.waterfall:
        problem = "no tiers: neither the pool nor other troves would pay for a liquidated one."
        add(path, problem, "Give preset = 'liquity-v1', or a waterfall.")
    if not any(row.venue == venue.name for row in scenario.trove_rows):
        add(path, "there are no troves here: nobody owes anything, and there are no stablecoins.",
            f"Give [[troves]] with venue = {shown(venue.name)}.")  # fmt: skip


def _depositors(people: Depositors, path: Path, add: Add) -> None:
    if people.run_at_utilization is not None:
        problem = "a stability pool lends nothing: it has no utilization to run from."
        add((*path, "run_at_utilization"), problem, "Give run_at_deficit, or rumour_at.")
    if not people.collateral:
        add((*path, "collateral"), "nobody borrows against a deposit in a stability pool.", "Leave it out.")


def _owners(scenario: Scenario, add: Add) -> None:
    """Hold every trove of a table to be the only one of its owner."""
    seen = {(row.venue, row.name) for row in scenario.trove_rows if row.file is None}
    for trove in scenario.troves:
        key = (trove.venue, trove.owner)
        if key in seen:
            add(("troves",), f"the trove of {shown(trove.owner)} is there twice.")
        seen.add(key)


def _blocks(scenario: Scenario, add: Add) -> None:
    """Hold each keeper's largest transaction to fit into a block: else it would wait for ever."""
    chain = scenario.chain
    if chain is None or chain.space is None:
        return
    for number, group in enumerate(scenario.trove_keepers):
        gas = group.together * chain.gas.get(ACTION, 0)
        if group.bid is not None and gas > chain.space.block_gas:
            room = chain.space.block_gas
            problem = f"{group.together} liquidations need {gas:,} units of gas: a block has {room:,}."
            add(("trove_keepers", number, "together"), problem, "Let fewer go together.")


def is_of_a_system(scenario: Scenario, name: str) -> bool:
    """Say whether somebody owns a trove, or is a depositor of a stability pool."""
    groups = [row.name for row in scenario.trove_rows]
    groups += [each.name for each in scenario.depositors if scenario.venues[each.venue].kind == KIND]
    owners = [*groups, *(trove.owner for trove in scenario.troves)]
    return name in owners or name.rpartition("-")[0] in groups


def keeper_bids(scenario: Scenario) -> list[tuple[Path, Bid | None, str]]:
    """Return which keepers bid for block space, and for what."""
    return [
        (("trove_keepers", n, "bid"), group.bid, ACTION) for n, group in enumerate(scenario.trove_keepers)
    ]
