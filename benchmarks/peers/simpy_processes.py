"""SimPy: a process per borrower, which looks at the price every step, as its documentation models customers.

    python benchmarks/peers/simpy_processes.py N STEPS

The feed is a process too; it was started first, so at each instant it tells the price before anybody looks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import simpy

from peers import workload
from peers.measure import Outcome, main
from peers.workload import SCALE, WEIGHT, Borrower


class Pool:
    """What the processes share: the price, the funds, and who was liquidated."""

    def __init__(self, env: simpy.Environment, debt: int) -> None:
        self.env = env
        self.price = 0
        self.insurance, self.stakers, _ = workload.funds(debt)
        self.insurance_paid = self.stakers_paid = self.haircut = self.shortfall = self.profit = 0
        self.found: list[tuple[int, str]] = []

    def liquidate(self, borrower: Borrower) -> None:
        """Close the position; the waterfall bears what is left."""
        settled = workload.settle(borrower.collateral, borrower.debt, self.price)
        self.profit += settled.profit
        self.found.append((int(self.env.now), borrower.name))
        if settled.shortfall:
            absorbed = workload.absorb(
                settled.shortfall, self.insurance - self.insurance_paid, self.stakers - self.stakers_paid
            )
            self.shortfall += settled.shortfall
            self.insurance_paid += absorbed.insurance
            self.stakers_paid += absorbed.stakers
            self.haircut += absorbed.haircut


def feed(env: simpy.Environment, pool: Pool, prices: list[int]) -> Generator[simpy.Event, None, None]:
    """Tell a price every step."""
    for price in prices:
        yield env.timeout(1)
        pool.price = price


def borrow(env: simpy.Environment, pool: Pool, borrower: Borrower) -> Generator[simpy.Event, None, None]:
    """Look at the price every step, until the collateral no longer carries the debt."""
    while True:
        yield env.timeout(1)
        if WEIGHT * borrower.collateral * pool.price < SCALE * borrower.debt:
            pool.liquidate(borrower)
            return


def prepare(crowd: list[Borrower], steps: int) -> Callable[[], Outcome]:
    """Start the feed, then everybody."""
    env = simpy.Environment()
    pool = Pool(env, sum(borrower.debt for borrower in crowd))
    env.process(feed(env, pool, workload.told(steps)))
    for borrower in crowd:
        env.process(borrow(env, pool, borrower))

    def run() -> Outcome:
        env.run(until=steps + 1)
        return Outcome(pool.found, pool.shortfall, pool.insurance_paid, pool.stakers_paid, pool.haircut)

    return run


if __name__ == "__main__":
    main("simpy", {"process per borrower": prepare}, __doc__)
