"""Random play with trove systems: as the contracts' plain transcription says, all laws, and how far it got.

By default forty-four plays of three hundred operations; MUTUALIZE_OPS plays a tenth of that many.
"""

from __future__ import annotations

import inspect
import os
from fractions import Fraction

import pytest
from auditor import LawBroken
from pool_alone import WHO, of_plain, shown, wishes
from trove_game import PLAYED, REFUSED, Game
from trove_oracle import Plain
from vector_player_liquity import PoolPlayer

from mutualize import trove_commands as tc
from mutualize import trove_events as te
from mutualize.commands import Command
from mutualize.errors import InvariantBroken
from mutualize.events import KINDS
from mutualize.randomness import Stream
from mutualize.venues.stability_pool import INDEXES

LENGTH = 300
PLAYS = max(4, int(os.environ.get("MUTUALIZE_OPS", "50000")) // (10 * LENGTH * len(PLAYED)))

REACHED = {
    "ClaimsTransferred": 300,
    "FundContributed": 8,
    "LossPassedOn": 30,
    "PoolDeposited": 400,
    "PoolWithdrawn": 300,
    "ShortfallRecognised": 300,
    "ShortfallUncovered": 80,
    "SurplusClaimed": 10,
    "TroveAdjusted": 150,
    "TroveOpened": 400,
    "absorbed by fund": 15,
    "absorbed by redistribution": 180,
    "absorbed by stability-pool": 100,
    "closed by-owner": 15,
    "closed liquidated": 300,
    "deposits claim too much": 10,
    "epoch moved": 5,
    "scale moved": 5,
    "gain paid": 100,
    "in recovery": 1_000,
    "redistribution taken": 60,
    "several at once": 50,
    "surplus left": 15,
}
"""What the plays must have come to, and how often at least."""


@pytest.fixture(scope="module")
def played() -> dict[str, int]:
    """Return how often each situation was reached in all plays."""
    counts: dict[str, int] = {}
    for index, table in PLAYED:
        for seed in range(PLAYS):
            try:
                game = Game(index, table, seed).play(LENGTH)
            except (LawBroken, InvariantBroken, AssertionError) as problem:
                raise AssertionError(f"{index} under {table}, seed {seed}: {problem}") from problem
            for name, times in game.counts.items():
                counts[name] = counts.get(name, 0) + times
    return counts


@pytest.mark.parametrize("name", [*REACHED, *(f"refused {reason}" for reason in REFUSED)])
def test_plays_get_there(played: dict[str, int], name: str) -> None:
    """Every tier, both modes, scales and epochs, and each refusal that is no rarity is reached."""
    least = REFUSED[name.removeprefix("refused ")] if name.startswith("refused ") else REACHED[name]
    assert played.get(name, 0) >= least, f"{name} was reached {played.get(name, 0)} times"


def test_every_command_is_asked_and_every_kind_comes(played: dict[str, int]) -> None:
    """Each command of a trove system is asked for, and each kind of event comes."""
    commands = [kind for kind in vars(tc).values() if inspect.isclass(kind) and issubclass(kind, Command)]
    asked = [kind.__name__ for kind in commands if kind is not Command]
    assert [name for name in asked if not played.get(f"asked {name}")] == []
    kinds = [name for name, kind in KINDS.items() if kind.__module__ == te.__name__]
    assert [name for name in kinds if not played.get(name)] == []


# --- the pool alone --------------------------------------------------------------------------------------


class Exact:
    """What each deposit is worth, and has gained, as fractions: nothing is ever rounded."""

    def __init__(self) -> None:
        self.worth: dict[str, Fraction] = {}
        self.gain: dict[str, Fraction] = {}

    def offset(self, total: int, debt: int, coll: int) -> None:
        """Let deposits pay."""
        for who, worth in self.worth.items():
            self.gain[who] += worth * coll / total
            self.worth[who] = worth * (total - debt) / total


@pytest.mark.parametrize("name", INDEXES)
def test_a_pool_alone_is_as_the_plain_one(name: str) -> None:
    """Deposits of all sizes and offsets of nearly everything give the plain pool's numbers and refusals."""
    reached: dict[str, int] = {}
    for seed in range(80):
        stream, plain, player = Stream(seed, f"pool/{name}"), Plain(name), PoolPlayer(INDEXES[name])
        plain.s["lusd"] = dict.fromkeys(WHO, 2**200)
        for op in wishes(stream, plain, 60):
            scale, epoch = plain.n("scale"), plain.n("epoch")
            reason, receipt = of_plain(plain, op), player.play(op)
            told = None if receipt.refused is None else receipt.refused.name
            assert told == reason, (seed, op)
            ours, theirs = player.state({"depositors": WHO, **shown(plain)}), shown(plain)
            assert {key: ours[key] for key in theirs} == theirs
            for who in WHO:
                kept = ours["depositors"][who]
                assert (kept["compounded"], kept["eth_gain"]) == (str(plain.worth(who)), str(plain.gain(who)))
            moved = plain.n("scale") - scale if plain.n("epoch") == epoch else 0
            for what in (
                f"scale by {moved}",
                f"refused {reason}",
                "epoch" if plain.n("epoch") > epoch else "",
            ):
                reached[what] = reached.get(what, 0) + 1
    assert reached["scale by 1"] > 20
    assert name == "liquity-v1" or reached["scale by 2"] > 2
    assert name != "liquity-v1" or reached["epoch"] > 20
    assert reached["refused POOL_IS_EXHAUSTED"] > 10
    assert (
        reached["refused BALANCE_IS_INSUFFICIENT" if name == "liquity-v1" else "refused POOL_WOULD_BE_EMPTY"]
        > 5
    )


@pytest.mark.parametrize(("name", "may_claim_more"), [("liquity-v1", True), ("liquity-v2", False)])
def test_deposits_are_what_exact_fractions_say(name: str, *, may_claim_more: bool) -> None:
    """v2 never lets a deposit claim more than its exact part, nor misses it by much; v1 lets some do so."""
    above = 0
    for seed in range(40):
        stream, plain, exact = Stream(seed, f"exact/{name}"), Plain(name), Exact()
        plain.s["lusd"] = dict.fromkeys(WHO, 2**200)
        for op in wishes(stream, plain, 50):
            total, before = plain.n("T"), {who: plain.worth(who) for who in WHO}
            if of_plain(plain, op) is not None:
                continue
            a = op["args"]
            if op["op"] != "offset":
                who = a["user"]
                change = a["amount"] if op["op"] == "provide" else -min(a["amount"], before[who])
                exact.worth[who], exact.gain[who] = Fraction(before[who] + change), Fraction(0)
            elif total and a["debt"]:
                exact.offset(total, a["debt"], a["coll"])
            for who, worth in exact.worth.items():
                ours = plain.worth(who)
                above += ours > worth
                assert may_claim_more or ours <= worth < ours + 2 + worth / 10**24
                assert may_claim_more or plain.gain(who) <= exact.gain[who]
    assert (above > 0) == may_claim_more
