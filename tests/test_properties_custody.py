"""Random tables of tiers over a venue of balances: all laws, refusals as foretold, and how far it got.

By default a hundred and twenty-five plays of a hundred commands; MUTUALIZE_OPS plays a quarter of that many.
"""

from __future__ import annotations

import inspect
import os

import pytest
from auditor import LawBroken
from custody_auditor import MAY_CHANGE
from custody_game import play
from custody_oracle import FORETELL
from custody_play import LIMITS, PAYERS, REFUSED
from planted_bugs_tiers import TIER_BUGS
from planting import Bug, planted

from mutualize import commands as c
from mutualize import loss_commands as lc
from mutualize import tier_commands as tc
from mutualize import tier_events as te
from mutualize.errors import InvariantBroken
from mutualize.events import KINDS
from mutualize.loss_commands import LOSSES
from mutualize.recoveries import RULES
from mutualize.tier import SHARINGS

LENGTH = 100
PLAYS = max(160, int(os.environ.get("MUTUALIZE_OPS", "50000")) // (4 * LENGTH))
SEEDS = 150
"""So many plays a planted bug may live."""

REACHED = {
    **{f"paid by {payer}": 10 for payer in PAYERS},
    **{f"shared {sharing}": 20 for sharing in SHARINGS},
    **{f"lost by {loss}": 100 for loss in LOSSES},
    **{f"recovered by {rule}": 5 for rule in RULES},
    **{f"limited by {limit}": 10 for limit in LIMITS},
    **{f"given back to {payer}": 1 for payer in PAYERS},
    "ShortfallRecognised": 1_000,
    "ShortfallUncovered": 500,
    "held until a moment": 100,
    "held until a vote": 100,
    "LossReleased": 200,
    "LossPassedOn": 50,
    "owed later": 100,
    "paid later": 50,
    "MembersCalled": 20,
    "answered a call": 3,
    "converted": 20,
    "shared over assets": 40,
    "shared as at default": 40,
    "a cap bound for some": 20,
    "unused": 100,
    "IOUs handed out": 100,
    "IOUs redeemed in part": 5,
    "IOUs redeemed in full": 3,
    "replenished": 5,
    "climbed": 10,
    **{f"refused {reason}": least for reason, least in REFUSED.items()},
}
"""What the plays must have come to, and how often at least."""


@pytest.fixture(scope="module")
def played() -> dict[str, int]:
    """Return how often each situation was reached in all plays."""
    counts: dict[str, int] = {}
    for seed in range(PLAYS):
        try:
            auditor = play(seed, LENGTH)
        except (LawBroken, InvariantBroken, AssertionError) as problem:
            raise AssertionError(f"seed {seed}: {problem}") from problem
        for name, times in auditor.counts.items():
            counts[name] = counts.get(name, 0) + times
    return counts


@pytest.mark.parametrize("name", REACHED)
def test_plays_get_there(played: dict[str, int], name: str) -> None:
    """Every payer, limit, way of sharing and of paying later, and every way back is reached."""
    assert played.get(name, 0) >= REACHED[name], f"{name} was reached {played.get(name, 0)} times"


def test_every_command_is_asked_and_every_kind_comes(played: dict[str, int]) -> None:
    """Each command of a waterfall and of a loss from outside is asked for, and each kind of event comes."""
    commands = [kind for module in (tc, lc) for kind in vars(module).values() if inspect.isclass(kind)]
    asked = [kind.__name__ for kind in commands if issubclass(kind, c.Command) and kind is not c.Command]
    assert [name for name in asked if not played.get(f"asked {name}")] == []
    kinds = [name for name, kind in KINDS.items() if kind.__module__ == te.__name__]
    assert [name for name in kinds if not played.get(name) or KINDS[name] not in MAY_CHANGE] == []


def test_each_reason_is_foretold_and_given(played: dict[str, int]) -> None:
    """Each refusal was foretold, but for money that nobody is owed; all reasons that are given are known."""
    given, told = (
        {name.removeprefix(word): times for name, times in played.items() if name.startswith(word)}
        for word in ("refused ", "foretold ")
    )
    assert {name: times for name, times in given.items() if name != "NOTHING_IS_OWED_BACK"} == told
    assert sorted(given) == sorted(REFUSED)


def test_each_command_has_its_prediction(played: dict[str, int]) -> None:
    """The error oracle knows each command that is played."""
    assert {name for name in played if name.startswith("asked ")} == {f"asked {k.__name__}" for k in FORETELL}


def hunted(bug: Bug) -> str:
    """Return the law that notices a bug first, or '' where it survives."""
    with planted(bug):
        for seed in range(SEEDS):
            try:
                play(seed, LENGTH, foretold=False)
            except (LawBroken, InvariantBroken) as broken:
                return broken.name
            except Exception as crash:  # noqa: BLE001 - a crash is noticed as well
                return f"crash-{type(crash).__name__}"
    return ""


@pytest.mark.parametrize("bug", TIER_BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within some plays, by a law that it was planted for."""
    law = hunted(bug)
    assert law, f"{bug.name} survived"
    assert law in bug.laws, f"{bug.name} was noticed by {law}"


def test_bugs_are_gone_afterwards() -> None:
    """A planted bug leaves no trace: the plays that it was hunted in run clean after it."""
    assert hunted(TIER_BUGS[0])
    play(0, LENGTH)
