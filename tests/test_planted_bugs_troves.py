"""The checks of trove systems work: each planted bug is noticed by a law that is named for it."""

from __future__ import annotations

import pytest
from planted_bugs_troves import BUGS
from planting import Bug, find, planted
from trove_game import OWN, broken

SEEDS, LENGTH = 40, 300


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within a few thousand operations, by a law that it was planted for."""
    with planted(bug):
        laws = (broken(bug.setups[0], OWN, seed, LENGTH) for seed in range(SEEDS))
        law = next((law for law in laws if law is not None), None)
    assert law is not None, f"{bug.name} survived"
    assert law in bug.laws, f"{bug.name} was noticed by {law}"


def test_each_bug_has_its_place() -> None:
    """The text of each bug is in the program, once, and there are enough of them."""
    for bug in BUGS:
        assert bug.old in find(bug).source
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20
