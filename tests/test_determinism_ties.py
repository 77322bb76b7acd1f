"""Ties: who comes first in one instant may be drawn, and a report says whether anything depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_world import Player, Stage

import mutualize
from mutualize.randomness import Stream
from mutualize.scenario.dump import dump
from mutualize.scenario.load import load, loads
from mutualize.scenario.template import template
from mutualize.ties import Order, Played, digest_of_state, play, ties_data
from mutualize.world import Phase, Steps, World

pytestmark = pytest.mark.slow

NAMES = tuple("abcdefgh")


def diary(ties: Stream | None, phase: Phase = Phase.LIQUIDATION) -> list[str]:
    """Return in which order eight agents act who sleep until the same moment."""
    stage = Stage(ties=ties)

    def life(self: Player, world: World) -> Steps:
        yield world.sleep(self, 10)
        stage.note(self.name)

    for name in NAMES:
        stage.play(name, life, phase)
    stage.world.run()
    return [name for _, name in stage.diary]


def test_without_a_stream_ties_go_by_arrival() -> None:
    """Who is not asked to draw takes them as they came."""
    assert diary(None) == list(NAMES)


def test_an_order_is_drawn_from_its_stream_alone() -> None:
    """The same stream gives the same order, and others give others, of the same agents."""
    orders = [diary(Stream(1, f"ties/{number}")) for number in (*range(20), 0)]
    assert orders[-1] == orders[0]
    assert len(set(map(tuple, orders))) == 20
    assert all(sorted(order) == list(NAMES) for order in orders)


@pytest.mark.parametrize("phase", Phase)
def test_the_world_itself_keeps_its_order(phase: Phase) -> None:
    """Markets, oracles and blocks act in their stated order; people do not."""
    drawn = diary(Stream(1, "ties/1"), phase)
    assert (drawn == list(NAMES)) is (phase <= Phase.BLOCK)


def test_phases_hold_whatever_is_drawn() -> None:
    """A draw decides within one phase of one moment, never between two."""
    stage = Stage(ties=Stream(1, "ties"))

    def life(self: Player, world: World) -> Steps:
        for _ in range(5):
            yield world.sleep(self, 10)
            stage.note(self.name.rpartition("-")[0])

    for phase in reversed(Phase):
        for number in range(4):
            stage.play(f"{phase.name}-{number}", life, phase)
    stage.world.run()
    assert [what for _, what in stage.diary] == [
        phase.name for _ in range(5) for phase in Phase for _ in range(4)
    ]
    assert [at for at, _ in stage.diary] == sorted(at for at, _ in stage.diary)


# --- whole scenarios -------------------------------------------------------------------------------------

RACE = {
    "liquidators[0].count": "2",
    "liquidators[0].latency_s": "12",
    "liquidators[0].fraction_max": "1",
}
"""Both liquidators see a chance at the same moment, and try to seize it in the same second."""


def test_two_who_race_are_found() -> None:
    """Of two liquidators who act in one second somebody is first, and who holds what follows from that."""
    ran = mutualize.run("three-tiers", set=RACE)
    found = ran.shuffle_ties(8, workers=1)
    assert found is not None
    assert found["depends"] in {"state", "outcome"}
    assert 0 < found["other_states"] <= 8
    assert found["failed"] == 0
    assert "Ties decide" in ran.report() or "Ties matter" in ran.report()


def test_who_is_alone_races_with_nobody() -> None:
    """With one liquidator no order differs by a byte, and the report says so in one line."""
    ran = mutualize.run("three-tiers", set={"liquidators[0].count": "1"})
    found = ran.shuffle_ties(8, workers=1)
    assert found is not None
    assert (found["depends"], found["other_ledgers"], found["figures"]) == ("nothing", 0, [])
    assert "Ties do not matter: all 8 give the same ledger, byte for byte." in ran.report()


def test_people_who_run_together_are_put_in_another_order() -> None:
    """One agent acts for a whole population: of those who act in one second, another is served first."""
    together = [("depositors[0].reaction_s", "60"), ("liquidators[0].count", "1")]
    found = ties_data(load("three-tiers", together, "par"), 4, workers=1)
    assert (found["other_states"], found["depends"]) == (4, "state")


def test_what_varies_is_told_with_its_least_and_greatest() -> None:
    """In the template's crash other orders give another shortfall, within bounds that hold the run's own."""
    found = ties_data(loads(template("crash"), Path()), 3, workers=1)
    assert found["depends"] == "outcome"
    rows = {row["metric"]: row for row in found["figures"]}
    lowest, own, highest = (float(rows["shortfall.USDC"][key]) for key in ("min", "arrival", "max"))
    assert lowest <= own <= highest
    assert lowest < highest
    assert set(rows) < set(found["compared"])


def test_ties_are_the_same_for_any_number_of_processes() -> None:
    """Two processes give the same answer as one, figure for figure."""
    scenario = load("three-tiers")
    assert ties_data(scenario, 5, workers=1) == ties_data(scenario, 5, workers=2)


def test_an_order_has_a_number_and_is_always_the_same() -> None:
    """Order 3 is order 3, whatever was run before it; order 0 is the run itself."""
    scenario = load("three-tiers")

    def order(number: int) -> Played:
        return play(Order(dump(scenario), str(scenario.folder), scenario.limits, number))

    assert order(3) == order(3)
    assert len({order(number).digest for number in range(6)}) > 1
    assert order(0).state == digest_of_state(mutualize.run("three-tiers").book)


def test_shuffling_leaves_the_run_as_it_was() -> None:
    """The run's own digest and figures are those by arrival, with ties shuffled or not."""
    plain, ran = mutualize.run("three-tiers"), mutualize.run("three-tiers")
    ran.shuffle_ties(2, workers=1)
    assert ran.digest == plain.digest
    assert {**ran.summary, "ties": None} == plain.summary


def command(*options: str) -> str:
    """Return what `mutualize run three-tiers` prints with these options."""
    done = subprocess.run(
        [sys.executable, "-m", "mutualize", "run", "three-tiers", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("options", "orders"), [(["--shuffle-ties"], 8), (["--shuffle-ties", "3"], 3)], ids=str
)
def test_the_command_line_shuffles(options: list[str], orders: int) -> None:
    """`--shuffle-ties` tries eight orders, or as many as it is told."""
    summary: dict[str, Any] = json.loads(command(*options, "--json", "--jobs", "1"))
    assert summary["ties"]["orders"] == orders
    assert json.loads(command("--json"))["ties"] is None


def test_the_report_has_a_part_on_ties() -> None:
    """In words: how many orders were tried, what varies, and by how much."""
    text = command("--shuffle-ties", "4", "--jobs", "1")
    assert "Ties: 4 other orders of those who act in one instant" in text
    assert "by arrival" in text or "do not matter" in text
