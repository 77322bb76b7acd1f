"""Random play with an isolated market breaks no law, comes out as foretold, and gets where it should.

By default fourteen games with each table of tiers, seventeen thousand operations in all; MUTUALIZE_OPS plays
a tenth of its number. What must be reached is listed with the least number of times.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections import Counter

import attrs
import pytest
from isolated_game import MARKET_COMMANDS, REFUSED, TABLES, Game, broken
from isolated_oracle import VERBS
from planted_bugs_isolated import BUGS
from planting import Bug, find, planted

from mutualize import commands as c
from mutualize import isolated_commands as i
from mutualize.encoding import decode, encode
from mutualize.projections.board import Board
from mutualize.projections.closing import closing
from mutualize.projections.frame import Frame

LENGTH = 300
SEEDS = max(14, int(os.environ.get("MUTUALIZE_OPS", "0")) // (10 * LENGTH * len(TABLES)))
HUNTED = 25
"""So many games with each table a planted bug may live."""

REACHED = {
    "Accrued": 1_500,
    "Borrowed": 300,
    "Repaid": 150,
    "PositionOpened": 120,
    "Liquidated": 250,
    "ShortfallRecognised": 150,
    "ShortfallUncovered": 25,
    "a fee was given": 400,
    "seized a part": 90,
    "seized all": 150,
    "seized for nothing": 90,
    "dodged": 25,
    "paid a unit too much": 1,
    "borne by claims alone": 40,
    "wiped out": 4,
    "round trip WithdrawShares": 100,
    "round trip RepayShares": 10,
    "paid by suppliers": 60,
    "paid by fund": 50,
    "paid by stakers": 5,
    "paid by ann": 25,
    "paid by borrowers": 8,
    "paid by later": 3,
    "paid by voted": 10,
    "RecoveryPaid": 25,
    "ExitsFrozen": 10,
}


@attrs.define
class Played:
    """What was reached, foretold and given in all games, and the first problem."""

    reached: Counter[str] = attrs.field(factory=Counter)
    foretold: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    operations: int = 0
    problem: str = ""


@pytest.fixture(scope="module")
def played() -> Played:
    """All games."""
    found = Played()
    for table in TABLES:
        for seed in range(SEEDS):
            game = Game(table, seed)
            try:
                game.play(LENGTH)
            except Exception as wrong:  # noqa: BLE001 - whatever it is, it is a bug
                found.problem = f"{table}, seed {seed}, operation {game.operations}: {wrong!r}"
                return found
            found.reached.update(game.watch.counts)
            found.foretold.update(game.foretold)
            found.refused.update(game.refusals)
            found.operations += game.operations
    return found


@pytest.mark.slow
def test_random_play_breaks_no_law(played: Played) -> None:
    """Every law holds after each operation, and each comes out as foretold to the last unit."""
    assert not played.problem
    assert played.operations >= SEEDS * LENGTH * len(TABLES) * 9 // 10
    assert played.foretold == played.refused


@pytest.mark.slow
def test_random_play_gets_there(played: Played) -> None:
    """Each tier, each kind of liquidation and each edge is reached."""
    reached = played.reached
    short = {name: (reached[name], least) for name, least in REACHED.items() if reached[name] < least}
    assert not short, f"reached too seldom (times, least): {short}"


@pytest.mark.slow
def test_each_reason_is_foretold_and_given(played: Played) -> None:
    """Each reason that an isolated market knows is given often enough for the oracle to be believed."""
    given = played.refused
    short = {name: (given[name], least) for name, least in REFUSED.items() if given[name] < least}
    assert not short, f"refused too seldom (times, least): {short}"
    assert not set(given).difference(REFUSED), "a reason is given of which it is not known"


@pytest.mark.slow
def test_each_command_is_asked(played: Played) -> None:
    """Each command that an isolated market decides is asked for, and its oracle knows each."""
    kinds = [kind for kind in vars(i).values() if inspect.isclass(kind) and issubclass(kind, c.Command)]
    decided = {*kinds, *MARKET_COMMANDS} - {c.Command}
    assert [kind.__name__ for kind in MARKET_COMMANDS if not played.reached[f"asked {kind.__name__}"]] == []
    assert decided - {c.ListReserve, c.ContributeToFund} == set(VERBS)


def test_each_reason_of_the_venue_is_known() -> None:
    """The reasons that the sources name are those that are reached."""
    named = {"BALANCE_IS_INSUFFICIENT"}  # what `plus` refuses
    for name in ("isolated", "isolated_work"):
        module = importlib.import_module(f"mutualize.venues.{name}")
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Reason":
                named.add(node.attr)
    assert sorted(named) == sorted(REFUSED)


def test_a_game_is_played_the_same_twice() -> None:
    """The same seed gives the same entries, each of which its line gives back."""
    games = [Game("others", 3).play(200) for _ in range(2)]
    entries = games[0].notebook.entries
    assert entries == games[1].notebook.entries
    assert [decode(encode(entry)) for entry in entries] == entries


def test_who_watches_changes_nothing() -> None:
    """With the oracle and the laws, and without them, the same happens."""
    loose = Game("three-tiers", 5, foretold=False, checked=False).play(200)
    assert Game("three-tiers", 5).play(200).book == loose.book


@pytest.mark.parametrize("table", TABLES)
def test_projections_fold_a_market(table: str) -> None:
    """All projections take a market's entries, and what everybody has comes to what the venue has."""
    game = Game(table, 1).play(300)
    board = Board(Frame(decimals={"USD": 6, "ETH": 18, "BTC": 8}))
    board.take_all(game.notebook.entries)
    amounts = closing(game.book, board.mirror)
    for asset in ("USD", "ETH"):
        assert sum(amounts.get(asset, {}).values()) == game.book.balance("iso:cash", asset)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within some games, by a law that it was planted for."""
    opinion = bool({"foretold", "state"} & set(bug.laws))
    with planted(bug):
        plays = ((table, seed) for seed in range(HUNTED) for table in bug.setups)
        found = (broken(table, seed, LENGTH, foretold=opinion) for table, seed in plays)
        law = next((law for law in found if law is not None), None)
    assert law is not None, f"{bug.name} survived"
    assert law in bug.laws, f"{bug.name} was noticed by {law}"


def test_each_bug_has_its_place() -> None:
    """The text of each bug is in the program, once."""
    for bug in BUGS:
        assert bug.old in find(bug).source
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 10
