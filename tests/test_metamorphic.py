"""The same crisis with one thing changed: laws about pairs of runs (W5, W7); an attack that never pays (R5).

The rule: how often a crisis reached a haircut, a slash and the fund is counted, and asserted.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from metamorphic import SETUP, Crisis, Outcome, draw, play, scaled
from systems import System

from mutualize import commands as c
from mutualize.randomness import Stream
from mutualize.units import split_pro_rata

CASES = 150
STAKE = "aave.stake.stakers"


def crises(name: str) -> Iterator[tuple[Stream, Crisis, Outcome]]:
    """Return random crises and what came of them; count where they got."""
    stream = Stream(0, name)
    cut = slashed = fund = whole = 0
    for _ in range(CASES):
        crisis = draw(stream)
        outcome = play(crisis)
        cut += any(outcome.claims[who] < amount for who, amount in crisis.deposits)
        slashed += any(outcome.stakes[who] < amount - 1 for who, amount in crisis.stakes)
        fund += outcome.fund < crisis.fund
        whole += outcome.shortfall > 0
        yield stream, crisis, outcome
    assert whole > CASES // 2
    assert cut > CASES // 5, "too few haircuts"
    assert slashed > CASES // 6, "too few slashes"
    assert fund > CASES // 3, "too few payments by the fund"


def test_more_insurance_never_raises_a_haircut() -> None:
    """A larger fund, or a larger stake, leaves no depositor with less."""
    for stream, crisis, less in crises("more"):
        extra = stream.choice((1, stream.between(1, crisis.debt), 10 * crisis.debt))
        for more in (
            attrs.evolve(crisis, fund=crisis.fund + extra),
            attrs.evolve(crisis, stakes=(*crisis.stakes, ("(new)", extra))),
        ):
            then = play(more)
            assert all(then.claims[who] >= claim for who, claim in less.claims.items()), (crisis, more)
            assert then.uncovered <= less.uncovered
            assert then.shortfall == less.shortfall


def test_all_amounts_scale() -> None:
    """Ten to the k times of everything gives ten to the k times of every result, but for its roundings."""
    for stream, crisis, small in crises("scale"):
        factor = int(10 ** stream.between(1, 9))
        large = play(scaled(crisis, factor))
        for before, after in ((small.claims, large.claims), (small.stakes, large.stakes)):
            for who, amount in before.items():
                assert abs(after[who] - amount * factor) <= 4 * factor, (crisis, who)
        assert abs(large.shortfall - small.shortfall * factor) <= 4 * factor


def test_an_account_with_nothing_changes_nothing() -> None:
    """Accounts that hold nothing change no result of anybody else, to the unit."""
    for _, crisis, without in crises("idle"):
        assert play(attrs.evolve(crisis, idle=("aaa", "d00", "zzz"))) == without


def test_a_depositor_in_two_parts_changes_a_unit() -> None:
    """Who splits his deposit over two accounts has the same, and so has everybody else, to a unit."""
    for stream, crisis, one in crises("split"):
        (name, amount), *others = crisis.deposits
        if amount < 2:
            continue
        part = stream.between(1, amount - 1)
        two = play(attrs.evolve(crisis, deposits=((name, part), ("(half)", amount - part), *others)))
        assert -1 <= one.claims[name] - two.claims[name] - two.claims["(half)"] <= 1
        assert all(abs(two.claims[who] - one.claims[who]) <= 1 for who, _ in others)
        assert (two.shortfall, two.fund, two.stakes) == (one.shortfall, one.fund, one.stakes)


def test_names_and_order_do_not_matter() -> None:
    """Other names, and another order of coming, give each the same, to the unit."""
    for stream, crisis, before in crises("names"):
        names = [name for name, _ in crisis.deposits]
        called = dict(zip(names, stream.shuffled([f"x{n}" for n in range(len(names))]), strict=True))
        deposits = stream.shuffled([(called[name], amount) for name, amount in crisis.deposits])
        after = play(attrs.evolve(crisis, deposits=tuple(deposits)))
        assert {called[name]: claim for name, claim in before.claims.items()} == after.claims
        assert (before.shortfall, before.fund) == (after.shortfall, after.fund)


@pytest.mark.parametrize("digits", [0, 3, 6])
def test_inflating_a_share_never_pays(digits: int) -> None:
    """Who stakes a little, gives a lot to all shares, and leaves after a victim came, has gained nothing.

    ---
    mal     stake a;  return funds D        # a share is worth (a + D) / a now
    victim  stake V                          # rounds down to few shares, or none
    mal     redeem all
        => at most a + D
    """
    stream, hurt = Stream(0, f"inflation {digits}"), 0
    for _ in range(CASES):
        system = System(attrs.evolve(SETUP, offset_digits=digits), written=False)
        small, gift = stream.choice((1, 2, 10**6)), stream.between(0, 10 ** stream.between(1, 24))
        victim = stream.choice((1, max(1, gift // 2), gift + 1, stream.between(1, 10**24)))
        terms = {"venue": STAKE, "stake": "stakers"}
        for command in (
            *system.begin(),
            c.Stake(**terms, account="mal", assets=small),
            c.ReturnFunds(**terms, account="mal", assets=gift),
            c.Stake(**terms, account="victim", assets=victim),
        ):
            assert system.protocol.submit(command, at=system.at)
        book = system.protocol.book
        hurt += system.stake.value_of(book, "victim") < victim - 1
        shares = system.stake.shares_of(book, "mal")
        receipt = system.protocol.submit(c.Redeem(**terms, account="mal", shares=shares), at=system.at)
        out = receipt.event(type(receipt.entries[0].event)).assets  # type: ignore[attr-defined]  # it is an Unstaked
        assert out <= small + gift, f"{small} and {gift} in, {out} out, {victim} came between"
    assert hurt > CASES // 10, "the victim hardly ever lost anything to rounding"


def test_a_split_is_fair_and_knows_no_order() -> None:
    """A split sums up, gives each his share to a unit and no more than he has, in whatever order he comes."""
    stream, rests = Stream(0, "split pro rata"), 0
    for _ in range(20 * CASES):
        weights = [
            (f"n{n}", stream.choice((0, 1, stream.bits(stream.between(1, 120)))))
            for n in range(stream.between(1, 9))
        ]
        total = sum(weight for _, weight in weights)
        if not total:
            continue
        amount = stream.choice((0, 1, total, max(0, total - 1), stream.below(total + 1)))
        parts = dict(split_pro_rata(amount, weights))
        assert sum(parts.values()) == amount
        for name, weight in weights:
            assert abs(parts[name] * total - amount * weight) < total, "more than a unit off"
            assert 0 <= parts[name] <= weight
            rests += amount * weight % total > 0
        assert dict(split_pro_rata(amount, stream.shuffled(weights))) == parts
    assert rests > 10 * CASES
