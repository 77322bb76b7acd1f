"""The checks of vault engines work: each planted bug is noticed by a law named for it, or by a story."""

from __future__ import annotations

from typing import Any

import pytest
import test_stories_cdp
from planted_bugs_cdp import BUGS, STORY_BUGS
from planting import Bug, find, planted
from vault_game import broken

from mutualize.errors import Reason

SEEDS, LENGTH = 30, 400


def named(bug: object) -> str:
    """Return what a test of a bug is called."""
    return str(getattr(bug, "name", "")).replace(" ", "-")


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within a few thousand operations, by a law that it was planted for."""
    with planted(bug):
        laws = (broken(bug.setups[0], seed, LENGTH) for seed in range(SEEDS))
        law = next((law for law in laws if law is not None), None)
    assert law is not None, f"{bug.name} survived"
    assert law in bug.laws, f"{bug.name} was noticed by {law}"


@pytest.mark.parametrize(("bug", "story", "told"), STORY_BUGS, ids=named)
def test_a_story_kills_its_bug(bug: Bug, story: str, told: tuple[Any, ...]) -> None:
    """A story passes without its bug and fails with it."""
    tell = getattr(test_stories_cdp, f"test_{story}")
    with_what = (told[0], Reason.BALANCE_IS_INSUFFICIENT) if told else ()
    tell(*with_what)
    with planted(bug), pytest.raises(AssertionError):
        tell(*with_what)


def test_each_bug_has_its_place() -> None:
    """The text of each bug is in the program, once, and there are enough of them."""
    bugs = (*BUGS, *(bug for bug, _, _ in STORY_BUGS))
    for bug in bugs:
        assert bug.old in find(bug).source
    assert len({bug.name for bug in bugs}) == len(bugs) >= 20
