"""The checks work: each planted bug is noticed, by a law that is named for it, and nothing else is.

The rule: where a bug survives, the laws are improved, not the bug. Most die within 200 operations. The error
oracle, which sees nearly all of them, is off where the laws are to show what they see.
"""

from __future__ import annotations

from collections.abc import Iterator

import laws
import pytest
import test_stories_core
from driver import Failure, run
from driver_counts import Counts
from laws import LAWS
from planted_bugs import ALONE, BUGS, FORETOLD_BUGS, MORE_BUGS, STORY_BUGS
from planting import Bug, find, planted
from systems import SETUPS

pytestmark = pytest.mark.slow

OPERATIONS = 250
SEEDS = 40
NAMED = {setup.name: setup for setup in SETUPS}
ORACLE = ("should-have-failed", "should-not-have-failed", "wrong-reason")


def hunt(bug: Bug, *, foretold: bool = False) -> Failure | None:
    """Play until a law is broken."""
    for seed in range(SEEDS):
        for name in bug.setups:
            try:
                run(NAMED[name], seed, OPERATIONS, Counts(), foretold=foretold, written=False)
            except Failure as failure:
                return failure
    return None


def named(bug: Bug) -> str:
    """Return what a test of a bug is called."""
    return bug.name.replace(" ", "-")


@pytest.mark.parametrize("bug", [*BUGS, *MORE_BUGS], ids=named)
def test_a_planted_bug_is_killed(bug: Bug) -> None:
    """A bug is noticed within a few thousand operations, by a law that it was planted for."""
    with planted(bug):
        failure = hunt(bug)
    assert failure is not None, f"{bug.name} survived"
    assert failure.law in bug.laws, f"{bug.name} was noticed by {failure.law}: {failure.detail}"


@pytest.mark.parametrize("bug", [*BUGS, *MORE_BUGS, *FORETOLD_BUGS], ids=named)
def test_a_planted_bug_is_killed_with_the_oracle(bug: Bug) -> None:
    """With the error oracle on, a bug is noticed by it, or by a law that it was planted for."""
    with planted(bug):
        failure = hunt(bug, foretold=True)
    assert failure is not None, f"{bug.name} survived"
    assert failure.law in (*bug.laws, *ORACLE), f"{bug.name} was noticed by {failure.law}: {failure.detail}"
    assert bug not in FORETOLD_BUGS or failure.law in bug.laws


@pytest.fixture
def off() -> Iterator[list[str]]:
    """Return the list of laws that do not look; it is emptied afterwards."""
    yield laws.OFF
    laws.OFF.clear()


@pytest.mark.parametrize(("law", "name", "blind"), ALONE, ids=lambda x: x if isinstance(x, str) else "")
def test_a_law_sees_it_alone(law: str, name: str, blind: tuple[str, ...], off: list[str]) -> None:
    """A bug that several laws see is seen by the last of them, too, when the others do not look."""
    bug = next(bug for bug in (*BUGS, *MORE_BUGS) if bug.name == name)
    off += blind
    with planted(bug):
        failure = hunt(bug)
    assert failure is not None, f"{bug.name} survived {law}"
    assert failure.law == law, f"{bug.name} was noticed by {failure.law}: {failure.detail}"


def test_each_law_has_its_bug() -> None:
    """Every law about entries is named by a bug that it sees first, or alone."""
    named_by_bugs = {law for bug in (*BUGS, *MORE_BUGS) for law in bug.laws[:1]}
    assert sorted(set(LAWS) - named_by_bugs - {law for law, _, _ in ALONE}) == []


def test_each_bug_has_its_place() -> None:
    """The text of each bug is in the program, once, and there are enough of them."""
    bugs = (*BUGS, *MORE_BUGS, *FORETOLD_BUGS)
    for bug in (*bugs, *(bug for bug, _ in STORY_BUGS)):
        assert bug.old in find(bug).source
    assert len({bug.name for bug in bugs}) == len(bugs) >= 80


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
