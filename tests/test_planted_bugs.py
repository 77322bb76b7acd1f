"""The checks work: each planted bug is noticed, by a law that is named for it, and nothing else is.

The rule: where a bug survives, the laws are improved, not the bug. Most die within 200 operations.
"""

from __future__ import annotations

import pytest
import test_stories_core
from driver import Counts, Failure, replay_ops, run, shrink
from planted_bugs import BUGS, STORY_BUGS, Bug, planted
from systems import SETUPS

OPERATIONS = 250
SEEDS = 12
NAMED = {setup.name: setup for setup in SETUPS}


def hunt(bug: Bug) -> Failure | None:
    """Play until a law is broken."""
    for seed in range(SEEDS):
        for name in bug.setups:
            try:
                run(NAMED[name], seed, OPERATIONS, Counts())
            except Failure as failure:
                return failure
    return None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within a few thousand operations, by a law that it was planted for."""
    with planted(bug):
        failure = hunt(bug)
    assert failure is not None, f"{bug.name} survived"
    assert failure.law in bug.laws, f"{bug.name} was noticed by {failure.law}: {failure.detail}"


@pytest.mark.parametrize(("bug", "story"), STORY_BUGS, ids=lambda x: getattr(x, "name", "").replace(" ", "-"))
def test_a_story_kills_its_bug(bug: Bug, story: str) -> None:
    """A story passes without its bug and fails with it."""
    tell = getattr(test_stories_core, f"test_{story}")
    tell()
    killed = False
    with planted(bug):
        try:
            tell()
        except Exception:  # noqa: BLE001 - whatever it is noticed by
            killed = True
    assert killed, f"{bug.name} survived {story}"


def test_no_bug_no_failure() -> None:
    """The canary: the program as it is breaks no law on what the bugs are hunted with."""
    for setup in SETUPS:
        run(setup, 0, OPERATIONS, Counts())


def test_bugs_are_gone_afterwards() -> None:
    """A planted bug leaves no trace: the same seed runs clean after it."""
    bug = BUGS[0]
    with planted(bug):
        assert hunt(bug) is not None
    run(NAMED["three-tiers"], 0, OPERATIONS, Counts())


def test_a_failure_shrinks_to_a_story() -> None:
    """What is left of a failure after shrinking still breaks the same law, in a dozen operations or fewer."""
    bug = next(bug for bug in BUGS if bug.name == "the second debt is not recognised")
    with planted(bug):
        failure = hunt(bug)
        assert failure is not None
        small = shrink(failure)
        again = replay_ops(small.setup, small.ops)
    assert again is not None
    assert again.law == failure.law
    assert len(small.ops) <= 20, f"{len(failure.ops)} became {len(small.ops)}"
    assert "python tests/driver.py three-tiers" in str(failure)
