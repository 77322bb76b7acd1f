"""A crisis in one pool as plain data: who deposits, who defaults, what tiers hold, who is left with what.

The rule: nothing is checked here. Tests play the same crisis with one thing changed, and compare.
"""

from __future__ import annotations

import attrs
from systems import ASSETS, FUND, HAIRCUT, STAKERS, Setup, System, price

from mutualize import commands as c
from mutualize.randomness import Stream
from mutualize.venues.rules import PoolRules

SETUP = Setup(
    name="crisis",
    tiers=(FUND, STAKERS, HAIRCUT),
    rules=PoolRules(close_factor="full", dust_rule=False),
    vault=True,
    offset_digits=0,
    parameters=(("protocol_fee", 0), ("reserve_factor", 0)),
)
"""No rule of it depends on the size of a position in money, so that all amounts can be scaled."""

POOL, STAKE = "aave", "aave.stake.stakers"


@attrs.frozen
class Crisis:
    """A crisis: deposits and debt in base units of USDC, collateral in base units of ETH at 2,000."""

    deposits: tuple[tuple[str, int], ...]
    stakes: tuple[tuple[str, int], ...]
    fund: int
    collateral: int
    debt: int
    price_after: int
    idle: tuple[str, ...] = ()
    """Accounts that came, and left with all they had, before anything happened."""


@attrs.frozen
class Outcome:
    """What is left, in base units of USDC."""

    claims: dict[str, int]
    stakes: dict[str, int]
    fund: int
    shortfall: int
    uncovered: int


def draw(stream: Stream) -> Crisis:
    """Draw a crisis in which more is lost than the collateral brings."""
    depositors = [f"d{number}" for number in range(stream.between(1, 5))]
    deposits = tuple((name, stream.between(1, 10 ** stream.between(1, 13))) for name in depositors)
    total = sum(amount for _, amount in deposits)
    debt = max(1, total * stream.between(1, 100) // 100)
    collateral = (debt * 10**12 * 100 // (2_000 * 78)) + 10**12  # 78 % of its worth, in ETH
    purse = max(2, debt)
    stakes = tuple((f"s{n}", stream.between(1, purse)) for n in range(stream.between(0, 3)))
    return Crisis(
        deposits=deposits,
        stakes=stakes,
        fund=stream.choice((0, 1, stream.between(1, purse), purse // 10)),
        collateral=collateral,
        debt=debt,
        price_after=stream.choice((0, 1, 2 * 10**8, stream.between(1, 1_500 * 10**8))),
    )


def play(crisis: Crisis) -> Outcome:
    """Play it: deposits, stakes, the fund, the loan, the fall, the liquidation of all there is."""
    system = System(SETUP, written=False)

    def do(command: c.Command) -> None:
        receipt = system.protocol.submit(command, at=system.at)
        assert receipt, f"{command}: {receipt.refused}"

    for command in system.begin():
        do(command)
    for name in crisis.idle:
        do(c.Supply(venue=POOL, account=name, asset="USDC", amount=10**6))
        do(c.Withdraw(venue=POOL, account=name, asset="USDC", amount=c.ALL))
        do(c.Stake(venue=STAKE, account=name, stake="stakers", assets=0))
    for name, amount in crisis.deposits:
        do(c.Supply(venue=POOL, account=name, asset="USDC", amount=amount))
    for name, amount in crisis.stakes:
        do(c.Stake(venue=STAKE, account=name, stake="stakers", assets=amount))
    if crisis.fund:
        fund = {"venue": POOL, "account": "governance", "asset": "USDC", "tier": "insurance-fund"}
        do(c.ContributeToFund(**fund, amount=crisis.fund))
    do(
        c.OpenPosition(
            venue=POOL,
            account="bob",
            collateral="ETH",
            collateral_amount=crisis.collateral,
            debt="USDC",
            debt_amount=crisis.debt,
        )
    )
    do(price("ETH", crisis.price_after))
    # small roundings may leave a unit of collateral: then it is liquidated again
    for _ in range(3):
        seize = c.Liquidate(
            venue=POOL, account="keeper", borrower="bob", collateral="ETH", debt="USDC", receive_claims=True
        )
        system.protocol.submit(seize, at=system.at)
    return _outcome(system, crisis)


def _outcome(system: System, crisis: Crisis) -> Outcome:
    book, events = system.protocol.book, [entry.event for entry in system.ledger.entries]
    losses = [x.amount for x in events if type(x).__name__ == "ShortfallRecognised"]  # type: ignore[attr-defined]  # told by its name
    bare = [x.amount for x in events if type(x).__name__ == "ShortfallUncovered"]  # type: ignore[attr-defined]  # as above
    return Outcome(
        claims={name: system.pool.claim(book, name, "USDC", system.at) for name, _ in crisis.deposits},
        stakes={name: system.stake.value_of(book, name) for name, _ in crisis.stakes},
        fund=book.balance(f"{POOL}:tier:insurance-fund", "USDC"),
        shortfall=sum(losses),
        uncovered=sum(bare),
    )


def scaled(crisis: Crisis, factor: int) -> Crisis:
    """Return the crisis with all amounts multiplied."""
    return attrs.evolve(
        crisis,
        deposits=tuple((name, amount * factor) for name, amount in crisis.deposits),
        stakes=tuple((name, amount * factor) for name, amount in crisis.stakes),
        fund=crisis.fund * factor,
        collateral=crisis.collateral * factor,
        debt=crisis.debt * factor,
    )


__all__ = ["ASSETS", "Crisis", "Outcome", "draw", "play", "scaled"]
