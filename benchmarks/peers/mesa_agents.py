"""Mesa: an agent per borrower, asked at every step, as its documentation models it.

    python benchmarks/peers/mesa_agents.py N STEPS [--idiom shuffle_do]

`model.agents.do("step")` asks all in their order, which is the fastest of Mesa's ways; `shuffle_do` asks them
in a random order, as many of its examples do. Who is liquidated leaves the model. No DataCollector.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import mesa

from peers import workload
from peers.measure import Outcome, Prepare, main
from peers.workload import SCALE, WEIGHT


class Borrower(mesa.Agent):
    """Who owes; he looks at the price himself."""

    def __init__(self, model: LendingModel, name: str, collateral: int, debt: int) -> None:
        super().__init__(model)
        self.name = name
        self.collateral = collateral
        self.debt = debt

    def step(self) -> None:
        """Be liquidated, if the collateral no longer carries the debt."""
        if WEIGHT * self.collateral * self.model.price < SCALE * self.debt:
            self.model.liquidate(self)
            self.remove()


class LendingModel(mesa.Model):
    """The pool, its funds and its borrowers."""

    def __init__(self, crowd: list[workload.Borrower], steps: int, activate: str) -> None:
        super().__init__(seed=workload.SEED)
        self.prices = workload.told(steps)
        self.price = 0
        self.activate = activate
        debt = sum(borrower.debt for borrower in crowd)
        self.insurance, self.stakers, _ = workload.funds(debt)
        self.shortfall = self.haircut = self.profit = 0
        self.insurance_paid = self.stakers_paid = 0
        self.found: list[tuple[int, str]] = []
        Borrower.create_agents(
            self,
            len(crowd),
            [borrower.name for borrower in crowd],
            [borrower.collateral for borrower in crowd],
            [borrower.debt for borrower in crowd],
        )

    def step(self) -> None:
        """Tell the price; ask everybody. (`steps` is Mesa's own count, and begins with 1.)"""
        self.price = self.prices[self.steps - 1]
        getattr(self.agents, self.activate)("step")

    def liquidate(self, borrower: Borrower) -> None:
        """Close the position; the waterfall bears what is left."""
        settled = workload.settle(borrower.collateral, borrower.debt, self.price)
        self.profit += settled.profit
        self.found.append((self.steps, borrower.name))
        if settled.shortfall:
            absorbed = workload.absorb(
                settled.shortfall, self.insurance - self.insurance_paid, self.stakers - self.stakers_paid
            )
            self.shortfall += settled.shortfall
            self.insurance_paid += absorbed.insurance
            self.stakers_paid += absorbed.stakers
            self.haircut += absorbed.haircut


def prepare(activate: str) -> Prepare:
    """Return what sets the model up for one of Mesa's ways of asking agents."""

    def build(crowd: list[workload.Borrower], steps: int) -> Callable[[], Outcome]:
        model = LendingModel(crowd, steps, activate)

        def run() -> Outcome:
            for _ in range(steps):
                model.step()
            return Outcome(
                model.found, model.shortfall, model.insurance_paid, model.stakers_paid, model.haircut
            )

        return run

    return build


if __name__ == "__main__":
    main("mesa", {"do": prepare("do"), "shuffle_do": prepare("shuffle_do")}, __doc__)
