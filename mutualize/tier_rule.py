"""The exact tier rule: each tier pays exactly what it was made to owe, in order, and nothing is left out.

    shortfall ─▶ allocated ─▶ absorbed ─▶ allocated … ─▶ nothing left, or uncovered

A law about transactions, so it watches entries, by their causes. Stretches are held to it by their numbers:
which of them have to be equal follows from the sample of a shape, once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from mutualize import vault_laws
from mutualize.errors import InvariantBroken
from mutualize.events import (
    Entry,
    Event,
    LossAbsorbed,
    LossAllocated,
    ShortfallRecognised,
    ShortfallUncovered,
)
from mutualize.stretch import Shape, Stretch, Values, place_of
from mutualize.tier_events import LossHeld, LossPassedOn, LossReleased, SnapshotTaken
from mutualize.vault_events import CollateralListed


class Step(NamedTuple):
    """One tier in a shape: where its numbers stand. `amount` is None where the tier has nothing to pay."""

    left: int
    capacity: int
    amount: int | None
    rest: int


class TierRule:
    """The exact tier rule, watched entry by entry: a tier pays exactly what it was made to owe, in order.

    With shortfall X and amounts a₁ … aₙ:  aᵢ ≤ capacityᵢ,  Σ aᵢ + uncovered == X,  nothing is left out: what
    waits and what is owed later is counted under its number until it is paid or passed on. Each shortfall is
    followed by the causes of its entries, since one transaction may have several in one asset. An observer:
    `protocol.observe(rule, *TierRule.kinds, summary=rule.observe_stretch)`. Raises InvariantBroken.

    A vault engine allocates and settles by its own contract: it has a rule of its own
    (`vault_laws.PaidLater`).
    """

    kinds: Final = (
        ShortfallRecognised,
        SnapshotTaken,
        LossHeld,
        LossReleased,
        LossAllocated,
        LossAbsorbed,
        LossPassedOn,
        ShortfallUncovered,
        CollateralListed,
    )
    """What it looks at; it takes no notice of anything else."""

    def __init__(self) -> None:
        self._tx = -1
        self._open: dict[int, int] = {}
        """What is left of each shortfall of this transaction, by the seq of the entry that said so last."""
        self._rests: list[int] = []
        """Those of them that a tier left to whoever comes behind it: nothing, or somebody does."""
        self._owed: dict[int, LossAllocated] = {}
        self._later: dict[tuple[str, int], int] = {}
        self._engines: dict[str, vault_laws.PaidLater] = {}
        self.absorbed = 0
        """How many payments were checked."""
        self._steps: WeakKeyDictionary[Shape, list[Step] | None] = WeakKeyDictionary()
        self._checks: dict[type[Event], Callable[[Entry, Any], None]] = {
            ShortfallRecognised: self._recognised,
            SnapshotTaken: self._snapshot,
            LossHeld: self._held,
            LossReleased: self._released,
            LossAllocated: self._allocated,
            LossAbsorbed: self._absorbed,
            LossPassedOn: self._passed_on,
            ShortfallUncovered: self._uncovered,
        }

    def __call__(self, entry: Entry) -> None:
        """Check one entry."""
        event = entry.event
        if isinstance(event, CollateralListed):
            self._engines.setdefault(event.venue, vault_laws.PaidLater())
            return
        check_one = self._checks.get(type(event))
        if check_one is None:
            return
        engine = self._engines.get(getattr(event, "venue", ""))
        if engine is not None:
            problem = engine.take(event)
            self._require(not problem, problem)
            self.absorbed += isinstance(event, LossAbsorbed)
            return
        if entry.tx != self._tx:
            self._begin()
            self._tx = entry.tx
        check_one(entry, event)

    def observe_stretch(self, stretch: Stretch) -> bool:
        """Check the numbers of a stretch, if its shapes say what they mean; else ask for its entries."""
        steps: dict[Shape, list[Step]] = {}
        for shape in stretch.shapes:
            if shape not in self._steps:
                self._steps[shape] = _steps_of(shape)
            found = self._steps[shape]
            if found is None or any(event.venue in self._engines for event in _losses(shape)):
                return False
            steps[shape] = found
        self._begin()
        for shape, values in stretch.rows:
            if steps[shape]:
                self._follow(steps[shape], values)
        return True

    def _begin(self) -> None:
        """Begin a transaction: of the last one nothing may be left."""
        self._require(not self._owed, "a tier still owes")
        for seq in self._rests:
            left = self._open.get(seq, 0)
            self._require(not left, f"{left} was left out")
        self._open.clear()
        self._rests.clear()

    def _follow(self, steps: list[Step], values: Values) -> None:
        """Check one shortfall of a stretch."""
        rest = 0
        for step in steps:
            left, capacity, rest = values[step.left], values[step.capacity], values[step.rest]
            amount: int = 0 if step.amount is None else values[step.amount]
            self._require(left == amount + rest, f"{left} was left to allocate")
            self._require(0 <= amount <= capacity, "a tier was made to owe more than it has")
            self._require(amount > 0 or step.amount is None, "a tier paid that did not owe")
            self.absorbed += step.amount is not None
        self._require(not rest, f"{rest} was left out")

    def _left(self, entry: Entry) -> int | None:
        """Return what was left of the shortfall that led to an entry; None where nothing was."""
        return None if entry.cause is None else self._open.pop(entry.cause, None)

    def _recognised(self, entry: Entry, event: ShortfallRecognised) -> None:
        self._open[entry.seq] = event.amount

    def _snapshot(self, entry: Entry, event: SnapshotTaken) -> None:
        left = self._left(entry)
        self._require(left == event.amount, f"{left} was left, of {event.amount} a snapshot was taken")
        self._open[entry.seq] = event.amount

    def _held(self, entry: Entry, event: LossHeld) -> None:
        left = self._left(entry)
        self._require(left == event.amount, f"{left} was left, {event.amount} waits")
        self._later[event.venue, event.number] = event.amount

    def _released(self, entry: Entry, event: LossReleased) -> None:
        held = self._later.pop((event.venue, event.number), None)
        self._require(held == event.amount, f"{held} waited, {event.amount} was released")
        self._open[entry.seq] = event.amount

    def _allocated(self, entry: Entry, event: LossAllocated) -> None:
        left = self._left(entry)
        self._require(left == event.amount + event.rest, f"{left} was left to allocate")
        self._require(0 <= event.amount <= event.capacity, "a tier was made to owe more than it has")
        if event.due:
            self._later[event.venue, event.number] = event.amount
        if event.amount and not event.due:
            self._owed[entry.seq] = event
        else:
            self._leave(entry.seq, event.rest)

    def _leave(self, seq: int, rest: int) -> None:
        """Note what a tier left."""
        self._require(rest >= 0, "a tier pays more than is left")
        self._open[seq] = rest
        self._rests.append(seq)

    def _absorbed(self, entry: Entry, event: LossAbsorbed) -> None:
        self.absorbed += 1
        if event.number:
            owed = self._later.get((event.venue, event.number), 0)
            self._require(0 < event.amount <= owed, f"{event.amount} was paid, {owed} was owed")
            self._later[event.venue, event.number] = owed - event.amount
            return
        now = None if entry.cause is None else self._owed.pop(entry.cause, None)
        self._require(now is not None and now.tier == event.tier, "a tier paid that did not owe")
        self._require(now is not None and now.amount == event.amount, "a tier paid another sum")
        self._leave(entry.seq, event.rest)

    def _passed_on(self, entry: Entry, event: LossPassedOn) -> None:
        owed = self._later.pop((event.venue, event.number), None)
        self._require(owed == event.amount, f"{owed} was owed, {event.amount} was passed on")
        self._open[entry.seq] = event.amount

    def _uncovered(self, entry: Entry, event: ShortfallUncovered) -> None:
        left = self._left(entry)
        self._require(left == event.amount, f"{left} was left, {event.amount} is uncovered")

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise InvariantBroken("exact-tier-rule", problem)


def _losses(shape: Shape) -> list[Any]:
    """Return the events of a shape that the rule looks at."""
    return [event for event in shape.sample if type(event) in TierRule.kinds]


def _each_leads_to_the_next(shape: Shape) -> bool:
    """Say whether each event that the rule looks at was led to by the one before it."""
    places = [place for place, event in enumerate(shape.sample) if type(event) in TierRule.kinds]
    return all(shape.led[now] == before for before, now in pairwise(places))


def _steps_of(shape: Shape) -> list[Step] | None:
    """Return what the numbers of a shape have to be; None where its events have to be looked at.

    That is where it holds anything but a shortfall and tiers that pay it at once, each what it owes.
    """
    told = _losses(shape)
    if not told:
        return []
    first, *rest = told
    if not isinstance(first, ShortfallRecognised) or not _each_leads_to_the_next(shape):
        return None
    steps, left, owing = list[Step](), first.amount, None
    for event in rest:
        if owing is not None:
            if not isinstance(event, LossAbsorbed) or event.number or event.tier != owing.tier:
                return None
            if (event.amount, event.rest) != (owing.amount, owing.rest):
                return None
            owing = None
        elif isinstance(event, LossAllocated) and not event.due:
            before, capacity, after = place_of(left), place_of(event.capacity), place_of(event.rest)
            amount = place_of(event.amount)
            if before is None or capacity is None or after is None or (amount is None and event.amount):
                return None
            steps.append(Step(before, capacity, amount, after))
            left, owing = event.rest, event if event.amount else None
        else:
            return None
    return None if owing is not None or not steps else steps
