"""The world: a clock, agents asleep on it, and what wakes them. The only importer of simpy.

    inside one instant   MARKET → ORACLE → BLOCK → LIQUIDATION → SETTLEMENT → WITHDRAWAL, ties by arrival
                         (or from LIQUIDATION on in an order that is drawn, to see whether ties matter)

Time is an integer (seconds since 1970-01-01 UTC). An agent is a class with a `name`, a `phase` and a
generator `run(world)`; it yields what it waits for: `world.sleep(self, 60)`, or
`world.wait(self, "price:CRV", until=…)`. Nobody polls: an agent sleeps until something concerns it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from typing import Final
from typing import Protocol as Face

import attrs
import simpy
import structlog
from structlog.typing import FilteringBoundLogger

from mutualize.book import Book
from mutualize.commands import Command, FailAgent
from mutualize.ending import Ending, Interrupts
from mutualize.errors import InvariantBroken, MutualizeError, Reason, Refused
from mutualize.events import Event
from mutualize.protocol import Planned, Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.stretch import Stretch
from mutualize.units import div_down

SPINS_MAX: Final = 100_000
"""How often one agent may go to sleep within one instant before it is called a loop."""

TIE_BITS: Final = 24
"""How many bits of a place in line stand for the order within one phase, where that is drawn."""

SEARCH_EVERY: Final = 20_000
"""How many new objects there are before they are searched for garbage, in a run."""
PROBLEM_MAX: Final = 300
"""How many characters of an agent's error are written into the ledger."""


class Phase(IntEnum):
    """The order of things inside one instant. Accrual is none of them: it belongs to the venue."""

    MARKET = 1
    ORACLE = 2
    BLOCK = 3
    """What waited for a block is carried out, in its own order: see agents/mempool.py."""
    LIQUIDATION = 4
    SETTLEMENT = 5
    WITHDRAWAL = 6


@attrs.frozen
class Wake:
    """Why an agent woke: the signal (empty: its time had come) and the seq of the entry behind it."""

    signal: str = ""
    cause: int | None = None


REST: Final = Wake()


class Nap(simpy.Event):
    """What an agent yields: it sleeps until this happens, and is handed a `Wake`."""

    names: tuple[str, ...] = ()
    gauges: tuple[str, ...] = ()
    phase: Phase = Phase.SETTLEMENT
    tie: int = 0
    """Its place among those of one instant and phase; the same for all where ties go by arrival."""

    def ring(self, wake: Wake, delay: int = 0) -> None:
        """Put the end of this nap on the clock. The one place that orders: time, phase, tie, then arrival."""
        self._ok = True
        self._value = wake
        self.env.schedule(self, simpy.events.EventPriority((self.phase << TIE_BITS) + self.tie), delay)


Steps = Generator[Nap, Wake, None]
"""What `run` of an agent returns."""


class Agent(Face):
    """Somebody who acts. `name` is unique in a world and names the agent's random stream."""

    @property
    def name(self) -> str:
        """Who this is."""

    @property
    def phase(self) -> Phase:
        """Where in an instant this agent acts, unless it says otherwise when it goes to sleep."""

    def run(self, world: World) -> Steps:
        """Live: act, and yield what to wait for."""


class World:
    """Agents around one protocol and one clock, from `start` to `end` (both included).

    With a stream for `ties`, who acts first in one instant and phase is drawn from it, instead of who came
    first: in all phases but MARKET, ORACLE and BLOCK, in which the world itself acts, in its stated order.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        start: int,
        end: int,
        seed: int,
        log: FilteringBoundLogger | None = None,
        spins_max: int = SPINS_MAX,
        ties: Stream | None = None,
    ) -> None:
        if end < start:
            raise ValueError("a world must not end before it starts")
        self.protocol = protocol
        self.start_at = start
        self.end = end
        self.seed = seed
        self.agents: dict[str, Agent] = {}
        self.wakes = 0
        """How often anybody woke: the measure of what a run had to do."""
        self._log: FilteringBoundLogger = structlog.get_logger() if log is None else log
        self._env = simpy.Environment(initial_time=start)
        self._streams: dict[str, Stream] = {}
        self._waiting: dict[str, dict[Nap, None]] = {}
        self._gauges: dict[str, dict[Nap, int]] = {}
        self._spins: dict[str, int] = {}
        self._spins_at = start
        self._spins_max = spins_max
        self._ties = ties
        self._in_core = False
        self._interrupts = Interrupts()
        self._ending: Ending | None = None
        self._raised: BaseException | None = None

    # --- what agents see ---------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The simulated time, in seconds since 1970-01-01 UTC."""
        return self.end if self._ending is Ending.COMPLETE else int(self._env.now)

    @property
    def interrupted(self) -> bool:
        """Whether the run ends after the event in hand: who does very much in one event had better look."""
        return self._interrupts.first is not None

    @property
    def book(self) -> Book:
        """What is true now."""
        return self.protocol.book

    def stream(self, name: str) -> Stream:
        """Return the random stream of that name. It depends on seed and name alone; asking twice goes on."""
        if name not in self._streams:
            self._streams[name] = Stream(self.seed, name)
        return self._streams[name]

    def submit(self, *commands: Command, cause: int | None = None) -> Receipt:
        """Carry out commands now, as one transaction: all of them or none."""
        self._in_core = True
        receipt = self.protocol.submit(*commands, at=self.now, cause=cause)
        self._in_core = False
        return receipt

    def would(self, *commands: Command) -> list[Event] | Reason:
        """Return what `submit` would do now, or why it would be refused. Costs nothing and is not counted."""
        planned = self.plan(*commands)
        return planned if isinstance(planned, Reason) else [event for event, _ in planned]

    def plan(self, *commands: Command, first: Sequence[Planned] = ()) -> list[Planned] | Reason:
        """Return the same as a plan that `carry_out` takes; `first` is one that it continues."""
        self._in_core = True
        try:
            return self.protocol.plan(*commands, at=self.now, first=first)
        except Refused as refusal:
            return refusal.reason
        finally:
            self._in_core = False

    def enact(self, events: list[Event], cause: int | None = None, *, after: Sequence[Event] = ()) -> Receipt:
        """Do what a venue decided just now, with all its consequences, and `after` that."""
        self._in_core = True
        receipt = self.protocol.enact(events, self.now, cause, after=after)
        self._in_core = False
        return receipt

    @property
    def room(self) -> int:
        """How many entries the next stretch may have, but for its last transaction; 0: none is taken now.

        None is while somebody waits for a gauge, since that is to be seen after each transaction.
        """
        return 0 if self._gauges else self.protocol.room

    def extend(self, stretch: Stretch) -> None:
        """Do many transactions that venues decided just now, one after the other."""
        self._in_core = True
        self.protocol.extend(stretch, self.now)
        self._in_core = False

    def carry_out(self, planned: list[Planned], cause: int | None = None) -> Receipt:
        """Do what was planned, in this instant and with nothing done since: no rule is asked again."""
        self._in_core = True
        receipt = self.protocol.carry_out(planned, self.now, cause)
        self._in_core = False
        return receipt

    def count_refusal(self, reason: Reason) -> None:
        """Count a wish that came to nothing before any venue could decide it."""
        self.protocol.count_refusal(reason)

    def tie(self) -> int:
        """Return a place in line among those of one instant, for an agent that acts for many: drawn, or 0."""
        return 0 if self._ties is None else self._ties.bits(TIE_BITS)

    # --- sleeping ----------------------------------------------------------------------------------------

    def sleep(self, agent: Agent, seconds: int, phase: Phase | None = None) -> Nap:
        """Sleep for some seconds (0: until its phase of this instant comes round again).

        Raises TypeError, naming the agent, for a delay that is not a non-negative integer.
        """
        nap = self._nap(agent, phase)
        nap.ring(REST, _delay(agent, seconds))
        return nap

    def sleep_until(self, agent: Agent, at: int, phase: Phase | None = None) -> Nap:
        """Sleep until a moment; until its phase of this instant, where that moment has passed."""
        return self.sleep(agent, max(0, _delay(agent, at) - self.now), phase)

    def wait(
        self,
        agent: Agent,
        *names: str,
        until: int | None = None,
        above: Mapping[str, int] | None = None,
        phase: Phase | None = None,
    ) -> Nap:
        """Sleep until one of the named signals, until a gauge reaches its level, or until a moment.

        Whoever waits for a gauge must have looked at it first: only later reports wake him.
        """
        nap = self._nap(agent, phase)
        nap.names, nap.gauges = names, tuple(above or ())
        for name in names:
            self._waiting.setdefault(name, {})[nap] = None
        for gauge, level in (above or {}).items():
            self._gauges.setdefault(gauge, {})[nap] = level
        if until is not None:
            timer = Nap(self._env)
            timer.phase = nap.phase
            timer.callbacks.append(lambda _: self._wake(nap, REST))
            timer.ring(REST, max(0, _delay(agent, until) - self.now))
        return nap

    def signal(self, name: str, cause: int | None = None) -> None:
        """Wake everybody who waits for `name`, in the order in which they began to wait."""
        waiting = self._waiting.get(name)
        if waiting:
            for nap in tuple(waiting):
                self._wake(nap, Wake(name, cause))

    def awaits(self, name: str) -> bool:
        """Say whether anybody waits for a signal."""
        return bool(self._waiting.get(name))

    @property
    def is_gauged(self) -> bool:
        """Whether anybody waits for any gauge."""
        return bool(self._gauges)

    def watched(self, gauge: str) -> bool:
        """Say whether anybody waits for a gauge, so that nobody computes what no one reads."""
        return gauge in self._gauges

    def report(self, gauge: str, value: int, cause: int | None = None) -> None:
        """Wake everybody whose level the gauge has reached."""
        for nap, level in tuple(self._gauges.get(gauge, {}).items()):
            if value >= level:
                self._wake(nap, Wake(gauge, cause))

    def _nap(self, agent: Agent, phase: Phase | None) -> Nap:
        """Return a new nap. Raises RuntimeError for an agent that loops within one instant."""
        if self._spins_at != self._env.now:
            self._spins_at = int(self._env.now)
            self._spins.clear()
        spins = self._spins[agent.name] = self._spins.get(agent.name, 0) + 1
        if spins > self._spins_max:
            raise RuntimeError(f"{agent.name} acted {spins - 1} times in one instant and lets no time pass")
        nap = Nap(self._env)
        nap.phase = agent.phase if phase is None else phase
        if nap.phase > Phase.BLOCK:
            nap.tie = self.tie()
        return nap

    def _wake(self, nap: Nap, wake: Wake) -> None:
        if nap.triggered:
            return
        for name in nap.names:
            del self._waiting[name][nap]
        for gauge in nap.gauges:
            waiting = self._gauges[gauge]
            del waiting[nap]
            if not waiting:
                del self._gauges[gauge]
        nap.ring(wake)

    # --- living ------------------------------------------------------------------------------------------

    def start(self, agent: Agent) -> None:
        """Let an agent live from now on. Raises ValueError where the name is taken."""
        if agent.name in self.agents:
            raise ValueError(f"there is an agent of the name {agent.name!r} already")
        self.agents[agent.name] = agent
        self._env.process(self._live(agent))

    def _live(self, agent: Agent) -> Generator[Nap, Wake, None]:
        """Drive one agent: hand its naps to the clock, and end the run where its code fails."""
        yield self.sleep(agent, 0)
        try:
            steps = agent.run(self)
            nap = next(steps)
            while True:
                wake = yield _checked(agent, nap)
                self.wakes += 1
                nap = steps.send(wake)
        except StopIteration:
            return
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - simpy would rebuild it from its args, and lose some
            self._fail(agent, error)

    def _fail(self, agent: Agent, error: BaseException) -> None:
        """End the run. An agent's own mistake is recorded; one of the core, or of its input, is raised."""
        ours = self._in_core or isinstance(error, InvariantBroken | MutualizeError | OSError)
        if ours or not isinstance(error, Exception):
            self._raised = error
            return
        problem = "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")
        self._log.error("an agent failed", agent=agent.name, at=self.now, problem=problem, exc_info=error)
        try:
            self.submit(FailAgent(venue="outside", account=agent.name, problem=problem[:PROBLEM_MAX]))
        except Exception as second:  # noqa: BLE001 - raised again when the clock has stopped
            self._raised = second
        self._ending = Ending.FAILED

    def run(
        self, progress: Callable[[int], None] | None = None, interrupts: Interrupts | None = None
    ) -> Ending:
        """Let time pass until the end and say how it ended. `progress` is told the simulated time.

        A first interrupt (Ctrl-C, SIGTERM) ends the run after the event in hand, a second one at once;
        `interrupts` are those of a caller who listens for longer than the run takes. Raises what the core or
        the ledger raised (a broken invariant, a full disk).
        """
        step = max(1, div_down(self.end - self.start_at, 200))
        due = self.start_at + 1
        with ExitStack() as stack:
            self._interrupts = stack.enter_context(Interrupts()) if interrupts is None else interrupts
            set_aside = stack.enter_context(_garbage_set_aside())
            while self._ending is None and self._raised is None:
                if self._interrupts.first is not None:
                    self._ending = self._interrupts.first
                    break
                at = self._env.peek()
                if at > self.end:
                    self._ending = Ending.COMPLETE
                    break
                if at >= due:
                    set_aside()
                    due = int(at) + step
                    if progress is not None:
                        progress(int(at))
                self._env.step()
        if self._raised is not None:
            raise self._raised
        assert self._ending is not None
        if progress is not None:
            progress(self.now)
        self._log.info("run ended", ending=self._ending.value, at=self.now, wakes=self.wakes)
        return self._ending


def _checked(agent: Agent, nap: object) -> Nap:
    """Return what an agent yielded. Raises TypeError where that is nothing that will still happen."""
    if not isinstance(nap, Nap) or nap.processed:
        raise TypeError(f"{agent.name} yielded {type(nap).__name__}, nothing that will still happen")
    return nap


def _delay(agent: Agent, seconds: object) -> int:
    """Return a number of seconds. SimPy takes NaN and fractions, after which time may go backwards."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise TypeError(f"{agent.name}: a delay is a non-negative whole number of seconds, not {seconds!r}")
    return seconds


@contextmanager
def _garbage_set_aside() -> Iterator[Callable[[], None]]:
    """Hand out a function that takes all present objects out of garbage collection; undone at the end.

    What a large set-up leaves (positions, entries) lives until the end: to search it again and again for
    garbage costs more than the run itself. Does nothing where somebody else froze objects already. And what
    is made in a run makes no cycles, so there is little to be found: it is searched for less often.
    """
    frozen = asked = False
    thresholds = gc.get_threshold() if hasattr(gc, "set_threshold") else None
    if thresholds is not None and thresholds[0]:
        gc.set_threshold(max(SEARCH_EVERY, thresholds[0]), *thresholds[1:])

    def set_aside() -> None:
        nonlocal frozen, asked
        if asked or not hasattr(gc, "freeze"):  # PyPy has no such thing
            return
        asked = True  # once: to count what somebody else froze takes as long as there is of it
        if not gc.get_freeze_count():
            gc.freeze()
            frozen = True

    try:
        yield set_aside
    finally:
        if thresholds is not None:
            gc.set_threshold(*thresholds)
        if frozen:
            gc.unfreeze()
