"""The state of the crash as cadCAD and radCAD hold it: plain values, and functions that return new ones.

The agent-based examples of both hold agents as a dictionary of small dictionaries, by name (`DICTS`). `PAIRS`
are tuples in their place, which a deep copy has nothing to do for but to look at: the leanest there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from peers import workload
from peers.measure import Outcome
from peers.workload import SCALE, WEIGHT, Borrower

State = dict[str, Any]
Params = dict[str, Any]
Signal = dict[str, Any]

DICTS: Final = ("collateral", "debt")
PAIRS: Final = (0, 1)
"""Under which keys a position's collateral (in grains) and debt (in base units) are found."""


class Money(NamedTuple):
    """What the funds hold and who has paid, in base units of USDC."""

    insurance: int
    stakers: int
    insurance_paid: int = 0
    stakers_paid: int = 0
    haircut: int = 0
    shortfall: int = 0
    profit: int = 0

    def settled(self, positions: Sequence[tuple[int, int]], price: int) -> Money:
        """Return the money after these positions (collateral, debt) were closed."""
        insurance, stakers, haircut, shortfall, profit = self[2:]
        for collateral, debt in positions:
            settled = workload.settle(collateral, debt, price)
            profit += settled.profit
            if settled.shortfall:
                absorbed = workload.absorb(
                    settled.shortfall, self.insurance - insurance, self.stakers - stakers
                )
                shortfall += settled.shortfall
                insurance += absorbed.insurance
                stakers += absorbed.stakers
                haircut += absorbed.haircut
        return Money(self.insurance, self.stakers, insurance, stakers, haircut, shortfall, profit)


def params(steps: int, layout: Sequence[Any]) -> Params:
    """Return the parameters. A list is a sweep over its members, in both packages: one member each."""
    return {"prices": [workload.told(steps)], "layout": [tuple(layout)]}


def initial_state(crowd: Sequence[Borrower], layout: Sequence[Any]) -> State:
    """Return the state before the first step."""
    funds = workload.funds(sum(borrower.debt for borrower in crowd))
    borrowers: dict[str, Any]
    if layout == DICTS:
        borrowers = {name: {"collateral": collateral, "debt": debt} for name, collateral, debt in crowd}
    else:
        borrowers = {name: (collateral, debt) for name, collateral, debt in crowd}
    return {"borrowers": borrowers, "money": Money(funds.insurance, funds.stakers), "liquidated": []}


def p_liquidate(params: Params, _substep: Any, _history: Any, state: State) -> Signal:
    """Decide: whose collateral no longer carries the debt, at the price of this step?"""
    price = params["prices"][state["timestep"]]
    collateral, debt = params["layout"]
    unsafe = [
        name
        for name, position in state["borrowers"].items()
        if WEIGHT * position[collateral] * price < SCALE * position[debt]
    ]
    return {"price": price, "unsafe": unsafe}


def s_borrowers(
    _params: Params, _substep: Any, _history: Any, state: State, signal: Signal
) -> tuple[str, Any]:
    """Leave out who is liquidated."""
    gone = dict.fromkeys(signal["unsafe"])
    left = {name: position for name, position in state["borrowers"].items() if name not in gone}
    return "borrowers", left


def s_money(params: Params, _substep: Any, _history: Any, state: State, signal: Signal) -> tuple[str, Money]:
    """Settle; the waterfall bears what is left."""
    collateral, debt = params["layout"]
    closed = [state["borrowers"][name] for name in signal["unsafe"]]
    pairs = [(position[collateral], position[debt]) for position in closed]
    return "money", state["money"].settled(pairs, signal["price"])


def s_liquidated(
    _params: Params, _substep: Any, _history: Any, _state: State, signal: Signal
) -> tuple[str, list[str]]:
    """Tell who was liquidated in this step."""
    return "liquidated", signal["unsafe"]


BLOCKS: Final = [
    {
        "policies": {"liquidate": p_liquidate},
        "variables": {"borrowers": s_borrowers, "money": s_money, "liquidated": s_liquidated},
    }
]
"""One block, so that the state is copied and kept once a step: the fewest that there can be."""


def outcome(rows: Sequence[Mapping[str, Any]]) -> Outcome:
    """Read the recorded states, one a step, as both packages return them."""
    found = [(row["timestep"], name) for row in rows for name in row["liquidated"]]
    money: Money = rows[-1]["money"]
    return Outcome(found, money.shortfall, money.insurance_paid, money.stakers_paid, money.haircut)
