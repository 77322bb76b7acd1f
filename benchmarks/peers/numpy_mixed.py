"""numpy: all accounts with several assets, evaluated anew at every step. The yardstick of the watchlist.

    python benchmarks/peers/numpy_mixed.py N STEPS [--idiom healths]

`products` is the fastest way found: two matrix products of a step, amounts by prices, in 64-bit floats, which
are exact here (see mixed_workload.py). `healths` is how it is mostly written: every amount times its price,
summed by account, divided. One thread, as mutualize has. Nothing is settled and no ledger is kept: whoever is
unsafe for the first time is noted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from peers.measure import parser, peak_memory_mib, say, timed
from peers.mixed_workload import ASSETS, Account, accounts, mixed_prices
from peers.workload import digest

Array = Any
"""An array of numpy's, whose types are not at hand where it is not installed."""
Unsafe = Callable[[Array], Array]


def tables(crowd: list[Account]) -> tuple[Array, Array]:
    """Return collateral and debt in grains: a row for each account, a column for each asset."""
    held, owed = np.zeros((len(crowd), len(ASSETS))), np.zeros((len(crowd), len(ASSETS)))
    for row, account in enumerate(crowd):
        for index, grains in account.collaterals:
            held[row, index] = grains
        for index, grains in account.debts:
            owed[row, index] = grains
    return held, owed


def products(held: Array, owed: Array) -> Unsafe:
    """Compare weighted collateral with debt, both by a matrix product."""
    thresholds = np.array([float(asset.threshold_percent) for asset in ASSETS])

    def unsafe(prices: Array) -> Array:
        return held @ (prices * thresholds) < owed @ (prices * 100)

    return unsafe


def healths(held: Array, owed: Array) -> Unsafe:
    """Work every health factor out."""
    thresholds = np.array([float(asset.threshold_percent) for asset in ASSETS])

    def unsafe(prices: Array) -> Array:
        collateral = (held * prices * thresholds).sum(axis=1)
        debt = (owed * prices * 100).sum(axis=1)
        return collateral / debt < 1

    return unsafe


IDIOMS = {"products": products, "healths": healths}


def search(unsafe: Unsafe, crowd: list[Account], prices: list[tuple[int, ...]]) -> list[tuple[int, str]]:
    """Return (step, name) of who is unsafe for the first time."""
    is_open: Array = np.ones(len(crowd), dtype=bool)
    found = []
    for step, row in enumerate(prices, 1):
        new = np.flatnonzero(unsafe(np.array(row, dtype=float)) & is_open)
        if len(new):
            is_open[new] = False
            found += [(step, crowd[place].name) for place in new.tolist()]
    return found


def main() -> None:
    """Measure one run and print it as JSON."""
    line = parser(__doc__)
    line.add_argument("--idiom", choices=list(IDIOMS), default="products")
    given = line.parse_args()
    crowd = accounts(given.positions)
    prices = [row for _, row in mixed_prices(given.steps)]
    unsafe, setup_s, setup_cpu_s = timed(lambda: IDIOMS[given.idiom](*tables(crowd)))
    found, run_s, run_cpu_s = timed(lambda: search(unsafe, crowd, prices))
    say(
        {
            "peer": "numpy",
            "version": version("numpy"),
            "idiom": given.idiom,
            "positions": given.positions,
            "steps": given.steps,
            "setup_s": round(setup_s, 4),
            "setup_cpu_s": round(setup_cpu_s, 4),
            "run_s": round(run_s, 4),
            "run_cpu_s": round(run_cpu_s, 4),
            "peak_memory_mib": peak_memory_mib(),
            "liquidated": len(found),
            "liquidated_digest": digest(found),
        }
    )


if __name__ == "__main__":
    main()
