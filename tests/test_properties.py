"""Random play over all verbs, every law checked after every operation, and proof that it got somewhere.

By default about 20,000 operations; MUTUALIZE_OPS=1000000 plays that many. A failure prints its seed, the
operation and the command that reproduces and shrinks it. The situations that must be reached are listed
with the least number of times.
"""

from __future__ import annotations

import os

import pytest
from driver import Counts, run
from systems import SETUPS

OPERATIONS = int(os.environ.get("MUTUALIZE_OPS", "20000"))
LENGTH = 350
"""Operations of one run: long enough to fall from one crisis into the next, short enough to start afresh."""

REACHED = {
    "Liquidated": 300,
    "partial liquidation": 100,
    "liquidated for claims": 100,
    "liquidated with several debts": 50,
    "worthless collateral seized": 10,
    "fund took a fee": 50,
    "fund took interest": 5,
    "ShortfallRecognised": 200,
    "paid by fund": 100,
    "paid by stake": 40,
    "paid by claims": 80,
    "second haircut": 20,
    "converted": 10,
    "exhausted tier": 80,
    "empty tier": 80,
    "unused tier": 10,
    "offset left a rest": 5,
    "loss of one unit": 1,
    "wiped out": 1,
    "ShortfallUncovered": 30,
    "slash in cooldown": 30,
    "all stake gone": 5,
    "Unstaked": 80,
    "PendingDeficitRaised": 10,
    "PendingDeficitCovered": 5,
    "OffsetCovered": 3,
    "DeficitEliminated": 10,
    "withdrawal without cash": 20,
    "run at par": 10,
    "repaid for another": 10,
    "round trip": 1_000,
    "round trip of a loan": 1_000,
    "repay all probed": 500,
    "withdraw all probed": 1_000,
    "leaving probed": 100,
    "refused LEFTOVER_IS_DUST": 2,
    "refused RESERVE_IS_WIPED_OUT": 1,
    "refused RESERVE_IS_PAUSED": 20,
    "refused POSITION_WOULD_BE_UNSAFE": 50,
    "refused BORROWER_IS_LIQUIDATOR": 20,
    "refused SLASHING_IS_ONGOING": 3,
    "refused WINDOW_IS_CLOSED": 5,
    "refused STAKE_IS_EXHAUSTED": 2,
}
"""What random play must have reached in 20,000 operations; more operations ask for no more."""

TOTAL = Counts()


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_no_law_is_broken(setup: object) -> None:
    """Every law holds after every operation, under each table of tiers."""
    chosen = next(x for x in SETUPS if x is setup)
    for seed in range(max(1, -(-OPERATIONS // (LENGTH * len(SETUPS))))):
        run(chosen, seed, LENGTH, TOTAL)


@pytest.mark.slow
def test_random_play_got_there() -> None:
    """The situations that matter were reached often enough for the laws to have said something."""
    if OPERATIONS < 20_000 or TOTAL.of.get("operations", 0) < OPERATIONS:
        pytest.skip("only part of the operations was played")
    missed = {name: (TOTAL.of.get(name, 0), least) for name, least in REACHED.items()}
    missed = {name: pair for name, pair in missed.items() if pair[0] < pair[1]}
    assert not missed, f"reached too seldom (times, least): {missed}"


def test_the_same_seed_plays_the_same_game() -> None:
    """A seed gives the same operations, entries and balances, twice."""
    digests = []
    for _ in range(2):
        watched = run(SETUPS[0], 7, 150, Counts())
        digests.append((watched.system.protocol.seal(watched.system.at), len(watched.system.ledger.entries)))
    assert digests[0] == digests[1]
