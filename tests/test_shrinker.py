"""The shrinker works: what it leaves of a failure is minimal, breaks the same law, and can be repeated."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from driver import Failure, main, run
from driver_counts import Counts
from driver_op import Op
from planted_bugs import BUGS, FORETOLD_BUGS, MORE_BUGS
from planting import Bug, planted
from shrinker import Shrinker, plainer_commands, plainer_ops, replay_ops, shrink, story
from systems import SETUPS

from mutualize import commands as c

NAMED = {setup.name: setup for setup in SETUPS}
SHRUNK = (
    ("the second debt is not recognised", 20),
    ("deficit is paid with units rounded down", 20),
    ("the window opens late", 6),
    ("a price below zero is published", 1),
    ("a whole debt cannot be repaid", 9),
)
"""(a planted bug, how many operations are enough to show it)."""


def bug_named(name: str) -> Bug:
    """Return a planted bug."""
    return next(bug for bug in (*BUGS, *MORE_BUGS, *FORETOLD_BUGS) if bug.name == name)


def first_failure(bug: Bug) -> Failure:
    """Play until the bug is noticed."""
    for seed in range(40):
        for name in bug.setups:
            try:
                run(NAMED[name], seed, 250, Counts(), written=False)
            except Failure as failure:
                return failure
    raise AssertionError(bug.name)


@pytest.mark.parametrize(("name", "most"), SHRUNK, ids=lambda x: str(x).replace(" ", "-"))
def test_a_failure_shrinks_to_a_story(name: str, most: int) -> None:
    """What is left breaks the same law, in a dozen operations or so, and none of them can be left out."""
    with planted(bug_named(name)):
        failure = first_failure(bug_named(name))
        small = shrink(failure)
        again = replay_ops(small.setup, small.ops)
        assert again is not None
        assert again.law == small.law == failure.law
        assert len(small.ops) <= most < len(failure.ops), f"{len(failure.ops)} became {len(small.ops)}"
        for place in range(len(small.ops)):
            without = replay_ops(small.setup, [*small.ops[:place], *small.ops[place + 1 :]])
            assert without is None or without.law != small.law, f"operation {place} is not needed"
    assert replay_ops(small.setup, small.ops) is None, "without the bug nothing is wrong"


def test_a_failure_is_told_as_a_test_that_fails() -> None:
    """The story holds a test that fails with the bug, passes without it, and the command that repeats it."""
    bug = bug_named("deficit is paid with units rounded down")
    with planted(bug):
        failure = first_failure(bug)
        text = story(shrink(failure))
    source = text[text.index("from mutualize") : text.index("again: ")]
    made: dict[str, Callable[[], None]] = {}
    exec(compile(source, "<story>", "exec"), made)  # noqa: S102 - the test that the story tells
    tell = made[f"test_{failure.law.replace('-', '_')}"]
    tell()
    with planted(bug), pytest.raises(AssertionError):
        tell()
    assert failure.command in text
    assert failure.command == f"python tests/driver.py par {failure.seed} {len(failure.ops)}"


def test_the_command_repeats_and_shrinks_it() -> None:
    """The command of a failure finds it again, shrinks it and tells it; a clean seed says so."""
    bug = bug_named("a price below zero is published")
    shown: list[str] = []
    with planted(bug):
        failure = first_failure(bug)
        code = main(failure.command.split()[2:], shown.append)
    assert code == 1
    assert f"{failure.law}: " in shown[0]
    assert "PublishPrice" in shown[0]
    assert main(["par", "0", "60"], shown.append) == 0
    assert shown[-1] == "no law is broken\n"


def test_a_failure_comes_home_from_another_process() -> None:
    """A failure that is sent between processes is the same afterwards, with all its operations."""
    bug = bug_named("a price below zero is published")
    with planted(bug):
        failure = first_failure(bug)
    again = pickle.loads(pickle.dumps(failure))  # noqa: S301 - our own, of this very process
    assert (str(again), again.ops, again.setup) == (str(failure), failure.ops, failure.setup)


def test_time_is_kept_where_it_is_needed() -> None:
    """An operation that is left out hands the time that it waited to the next one."""
    setup = NAMED["three-tiers"]
    stake = {"venue": "aave.stake.stakers", "account": "sue", "stake": "stakers"}
    ops = [
        Op(0, c.Stake(**stake, assets=100)),
        Op(0, c.StartCooldown(**stake)),
        Op(5 * 86_400, c.Stake(**stake, assets=1)),
        Op(5 * 86_400, c.Redeem(**stake, shares=100)),
    ]
    with planted(bug_named("the window opens late")):
        failure = replay_ops(setup, ops)
        assert failure is not None
        small = Shrinker(failure).run(failure)
    assert [type(op.command).__name__ for op in small.ops][:2] == ["Stake", "StartCooldown"]
    assert len(small.ops) <= 3


def test_plainer_says_less() -> None:
    """A plainer operation waits less, asks for less, or for rounder amounts, and there are only so many."""
    op = Op(7, c.LoseAssets(venue="v", account="a", stake="s", assets=123), (c.Trade,))  # type: ignore[arg-type]  # stands for a command
    found = [op, *plainer_ops(op)]
    assert found[1].wait == 0
    assert found[2].also == ()
    assert [x.assets for x in plainer_commands(op.command)] == [100, 100, 120]  # type: ignore[attr-defined]  # of one kind
    assert list(plainer_commands(c.MintShares(venue="v", account="a", stake="s", shares=c.ALL))) == []
