"""Depositors who run. Those who hold are no agents at all: a claim in the book is all there is of them.

utilization ≥ level, or open deficit ≥ share of claims, or a rumour
    ─▶ each member reacts after a time of his own ─▶ first come, first served (withdrawals.py)
"""

from __future__ import annotations

from typing import Final

import attrs

from mutualize.agents.members import Draw, draw, member_names
from mutualize.agents.signals import deficit_gauge, deficit_share, utilization_gauge
from mutualize.agents.withdrawals import WithdrawalQueue
from mutualize.world import Nap, Phase, Steps, World


@attrs.frozen(kw_only=True)
class Alarm:
    """What makes a population run: the first of these that comes true. Shares in WAD, `rumour_at` a time."""

    utilization: int | None = None
    deficit: int | None = None
    rumour_at: int | None = None


class Runners:
    """A population of depositors that runs once its alarm goes off. One agent, whatever their number."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(
        self, name: str, count: int, queue: WithdrawalQueue, *, alarm: Alarm, reaction_s: Draw
    ) -> None:
        self.name = name
        self._count = count
        self._queue = queue
        self._alarm = alarm
        self._reaction_s = reaction_s

    def run(self, world: World) -> Steps:
        """Sleep until the alarm, then ask for each member's money when he has made up his mind."""
        cause = None
        if not self._rings(world):
            wake = yield self._listen(world)
            cause = wake.cause
        began = world.now
        due = [
            (began + draw(world.seed, name, "reaction", self._reaction_s), world.tie(), number, name)
            for number, name in enumerate(member_names(self.name, self._count))
        ]
        for at, _, _, name in sorted(due):
            if at > world.now:
                yield world.sleep_until(self, at)
            self._queue.ask(world, name, cause)

    def _rings(self, world: World) -> bool:
        """Say whether the alarm rings already: gauges wake only those who looked first."""
        alarm, lending, asset = self._alarm, self._queue.lending, self._queue.asset
        if alarm.utilization is not None and lending.utilization(world.book, asset) >= alarm.utilization:
            return True
        return alarm.deficit is not None and deficit_share(lending, world.book, asset) >= max(
            1, alarm.deficit
        )

    def _listen(self, world: World) -> Nap:
        alarm, lending, asset = self._alarm, self._queue.lending, self._queue.asset
        levels = {}
        if alarm.utilization is not None:
            levels[utilization_gauge(lending.name, asset)] = alarm.utilization
        if alarm.deficit is not None:
            levels[deficit_gauge(lending.name, asset)] = max(1, alarm.deficit)
        return world.wait(self, until=alarm.rumour_at, above=levels)
