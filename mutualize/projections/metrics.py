"""Named figures of a run: what expectations, bands and `--json` readers ask for. One definition each.

A metric's name is a pattern of words with dots: `tier.<tier>.paid.<asset>`. The registry at the end is the
list that `mutualize schema` shows; every entry says its unit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from mutualize.errors import MutualizeError
from mutualize.projections.board import Board
from mutualize.projections.tiers import Shortfall, Tier
from mutualize.units import WAD, mul_div_down

Names: TypeAlias = tuple[str, ...]
Figure: TypeAlias = int | Names | None
"""An integer in the metric's unit, a list of names, or None for what did not happen."""
Measure: TypeAlias = Callable[[Board, Names], Figure]
"""Takes the board, and the words that stand for `<…>` in the name."""

AMOUNT: Final = "amount"
"""Base units of the asset that the name mentions."""
MONEY: Final = "money"
"""Money of account, 8 decimals."""
PRICE: Final = "price"
"""Money for one whole unit, 8 decimals."""
RATIO: Final = "ratio"
"""A share, 18 decimals."""
COUNT: Final = "count"
TIME: Final = "time"
"""Seconds since 1970 UTC."""
SECONDS: Final = "seconds"
NAMES: Final = "names"

_PARTS: Final = {
    "<asset>": r"([A-Za-z0-9.]{1,16})",
    "<account>": r"([a-z0-9_-]{1,64})",
    "<auction>": r"(flip|clip|flop|flap)",
    "<tier>": r"([a-z0-9_-]{1,64})",
    "<REASON>": r"([A-Z_]{1,64})",
}
"""What may stand for `<…>`. An asset may have a dot in its name: the most literal fitting pattern counts."""


@attrs.frozen
class Metric:
    """One named figure. `unit` is one of the units above; `doc` is its definition."""

    pattern: str
    unit: str
    doc: str
    measure: Measure

    @property
    def literals(self) -> int:
        """How many words of the pattern stand as they are."""
        return sum(not part.startswith("<") for part in self.pattern.split("."))

    def match(self, name: str) -> Names | None:
        """Return the words that stand for `<…>` where `name` fits the pattern, else None."""
        parts = [_PARTS.get(part, re.escape(part)) for part in self.pattern.split(".")]
        found = re.fullmatch(r"\.".join(parts), name)
        return None if found is None else found.groups()


@attrs.frozen
class Asked:
    """A metric with its words filled in: what an expectation asks for."""

    name: str
    metric: Metric
    words: Names

    @property
    def unit(self) -> str:
        """The unit of its figure."""
        return self.metric.unit

    @property
    def asset(self) -> str:
        """The asset whose base units an amount is in; empty for other units."""
        return self._word("<asset>") if self.unit == AMOUNT else ""

    @property
    def account(self) -> str:
        """The account that has to be watched for it; empty where there is none."""
        return self._word("<account>")

    def figure(self, board: Board) -> Figure:
        """Return the figure as the board has it now."""
        return self.metric.measure(board, self.words)

    def _word(self, part: str) -> str:
        parts = [name for name in self.metric.pattern.split(".") if name.startswith("<")]
        return dict(zip(parts, self.words, strict=True)).get(part, "")


def ask(name: str, place: str = "") -> Asked:
    """Look a metric up. Raises MutualizeError at `place`, with a suggestion, for a name that fits none."""
    fitting = [(metric, words) for metric in METRICS if (words := metric.match(name)) is not None]
    if fitting:
        metric, words = max(fitting, key=lambda fit: fit[0].literals)
        return Asked(name, metric, words)
    names_one = name.lower() != name  # an asset, or a reason
    patterns = [metric.pattern for metric in METRICS if "<" in metric.pattern or not names_one]
    near = difflib.get_close_matches(name[:64], patterns, n=1, cutoff=0.4)
    hint = f"Did you mean '{near[0]}'?" if near else "`mutualize schema --metrics` lists them."
    raise MutualizeError(place, f"{name[:120]!r} is not a metric.", hint)


# --- what they are ---------------------------------------------------------------------------------------


def _shortfalls(board: Board, asset: str = "") -> list[Shortfall]:
    return [short for short in board.waterfalls.shortfalls() if asset in ("", short.asset)]


def _tiers(board: Board, tier: str, asset: str = "") -> list[tuple[Shortfall, Tier]]:
    found = [(short, short.tiers.get(tier)) for short in _shortfalls(board, asset)]
    return [(short, row) for short, row in found if row is not None]


def _claims_cut(board: Board, asset: str) -> tuple[int, int]:
    """Return (what claims bore by haircut, what they were at first), over all venues, base units."""
    rows = [
        tier for short in _shortfalls(board, asset) for tier in short.tiers.values() if tier.payer == "claims"
    ]
    rows = [tier for tier in rows if tier.holder]
    return sum(tier.covered for tier in rows), sum(tier.had for tier in rows)


def _share(part: int, whole: int) -> int:
    return mul_div_down(part, WAD, whole) if whole else 0


def _tier_share(board: Board, tier: str, asset: str = "") -> int:
    """Return a tier's share of all shortfalls, weighed by what they were worth at recognition."""
    rows = _tiers(board, tier, asset)
    if len(rows) == 1:
        return rows[0][0].share(rows[0][1].covered)
    whole = sum(short.recognised_value for short, _ in rows)
    return _share(sum(short.value_at_recognition(row.covered) for short, row in rows), whole)


def _order(board: Board) -> Names:
    rows = [tier for short in _shortfalls(board) for tier in short.tiers.values() if tier.covered]
    return tuple(dict.fromkeys(tier.tier for tier in sorted(rows, key=lambda tier: tier.first_seq)))


def _reserves(board: Board, asset: str) -> list[tuple[str, str]]:
    return [key for key in board.mirror.reserves() if key[1] == asset]


def _venues(board: Board, asset: str) -> list[str]:
    """Return the venues in which an asset is lent, or fell short."""
    lent = [venue for venue, _ in _reserves(board, asset)]
    return list(dict.fromkeys([*lent, *(short.venue for short in _shortfalls(board, asset))]))


def _highest(board: Board, asset: str) -> int:
    usage = [board.waiting.usage.get(key) for key in _reserves(board, asset)]
    return max((use.highest for use in usage if use is not None), default=0)


def _full_s(board: Board, asset: str) -> int:
    usage = [board.waiting.usage.get(key) for key in _reserves(board, asset)]
    return sum(use.full_s for use in usage if use is not None)


def _waiting(board: Board, asset: str, most: bool = False) -> int:
    queues = [queue for (_, of), queue in board.waiting.queues.items() if of == asset]
    return sum(queue.most if most else queue.now for queue in queues)


def _ltv(board: Board, account: str) -> tuple[int | None, int | None, int | None]:
    """Return (highest, at exhaustion, time of exhaustion) of a watched account's loan to value."""
    watched = board.positions.accounts[account]
    highest = watched.ltv.maximum
    return None if highest is None else highest[0], watched.exhaustion_ltv, watched.exhausted


def _extreme(board: Board, asset: str, which: str, market: bool = False) -> int | None:
    series = (board.prices.market if market else board.prices.told).get(asset)
    found = None if series is None else getattr(series, which)
    return None if found is None else int(found[0])


def _underwater(board: Board) -> int:
    """Return what the single positions owe beyond what they hold, by the market as it was seen last."""
    mirror, seen = board.mirror, board.prices.market

    def price(asset: str) -> int:
        last = seen[asset].last if asset in seen else None
        return mirror.price(asset) if last is None else last[0]

    worth = [mirror.worth(name, mirror.at, price) for name in sorted(mirror.watch)]
    return sum(max(0, owed - held) for held, owed in worth)


def _pairs(board: Board, field: str, asset: str = "", side: str = "") -> int:
    """Sum a field over all liquidated pairs; with `asset`, over those whose `side` it is."""
    return sum(
        int(getattr(pair, field))
        for pair in board.liquidations.pairs()
        if not asset or getattr(pair, side) == asset
    )


AUCTIONS: Final[tuple[Metric, ...]] = (
    Metric("auctions.<auction>.count", COUNT, "how many auctions of a kind (flip, clip, flop, flap) began",
           lambda b, w: b.auctions.kind(w[0]).count),
    Metric("auctions.<auction>.ended", COUNT, "how many of them are over",
           lambda b, w: b.auctions.kind(w[0]).ended),
    Metric("auctions.<auction>.first", TIME, "when the first one began",
           lambda b, w: b.auctions.kind(w[0]).first),
    Metric("auctions.<auction>.last", TIME, "when the last one began",
           lambda b, w: b.auctions.kind(w[0]).last),
    Metric("auctions.owners", COUNT, "how many owners' vaults were liquidated",
           lambda b, _: len(b.auctions.owners)),
    Metric("auctions.seized.<asset>", AMOUNT, "collateral that was put up for auction",
           lambda b, w: b.auctions.seized.get(w[0], 0)),
    Metric("auctions.sold.<asset>", AMOUNT, "collateral that winners got; the rest went home",
           lambda b, w: b.auctions.sold.get(w[0], 0)),
    Metric("auctions.zero.count", COUNT, "collateral auctions won by less than a thousandth of the debt",
           lambda b, _: b.auctions.zero),
    Metric("auctions.zero.share", RATIO, "the same as a share of all that are over",
           lambda b, _: b.auctions.zero_share()),
    Metric("auctions.zero.lost.<asset>", AMOUNT, "the collateral that went for that",
           lambda b, w: b.auctions.zero_lots.get(w[0], 0)),
    Metric("auctions.zero.owners", COUNT, "how many owners lost collateral for that",
           lambda b, _: len(b.auctions.zero_owners)),
    Metric("auctions.zero.first", TIME, "when the first such auction was over",
           lambda b, _: b.auctions.zero_first),
    Metric("auctions.zero.last", TIME, "when the last such auction was over",
           lambda b, _: b.auctions.zero_last),
    Metric(
        "auctions.returned", RATIO, "share of its lot that an auction won by more gave back, their mean",
        lambda b, _: b.auctions.returned_share(),
    ),
    Metric("minted.<asset>", AMOUNT, "governance tokens that were minted since the start",
           lambda b, w: b.auctions.minted.get(w[0], 0)),
    Metric(
        "shortfall.<asset>.net", AMOUNT,
        "the most that was missing at once: debt of no vault and no open auction, less surplus and penalties",
        lambda b, w: b.auctions.missing_max.get(w[0], 0),
    ),
)  # fmt: skip
"""Those of vault engines."""

TROVES: Final[tuple[Metric, ...]] = (
    Metric("tier.<tier>.took.<asset>", AMOUNT, "collateral of liquidated troves that a tier got with debt",
           lambda b, w: b.troves.took(w[0], w[1])),
    Metric("surplus.<asset>", AMOUNT, "what liquidated troves left to their owners, claimed or not",
           lambda b, w: b.troves.surplus(w[0])),
    Metric("recovery.first", TIME, "when a trove system was in recovery mode first",
           lambda b, _: b.troves.recovery_first),
    Metric("recovery.seconds", SECONDS, "how long trove systems were in recovery mode",
           lambda b, _: b.troves.recovered_s(b.mirror.at)),
    Metric("recovery.ratio.min", RATIO, "the lowest ratio of all troves of a system together",
           lambda b, _: b.troves.ratio_min),
)  # fmt: skip
"""Those of trove systems."""

METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "shortfall.<asset>", AMOUNT, "debt that was recognised as uncovered, in all venues",
        lambda b, w: sum(short.amount for short in _shortfalls(b, w[0])),
    ),
    Metric(
        "shortfall.<asset>.money", MONEY, "the same at the oracle's price when it was recognised",
        lambda b, w: sum(short.recognised_value for short in _shortfalls(b, w[0])),
    ),
    Metric(
        "shortfall.money", MONEY, "the same of all assets together",
        lambda b, _: sum(short.recognised_value for short in _shortfalls(b)),
    ),
    Metric(
        "shortfall.<asset>.debtors", COUNT, "how many debtors left a shortfall",
        lambda b, w: sum(len(short.debtors) for short in _shortfalls(b, w[0])),
    ),
    Metric(
        "uncovered.<asset>", AMOUNT, "the deficit that nobody has paid",
        lambda b, w: sum(b.mirror.deficit(venue, w[0]) for venue in _venues(b, w[0])),
    ),
    Metric(
        "pending.<asset>", AMOUNT, "the part of it that a slash paid for, while no claims were burned yet",
        lambda b, w: sum(short.pending for short in _shortfalls(b, w[0])),
    ),
    Metric(
        "haircut.<asset>", AMOUNT, "what depositors bore by haircuts",
        lambda b, w: _claims_cut(b, w[0])[0],
    ),
    Metric(
        "haircut.<asset>.share", RATIO, "the same as a share of their claims at the first recognition",
        lambda b, w: _share(*_claims_cut(b, w[0])),
    ),
    Metric(
        "tier.<tier>.paid.<asset>", AMOUNT, "what a tier covered, in the asset that was missing",
        lambda b, w: sum(row.covered for _, row in _tiers(b, w[0], w[1])),
    ),
    Metric(
        "tier.<tier>.spent.<asset>", AMOUNT, "what a tier gave of an asset, its own or the missing one",
        lambda b, w: sum(row.paid for _, row in _tiers(b, w[0]) if row.holds == w[1]),
    ),
    Metric(
        "tier.<tier>.share.<asset>", RATIO, "what a tier covered as a share of the shortfall",
        lambda b, w: _tier_share(b, w[0], w[1]),
    ),
    Metric(
        "tier.<tier>.share", RATIO, "the same over all assets, by their worth at recognition",
        lambda b, w: _tier_share(b, w[0]),
    ),
    Metric(
        "tier.<tier>.money", MONEY, "what a tier gave, at the price used when it paid",
        lambda b, w: sum(row.paid_value for _, row in _tiers(b, w[0])),
    ),
    Metric(
        "tier.<tier>.held.<asset>", AMOUNT, "what waits for a tier: before its time, or before a vote",
        lambda b, w: sum(row.held for _, row in _tiers(b, w[0], w[1])),
    ),
    Metric(
        "tier.<tier>.owed.<asset>", AMOUNT, "what a tier owes by a deadline and has not paid",
        lambda b, w: sum(row.owed for _, row in _tiers(b, w[0], w[1])),
    ),
    Metric(
        "tier.<tier>.passed-on.<asset>", AMOUNT, "what a tier had not raised by its deadlines",
        lambda b, w: sum(row.passed_on for _, row in _tiers(b, w[0], w[1])),
    ),
    Metric(
        "tier.<tier>.given-back.<asset>", AMOUNT, "what was recovered and given back to a tier's payers",
        lambda b, w: sum(row.given_back for _, row in _tiers(b, w[0], w[1])),
    ),
    Metric("unstaked.<asset>", AMOUNT, "what stakers took out of their stakes",
           lambda b, w: b.departures.amounts.get(w[0], 0)),
    Metric("unstaked.<asset>.stakers", COUNT, "how many stakers took something out",
           lambda b, w: len(b.departures.leavers.get(w[0], {}))),
    Metric("tiers.order", NAMES, "the tiers that paid, in the order in which each paid first",
           lambda b, _: _order(b)),
    Metric(
        "debt.<account>.<asset>", AMOUNT, "what an account owes, interest included",
        lambda b, w: b.mirror.debt(w[0], w[1], b.mirror.at),
    ),
    Metric(
        "claim.<account>.<asset>", AMOUNT, "what an account is owed, interest included",
        lambda b, w: b.mirror.claim(w[0], w[1], b.mirror.at),
    ),
    Metric(
        "ltv.<account>", RATIO, "an account's debt over collateral at the oracle's prices",
        lambda b, w: b.mirror.ltv(w[0], b.mirror.at),
    ),
    Metric("ltv.<account>.max", RATIO, "the highest it was, seen at prices and seizures",
           lambda b, w: _ltv(b, w[0])[0]),
    Metric(
        "ltv.<account>.exhaustion", RATIO, "what it was just before the last collateral was seized",
        lambda b, w: _ltv(b, w[0])[1],
    ),
    Metric(
        "underwater", MONEY,
        "what single positions of pools owe beyond what they hold, at the market's prices an oracle saw last",
        lambda b, _: _underwater(b),
    ),
    Metric("exhausted.<account>", TIME, "when its last collateral was seized", lambda b, w: _ltv(b, w[0])[2]),
    Metric(
        "seizures.<account>", COUNT, "how often it was liquidated",
        lambda b, w: b.liquidations.debtors.get(w[0], 0) + b.auctions.owners.get(w[0], 0),
    ),
    Metric("liquidations.count", COUNT, "how many liquidations there were",
           lambda b, _: b.liquidations.count),
    Metric("liquidations.first", TIME, "when the first one was", lambda b, _: b.liquidations.first),
    Metric("liquidations.last", TIME, "when the last one was", lambda b, _: b.liquidations.last),
    Metric("liquidations.liquidators", COUNT, "how many liquidators took part",
           lambda b, _: len(b.liquidations.liquidators)),
    Metric("liquidations.debtors", COUNT, "how many debtors were liquidated",
           lambda b, _: len(b.liquidations.debtors)),
    Metric("liquidations.repaid.<asset>", AMOUNT, "what liquidators repaid",
           lambda b, w: _pairs(b, "paid", w[0], "debt")),
    Metric("liquidations.seized.<asset>", AMOUNT, "what liquidators got",
           lambda b, w: _pairs(b, "seized", w[0], "collateral")),
    Metric("liquidations.bonus", MONEY, "what debtors gave beyond their debt",
           lambda b, _: _pairs(b, "bonus_value")),
    Metric("liquidations.fee", MONEY, "what treasury and fund took of it",
           lambda b, _: _pairs(b, "fee_value")),
    Metric("liquidations.gap", MONEY, "what the oracle's price was off the market's",
           lambda b, _: _pairs(b, "gap_value")),
    Metric("liquidations.slippage", MONEY, "what trading cost", lambda b, _: _pairs(b, "slippage_value")),
    Metric("liquidations.gas", MONEY, "what the chain cost, where its asset has a price",
           lambda b, _: _pairs(b, "gas_value")),
    Metric("liquidations.profit", MONEY, "what was left to liquidators",
           lambda b, _: _pairs(b, "profit_value")),
    Metric("harm", MONEY, "what debtors lost beyond the bonus, by the market's price against the oracle's",
           lambda b, _: sum(b.liquidations.harmed().values())),
    Metric("harm.debtors", COUNT, "how many debtors lost so", lambda b, _: len(b.liquidations.harmed())),
    Metric(
        "utilization.<asset>", RATIO, "loans over loans and cash, the fullest venue",
        lambda b, w: max((b.mirror.utilization(*key) for key in _reserves(b, w[0])), default=0),
    ),
    Metric("utilization.max.<asset>", RATIO, "the highest utilization", lambda b, w: _highest(b, w[0])),
    Metric("utilization.full.<asset>", SECONDS, "how long less than a thousandth could be withdrawn",
           lambda b, w: _full_s(b, w[0])),
    Metric("withdrawals.waiting", COUNT, "how many holders wait for cash",
           lambda b, _: sum(len(queue.amounts) for queue in b.waiting.queues.values())),
    Metric("withdrawals.waiting.<asset>", AMOUNT, "claims that wait for cash",
           lambda b, w: _waiting(b, w[0])),
    Metric("withdrawals.waiting.<asset>.max", AMOUNT, "the most that ever waited",
           lambda b, w: _waiting(b, w[0], most=True)),
    Metric(
        "withdrawals.holders.<asset>", COUNT, "how many holders ever waited for cash",
        lambda b, w: sum(len(q.ever) for (_, of), q in b.waiting.queues.items() if of == w[0]),
    ),
    *AUCTIONS,
    *TROVES,
    Metric("refusals.<REASON>", COUNT, "how often that reason was given",
           lambda b, w: b.refusals.count(w[0])),
    Metric("price.<asset>", PRICE, "what the oracle told last", lambda b, w: _extreme(b, w[0], "last")),
    Metric("price.<asset>.min", PRICE, "the lowest it told", lambda b, w: _extreme(b, w[0], "minimum")),
    Metric("price.<asset>.max", PRICE, "the highest it told", lambda b, w: _extreme(b, w[0], "maximum")),
    Metric("market.<asset>.min", PRICE, "the lowest market price when the oracle told one",
           lambda b, w: _extreme(b, w[0], "minimum", market=True)),
    Metric("market.<asset>.max", PRICE, "the highest market price when the oracle told one",
           lambda b, w: _extreme(b, w[0], "maximum", market=True)),
)  # fmt: skip
