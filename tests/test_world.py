"""The world: its clock, the order inside an instant, signals, and how a run ends."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mutualize import events
from mutualize.book import View
from mutualize.commands import Command, FailAgent, PayGas
from mutualize.ending import Ending
from mutualize.errors import InvariantBroken, MutualizeError, Reason, Refused
from mutualize.events import AgentFailed, Entry, Event, GasPaid
from mutualize.protocol import Protocol
from mutualize.world import Phase, Steps, Wake, World


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        self.entries += entries
        return False

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Outside:
    """As much of the world outside as these stories need."""

    name = "outside"

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        match command:
            case PayGas(account="bankrupt"):
                raise Refused(Reason.PURSE_IS_EMPTY)
            case PayGas(account="cursed"):
                raise InvariantBroken("conservation", "a unit is missing")
            case PayGas(account=account, asset=asset, amount=amount):
                return [GasPaid(transfers=events.gas(account, asset, amount))]
            case FailAgent(account=account, problem=problem):
                return [AgentFailed(agent=account, problem=problem)]
        raise AssertionError(command)


class Player:
    """An agent whose life is a function."""

    def __init__(
        self, name: str, life: Callable[[Player, World], Steps], phase: Phase = Phase.SETTLEMENT
    ) -> None:
        self.name = name
        self.phase = phase
        self.life = life

    def run(self, world: World) -> Steps:
        return self.life(self, world)


class Stage:
    """A world with players, and a diary of what they did: (time, what)."""

    def __init__(self, start: int = 0, end: int = 1_000, **options: Any) -> None:
        self.pages = Pages()
        self.world = World(Protocol([Outside()], self.pages), start=start, end=end, seed=1, **options)
        self.diary: list[tuple[int, str]] = []

    def note(self, what: str) -> None:
        self.diary.append((self.world.now, what))

    def play(
        self, name: str, life: Callable[[Player, World], Steps], phase: Phase = Phase.SETTLEMENT
    ) -> None:
        self.world.start(Player(name, life, phase))


def gas(account: str, amount: int = 1) -> PayGas:
    return PayGas(venue="outside", account=account, asset="ETH", amount=amount)


# --- order -----------------------------------------------------------------------------------------------


def test_phases_order_an_instant() -> None:
    """At one moment markets come first and withdrawals last, whoever went to sleep first."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 10)
        stage.note(self.name)

    for phase in reversed(Phase):
        stage.play(phase.name, life, phase)
    stage.world.run()
    assert stage.diary == [(10, phase.name) for phase in Phase]


def test_ties_go_to_who_came_first() -> None:
    """Within a phase of one instant, those act first who went to sleep first."""
    stage = Stage()

    def late(self: Player, world: World) -> Steps:
        yield world.sleep(self, 4)
        yield world.sleep(self, 6)
        stage.note(self.name)

    def early(self: Player, world: World) -> Steps:
        yield world.sleep(self, 10)
        stage.note(self.name)

    stage.play("late", late)
    stage.play("early", early)
    stage.world.run()
    assert stage.diary == [(10, "early"), (10, "late")]


def test_a_nap_may_name_another_phase() -> None:
    """An agent of one phase can act in another, once."""
    stage = Stage()

    def depositor(self: Player, world: World) -> Steps:
        yield world.sleep(self, 5, Phase.MARKET)
        stage.note(self.name)

    def market(self: Player, world: World) -> Steps:
        yield world.sleep(self, 5)
        stage.note(self.name)

    stage.play("depositor", depositor, Phase.WITHDRAWAL)
    stage.play("oracle", market, Phase.ORACLE)
    stage.world.run()
    assert stage.diary == [(5, "depositor"), (5, "oracle")]


def test_the_first_act_respects_phases_too() -> None:
    """Agents started in any order begin in the order of their phases."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        stage.note(self.name)
        yield world.sleep(self, 1)

    stage.play("withdrawal", life, Phase.WITHDRAWAL)
    stage.play("market", life, Phase.MARKET)
    stage.world.run()
    assert stage.diary == [(0, "market"), (0, "withdrawal")]


def test_start_and_end_belong_to_the_run() -> None:
    """What is due at the end still happens; a second later nothing does; then the clock shows the end."""
    stage = Stage(start=100, end=200)

    def life(self: Player, world: World) -> Steps:
        stage.note("begins")
        yield world.sleep_until(self, 200)
        stage.note("is there")
        yield world.sleep(self, 1)
        stage.note("is late")

    stage.play("guest", life)
    assert stage.world.run() is Ending.COMPLETE
    assert stage.diary == [(100, "begins"), (200, "is there")]
    assert stage.world.now == 200


def test_a_moment_that_has_passed_is_now() -> None:
    """Who sleeps until a moment in the past goes on in this instant."""
    stage = Stage(start=100)

    def life(self: Player, world: World) -> Steps:
        yield world.sleep_until(self, 40)
        stage.note("awake")
        yield world.wait(self, "never", until=50)
        stage.note("awake again")

    stage.play("guest", life)
    stage.world.run()
    assert stage.diary == [(100, "awake"), (100, "awake again")]


# --- signals ---------------------------------------------------------------------------------------------


def test_a_signal_wakes_those_who_wait_and_nobody_else() -> None:
    """A signal carries its name and its cause to all who wait for it, in order of arrival."""
    stage = Stage()
    wakes: list[Wake] = []

    def listener(self: Player, world: World) -> Steps:
        wake = yield world.wait(self, "price:CRV", "price:ETH")
        wakes.append(wake)
        stage.note(self.name)

    def other(self: Player, world: World) -> Steps:
        yield world.wait(self, "price:BTC")
        stage.note(self.name)

    def market(self: Player, world: World) -> Steps:
        yield world.sleep(self, 7)
        world.signal("price:ETH", 41)
        world.signal("price:CRV", 42)

    stage.play("b", listener)
    stage.play("a", listener)
    stage.play("c", other)
    stage.play("market", market)
    stage.world.run()
    assert stage.diary == [(7, "b"), (7, "a")]
    assert wakes == [Wake("price:ETH", 41)] * 2


def test_waiting_ends_at_its_limit() -> None:
    """Who waits until a moment wakes then without a signal, and is not woken a second time."""
    stage = Stage()
    wakes: list[Wake] = []

    def listener(self: Player, world: World) -> Steps:
        wakes.append((yield world.wait(self, "news", until=5)))
        wakes.append((yield world.wait(self, "news", until=9)))
        yield world.wait(self, "news", until=20)
        stage.note("done")

    def paper(self: Player, world: World) -> Steps:
        yield world.sleep(self, 7)
        world.signal("news", 3)

    stage.play("listener", listener)
    stage.play("paper", paper)
    stage.world.run()
    assert wakes == [Wake(), Wake("news", 3)]
    assert stage.diary == [(20, "done")]


def test_a_gauge_wakes_from_its_level_on() -> None:
    """A gauge wakes exactly those whose level it reached; the others sleep on."""
    stage = Stage()

    def patient(level: int) -> Callable[[Player, World], Steps]:
        def life(self: Player, world: World) -> Steps:
            wake = yield world.wait(self, above={"utilization": level})
            stage.note(f"{self.name} at {wake.signal}")

        return life

    def gauge(self: Player, world: World) -> Steps:
        assert world.watched("utilization")
        for value in (10, 90, 95):
            yield world.sleep(self, 1)
            world.report("utilization", value)
        assert not world.watched("utilization")

    stage.play("calm", patient(95))
    stage.play("nervous", patient(90))
    stage.play("gauge", gauge)
    assert stage.world.run() is Ending.COMPLETE
    assert stage.diary == [(2, "nervous at utilization"), (3, "calm at utilization")]


def test_streams_go_by_name() -> None:
    """A stream depends on seed and name alone, so another agent's draws change nothing."""
    one, two = Stage().world, Stage().world
    two.stream("somebody else").bits(64)
    assert one.stream("whale").bits(64) == two.stream("whale").bits(64)
    assert one.stream("whale") is one.stream("whale")


# --- submitting ------------------------------------------------------------------------------------------


def test_a_plan_leaves_no_trace() -> None:
    """Asking what would happen changes nothing, and its refusal is not counted; a submitted one is."""
    stage = Stage()
    world = stage.world
    assert world.would(gas("alice", 5)) == [GasPaid(transfers=events.gas("alice", "ETH", 5))]
    assert world.would(gas("bankrupt")) is Reason.PURSE_IS_EMPTY
    assert not stage.pages.entries
    assert not world.protocol.refusals
    assert not world.submit(gas("bankrupt"))
    assert world.protocol.refusals == {"PURSE_IS_EMPTY": 1}
    assert world.submit(gas("alice"), cause=None).seq == 0
    assert world.book.seq == 1


# --- what agents do wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [-1, 0.5, float("nan"), True, None, "5"])
@pytest.mark.parametrize("way", ["sleep", "sleep_until", "wait"])
def test_a_delay_is_a_whole_number(delay: Any, way: str) -> None:
    """A delay that is no non-negative integer fails the agent by name; SimPy alone would let time go back."""
    if way == "wait" and delay is None:
        return
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        if way == "wait":
            yield world.wait(self, "news", until=delay)
        else:
            yield getattr(world, way)(self, delay)

    stage.play("keeper-3", life)
    assert stage.world.run() is Ending.FAILED
    [entry] = stage.pages.entries
    assert entry.event == AgentFailed(
        agent="keeper-3",
        problem=f"TypeError: keeper-3: a delay is a non-negative whole number of seconds, not {delay!r}",
    )


def test_an_agent_that_fails_ends_the_run() -> None:
    """An error in an agent's own code is recorded with his name, and nobody acts after it."""
    stage = Stage()

    def broken(self: Player, world: World) -> Steps:
        yield world.sleep(self, 3)
        raise ZeroDivisionError("by\nzero")

    def late(self: Player, world: World) -> Steps:
        yield world.sleep(self, 3)
        stage.note("late")

    stage.play("broken", broken)
    stage.play("late", late)
    assert stage.world.run() is Ending.FAILED
    assert [entry.event for entry in stage.pages.entries] == [
        AgentFailed(agent="broken", problem="ZeroDivisionError: by zero")
    ]
    assert stage.diary == []
    assert stage.world.now == 3


@pytest.mark.parametrize("what", [5, None, "sleep"])
def test_an_agent_may_only_yield_naps(what: Any) -> None:
    """An agent that yields something else is told so by name."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:  # noqa: ARG001 - the face is shared
        yield what

    stage.play("confused", life)
    assert stage.world.run() is Ending.FAILED
    [entry] = stage.pages.entries
    assert isinstance(entry.event, AgentFailed)
    assert entry.event.problem.startswith("TypeError: confused yielded")


def test_a_nap_is_slept_once() -> None:
    """Yielding a nap that is over would be a loop without an end; it is an error."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        nap = world.sleep(self, 1)
        yield nap
        yield nap

    stage.play("dozer", life)
    assert stage.world.run() is Ending.FAILED


def test_a_loop_within_one_instant_is_stopped() -> None:
    """An agent that never lets time pass is stopped by name, whether it sleeps or signals itself awake."""
    for way in ("sleep", "signal"):
        stage = Stage(spins_max=50)

        def life(self: Player, world: World, way: str = way) -> Steps:
            yield world.sleep(self, 5)
            while True:
                if way == "sleep":
                    yield world.sleep(self, 0)
                else:
                    nap = world.wait(self, "echo")
                    world.signal("echo")
                    yield nap

        stage.play("spinner", life)
        assert stage.world.run() is Ending.FAILED
        [entry] = stage.pages.entries
        assert entry.event == AgentFailed(
            agent="spinner",
            problem="RuntimeError: spinner acted 50 times in one instant and lets no time pass",
        )


def test_many_instants_are_no_loop() -> None:
    """The limit counts one instant: an agent that acts every second may do so for ever."""
    stage = Stage(spins_max=5)

    def life(self: Player, world: World) -> Steps:
        for _ in range(500):
            yield world.sleep(self, 1)

    stage.play("ticker", life)
    assert stage.world.run() is Ending.COMPLETE


def test_names_are_taken_once() -> None:
    """Two agents of one name would share a stream."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 1)

    stage.play("twin", life)
    with pytest.raises(ValueError, match="'twin'"):
        stage.play("twin", life)


# --- how a run ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [InvariantBroken("law", "broken"), MutualizeError("a:1", "wrong"), OSError(28, "disk full")]
)
def test_what_is_not_the_agents_fault_is_raised(error: Exception) -> None:
    """A broken law, a mistake of the user and a full disk pass through as they are, and nobody is blamed."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 1)
        raise error

    stage.play("messenger", life)
    with pytest.raises(type(error)) as caught:
        stage.world.run()
    assert caught.value is error
    assert not stage.pages.entries


def test_an_error_of_the_core_is_ours() -> None:
    """What a venue or the ledger raises while an agent submits is no failing of the agent."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 1)
        world.submit(gas("cursed"))

    stage.play("victim", life)
    with pytest.raises(InvariantBroken):
        stage.world.run()

    def unlucky(self: Player, world: World) -> Steps:
        yield world.sleep(self, 1)
        world.submit(FailAgent(venue="nowhere", account="x", problem=""))

    stage = Stage()
    stage.play("unlucky", unlucky)
    with pytest.raises(KeyError, match="nowhere"):
        stage.world.run()


@pytest.mark.parametrize(
    ("number", "ending"), [(signal.SIGINT, Ending.INTERRUPTED), (signal.SIGTERM, Ending.TERMINATED)]
)
def test_an_interrupt_finishes_the_event_in_hand(number: int, ending: Ending) -> None:
    """Ctrl-C and SIGTERM let the agent in hand finish, then end the run; handlers are put back."""
    before = signal.getsignal(number)
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 4)
        os.kill(os.getpid(), number)
        world.submit(gas("alice"))
        stage.note("finished")
        yield world.sleep(self, 1)
        stage.note("went on")

    stage.play("agent", life)
    assert stage.world.run() is ending
    assert stage.diary == [(4, "finished")]
    assert len(stage.pages.entries) == 1
    assert signal.getsignal(number) is before


def test_a_second_interrupt_ends_at_once() -> None:
    """Who presses Ctrl-C twice does not want to wait."""
    stage = Stage()

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 4)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        stage.note("finished")

    stage.play("agent", life)
    with pytest.raises(KeyboardInterrupt):
        stage.world.run()
    assert stage.diary == []


def test_progress_is_told_in_order() -> None:
    """Progress is the simulated time: it rises, is told a few hundred times at most, and ends at the end."""
    stage = Stage(end=10_000)
    told: list[int] = []

    def life(self: Player, world: World) -> Steps:
        while True:
            yield world.sleep(self, 1)

    stage.play("ticker", life)
    stage.world.run(told.append)
    assert told == sorted(told)
    assert 100 < len(told) <= 202
    assert told[-1] == 10_000


def test_garbage_is_collected_again_afterwards() -> None:
    """Objects that were set aside during a run come back."""
    stage = Stage()
    seen: list[int] = []

    def life(self: Player, world: World) -> Steps:
        for _ in range(3):
            yield world.sleep(self, 10)
            seen.append(gc.get_freeze_count())

    stage.play("watcher", life)
    stage.world.run()
    assert seen[-1] > 0
    assert gc.get_freeze_count() == 0


def test_a_world_needs_time() -> None:
    """A world that ends before it starts is refused."""
    with pytest.raises(ValueError, match="before it starts"):
        Stage(start=5, end=4)
