"""Depth: money is an exact area, sizes are exact answers, and nobody earns from the model itself."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mutualize.market.depth import DEEP, Depth, Pressure
from mutualize.market.market import Fill, Market
from mutualize.market.path import Bar, ConstantPath, Path, PricePath
from mutualize.randomness import Stream
from mutualize.units import PRICE_UNIT, WAD, Ratio

PERCENT = WAD // 100
CRV = 10**18
USDC = 10**6
Trade = tuple[int, int]
"""A second, and what was sold (negative: bought) in it."""


def depth_of(amount: int, impact: int, recovery_s: int = 600, permanent: int = 0) -> Depth:
    """Make a depth."""
    return Depth(amount=amount, impact=Ratio(impact), recovery_s=recovery_s, permanent=Ratio(permanent))


def market_of(path: Path, depth: Depth = DEEP, asset_decimals: int = 0, money_decimals: int = 6) -> Market:
    """Make a market of CRV against USDC."""
    return Market(
        asset="CRV",
        money="USDC",
        asset_decimals=asset_decimals,
        money_decimals=money_decimals,
        path=path,
        place="somewhere",
        depth=depth,
    )


def crv(price: int = PRICE_UNIT // 2, **fields: int) -> Market:
    """Make the market of the CRV crash: one percent for three million, at half a dollar."""
    depth = depth_of(3_000_000 * CRV, PERCENT, **fields)
    return market_of(ConstantPath(price), depth, asset_decimals=18)


def floor(x: Fraction) -> int:
    """Round down."""
    return x.numerator // x.denominator


class Model:
    """The same market in rational numbers, by the words of the docstring: a second opinion."""

    def __init__(self, depth: Depth, price: int, decimals: tuple[int, int]) -> None:
        self.depth = depth
        self.unit_price = Fraction(price * 10 ** decimals[1], PRICE_UNIT * 10 ** decimals[0])
        self.trades: list[Trade] = []

    def pressure(self, t: int) -> Fraction:
        """Add up what each trade still weighs."""
        stays = Fraction(self.depth.permanent, WAD)
        weight = Fraction(0)
        for at, q in self.trades:
            rest = max(Fraction(0), 1 - Fraction(t - at, self.depth.recovery_s))
            weight += q * (stays + (1 - stays) * rest)
        return weight

    def area(self, x: Fraction, q: int) -> Fraction:
        """Return the area under the line from x to x + q, in money."""
        slope = Fraction(self.depth.impact, WAD * self.depth.amount)

        def upto(y: Fraction) -> Fraction:
            z = min(y, 1 / slope) if slope else y
            return z - slope * z * z / 2

        return (upto(x + q) - upto(x)) * self.unit_price

    def sell(self, q: int, t: int) -> Fraction:
        """Return the exact money of a sale."""
        return self.area(self.pressure(t), q)

    def buy(self, q: int, t: int) -> Fraction:
        """Return the exact cost of a purchase."""
        return -self.area(self.pressure(t), -q)


def random_market(
    stream: Stream,
    *,
    amounts: tuple[int, ...] = (1, 7, 100, 3_000_001),
    impacts: tuple[int, ...] = (0, PERCENT, WAD, 3 * WAD),
) -> Market:
    """Draw a market whose sizes, decimals and recovery are small enough to meet every corner."""
    depth = depth_of(
        stream.choice(amounts),
        stream.choice(impacts),
        stream.choice((1, 3, 10, 600)),
        stream.choice((0, 0, WAD // 3, WAD)),
    )
    path = ConstantPath(stream.choice((0, 1, 12_345, PRICE_UNIT, 10**14)))
    return market_of(path, depth, stream.choice((0, 2, 8)), stream.choice((0, 6, 18)))


def model_of(market: Market) -> Model:
    """Make the second opinion on a market that has not traded yet."""
    price = market.path.at(0)
    assert price is not None
    return Model(market.depth, price, (market.asset_decimals, market.money_decimals))


def sold_by(fill: Fill | None) -> int:
    """Return what a fill took from the asset's holder."""
    assert fill is not None
    return fill.sold_amount if fill.sold == "CRV" else -fill.bought_amount


def money_of(fill: Fill | None) -> int:
    """Return what a fill brought in money; negative for a purchase."""
    assert fill is not None
    return fill.bought_amount if fill.sold == "CRV" else -fill.sold_amount


def test_money_and_pressure_equal_rational_arithmetic() -> None:
    """Every quote is the area in rational numbers, rounded against the trader; quoting changes nothing."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "depth")
    for _ in range(300):
        market, t = random_market(stream), stream.between(-20, 20)
        model = model_of(market)
        for _ in range(8):
            q = stream.choice((0, 1, stream.below(20), stream.below(10**9)))
            exact = model.pressure(t)
            assert market.pressure(t) == (floor(exact) if exact >= 0 else -floor(-exact))
            assert market.quote_sell(q, at=t) == floor(model.sell(q, t))
            assert market.quote_buy(q, at=t) == -floor(-model.buy(q, t))
            fill = market.take_sell(q, at=t) if stream.chance(1, 2) else market.take_buy(q, at=t)
            model.trades.append((t, sold_by(fill)))
            slope = Fraction(market.depth.impact, WAD * market.depth.amount)
            seen["beyond zero"] += exact * slope > 1
            seen["to beyond zero"] += exact * slope <= 1 < (exact + q) * slope
            seen["above mid"] += exact < 0
            seen["below mid"] += 0 < exact * slope < 1
            seen["fading"] += exact.denominator > 1
            t += stream.choice((0, 0, 1, 2, 5, 700))
    assert len(seen) == 5
    assert min(seen.values()) > 100, seen


def test_buying_back_at_once_never_gains() -> None:
    """Whatever weighs on a market, to buy and to sell the same amount at one moment earns nothing."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "round trip")
    for _ in range(1_000):
        market = random_market(stream)
        for t in range(stream.below(4)):
            market.take_sell(stream.below(200), at=t) if stream.chance(1, 2) else market.take_buy(
                stream.below(200), at=t
            )
        q, first_sells = stream.below(10**6), stream.chance(1, 2)
        both = (
            [market.take_sell(q, at=5), market.take_buy(q, at=5)]
            if first_sells
            else [
                market.take_buy(q, at=5),
                market.take_sell(q, at=5),
            ]
        )
        gain = sum(money_of(fill) for fill in both)
        assert -1 <= gain <= 0  # and it costs nothing but the rounding: the line is walked back
        seen["exact" if gain == 0 else "rounded"] += 1
    assert min(seen["exact"], seen["rounded"]) > 100


def test_no_plan_of_trades_earns_from_a_market_that_stands_still() -> None:
    """Trades at any times that sum to zero never gain, as long as the quote is above zero."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "plans")
    for _ in range(1_500):
        market = random_market(stream, impacts=(PERCENT, WAD))
        room = market.depth.amount  # far from the zero of the line
        t = held = gain = 0
        steps = stream.between(2, 8)
        for step in range(steps):
            last = step == steps - 1
            sells = held > 0 if last else stream.chance(1, 2)
            size = abs(held) if last else stream.below(1 + room // (2 * steps))
            fill = market.take_sell(size, at=t) if sells else market.take_buy(size, at=t)
            held -= sold_by(fill)
            gain += money_of(fill)
            t += stream.choice((0, 1, 2, stream.below(market.depth.recovery_s + 1)))
        assert held == 0
        assert gain <= 0
        seen["lost" if gain < -steps else "even"] += 1
    assert min(seen["lost"], seen["even"]) > 200, seen


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_a_trade_in_pieces_costs_the_same(data: st.DataObject) -> None:
    """Cut into pieces at one moment, a trade brings the same but for one unit of rounding a piece."""
    stream = Stream.from_state(data.draw(st.integers(0, 2**64 - 1)))
    pieces = data.draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
    market = random_market(stream)
    market.take_sell(stream.below(50), at=0)
    market.take_buy(stream.below(50), at=1)
    whole_sale, whole_cost = market.quote_sell(sum(pieces), at=2), market.quote_buy(sum(pieces), at=2)
    assert whole_sale is not None
    assert whole_cost is not None
    if data.draw(st.booleans()):
        got = sum(money_of(market.take_sell(q, at=2)) for q in pieces)
        assert whole_sale - len(pieces) < got <= whole_sale
    else:
        paid = -sum(money_of(market.take_buy(q, at=2)) for q in pieces)
        assert whole_cost <= paid < whole_cost + len(pieces)


def test_the_average_price_gets_worse_with_size() -> None:
    """Per unit, a larger sale never brings more and a larger purchase never costs less."""
    stream, falls = Stream(1, "average"), 0
    for _ in range(300):
        depth = random_market(stream).depth
        y = stream.between(-300, 300) * depth.scale + stream.below(depth.scale)
        sizes = sorted({stream.between(1, 500) for _ in range(6)})
        for less, more in pairwise(sizes):
            sold_less, sold_more = depth.sold(y, less), depth.sold(y, more)
            bought_less, bought_more = depth.bought(y, less), depth.bought(y, more)
            assert sold_more * less <= sold_less * more
            assert bought_more * less >= bought_less * more
            assert 0 <= sold_less <= sold_more
            assert 0 <= bought_less <= bought_more
            falls += sold_more * less < sold_less * more
    assert falls > 300


def test_pressure_of_one_trade_only_recovers() -> None:
    """Alone, a trade's pressure falls every second towards its permanent share and never passes it."""
    stream = Stream(1, "recovery")
    for _ in range(100):
        market = random_market(stream, impacts=(PERCENT,))
        depth, q = market.depth, stream.between(1, 10**6)
        market.take_sell(q, at=0)
        seen = [market.pressure(t) for t in range(depth.recovery_s + 3)]
        assert seen == sorted(seen, reverse=True)
        assert seen[0] == q
        assert seen[depth.recovery_s :] == [q * depth.permanent // WAD] * 3


def largest(most: int, fits: list[bool]) -> int:
    """Return the largest size of 0 … most that fits, and check that sizes fit up to it and not beyond."""
    size = max(q for q in range(most + 1) if fits[q])
    assert fits == [q <= size for q in range(most + 1)]
    return size


def test_largest_sizes_equal_a_scan_of_every_size() -> None:
    """The computed size is the last one that keeps the limit, for prices and for budgets, on both sides."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "largest")
    for _ in range(700):
        market, most = (
            random_market(stream, amounts=(7, 20, 100), impacts=(0, PERCENT, WAD, WAD, 3 * WAD)),
            40,
        )
        model = model_of(market)
        for _ in range(stream.below(3)):
            q = stream.below(30)
            fill = market.take_sell(q, at=0) if stream.chance(1, 2) else market.take_buy(q, at=0)
            model.trades.append((0, sold_by(fill)))
        price, t = market.path.at(0), stream.between(0, 3)
        assert price is not None
        limit = stream.choice((0, 1, price, price * stream.between(0, 200) // 100, price // 4))
        cap = limit * Fraction(10**market.money_decimals, PRICE_UNIT * 10**market.asset_decimals)
        sales, costs = ([f(q, t) for q in range(most + 1)] for f in (model.sell, model.buy))

        size = largest(most, [money >= cap * q for q, money in enumerate(sales)])
        assert market.largest_sell(limit, at=t, most=most) == size
        seen["sell between"] += 0 < size < most
        seen["sell past zero"] += 0 < size < most and sales[size] == sales[size - 1] > 0
        size = largest(most, [money <= cap * q for q, money in enumerate(costs)])
        assert market.largest_buy(limit, at=t, most=most) == size
        seen["buy between"] += 0 < size < most
        seen["buy from beyond zero"] += 0 < size < most and costs[1] == 0 < price

        budget = floor(costs[stream.below(most + 1)]) + stream.below(2)
        size = largest(most, [-floor(-money) <= budget for money in costs])
        assert market.amount_bought_for(budget, at=t, most=most) == size
        seen["budget between"] += 0 < size < most
        seen["budget to the last unit"] += 0 < size < most and -floor(-costs[size]) == budget
        wanted = floor(sales[stream.below(most + 1)]) + stream.below(2)
        enough = [q for q, money in enumerate(sales) if floor(money) >= wanted]
        got = market.amount_sold_for(wanted, at=t)
        assert (got if got is not None and got <= most else None) == next(iter(enough), None)
        seen["raised"] += bool(enough) and enough[0] > 0
        seen["cannot be raised"] += got is None
    assert len(seen) == 8
    assert min(seen.values()) >= 20, seen


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_largest_sizes_are_exact_at_full_precision(data: st.DataObject) -> None:
    """With 18 decimals and millions of units, one base unit more would already break the limit."""
    market = crv(price=data.draw(st.integers(1, 10**12)), permanent=data.draw(st.sampled_from([0, WAD // 7])))
    if data.draw(st.booleans()):
        market.take_buy(data.draw(st.integers(0, 10**26)), at=0)
    if data.draw(st.booleans()):
        market.take_sell(data.draw(st.integers(0, 10**26)), at=1)
    t, most = data.draw(st.integers(2, 700)), 10**28
    model = model_of(market)
    slope = Fraction(market.depth.impact, WAD * market.depth.amount)
    pressure = Fraction(market._pressure.at(t), market.depth.scale)
    model.pressure = lambda t: pressure  # type: ignore[method-assign] # noqa: ARG005 - it stands still

    limit = data.draw(st.integers(1, 2 * 10**12))
    cap = limit * Fraction(USDC, PRICE_UNIT * CRV)
    q = market.largest_sell(limit, at=t, most=most)
    assert model.sell(q, t) >= cap * q
    assert q == most or model.sell(q + 1, t) < cap * (q + 1)
    q = market.largest_buy(limit, at=t, most=most)
    assert model.buy(q, t) <= cap * q
    assert q == most or model.buy(q + 1, t) > cap * (q + 1)

    money = data.draw(st.integers(1, 10**15))
    q = market.amount_bought_for(money, at=t, most=most)
    assert model.buy(q, t) <= money
    assert q == most or model.buy(q + 1, t) > money
    raised = market.amount_sold_for(money, at=t)
    if raised is None:
        assert model.sell(floor(max(Fraction(0), 1 / slope - pressure)) + 1, t) < money
    else:
        assert model.sell(raised, t) >= money > model.sell(raised - 1, t)


def test_crossings_of_a_moved_market_equal_a_scan() -> None:
    """After permanent impact, the next crossing of the mid is the one that a scan of every second finds."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "moved")
    for _ in range(1_500):
        prices = [stream.between(0, 60) for _ in range(8)]
        bars = [
            Bar(12 * k, a, max(a, b) + stream.below(9), max(0, min(a, b) - stream.below(9)), b)
            for k, (a, b) in enumerate(pairwise(prices))
            if stream.chance(6, 7) or k == 0
        ]
        depth = depth_of(100, PERCENT * stream.choice((1, 40, 130)), 5, stream.choice((WAD, WAD // 3)))
        market = market_of(PricePath(bars, 12), depth)
        sells = stream.chance(1, 2)
        _ = market.take_sell(stream.below(120), at=0) if sells else market.take_buy(stream.below(120), at=0)
        low = stream.between(-1, 40)
        high = stream.choice((None, low + stream.between(-1, 30)))
        after, until = stream.between(0, 40), stream.between(30, 100)
        mids = {t: mid for t in range(after + 1, until + 1) if (mid := market.mid(t)) is not None}
        outside = [t for t, mid in mids.items() if mid < low or (high is not None and mid > high)]
        assert market.next_crossing(after, until, low, high) == next(iter(outside), None)
        seen["crossed"] += bool(outside) and outside[0] > after + 1
        seen["never"] += not outside
        seen["moved"] += any(mid != market.path.at(t) for t, mid in mids.items())
        seen["to zero"] += bool(mids) and not any(mids.values())
    assert len(seen) == 4
    assert min(seen.values()) > 30, seen


def test_a_market_forgets_what_has_faded() -> None:
    """A hundred thousand trades over a day leave a few hundred in memory: those that still weigh, twice."""
    pressure = Pressure(depth_of(100, PERCENT, recovery_s=600))
    for t in range(0, 300_000, 3):
        pressure.add(1 if t % 2 else -2, t)
    assert len(pressure._times) <= 2 * 200 + 1
    assert len(pressure._sums) == len(pressure._times) + 1
    assert pressure.net == -50_000
