"""A delta debugger for lists of operations: leave out what is not needed, make what is left plain, tell it.

The rule: a smaller list counts only if it breaks the same law. What is left is minimal: without any single
operation of it that law holds. Time that an operation waited is handed to the next one, else left out, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
from driver import BROKEN, Failure, Watched, named
from driver_counts import Counts
from driver_op import Op
from systems import START, Setup

from mutualize.commands import ALL, Command


def replay_ops(setup: Setup, ops: Sequence[Op], *, foretold: bool = True) -> Failure | None:
    """Play operations from the beginning; return the first failure, if there is one."""
    watched, done = Watched(setup, Counts(), foretold=foretold, written=False), []
    try:
        for op in ops:
            done.append(op)
            watched.play(op)
        watched.finish()
    except BROKEN as error:
        return Failure(setup, named(error), str(error), done)
    return None


class Shrinker:
    """Tries smaller lists."""

    def __init__(self, failure: Failure, *, foretold: bool = True) -> None:
        self.law, self.setup, self.foretold = failure.law, failure.setup, foretold
        self.best = failure
        self.tried = 0
        """How many lists were played."""

    def attempt(self, ops: list[Op]) -> bool:
        """Play a list; keep it as the best one if it breaks the same law."""
        self.tried += 1
        again = replay_ops(self.setup, ops, foretold=self.foretold)
        if again is None or again.law != self.law:
            return False
        self.best = again
        return True

    def leave_out(self) -> bool:
        """Leave out stretches, from half of all down to single operations. Returns whether one went."""
        size, smaller = max(1, len(self.best.ops) // 2), False
        while size:
            start = 0
            while start < len(self.best.ops):
                ops = self.best.ops
                head, gone, tail = ops[:start], ops[start : start + size], ops[start + size :]
                if self.attempt([*head, *tail]) or (tail and self._later(head, gone, tail)):
                    smaller = True
                else:
                    start += size
            size //= 2
        return smaller

    def _later(self, head: list[Op], gone: list[Op], tail: list[Op]) -> bool:
        """Leave a stretch out and let its time pass all the same."""
        waited = sum(op.wait for op in gone)
        if not waited:
            return False
        return self.attempt([*head, attrs.evolve(tail[0], wait=tail[0].wait + waited), *tail[1:]])

    def make_plain(self) -> bool:
        """Replace waits, second commands and amounts by plainer ones. Returns whether one was."""
        plainer = False
        for place in range(len(self.best.ops)):
            changed = True
            while changed and place < len(self.best.ops):
                ops = self.best.ops
                changed = any(
                    self.attempt([*ops[:place], op, *ops[place + 1 :]]) for op in plainer_ops(ops[place])
                )
                plainer = plainer or changed
        return plainer

    def run(self, failure: Failure) -> Failure:
        """Return the smallest failure that is found. It keeps the command that repeats the first one."""
        while self.leave_out() or self.make_plain():
            pass
        return Shrunk(self.setup, self.law, self.best.detail, self.best.ops, failure.seed, len(failure.ops))


@attrs.define
class Shrunk(Failure):
    """A small failure, and how many operations it was drawn from."""

    drawn: int = 0

    @property
    def command(self) -> str:
        """The one command that plays it again, and shrinks it."""
        return f"python tests/driver.py {self.setup.name} {self.seed} {self.drawn}"


def plainer_ops(op: Op) -> Iterator[Op]:
    """Return operations that say nearly the same, with less."""
    if op.wait:
        yield attrs.evolve(op, wait=0)
    if op.also:
        yield attrs.evolve(op, also=())
        yield Op(op.wait, op.also[0], op.also[1:])
    for command in plainer_commands(op.command):
        yield attrs.evolve(op, command=command)


def plainer_commands(command: Command) -> Iterator[Command]:
    """Return the command with one of its amounts rounded to fewer digits."""
    for field in attrs.fields(type(command)):
        value = getattr(command, field.name)
        if isinstance(value, int) and not isinstance(value, bool) and 10 < value < ALL:
            unit = 10 ** (len(str(value)) - 1)
            for rounded in (unit, value - value % unit, value - value % (unit // 10)):
                if rounded < value:
                    yield attrs.evolve(command, **{field.name: rounded})


def shrink(failure: Failure, *, foretold: bool = True) -> Failure:
    """Return the smallest list of operations that is found to break the same law."""
    return Shrinker(failure, foretold=foretold).run(failure)


def story(failure: Failure) -> str:
    """Tell a failure: the law, what happened, a test that fails, and the command that repeats it."""
    at = START
    lines = [f"{failure.law}: {failure.detail}", "---"]
    for op in failure.ops:
        at += op.wait
        wait = f"after {op.wait} s, " if op.wait else ""
        lines.append(f"{wait}{' and '.join(_told(command) for command in op.commands)}")
    lines += [
        "",
        "from mutualize.commands import *",
        "from driver_op import Op",
        "from shrinker import replay_ops",
    ]
    lines += ["from systems import SETUPS", "", "", f"def test_{failure.law.replace('-', '_')}() -> None:"]
    lines += [f'    """The law {failure.law} holds."""', "    ops = ["]
    lines += [f"        {_written(op)}," for op in failure.ops]
    lines += ["    ]", f"    setup = next(x for x in SETUPS if x.name == {failure.setup.name!r})"]
    lines += ["    assert replay_ops(setup, ops) is None", "", f"again: {failure.command}", ""]
    return "\n".join(lines)


def _told(command: Command) -> str:
    words = {
        field.name: getattr(command, field.name)
        for field in attrs.fields(type(command))
        if field.name not in ("venue", "account")
    }
    told = " ".join(f"{name} {'ALL' if value == ALL else value}" for name, value in words.items())
    return f"{command.account:<10} {type(command).__name__} {told}"


def _written(op: Op) -> str:
    also = f", ({', '.join(repr(command) for command in op.also)},)" if op.also else ""
    return f"Op({op.wait}, {op.command!r}{also})"
