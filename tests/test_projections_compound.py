"""What the projections make of Compound's markets: they know units and indexes, and no rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comet_game
import compound_game
import pytest
from markets_play import PEOPLE, MarketsGame

from mutualize.errors import Refused
from mutualize.events import ReserveListed
from mutualize.projections.board import Board
from mutualize.projections.closing import closing
from mutualize.projections.frame import Frame
from mutualize.projections.gains import UNKNOWN

GAMES: dict[str, Callable[[int], MarketsGame]] = {
    "v2": compound_game.Game,
    "v2-tiers": compound_game.Tiered,
    "v3": comet_game.Game,
    "v3-tiers": comet_game.Tiered,
}


def played(name: str, seed: int) -> tuple[Any, Board]:
    """Return a game, and what the projections made of it."""
    game: Any = GAMES[name](seed)
    for _ in range(100):
        game.step()
    entries = game.ledger.entries
    listed = [entry.event for entry in entries if isinstance(entry.event, ReserveListed)]
    frame = Frame(decimals={event.asset: event.decimals for event in listed}, watch=PEOPLE)
    return game, Board(frame).take_all(entries)


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("seed", range(3))
def test_gains_and_losses_sum_to_zero(name: str, seed: int) -> None:
    """Of each asset what some gained others lost, and nobody is unknown."""
    game, board = played(name, seed)
    sums: dict[str, int] = {}
    rows = board.gains.rows(closing(game.book, board.mirror))
    for row in rows:
        sums[row.asset] = sums.get(row.asset, 0) + row.gain
    assert len(rows) > 5
    assert set(sums.values()) == {0}
    assert UNKNOWN not in {row.account for row in rows}


@pytest.mark.parametrize("name", GAMES)
def test_claims_and_debts_are_what_the_venue_says(name: str) -> None:
    """Claims agree to the unit, debts within what rounding them in units of an index can hide."""
    seen = 0
    for seed in range(3):
        game, board = played(name, seed)
        work = game.venue.work(game.book, game.at)
        for asset in game.venue.assets:
            index = getattr(work.figures(asset), "borrow_index", 0) // 10**15
            for who in PEOPLE:
                claim = board.mirror.claim(who, asset, game.at)
                try:
                    assert claim == work.claim(asset, who)
                except Refused:  # a market whose reserves are more than it has
                    assert claim == 0
                owed = work.debt(asset, who) if name.startswith("v2") else work.debt(who)
                if name.startswith("v2") or asset == game.venue.asset:
                    assert 0 <= board.mirror.debt(who, asset, game.at) - owed <= 2 + index
                    seen += owed > 0
    assert seen


def test_a_venues_own_accounts_have_roles() -> None:
    """What the reserves paid for unsold collateral has a role of its own, beside debt at auction."""
    roles = [Frame().role(f"comet:{part}") for part in ("loans:absorbed", "loans:auction", "deficit")]
    assert roles == ["collateral not yet sold", "debt at auction", "open deficit"]
