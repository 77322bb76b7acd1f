"""The exact tier rule finds in the numbers of a stretch what it finds in its entries."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import attrs
import pytest
from test_sweep import SCENARIO, crash_of

from mutualize import tier_rule
from mutualize.errors import InvariantBroken
from mutualize.events import LossAbsorbed, LossAllocated, ShortfallRecognised
from mutualize.run import run
from mutualize.scenario.load import loads
from mutualize.stretch import Shape, Stretch
from mutualize.tier_rule import TierRule


def stretches_of(number: int) -> list[Stretch]:
    """Play a crash; return its stretches in which tiers pay."""
    found: list[Stretch] = []
    look = TierRule.observe_stretch

    def kept(self: TierRule, stretch: Stretch) -> bool:
        found.append(stretch)
        return look(self, stretch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TierRule, "observe_stretch", kept)
        crash = {**crash_of(number), "recognition": "at-zero-collateral", "keepers": 1, "of_loss": "1"}
        run(loads(SCENARIO.format(**crash), Path()), ledger="none")
    return [stretch for stretch in found if ShortfallRecognised in stretch.kinds]


def test_numbers_and_entries_are_held_to_the_same_rule() -> None:
    """A rule that looks at numbers counts the payments that one counts which looks at entries."""
    absorbed = 0
    for number in range(12):
        for stretch in stretches_of(number):
            fast, plain = TierRule(), TierRule()
            assert fast.observe_stretch(stretch)
            for entry in stretch.entries():
                plain(entry)
            assert fast.absorbed == plain.absorbed
            absorbed += fast.absorbed
    assert absorbed > 20


def test_each_number_that_is_wrong_is_found() -> None:
    """Whatever number of an allocation is moved, by one or below nothing, the rule says so."""
    stretch = next(each for number in range(12) for each in stretches_of(number))
    changed = 0
    for at, (shape, values) in enumerate(stretch.rows):
        for step in tier_rule._steps_of(shape) or []:
            for place in (step.left, step.amount, step.rest):
                if place is None:
                    continue
                for move in (1, -1):
                    moved = (*values[:place], values[place] + move, *values[place + 1 :])
                    rows = [*stretch.rows[:at], (shape, moved), *stretch.rows[at + 1 :]]
                    with pytest.raises(InvariantBroken, match="exact-tier-rule"):
                        TierRule().observe_stretch(attrs.evolve(stretch, rows=rows))
                    changed += 1
            if step.amount is not None:  # less than it is made to owe
                poor = (*values[: step.capacity], values[step.amount] - 1, *values[step.capacity + 1 :])
                rows = [*stretch.rows[:at], (shape, poor), *stretch.rows[at + 1 :]]
                with pytest.raises(InvariantBroken, match="more than it has"):
                    TierRule().observe_stretch(attrs.evolve(stretch, rows=rows))
                changed += 1
    assert changed > 10


def made(shape: Shape, kind: type[Any], **changes: Any) -> Shape:
    """Return a shape in which the first event of a kind is another."""
    at = next(place for place, event in enumerate(shape.sample) if type(event) is kind)
    other = Shape.__new__(Shape)
    other.led = shape.led
    other.sample = (
        *shape.sample[:at],
        attrs.evolve(shape.sample[at], **changes),
        *shape.sample[at + 1 :],
    )
    return other


def test_what_a_shape_does_not_say_is_looked_at_entry_by_entry() -> None:
    """Where a payer, a sum or a moment is another than the rule knows, it asks for the entries."""
    stretch = next(each for number in range(12) for each in stretches_of(number))
    shape = next(s for s in stretch.shapes if any(isinstance(e, LossAbsorbed) for e in s.sample))
    assert tier_rule._steps_of(shape)
    for kind, changes in (
        (LossAbsorbed, {"tier": "somebody-else"}),
        (LossAbsorbed, {"amount": 5}),
        (LossAbsorbed, {"rest": 5}),
        (LossAbsorbed, {"number": 5}),
        (LossAllocated, {"due": 5}),
        (LossAllocated, {"amount": 5}),
        (LossAllocated, {"rest": 5}),
        (ShortfallRecognised, {"amount": 5}),
    ):
        assert tier_rule._steps_of(made(shape, kind, **changes)) is None, (kind, changes)
    led_by_all = Shape.__new__(Shape)
    led_by_all.sample, led_by_all.led = shape.sample, tuple(led and 0 for led in shape.led)
    assert tier_rule._steps_of(led_by_all) is None
    without = Shape.__new__(Shape)
    without.led = shape.led
    without.sample = tuple(e for e in shape.sample if not isinstance(e, LossAbsorbed | LossAllocated))
    assert tier_rule._steps_of(without) is None


def test_a_tier_that_pays_nothing_is_found() -> None:
    """What is said to be paid is more than nothing, by numbers as by entries."""
    found = 0
    for stretch in (each for number in range(12) for each in stretches_of(number)):
        for at, (shape, values) in enumerate(stretch.rows):
            steps = tier_rule._steps_of(shape) or []
            places = {p for step in steps for p in (step.left, step.amount, step.rest) if p is not None}
            if all(step.amount is None for step in steps):
                continue
            nothing = tuple(0 if place in places else value for place, value in enumerate(values))
            rows = [*stretch.rows[:at], (shape, nothing), *stretch.rows[at + 1 :]]
            with pytest.raises(InvariantBroken, match="did not owe"):
                TierRule().observe_stretch(attrs.evolve(stretch, rows=rows))
            found += 1
    assert found > 10


@pytest.mark.parametrize("move", [1, -1])
def test_what_the_last_tier_leaves_out_is_found(move: int) -> None:
    """By entries too: a rest that nobody takes up is left out, and none is below nothing."""
    stretch = next(each for number in range(12) for each in stretches_of(number))
    entries = [attrs.evolve(entry, event=moved(entry.event, move)) for entry in stretch.entries()]
    entries.append(attrs.evolve(entries[0], seq=10**9, tx=10**9, event=FIRST))
    rule = TierRule()
    with pytest.raises(InvariantBroken, match=r"was left out|more than is left"):
        list(map(rule, entries))


def moved(event: Any, move: int) -> Any:
    """Return an event of a last tier in which so much is left."""
    if not isinstance(event, LossAllocated | LossAbsorbed) or event.rest:
        return event
    return attrs.evolve(event, rest=move, amount=event.amount - move)


FIRST = ShortfallRecognised(venue="pool", account="a", asset="USDC", amount=1, price=1)


def test_shapes_that_are_gone_are_not_kept() -> None:
    """What follows from a shape goes with it: many liquidators have many."""
    stretch = next(each for number in range(12) for each in stretches_of(number))
    rule = TierRule()
    rows = [(Shape([(event, led) for event, led in zip(shape.sample, shape.led, strict=True)], 60), values)
            for shape, values in stretch.rows]  # fmt: skip
    assert rule.observe_stretch(attrs.evolve(stretch, rows=rows))
    assert len(rule._steps) == len(rows)
    del rows
    gc.collect()
    assert not len(rule._steps)
