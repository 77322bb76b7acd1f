"""Random play with Compound's markets: the contracts' own answers at each step, all laws, and how far it got.

By default some three thousand operations of each kind of game; MUTUALIZE_OPS plays a fiftieth of that many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Final

import comet_game
import compound_game
import pytest
from markets_play import MarketsGame, broken, played
from planted_bugs_compound import BUGS
from planting import Bug, find, planted

STEPS: Final = 120
SEEDS: Final = max(30, int(os.environ.get("MUTUALIZE_OPS", "0")) // (50 * STEPS))
LIVES: Final = 60
"""So many games a planted bug may live."""

GAMES: Final[dict[str, Callable[[int], MarketsGame]]] = {
    "v2": compound_game.Game,
    "v2 under tiers": compound_game.Tiered,
    "v3": comet_game.Game,
    "v3 under tiers": comet_game.Tiered,
}
REACHED: Final[dict[str, dict[str, int]]] = {
    "v2": {
        "Liquidated": 80,
        "liquidated for all": 40,
        "could not repay all": 3,
        "repaid all": 5,
        "over the kink": 800,
        "over all": 300,
        "refused SEIZURE_IS_TOO_LARGE": 15,
        "refused REPAYMENT_IS_TOO_LARGE": 40,
        "refused POSITION_WOULD_BE_UNSAFE": 150,
        "refused PRICE_IS_MISSING": 30,
        "refused RATE_IS_ABSURD": 30,
        "refused LIQUIDITY_IS_INSUFFICIENT": 30,
        "refused AMOUNT_IS_TOO_SMALL": 3,
        "refused BORROW_CAP_IS_REACHED": 20,
    },
    "v2 under tiers": {
        "ShortfallRecognised": 30,
        "ShortfallUncovered": 10,
        "open deficit": 300,
        "RecoveryPaid": 2,
        "paid by reserves": 20,
        "paid by depositors": 5,
        "paid by rescue": 3,
        "paid by fund": 1,
        "paid by owner": 1,
        "paid by borrowers": 1,
        "refused COLLATERAL_COVERS_DEBT": 30,
    },
    "v3": {
        "absorbed": 15,
        "absorbed with excess": 6,
        "liquidated": 4,
        "sold at a gain": 20,
        "sold below cost": 1,
        "reserves below zero": 500,
        "open deficit": 500,
        "drift": 200,
        "over the kink": 300,
        "paid by reserves": 5,
        "refused BORROW_IS_TOO_SMALL": 2,
        "refused SUPPLY_CAP_IS_EXCEEDED": 15,
        "refused SLIPPAGE_IS_TOO_LARGE": 15,
        "refused COLLATERAL_IS_NOT_FOR_SALE": 20,
        "refused RESERVES_ARE_INSUFFICIENT": 30,
    },
    "v3 under tiers": {
        "absorbed": 15,
        "RecoveryPaid": 5,
        "ShortfallUncovered": 4,
        "paid by reserves": 3,
        "paid by depositors": 5,
        "paid by rescue": 1,
        "paid by owner": 1,
        "sold below cost": 1,
    },
}
"""What the games must have come to, and how often at least."""
REFUSED: Final = {
    what.removeprefix("refused "): least
    for reached in REACHED.values()
    for what, least in reached.items()
    if what.startswith("refused ")
}
"""Reasons that are given in these games: how often at least."""


@cache
def reached(name: str) -> dict[str, int]:
    """Play a kind of game, once, and return what it reached."""
    return played(GAMES[name], SEEDS, STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("name", GAMES)
def test_random_play_is_answered_as_the_contract_would(name: str) -> None:
    """Each operation is allowed or refused as the oracle says, all laws hold, and play got far enough."""
    found = reached(name)
    lacking = {
        what: found.get(what, 0) for what, least in REACHED[name].items() if found.get(what, 0) < least
    }
    assert not lacking


def test_a_seizure_is_redeemed_at_the_rate_that_the_reserves_share_left() -> None:
    """The reserves' part of what is seized may lift the rate by a unit before the rest is redeemed."""
    game = compound_game.Game(246)  # where the rate stands just below the next unit: that is rare
    for _ in range(STEPS):
        game.step()
    game.end()
    assert game.counts["Liquidated"]


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within some games, by a law that it was planted for."""
    with planted(bug):
        law = broken(GAMES[bug.setups[0]], LIVES, STEPS)
    assert law, f"{bug.name} survived"
    assert law in bug.laws, f"{bug.name} was noticed by {law}"


def test_each_bug_has_its_place() -> None:
    """The text of each bug is in the program, once, and there are enough of them for each version."""
    for bug in BUGS:
        assert bug.old in find(bug).source
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 10
    assert {bug.setups[0] for bug in BUGS} == set(GAMES)
