"""Random play with Compound's markets: the contracts' own answers at each step, all laws, and how far it got.

By default some thousand operations of each version; MUTUALIZE_OPS plays a tenth of that many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

import pytest
from comet_game import Game as Game3
from comet_game import Tiered as Tiered3
from compound_game import Game as Game2
from compound_game import Tiered as Tiered2
from markets_play import MarketsGame, played

STEPS: Final = 120
SEEDS: Final = max(24, int(os.environ.get("MUTUALIZE_OPS", "0")) // (10 * STEPS))

GAMES: Final[dict[str, Callable[[int], MarketsGame]]] = {
    "v2": Game2,
    "v2 under tiers": Tiered2,
    "v3": Game3,
    "v3 under tiers": Tiered3,
}
REACHED: Final[dict[str, dict[str, int]]] = {"v2": {}, "v2 under tiers": {}, "v3": {}, "v3 under tiers": {}}


@pytest.fixture(scope="module")
def counted() -> dict[str, dict[str, int]]:
    """Return what was reached, by game."""
    return {}


def reach(counted: dict[str, dict[str, int]], name: str) -> dict[str, int]:
    """Play a kind of game once, and remember what it reached."""
    if name not in counted:
        counted[name] = played(GAMES[name], SEEDS, STEPS)
    return counted[name]


@pytest.mark.parametrize("name", GAMES)
def test_random_play_is_answered_as_the_contract_would(counted: dict[str, Any], name: str) -> None:
    """Every operation is allowed or refused as the oracle says, all laws hold, and the play got far enough."""
    found = reach(counted, name)
    lacking = {
        what: found.get(what, 0) for what, least in REACHED[name].items() if found.get(what, 0) < least
    }
    assert not lacking
