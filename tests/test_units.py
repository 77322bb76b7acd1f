"""Searching among integers: exact at both ends."""

from __future__ import annotations

import pytest

from mutualize.units import highest_without


@pytest.mark.parametrize("turn", [1, 2, 3, 10**18, 2**128 + 1, 2**256 - 1, 2**256])
def test_the_highest_number_without_is_found_to_the_last_unit(turn: int) -> None:
    """It is one less than where it turns true: none at one, the largest word where it never does."""
    assert highest_without(lambda number: number >= turn) == turn - 1
