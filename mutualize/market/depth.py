r"""Depth: what a trade does to the price it gets, and to the price of those who come after it.

    quote
    mid ┤\                     x is the pressure: what has been sold more than bought, and still weighs.
        │ \                    quote(x) = mid · (1 − impact·x/amount), never below zero: nobody pays
        │  \                   to get rid of something, and what is sold beyond that brings nothing.
        │   \________ x        A sale of q moves x to x + q and earns the area under the line between.

A trade's own pressure decays linearly to zero over `recovery_s` seconds, but for the `permanent` share of it,
which moves the market itself and stays. Pressures of several trades add up.

The rule: money is an area under one falling line. So cutting a trade into pieces changes nothing, and buying
back at once what was sold never gains. Nor does any plan of trades over time that ends where it began, while
the path stands still and the quote is above zero: a convex decay allows none (Gatheral, Schied, Slynko:
"Transient linear price impact and Fredholm integral equations", 2012). Areas and pressures are exact
integers at a finer scale; only the money is rounded, once a trade, by the market.
"""

from __future__ import annotations

from bisect import bisect_right
from math import gcd, isqrt

import attrs

from mutualize.units import WAD, Ratio, div_down, div_up

_NONE = Ratio(0)


def _largest_root(a: int, c: int, e: int) -> int:
    """Return the largest z ≥ 0 with a·z² + c·z ≤ e, for a > 0 and e ≥ 0: (2az + c)² ≤ c² + 4ae."""
    return div_down(isqrt(c * c + 4 * a * e) - c, 2 * a)


@attrs.frozen(kw_only=True)
class Depth:
    """A sale of `amount` (base units) moves the quote by `impact` (WAD); `recovery_s` later that is gone.

    `permanent` is the share of the impact that stays (WAD). Zero impact is a market of any depth. Here a
    pressure y has `scale` steps to one base unit, and an area `whole` steps to one base unit sold at mid;
    the scale is fine enough for every pressure, and for the zero of the line, to be a whole number of steps.
    Raises ValueError for an amount or recovery below one, a negative impact, a share that is none.
    """

    amount: int
    impact: Ratio
    recovery_s: int
    permanent: Ratio = _NONE
    grain: int = attrs.field(init=False, repr=False, eq=False)
    scale: int = attrs.field(init=False, repr=False, eq=False)
    whole: int = attrs.field(init=False, repr=False, eq=False)
    _full: int = attrs.field(init=False, repr=False, eq=False)
    _zero: int = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.amount < 1 or self.recovery_s < 1:
            raise ValueError("a depth has an amount and a recovery of at least one")
        if self.impact < 0 or not 0 <= self.permanent <= WAD:
            raise ValueError("an impact is not negative, and its permanent share lies between 0 and 1")
        grain = div_down(self.impact, gcd(self.impact, self.amount * WAD)) if self.impact else 1
        scale = WAD * self.recovery_s * grain
        full = self.amount * WAD * scale
        object.__setattr__(self, "grain", grain)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "whole", 2 * full * scale)
        object.__setattr__(self, "_full", full)
        object.__setattr__(self, "_zero", div_down(full, self.impact) if self.impact else 0)

    def _area(self, y: int) -> int:
        """Return the area under the line from 0 to `y`: 2·full·y − impact·y², level after its zero."""
        x = min(y, self._zero) if self.impact else y
        return x * (2 * self._full - self.impact * x)

    def sold(self, y: int, q: int) -> int:
        """Return the area that a sale of `q` earns at the pressure `y`."""
        return self._area(y + q * self.scale) - self._area(y)

    def bought(self, y: int, q: int) -> int:
        """Return the area that buying `q` costs at the pressure `y`."""
        return self._area(y) - self._area(y - q * self.scale)

    def largest_sell(self, y: int, mid: int, limit: int, most: int) -> int:
        """Return the largest sale up to `most` whose average price, unrounded, is at least `limit`.

        mid·(2bz − impact·z²) ≥ 2·full·limit·z with b = full − impact·y, as long as the line falls; from its
        zero point on the area stands still, and the average is that area over what was sold.
        """
        if limit <= 0:
            return most
        if not self.impact:
            return most if mid >= limit else 0
        level = mid * (self._area(self._zero) - self._area(y))
        beyond = div_down(level, 2 * self._full * limit * self.scale)
        edge = div_down(self._zero - y, self.scale)
        if beyond > edge:
            return min(beyond, most)
        margin = (self._full - self.impact * y) * mid - self._full * limit
        falling = div_down(2 * margin, self.impact * mid * self.scale) if margin > 0 else 0
        return min(falling, most)

    def largest_buy(self, y: int, mid: int, limit: int, most: int) -> int:
        """Return the largest purchase up to `most` whose average price, unrounded, is at most `limit`."""
        if not mid:
            return most
        if not self.impact:
            return most if mid <= limit else 0
        free, b = self._from_zero(y)
        value = self._full * limit
        z = free + _largest_root(self.impact * mid, 2 * (b * mid - value), 2 * value * free)
        return min(div_down(z, self.scale), most)

    def bought_for(self, y: int, area: int) -> int:
        """Return the largest purchase that costs at most `area`."""
        if not self.impact:
            return div_down(area, self.whole)
        free, b = self._from_zero(y)
        return div_down(free + _largest_root(self.impact, 2 * b, area), self.scale)

    def sold_for(self, y: int, area: int) -> int | None:
        """Return the smallest sale that earns at least `area`, or None where no sale earns so much.

        2bz − impact·z² ≥ area ⟺ (b − impact·z)² ≤ b² − impact·area, with b = full − impact·y.
        """
        if area <= 0:
            return 0
        if not self.impact:
            return div_up(area, self.whole)
        b = self._full - self.impact * y
        rest = b * b - self.impact * area
        if b <= 0 or rest < 0:
            return None
        return div_up(div_up(b - isqrt(rest), self.impact), self.scale)

    def _from_zero(self, y: int) -> tuple[int, int]:
        """Return how much pressure lies beyond the zero point (that much is free), and the height there."""
        free = max(0, y - self._zero)
        return free, self._full - self.impact * (y - free)


DEEP = Depth(amount=1, impact=_NONE, recovery_s=1)
"""Any amount trades at the mid price."""


class Pressure:
    """The trades that still weigh on one market: Σ qᵢ·(permanent + (1 − permanent)·(1 − age/recovery)).

    Running sums of qᵢ and qᵢ·tᵢ make a read one bisection, whatever the number of trades.
    """

    __slots__ = ("_depth", "_sums", "_times")

    def __init__(self, depth: Depth) -> None:
        self._depth = depth
        self._times: list[int] = []
        self._sums: list[tuple[int, int]] = [(0, 0)]

    @property
    def net(self) -> int:
        """What was sold more than bought since the beginning, in base units."""
        return self._sums[-1][0]

    @property
    def last(self) -> int | None:
        """The second of the last trade, or None."""
        return self._times[-1] if self._times else None

    def at(self, t: int) -> int:
        """Return the pressure at second `t`, in steps of the depth's scale; negative where buying prevails.

        Raises ValueError for a second before the last trade.
        """
        if self._times and t < self._times[-1]:
            raise ValueError(f"the pressure at {t} is asked for after a trade at {self._times[-1]}")
        depth = self._depth
        gone = self._sums[bisect_right(self._times, t - depth.recovery_s)]
        net, moments = self._sums[-1]
        fading = (depth.recovery_s - t) * (net - gone[0]) + moments - gone[1]
        return depth.grain * ((WAD - depth.permanent) * fading + depth.permanent * depth.recovery_s * net)

    def add(self, q: int, t: int) -> None:
        """Record a sale of `q` (or a purchase of −q) at second `t`. Raises ValueError for one in the past."""
        if self._times and t < self._times[-1]:
            raise ValueError(f"a trade at {t} comes after one at {self._times[-1]}")
        gone = bisect_right(self._times, t - self._depth.recovery_s)
        if 2 * gone > len(self._times):  # what has faded for good is forgotten, at a cost that averages out
            del self._times[:gone], self._sums[:gone]
        net, moments = self._sums[-1]
        self._times.append(t)
        self._sums.append((net + q, moments + q * t))
