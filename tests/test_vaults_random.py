"""Random play with vault engines breaks no law, and gets where the laws have something to say."""

from __future__ import annotations

import os

import pytest
from vault_game import Game

from mutualize.encoding import decode, encode
from mutualize.venues.cdp import CODES

SEEDS, LENGTH = 10, 450
MORE = int(os.environ.get("MUTUALIZE_OPS", "0"))
"""So many operations more, for a night."""

EVERYWHERE = {
    "VaultChanged": 100,
    "VaultLiquidated": 30,
    "shortfall": 5,
    "absorbed by surplus-buffer": 8,
    "absorbed by shutdown": 2,
    "BidPlaced flop": 2,
    "AuctionEnded flop": 1,
    "BidPlaced flap": 2,
    "AuctionRestarted flop": 3,
    "SinFlogged": 10,
    "VaultSkimmed": 10,
    "CashedOut": 2,
    "LossAllocated": 5,
}
FLIPS = {"BidPlaced flip": 40, "dent flip": 2, "AuctionEnded flip": 20, "AuctionRestarted flip": 10}
SALES = {"CollateralTaken": 20, "AuctionEnded clip": 10, "AuctionRestarted clip": 10}
REFUSED = (
    "AUCTION_IS_OVER",
    "AUCTION_IS_UNFINISHED",
    "BALANCE_IS_INSUFFICIENT",
    "BID_IS_FINAL",
    "SHORTFALL_IS_INSUFFICIENT",
    "VAULT_IS_SAFE",
    "VAULT_WOULD_BE_DUST",
    "VAULT_WOULD_BE_UNSAFE",
    "WAIT_IS_UNFINISHED",
)


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_random_play_breaks_no_law(code: str) -> None:
    """Each kind of auction, each tier and each edge is reached, and every law holds after each operation."""
    reached: dict[str, int] = {}
    refused: dict[str, int] = {}
    for seed in range(SEEDS + MORE // LENGTH):
        game = Game(code, seed).play(LENGTH)
        for name, times in game.watch.counts.items():
            reached[name] = reached.get(name, 0) + times
        for name, times in game.refusals.items():
            refused[name] = refused.get(name, 0) + times
    least = {**EVERYWHERE, **(SALES if code == "clip" else FLIPS)}
    short = {name: reached.get(name, 0) for name, times in least.items() if reached.get(name, 0) < times}
    assert not short, short
    assert not [reason for reason in REFUSED if not refused.get(reason)]


def test_a_game_is_played_the_same_twice() -> None:
    """The same seed gives the same entries, each of which its line gives back."""
    games = [Game("flip", 3).play(120) for _ in range(2)]
    entries = games[0].ledger.entries
    assert entries == games[1].ledger.entries
    assert [decode(encode(entry)) for entry in entries] == entries
