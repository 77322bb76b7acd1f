"""mutualize against its peers: same crash, same answers, in turn, in the same run; and the ratio.

    pytest benchmarks/bench_peers.py                                     1,000 positions: that all agree
    MUTUALIZE_BENCH_POSITIONS=100000 pytest benchmarks/bench_peers.py    the size that the targets are for

The targets are asserted from that size on; below it the ratio is kept beside the figures (`extra_info`).
Peers are installed by the extra `bench-peers`; who is not is skipped by name.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers.compare import POSITIONS, ROWS, Row, Unavailable, compare

SIZE = int(os.environ.get("MUTUALIZE_BENCH_POSITIONS", "1000"))
ROUNDS = int(os.environ.get("MUTUALIZE_BENCH_ROUNDS", "3"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_peer(benchmark: Any, row: Row) -> None:
    """Both agree on who was liquidated, and mutualize is as much faster, and smaller, as the table says."""
    try:
        found = benchmark.pedantic(compare, args=(row, SIZE, ROUNDS), rounds=1)
    except Unavailable as why:
        pytest.skip(str(why))
    benchmark.extra_info.update(found.facts())
    assert found.own["liquidated"] > 0
    if SIZE >= POSITIONS:
        assert found.faster >= row.faster
        assert row.memory is None or found.memory <= row.memory
