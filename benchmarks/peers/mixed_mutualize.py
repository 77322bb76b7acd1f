"""mutualize: the same accounts in a pool, opened through the protocol, and its watchlist asked at every step.

    python benchmarks/peers/mixed_mutualize.py N STEPS [--profile]

Three clocks: `watch_s` is what the watchlist takes (being told of entries, and being asked), `run_s` all of
the steps (with prices told and positions closed through the protocol), `genesis_s` what comes before. The
yardstick does nothing but look, so `watch_s`, CPU time as its own is, is what compares with it. The journal
keeps nothing.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutualize.commands import Borrow, Command, ListReserve, PublishPrice, Repay, Supply
from mutualize.events import Entry
from mutualize.protocol import Protocol
from mutualize.venues.lending import PoolLending
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.watchlist import Watchlist
from peers.measure import parser, peak_memory_mib, say, timed
from peers.mixed_workload import ASSETS, Account, accounts, mixed_prices
from peers.workload import PRICE_GRAIN, digest

NAMES = tuple(asset.name for asset in ASSETS)


class Nothing:
    """A journal that keeps nothing: what is measured is the watchlist."""

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take a transaction; no batch is ever full."""
        return not entries

    def close_batch(self) -> None:
        """Acknowledge nothing."""

    def seal(self, state: str, status: str = "complete") -> str:
        """Return something in the place of a digest."""
        return f"{status} {state}"


class Mixed:
    """A pool without interest, its lenders and its borrowers."""

    def __init__(self, crowd: list[Account]) -> None:
        self.pool = Pool("pool", NAMES)
        self.protocol = Protocol([self.pool, Feed()], Nothing())
        self.watchlist = Watchlist(PoolLending(self.pool))
        self.watch_ns = 0
        self.protocol.observe(self.observe)
        self.crowd = {account.name: account for account in crowd}
        for asset in ASSETS:
            bps = asset.threshold_percent * 100
            terms = {"decimals": asset.decimals, "ltv": bps, "threshold": bps, "bonus": 10_500}
            terms |= {"optimal": 8_000}
            listed = tuple(terms.items())
            self.do(ListReserve(venue="pool", account="governance", asset=asset.name, parameters=listed))
        self.tell(tuple(asset.first for asset in ASSETS), at=0)
        owed = [0] * len(ASSETS)
        for account in crowd:
            for index, grains in account.debts:
                owed[index] += grains
        for asset, grains in zip(ASSETS, owed, strict=True):
            self.do(self.supply("lender", asset.name, max(1, grains * 5 // 4) * asset.grain))
        for account in crowd:
            self.open(account)

    def do(self, *commands: Command, at: int = 0) -> None:
        """Carry commands out, which must not be refused."""
        receipt = self.protocol.submit(*commands, at=at)
        if not receipt:
            raise RuntimeError(f"{commands} was refused: {receipt.refused}")

    def supply(self, account: str, asset: str, amount: int) -> Command:
        """Return the command that supplies so many base units."""
        return Supply(venue="pool", account=account, asset=asset, amount=amount)

    def open(self, account: Account) -> None:
        """Supply all collaterals and borrow all debts, in one transaction."""
        name = account.name
        self.do(
            *[self.supply(name, NAMES[i], grains * ASSETS[i].grain) for i, grains in account.collaterals],
            *[
                Borrow(venue="pool", account=name, asset=NAMES[i], amount=grains * ASSETS[i].grain)
                for i, grains in account.debts
            ],
        )

    def observe(self, entry: Entry) -> None:
        """Tell the watchlist, and take the time."""
        began = time.thread_time_ns()
        self.watchlist.observe(entry)
        self.watch_ns += time.thread_time_ns() - began

    def unsafe(self, at: int) -> list[str]:
        """Ask the watchlist, and take the time."""
        began = time.thread_time_ns()
        found = self.watchlist.unsafe(self.protocol.book, at)
        self.watch_ns += time.thread_time_ns() - began
        return found

    def tell(self, prices: Sequence[int], at: int) -> None:
        """Tell all prices, given in grains."""
        told = [(name, price * PRICE_GRAIN) for name, price in zip(NAMES, prices, strict=True)]
        self.do(
            *[
                PublishPrice(venue="oracle", account="oracle", asset=name, price=price, market=price)
                for name, price in told
            ],
            at=at,
        )

    def close(self, name: str, at: int) -> None:
        """Repay all debts of an account."""
        self.do(
            *[
                Repay(
                    venue="pool",
                    account="keeper",
                    asset=NAMES[i],
                    amount=grains * ASSETS[i].grain,
                    on_behalf_of=name,
                )
                for i, grains in self.crowd[name].debts
            ],
            at=at,
        )


def steps(mixed: Mixed, prices: list[tuple[int, tuple[int, ...]]]) -> list[tuple[int, str]]:
    """Go through all prices; return (step, name) of who was found."""
    found = []
    for step, (at, row) in enumerate(prices, 1):
        mixed.tell(row, at)
        for name in sorted(mixed.unsafe(at)):
            found.append((step, name))
            mixed.close(name, at)
    return found


def main() -> None:
    """Measure one run and print it as JSON."""
    line = parser(__doc__)
    line.add_argument("--profile", action="store_true", help="print where the time goes, on stderr")
    given = line.parse_args()
    crowd, prices = accounts(given.positions), mixed_prices(given.steps)
    mixed, genesis_s, _ = timed(lambda: Mixed(crowd))
    before, first_look_s, _ = timed(lambda: mixed.unsafe(0))
    gc.collect()
    gc.freeze()
    watchlist, drawn, mixed.watch_ns = mixed.watchlist, mixed.watchlist.placed, 0
    profile = cProfile.Profile() if given.profile else None
    if profile:
        profile.enable()
    found, run_s, run_cpu_s = timed(lambda: steps(mixed, prices))
    if profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(25)
    say(
        {
            "peer": "mutualize",
            "version": version("mutualize"),
            "positions": given.positions,
            "steps": given.steps,
            "genesis_s": round(genesis_s, 4),
            "first_look_s": round(first_look_s, 4),
            "run_s": round(run_s, 4),
            "run_cpu_s": round(run_cpu_s, 4),
            "watch_s": round(mixed.watch_ns / 10**9, 4),
            "peak_memory_mib": peak_memory_mib(),
            "events": mixed.protocol.book.seq,
            "unsafe_at_first": len(before),
            "placed": watchlist.placed - drawn,
            "looks": watchlist.looks,
            "screened": watchlist.screened,
            "references": watchlist.references,
            "liquidated": len(found),
            "liquidated_digest": digest(found),
        }
    )


if __name__ == "__main__":
    main()
