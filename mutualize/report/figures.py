"""The figures of a run, section by section, as plain data for `summary.json`: exact numerals, UTC moments.

Amounts are whole units of their asset, money and prices are money of account, ratios are shares of one.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from mutualize.projections.board import Board
from mutualize.projections.liquidations import Pair
from mutualize.projections.pooling import Comparison, Spread
from mutualize.projections.positions import Watched
from mutualize.projections.series import Series
from mutualize.projections.tiers import Shortfall, Tier
from mutualize.projections.waiting import Queue
from mutualize.report.text import moment, numeral
from mutualize.units import WAD, mul_div_down

Data: TypeAlias = dict[str, Any]
COSTS: Final = ("repaid", "bonus", "fee", "gap", "slippage", "gas", "profit")
"""What liquidations cost, in money: see `mutualize.projections.liquidations`."""

LARGEST: Final = 10
"""How many of those who lost most are named."""


def money(value: int) -> str:
    """Write money or a price (8 decimals) exactly."""
    return numeral(value, 8)


def ratio(value: int) -> str:
    """Write a ratio (18 decimals) exactly."""
    return numeral(value, 18)


def when(at: int | None) -> str | None:
    """Write a moment, or nothing."""
    return None if at is None else moment(at)


class Figures:
    """Sections of a summary, read off a board that was taken to the end."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def amount(self, asset: str, value: int) -> str:
        """Write base units of an asset as whole units, exactly."""
        return numeral(value, self._board.frame.decimals[asset])

    # --- the waterfall -----------------------------------------------------------------------------------

    def waterfalls(self) -> list[Data]:
        """Return every shortfall that was recognised, with its tiers. (Debt auctions may precede it.)"""
        found = self._board.waterfalls.shortfalls()
        return [self._waterfall(shortfall) for shortfall in found if shortfall.first is not None]

    def _waterfall(self, short: Shortfall) -> Data:
        open_now, price = self._board.waterfalls.open(short), self._board.mirror.price(short.asset)
        unit = self._board.frame.unit(short.asset)
        return {
            "venue": short.venue,
            "asset": short.asset,
            "shortfall": self.amount(short.asset, short.amount),
            "debtors": len(short.debtors),
            "first": when(short.first),
            "last": when(short.last),
            "covered": self.amount(short.asset, short.covered),
            "open": self.amount(short.asset, open_now),
            "pending": self.amount(short.asset, short.pending),
            "open_share": ratio(short.share(open_now)),
            "price_at_recognition": money(mul_div_down(short.recognised_value, unit, short.amount))
            if short.amount
            else None,
            "price_at_end": money(price),
            "money_at_recognition": money(short.recognised_value),
            "money_at_settlement": money(sum(tier.settled_value for tier in short.tiers.values())),
            "money_at_end": money(self._board.frame.value_down(short.asset, short.amount, price)),
            "order": list(short.order()),
            "tiers": [self._tier(short, tier) for tier in short.tiers.values()],
        }

    def _tier(self, short: Shortfall, tier: Tier) -> Data:
        left = self._board.waterfalls.left(tier)
        return {
            "tier": tier.tier,
            "payer": tier.payer,
            "used": tier.used,
            "holds": tier.holds,
            "had": self.amount(tier.holds, tier.had) if tier.holder else None,
            "paid": self.amount(tier.holds, tier.paid),
            "other_flows": self.amount(tier.holds, left - tier.had + tier.paid) if tier.holder else None,
            "left": self.amount(tier.holds, left) if tier.holder else None,
            "covered": self.amount(short.asset, tier.covered),
            "share": ratio(short.share(tier.covered)),
            "share_of_had": ratio(mul_div_down(tier.paid, WAD, tier.had)) if tier.had else None,
            "held": self.amount(short.asset, tier.held),
            "owed": self.amount(short.asset, tier.owed),
            "passed_on": self.amount(short.asset, tier.passed_on),
            "given_back": self.amount(short.asset, tier.given_back),
            "times": tier.times,
            "first": when(tier.first),
            "last": when(tier.last),
            "money_at_recognition": money(short.value_at_recognition(tier.covered)),
            "money_at_settlement": money(tier.settled_value),
            "money_given": money(tier.paid_value),
        }

    def rescues(self) -> list[Data]:
        """Return the debts that somebody else repaid."""
        return [
            {
                "venue": venue,
                "asset": asset,
                "debtor": debtor,
                "payer": payer,
                "amount": self.amount(asset, rescue.amount),
                "money": money(rescue.value),
                "last": when(rescue.last),
            }
            for (venue, asset, debtor, payer), rescue in sorted(self._board.waterfalls.rescues.items())
        ]

    # --- liquidations, refusals --------------------------------------------------------------------------

    def liquidations(self) -> Data:
        """Return all liquidations, with their cost taken apart."""
        found = self._board.liquidations
        harmed = list(found.harmed().items())
        pairs = list(found.pairs())
        return {
            "count": found.count,
            "first": when(found.first),
            "last": when(found.last),
            "liquidators": len(found.liquidators),
            "debtors": len(found.debtors),
            "pairs": [self._pair(pair) for pair in pairs],
            "harm": {
                "debtors": len(harmed),
                "money": money(sum(harm for _, harm in harmed)),
                "largest": [{"account": name, "money": money(harm)} for name, harm in harmed[:LARGEST]],
            },
            "money": {cost: money(sum(getattr(pair, f"{cost}_value") for pair in pairs)) for cost in COSTS},
        }

    def _pair(self, pair: Pair) -> Data:
        return {
            "venue": pair.venue,
            "collateral": pair.collateral,
            "debt": pair.debt,
            "count": pair.count,
            "first": when(pair.first),
            "last": when(pair.last),
            "paid": self.amount(pair.debt, pair.paid),
            "seized": self.amount(pair.collateral, pair.seized),
            "fee": self.amount(pair.collateral, pair.fee),
            "fund_fee": self.amount(pair.collateral, pair.fund_fee),
            "gas": {asset: self.amount(asset, paid) for asset, paid in sorted(pair.gas.items())},
            "money": {cost: money(getattr(pair, f"{cost}_value")) for cost in COSTS},
        }

    def refusals(self) -> list[Data]:
        """Return the refusals by reason, the most frequent first."""
        return [
            {"reason": reason, "free": free, "paid": paid}
            for reason, free, paid in self._board.refusals.reasons()
        ]

    # --- time --------------------------------------------------------------------------------------------

    def time(self) -> Data:
        """Return time as a loss: how long reserves were full, and who waited."""
        waiting = self._board.waiting
        return {
            "reserves": [
                {
                    "venue": venue,
                    "asset": asset,
                    "full_s": usage.full_s,
                    "utilization_max": ratio(usage.highest),
                    "utilization_max_at": when(usage.highest_at),
                    "utilization": ratio(usage.now),
                }
                for (venue, asset), usage in sorted(waiting.usage.items())
            ],
            "queues": [self._queue(*key, queue) for key, queue in sorted(waiting.queues.items())],
        }

    def _queue(self, venue: str, asset: str, queue: Queue) -> Data:
        return {
            "venue": venue,
            "asset": asset,
            "holders": len(queue.ever),
            "holders_now": len(queue.amounts),
            "first": when(queue.first),
            "waiting": self.amount(asset, queue.now),
            "waiting_max": self.amount(asset, queue.most),
            "waiting_max_at": when(queue.most_at),
            "holder_s": queue.holder_s,
            "amount_s": self.amount(asset, queue.unit_s),
        }

    # --- lines through time ------------------------------------------------------------------------------

    def prices(self) -> list[Data]:
        """Return what the oracle told, and what the market said then."""
        board = self._board.prices
        return [
            {"asset": asset, "told": _line(told, 8), "market": _line(board.market[asset], 8)}
            for asset, told in sorted(board.told.items())
        ]

    def positions(self) -> list[Data]:
        """Return what became of the watched accounts."""
        return [self._position(watched) for watched in self._board.positions.accounts.values()]

    def _position(self, watched: Watched) -> Data:
        decimals = self._board.frame.decimals
        return {
            "account": watched.account,
            "seizures": watched.seizures,
            "exhausted": when(watched.exhausted),
            "exhaustion_ltv": None if watched.exhaustion_ltv is None else ratio(watched.exhaustion_ltv),
            "ltv": _line(watched.ltv, 18),
            "debts": {
                asset: _line(series, decimals[asset]) for asset, series in sorted(watched.debts.items())
            },
        }

    # --- pooling -----------------------------------------------------------------------------------------

    def pooling(self) -> list[Data]:
        """Return what pooling did: the loss as it was beside the loss had each lent alone."""
        return [self._pooled(one) for one in self._board.pooling.compare(self._board.frame.seed)]

    def _pooled(self, one: Comparison) -> Data:
        return {
            "venue": one.venue,
            "asset": one.asset,
            "lent": ratio(one.lent),
            "rounds": one.rounds,
            "pooled": self._spread(one.asset, one.pooled),
            "alone": self._spread(one.asset, one.alone),
            "difference": {
                "total": self.amount(one.asset, one.pooled.total - one.alone.total),
                "mean": ratio(one.pooled.mean - one.alone.mean),
                "deviation": ratio(one.pooled.deviation - one.alone.deviation),
                "hit": ratio(one.pooled.hit - one.alone.hit),
            },
        }

    def _spread(self, asset: str, spread: Spread) -> Data:
        return {
            "holders": spread.holders,
            "total": self.amount(asset, spread.total),
            "mean": ratio(spread.mean),
            "deviation": ratio(spread.deviation),
            "lowest": ratio(spread.lowest),
            "highest": ratio(spread.highest),
            "hit": ratio(spread.hit),
        }


def _line(series: Series, decimals: int) -> Data | None:
    """Return a line through time: its ends, its extremes, and points that hold every peak."""
    if not series.stretches or not (series.first and series.last and series.minimum and series.maximum):
        return None
    return {
        "first": _point(series.first, decimals),
        "last": _point(series.last, decimals),
        "lowest": _point(series.minimum, decimals),
        "highest": _point(series.maximum, decimals),
        "points": [
            [moment(s.at), numeral(s.low, decimals), numeral(s.high, decimals), numeral(s.last, decimals)]
            for s in series.stretches
        ],
    }


def _point(point: tuple[int, int], decimals: int) -> Data:
    return {"value": numeral(point[0], decimals), "at": moment(point[1])}
