"""The chain: blocks on a grid, gas as a step function of time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutualize.market.chain import Chain

GWEI = 10**9


def chain(**fields: object) -> Chain:
    """Make a chain of twelve-second blocks that starts at 1,000."""
    return Chain(**{"start": 1_000, "block_s": 12, "native": "ETH", **fields})  # type: ignore[arg-type]  # fields of several types


def test_blocks_stand_on_a_grid_from_the_start() -> None:
    """A transaction at a block's own second is in it; one second later it waits for the next."""
    ours = chain()
    assert [ours.next_block(t) for t in (0, 999, 1_000, 1_001, 1_012, 1_013)] == [
        1_000,
        1_000,
        1_000,
        1_012,
        1_012,
        1_024,
    ]
    assert [ours.inclusion(1_000), ours.inclusion(1_000, 12), ours.inclusion(1_000, 13)] == [
        1_000,
        1_012,
        1_024,
    ]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2_000), st.integers(1, 100), st.integers(-50, 5_000), st.integers(0, 100))
def test_inclusion_is_the_first_block_that_a_scan_finds(start: int, block_s: int, t: int, wait: int) -> None:
    """The computed block is the first of the grid that is not before the moment of sending."""
    ours = chain(start=start, block_s=block_s, gas_path=0)
    block = start
    while block < t + wait:
        block += block_s
    assert ours.inclusion(t, wait) == block


def test_gas_is_a_step_function() -> None:
    """A row holds from its own second up to, but not including, the next one's; the last for good."""
    ours = chain(gas_path=[(1_000, 20 * GWEI), (1_060, 500 * GWEI), (1_120, 0)], gas={"liquidate": 500_000})
    assert [ours.gas_price(t) // GWEI for t in (1_000, 1_059, 1_060, 1_119, 1_120, 10**9)] == [
        20,
        20,
        500,
        500,
        0,
        0,
    ]
    assert ours.cost("liquidate", 1_059) == 10**16
    assert ours.cost("liquidate", 1_060) == 25 * 10**16
    assert ours.cost("withdraw", 1_060) == 0
    with pytest.raises(ValueError, match="no gas price is known at 999"):
        ours.gas_price(999)


def test_one_gas_price_holds_always() -> None:
    """A constant needs no table."""
    ours = chain(gas_path=20 * GWEI, gas={"trade": 150_000})
    assert ours.cost("trade", 0) == ours.cost("trade", 10**10) == 150_000 * 20 * GWEI


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"block_s": 0}, "block time"),
        ({"gas_path": []}, "begin after"),
        ({"gas_path": [(1_001, 1)]}, "begin after"),
        ({"gas_path": [(1_000, 1), (1_000, 2)]}, "out of order"),
        ({"gas_path": -1}, "not negative"),
        ({"gas_path": [(0, 1), (5, -1)]}, "not negative"),
        ({"gas": {"trade": -1}}, "not negative"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(fields: dict[str, object], says: str) -> None:
    """Blocks without time, tables out of order and negative prices raise ValueError."""
    with pytest.raises(ValueError, match=says):
        chain(**fields)
