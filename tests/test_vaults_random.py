"""Random play with vault engines breaks no law, is refused only as foretold, and gets where it should.

By default twenty-four games with each liquidation code, thirty thousand operations in all; MUTUALIZE_OPS
plays a tenth of its number. What must be reached is listed with the least number of times.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections import Counter

import attrs
import pytest
from vault_game import REFUSED, UNREACHABLE, Game
from vault_oracle_auctions import FORETELL

from mutualize import units
from mutualize import vault_commands as v
from mutualize.commands import Command, SetParameter
from mutualize.encoding import decode, encode
from mutualize.venues.cdp import CODES

LENGTH = 450
SEEDS = max(24, int(os.environ.get("MUTUALIZE_OPS", "0")) // (10 * LENGTH * len(CODES)))

EVERYWHERE = {
    "VaultChanged": 300,
    "VaultLiquidated": 60,
    "shortfall": 25,
    "absorbed by surplus-buffer": 15,
    "absorbed by shutdown": 5,
    "BidPlaced flop": 2,
    "AuctionEnded flop": 1,
    "BidPlaced flap": 3,
    "AuctionEnded flap": 2,
    "AuctionRestarted flop": 2,
    "AuctionRestarted flap": 3,
    "AuctionCancelled flap": 1,
    "SinFlogged": 30,
    "VaultSkimmed": 40,
    "CashedOut": 7,
    "CollateralFreed": 7,
    "LossAllocated": 25,
    "DaiMoved": 15,
}
FLIPS = {
    "BidPlaced flip": 60,
    "dent flip": 2,
    "AuctionEnded flip": 40,
    "AuctionRestarted flip": 20,
    "AuctionCancelled flip": 10,
}
SALES = {
    "CollateralTaken": 100,
    "AuctionEnded clip": 50,
    "AuctionRestarted clip": 20,
    "AuctionCancelled clip": 5,
}
VENUES = ("auction", "cdp", "clip", "flap", "flip", "flop", "shutdown", "vat", "vow")


@attrs.define
class Played:
    """What was reached, foretold and given with one code, and the first problem."""

    reached: Counter[str] = attrs.field(factory=Counter)
    foretold: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    operations: int = 0
    problem: str = ""


@pytest.fixture(scope="module")
def played() -> dict[str, Played]:
    """All games, by code."""
    return {code: _play(code) for code in CODES}


def _play(code: str) -> Played:
    found = Played()
    for seed in range(SEEDS):
        game = Game(code, seed)
        try:
            game.play(LENGTH)
        except Exception as broken:  # noqa: BLE001 - whatever it is, it is a bug
            found.problem = f"seed {seed}, operation {game.operations}: {broken!r}"
            return found
        found.reached.update(game.watch.counts)
        found.foretold.update(game.foretold)
        found.refused.update(game.refusals)
        found.operations += game.operations
    return found


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_random_play_breaks_no_law(code: str, played: dict[str, Played]) -> None:
    """Every law holds after each operation, and each is carried out or refused as was foretold."""
    assert not played[code].problem
    assert played[code].operations >= SEEDS * LENGTH * 9 // 10
    assert played[code].foretold == played[code].refused


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_random_play_gets_there(code: str, played: dict[str, Played]) -> None:
    """Each kind of auction, each tier and each edge is reached."""
    reached = played[code].reached
    least = {**EVERYWHERE, **(SALES if code == "clip" else FLIPS)}
    short = {name: reached[name] for name, times in least.items() if reached[name] < times}
    assert not short, short


@pytest.mark.slow
def test_each_reason_is_foretold_and_given(played: dict[str, Played]) -> None:
    """Each reason that a vault engine knows is given often enough for the oracle to be believed."""
    given = sum((found.refused for found in played.values()), Counter[str]())
    short = {name: (given[name], least) for name, least in REFUSED.items() if given[name] < least}
    assert not short, f"refused too seldom (times, least): {short}"
    assert not set(given).difference(REFUSED), "a reason is given of which it is not known"


def test_each_reason_of_the_venue_is_known() -> None:
    """The reasons that the sources name are those that are reached, and those that nothing can reach."""
    named = set()
    modules = [importlib.import_module(f"mutualize.venues.{name}") for name in VENUES]
    for module in modules:
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Reason":
                named.add(node.attr)
    words = {"BALANCE_IS_INSUFFICIENT", "AMOUNT_IS_TOO_LARGE"}
    assert all(f"Reason.{word}" in inspect.getsource(units) for word in words)
    assert sorted(named | words) == sorted({**REFUSED, **UNREACHABLE})
    assert len(REFUSED) + len(UNREACHABLE) == len({**REFUSED, **UNREACHABLE})


def test_each_command_has_its_prediction() -> None:
    """The error oracle knows each command that a vault engine decides."""
    kinds = [kind for kind in vars(v).values() if inspect.isclass(kind) and issubclass(kind, Command)]
    decided = {kind for kind in kinds if kind not in (Command, v.Deliver)} | {SetParameter}
    assert decided == set(FORETELL)


def test_a_game_is_played_the_same_twice() -> None:
    """The same seed gives the same entries, each of which its line gives back."""
    games = [Game("flip", 3).play(120) for _ in range(2)]
    entries = games[0].ledger.entries
    assert entries == games[1].ledger.entries
    assert [decode(encode(entry)) for entry in entries] == entries


def test_who_watches_changes_nothing() -> None:
    """With the oracle and without it, the same happens."""
    assert Game("clip", 5).play(120).book == Game("clip", 5, foretold=False).play(120).book
