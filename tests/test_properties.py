"""Random play over all verbs, every law checked after every operation, and proof that it got somewhere.

By default fifty thousand operations; MUTUALIZE_OPS=1000000 plays a million (as the gate does), and any other
number that many. MUTUALIZE_JOBS says how many processes share them. A failure prints its seed, the operation
and the command that reproduces and shrinks it. What must be reached is listed with the least number of times.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
from pathlib import Path

import attrs
import custody_play
import isolated_game
import pytest
import test_properties_compound
import trove_game
import vault_game
from driver import run
from driver_counts import Counts
from driver_many import LENGTH, Played, play_many
from error_oracle_more import FORETELL
from laws import LAWS, MAY_CHANGE
from systems import SETUPS, System

import mutualize
from mutualize import commands as c
from mutualize import payers
from mutualize.errors import Reason
from mutualize.events import KINDS

OPERATIONS = int(os.environ.get("MUTUALIZE_OPS", "50000"))
SMALL = 25_000
"""Of so many operations at least the situations below must be reached; of more, no fewer."""

REACHED = {
    "Liquidated": 600,
    "partial liquidation": 300,
    "liquidated for claims": 200,
    "liquidated with several debts": 100,
    "worthless collateral seized": 20,
    "fund took a fee": 50,
    "fund took interest": 10,
    "ShortfallRecognised": 250,
    "paid by fund": 150,
    "paid by stake": 60,
    "paid by claims": 100,
    "second haircut": 30,
    "converted": 15,
    "exhausted tier": 100,
    "empty tier": 150,
    "unused tier": 10,
    "offset left a rest": 4,
    "loss of one unit": 2,
    "wiped out": 2,
    "ShortfallUncovered": 30,
    "slash in cooldown": 50,
    "all stake gone": 8,
    "Unstaked": 120,
    "PendingDeficitRaised": 15,
    "PendingDeficitCovered": 5,
    "OffsetCovered": 3,
    "DeficitEliminated": 12,
    "withdrawal without cash": 20,
    "run at par": 10,
    "repaid for another": 15,
    "round trip": 500,
    "round trip of a loan": 300,
    "round trip of a stake": 50,
    "split deposit": 500,
    "repay all probed": 800,
    "withdraw all probed": 1_200,
    "leaving probed": 1_000,
    "as planned": 1_300,
    "swept": 200,
    "decided by a twin": 600,
    "refused as a whole": 100,
}
"""What random play must have reached in 25,000 operations."""

REFUSED_BEFORE = {
    "PROFIT_IS_TOO_SMALL": "a liquidator's own contract, in agents/",
    "MARKET_IS_HALTED": "a place of trading, in market/",
    "TRANSACTION_IS_DROPPED": "the chain, in market/",
}
"""Reasons that no venue gives, and who does."""

ELSEWHERE = (
    "mutualize.membership.Membership",
    "mutualize.recoveries.Recoveries",
    "mutualize.venues.cdp.Vaults",
    "mutualize.venues.comet.Comet",
    "mutualize.venues.compound.Compound",
    "mutualize.venues.custody.Custody",
    "mutualize.venues.isolated.IsolatedMarket",
    "mutualize.venues.stability.Stability",
)
"""Who decides what other tests play: those of custody, vaults, Compound, isolated markets and troves."""

GIVEN_ELSEWHERE = {
    **custody_play.REFUSED,
    **test_properties_compound.REFUSED,
    **isolated_game.REFUSED,
    **vault_game.REFUSED,
    **vault_game.UNREACHABLE,
    **trove_game.REFUSED,
    **trove_game.RARE,
}
"""Reasons that are given in those plays: how often at least, as their own tests assert; or why not."""

NEVER_CAUSED = {
    "RefusalsCounted": "written when a batch is closed, which is what the tests of the ledger do",
}
"""Kinds of events that no command of the driver leads to."""

NAMES_WHAT_IT_CHANGES = ("PricePublished", "ReserveListed", "ParameterChanged")
"""Kinds of events that say themselves which cells they change."""

CHANGES_NOTHING = (
    "MarketHalted",
    "MarketResumed",
    "Traded",
    "GasPaid",
    "TransactionFailed",
    "ProposalMade",
    "ProposalExecuted",
    "RefusalsCounted",
    "ClaimWaiting",
    "AgentFailed",
    "LossAllocated",
    "ShortfallUncovered",
    "FundContributed",
)
"""Kinds of events that leave all cells as they are."""


@pytest.fixture(scope="module")
def played() -> Played:
    """All operations, played once, on all processors."""
    return play_many(OPERATIONS)


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_no_law_is_broken(setup: object, played: Played) -> None:
    """Every law holds after every operation, and every refusal was foretold, under each table of tiers."""
    chosen = next(x for x in SETUPS if x is setup)
    failures = [str(failure) for failure in played.failures if failure.setup.name == chosen.name]
    assert not failures, "\n\n".join(failures)
    if not played.failures:
        assert played.by_setup[chosen.name] * len(SETUPS) >= OPERATIONS


@pytest.mark.slow
def test_random_play_got_there(played: Played) -> None:
    """The situations that matter were reached often enough for the laws to have said something."""
    if OPERATIONS < SMALL:
        pytest.skip(f"fewer than {SMALL} operations were played")
    of = played.counts.of
    missed = {name: (of.get(name, 0), least) for name, least in REACHED.items() if of.get(name, 0) < least}
    assert not missed, f"reached too seldom (times, least): {missed}"


@pytest.mark.slow
def test_every_reason_was_foretold_and_given(played: Played) -> None:
    """Every reason for which a venue can refuse was foretold, and was given as often, here or elsewhere."""
    if OPERATIONS < 10 * SMALL:
        pytest.skip(f"some reasons are rare: fewer than {10 * SMALL} operations were played")
    of = played.counts.of
    told = {
        reason.name: (of.get(f"foretold {reason.name}", 0), of.get(f"refused {reason.name}", 0))
        for reason in Reason
    }
    assert {name: times for name, times in told.items() if times[0] != times[1]} == {}
    unheard = [name for name, times in told.items() if not times[0]]
    elsewhere = [name for name in unheard if name in GIVEN_ELSEWHERE]
    assert sorted(unheard) == sorted([*REFUSED_BEFORE, *elsewhere])


@pytest.mark.slow
def test_every_command_was_asked_and_every_kind_of_event_came(played: Played) -> None:
    """Each command there is was asked for, and each kind of event came of it, but for those listed."""
    if OPERATIONS < 10 * SMALL:
        pytest.skip(f"some are rare: fewer than {10 * SMALL} operations were played")
    of = played.counts.of
    assert [kind.__name__ for kind in all_commands() if not of.get(f"asked {kind.__name__}")] == []
    assert sorted(name for name in kinds_of_pools() if not of.get(name)) == sorted(NEVER_CAUSED)


# --- nothing is left out: what the package holds is walked ------------------------------------------------


def all_commands() -> list[type[c.Command]]:
    """Return every command that can be given."""
    kinds = [kind for kind in vars(c).values() if inspect.isclass(kind) and issubclass(kind, c.Command)]
    return [kind for kind in kinds if kind is not c.Command]


def kinds_of_pools() -> list[str]:
    """Return the kinds of events that are played here: none of vaults, other lenders and slow tiers."""
    elsewhere = (
        "mutualize.compound_events",
        "mutualize.isolated_events",
        "mutualize.tier_events",
        "mutualize.trove_events",
        "mutualize.vault_events",
    )
    return [name for name, kind in KINDS.items() if kind.__module__ not in elsewhere]


def all_deciders() -> dict[str, type]:
    """Return every class of the package that decides commands or answers events, by its full name."""
    found: dict[str, type] = {}
    for info in pkgutil.walk_packages(mutualize.__path__, "mutualize."):
        if info.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(info.name)).values():
            face = getattr(kind, "_is_protocol", False)
            acts = callable(getattr(kind, "decide", None)) or callable(getattr(kind, "react", None))
            if inspect.isclass(kind) and kind.__module__.startswith("mutualize.") and acts and not face:
                found[f"{kind.__module__}.{kind.__name__}"] = kind
    return found


def test_every_venue_is_played() -> None:
    """Each class of the package that decides commands or answers events is in a system that is played."""
    systems = [System(setup, written=False) for setup in SETUPS]
    used = [type(x) for system in systems for x in (*system.protocol.venues.values(), *system.reactors)]
    idle = [name for name, kind in all_deciders().items() if kind not in used and name not in ELSEWHERE]
    assert not idle, f"nobody plays {idle}: give tests/systems.py a set-up and players.py a verb"
    assert len(all_deciders()) >= 7


def test_every_command_has_its_prediction() -> None:
    """The error oracle knows each command there is."""
    assert [kind.__name__ for kind in all_commands() if kind not in FORETELL] == []


def test_every_reason_of_a_venue_is_known() -> None:
    """The reasons that the venues' sources name are those that are not given by somebody else."""
    sources = {inspect.getsourcefile(kind) for kind in all_deciders().values()}
    sources.add(inspect.getsourcefile(payers))
    files = {path for source in sources if source for path in (Path(source), *_of_venues(Path(source)))}
    named = {
        node.attr
        for path in sorted(files)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }
    units = Path(str(inspect.getsourcefile(mutualize))).parent / "units.py"
    named |= {name for name in Reason.__members__ if f"Reason.{name}" in units.read_text(encoding="utf-8")}
    assert sorted(set(Reason.__members__) - named) == sorted(REFUSED_BEFORE)


def _of_venues(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.py")) if path.parent.name == "venues" else []


def test_every_kind_of_event_has_its_row_in_the_matrix() -> None:
    """For each kind of event it is written down what it may change, if it may change anything."""
    rows = {kind.__name__ for kind in MAY_CHANGE}
    assert sorted(rows | set(NAMES_WHAT_IT_CHANGES) | set(CHANGES_NOTHING)) == sorted(kinds_of_pools())
    assert LAWS["field-matrix"][1] == (), "the law is asked of every entry"


# --- the driver itself ------------------------------------------------------------------------------------


def test_the_same_seed_plays_the_same_game() -> None:
    """A seed gives the same operations, entries, bytes and balances, twice."""
    digests = []
    for _ in range(2):
        watched = run(SETUPS[0], 7, 150, Counts(), written=True)
        digests.append((watched.system.protocol.seal(watched.system.at), len(watched.system.ledger.entries)))
    assert digests[0] == digests[1]


def test_a_run_is_the_same_however_it_is_watched() -> None:
    """What is written, foretold and probed does not change what happens."""
    books = [
        run(SETUPS[0], 5, LENGTH, Counts(), written=written, foretold=foretold).system.protocol.book
        for written, foretold in ((True, True), (False, False))
    ]
    assert books[0] == books[1]


def test_processes_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same operations are played by one process and by two."""
    found = []
    for jobs in ("1", "2"):
        monkeypatch.setenv("MUTUALIZE_JOBS", jobs)
        found.append(attrs.asdict(play_many(6_000, first_seed=50), recurse=False)["by_setup"])
    assert found[0] == found[1]
