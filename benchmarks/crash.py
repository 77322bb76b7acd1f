"""A crash of many positions through the pool, one process a run: what was done, and what it took.

    python benchmarks/crash.py --positions 100000 --steps 72 --rule plain --ledger FILE --json

    plain    no interest, close factor 100 %, no fee; the liquidator sells at spot with 2 % slippage
    exact    Aave v3 with interest and fees

Borrowers and prices are those of peers/workload.py. Everybody enters by one event of his own; the clock of
the run starts at the first price and ends with the seal. Without --ledger only the digest is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

from crowd import peak_memory_kib
from mutualize.agents.desk import Desk, Habits
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Beginning, Genesis
from mutualize.agents.liquidators import Liquidator
from mutualize.agents.oracles import publish
from mutualize.agents.signals import Signals
from mutualize.agents.targets import Targets
from mutualize.agents.trading import Markets
from mutualize.commands import ContributeToFund, ListReserve, OpenPosition, Stake, Supply
from mutualize.events import Entry, Liquidated
from mutualize.ledger import FileLedger, Ledger, header
from mutualize.market.market import Market
from mutualize.market.path import ConstantPath, PointPath
from mutualize.protocol import Protocol
from mutualize.run import Lawful, UnkeptLedger, quiet_log
from mutualize.staking import StakePool
from mutualize.stretch import AT, NAME, Stretch
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.units import Ratio
from mutualize.venues.lending import PoolLending
from mutualize.venues.outside import Feed, Outside
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.watchlist import Watchlist
from mutualize.waterfall import Waterfall
from mutualize.world import Phase, Steps, World
from peers import workload

START: Final = 1_704_067_200
TERMS: Final = {
    "ltv": workload.LTV_BPS,
    "threshold": workload.THRESHOLD_BPS,
    "bonus": workload.BONUS_BPS,
    "optimal": 9_000,
}
INTEREST: Final = {"reserve_factor": 1_000, "slope1": 400, "slope2": 6_000, "protocol_fee": 1_000}
PLAIN: Final = PoolRules(close_factor="full", dust_rule=False)
UNLIMITED: Final = 10**9


class Prices:
    """Tells the price of each step, silent where the workload is; with `twice`, again half a step later."""

    name: Final = "prices:"
    phase: Final = Phase.ORACLE

    def __init__(self, steps: int, *, twice: bool = False) -> None:
        self._steps, self._twice = steps, twice
        self._half_s = workload.MINUTES * workload.MINUTE_S // (2 * steps)

    def run(self, world: World) -> Steps:
        """Sleep from one price to the next."""
        for after_s, price in workload.prices(self._steps):
            yield world.sleep_until(self, START + after_s)
            if price is not None:
                world.submit(publish("ETH", price, price))
            if self._twice and price is not None and world.now < world.end:
                yield world.sleep(self, self._half_s)
                world.submit(publish("ETH", price, price))


class Crash:
    """The world of one run, and what its parts are called. `watch` sees every liquidation."""

    def __init__(self, positions: int, steps: int, rule: str, ledger: Ledger, *, twice: bool = False) -> None:
        interest = INTEREST if rule == "exact" else {}
        self.reserves = {
            "ETH": {**TERMS, **interest, "decimals": 18},
            "USDC": {**TERMS, **interest, "decimals": 6},
        }
        self.crowd = workload.positions(positions)
        self.funds = workload.funds(sum(debt for _, _, debt in self.crowd))
        self.pool = Pool("pool", tuple(self.reserves), PoolRules() if rule == "exact" else PLAIN)
        stake = StakePool("pool", "stakers", "USDC")
        tiers = [
            Tier(name="insurance", payer="fund"),
            Tier(name="stakers", payer="stake", stake="stakers"),
            Tier(name="haircut", payer="claims"),
        ]
        waterfall = Waterfall(self.pool.cover(), tiers, stakes={"stakers": stake})
        self.lawful = Lawful(ledger)
        self.protocol = Protocol([Feed(), Outside(), self.pool, stake], self.lawful, reactors=[waterfall])
        self.lawful.book = self.protocol.book
        end = START + workload.MINUTES * workload.MINUTE_S
        self.world = World(self.protocol, start=START, end=end, seed=1, log=quiet_log())
        self.found: list[tuple[int, str]] = []
        self._step_s = workload.MINUTES * workload.MINUTE_S // steps
        self.began_s = self.entered_s = 0.0
        for agent in (Genesis(self._beginnings()), Prices(steps, twice=twice), self._keeper(steps)):
            self.world.start(agent)
        signals = Signals(self.world, [PoolLending(self.pool)])
        self.protocol.observe(signals.observe, summary=signals.observe_stretch)
        tier_rule = TierRule()
        self.protocol.observe(tier_rule, *TierRule.kinds, summary=tier_rule.observe_stretch)

    def _beginnings(self) -> Iterator[Beginning]:
        first = workload.PRICE_FIRST
        for asset, terms in self.reserves.items():
            listed = tuple(terms.items())
            yield Beginning(
                "reserves", ListReserve(venue="pool", account="governance", asset=asset, parameters=listed)
            )
        for asset, price in (("ETH", first), ("USDC", 10**8)):
            yield Beginning("prices", publish(asset, price, price))
        funds = self.funds
        yield Beginning(
            "lenders", Supply(venue="pool", account="lenders", asset="USDC", amount=funds.deposits)
        )
        yield Beginning(
            "stakers",
            Stake(venue="pool.stake.stakers", account="backers", stake="stakers", assets=funds.stakers),
        )
        fund = ContributeToFund(
            venue="pool", account="founders", tier="insurance", asset="USDC", amount=funds.insurance
        )
        yield Beginning("fund", fund)
        self.began_s = time.process_time()
        for name, held, owed in self.crowd:
            yield Beginning(
                "borrowers",
                OpenPosition(
                    venue="pool",
                    account=name,
                    collateral="ETH",
                    collateral_amount=held,
                    debt="USDC",
                    debt_amount=owed,
                ),
            )
        self.crowd.clear()
        self.entered_s = time.process_time()

    def _keeper(self, steps: int) -> Liquidator:
        points = [(START, workload.PRICE_FIRST)]
        points += [(START + after_s, price) for after_s, price in workload.prices(steps) if price is not None]
        eth = Market(
            asset="ETH",
            money="USDC",
            asset_decimals=18,
            money_decimals=6,
            path=PointPath(points),
            place="spot",
            cost=Ratio(workload.SLIPPAGE_BPS * 10**14),
        )
        usdc = Market(asset="USDC", money="", asset_decimals=6, money_decimals=8, path=ConstantPath(10**8))
        watchlist = Watchlist(PoolLending(self.pool))
        self.protocol.observe(watchlist.observe, summary=watchlist.observe_stretch)
        self.protocol.observe(self._note, Liquidated, summary=self._note_stretch)
        markets = Markets({"ETH": eth, "USDC": usdc}, {"ETH": 18, "USDC": 6})
        desk = Desk(
            Targets(PoolLending(self.pool), watchlist), markets, Fees(), None, Habits(flash=True), 3_600
        )
        return Liquidator("keeper", desk, {}, 0, UNLIMITED)

    def _note(self, entry: Entry) -> None:
        assert isinstance(entry.event, Liquidated)
        self.found.append(((entry.at - START) // self._step_s, entry.event.account))

    def _note_stretch(self, stretch: Stretch) -> bool:
        """Note the same of many; there is one liquidation in each transaction of a stretch."""
        found, start, step_s = self.found, START, self._step_s
        found += [((row[AT] - start) // step_s, row[NAME]) for _, row in stretch.rows]
        return True

    def run(self) -> str:
        """Run it to the seal; return the digest."""
        ended = self.world.run()
        return self.protocol.seal(self.world.now, ended.status)


def measure(positions: int, steps: int, rule: str, path: str, *, twice: bool = False) -> dict[str, object]:
    """Run it; return what was done, and what it took."""
    described = header("0" * 64, 1, "bench", "bench")
    ledger = FileLedger(path, described) if path else UnkeptLedger(described)
    crash = Crash(positions, steps, rule, ledger, twice=twice)
    digest = crash.run()
    ended_s = time.process_time()
    return {
        "positions": positions,
        "steps": steps,
        "rule": rule,
        "genesis_s": round(crash.entered_s - crash.began_s, 3),
        "run_s": round(ended_s - crash.entered_s, 3),
        "peak_memory_mib": peak_memory_kib() // 1024,
        "events": ledger.durable_seq,
        "bytes": Path(path).stat().st_size if path else 0,
        "liquidated": len(crash.found),
        "liquidated_digest": workload.digest(crash.found),
        "digest": digest,
    }


def main() -> None:
    """Measure one run and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--positions", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=workload.HOURS)
    parser.add_argument("--rule", choices=("plain", "exact"), default="plain")
    parser.add_argument("--ledger", default="")
    parser.add_argument("--twice", action="store_true", help="each price again half a step later")
    parser.add_argument("--json", action="store_true", help="all in one line")
    given = parser.parse_args()
    measured = measure(given.positions, given.steps, given.rule, given.ledger, twice=given.twice)
    sys.stdout.write(json.dumps(measured, indent=None if given.json else 1) + "\n")


if __name__ == "__main__":
    main()
