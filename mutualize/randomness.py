"""Randomness: one tiny stream of integers per name, the same on every machine, and samplers of integers.

The rule: a stream belongs to a name ("liquidator-3", "borrowers/purse"), so that one more draw, or one
more agent, disturbs nobody else. No floating point and no libm: what is drawn feeds the ledger.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import isqrt
from typing import TypeVar

import attrs

from mutualize.units import div_down

T = TypeVar("T")

_MASK = 2**64 - 1
_WORD = 64


class Stream:
    """A splitmix64 generator: 64 bits of state, and nothing else to carry.

    The state begins as the first eight bytes (big-endian) of SHA-256 of "<seed>/<name>".
    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
    Vigna's splitmix64.c, whose outputs the tests compare.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._state = int.from_bytes(digest[:8], "big")

    @classmethod
    def from_state(cls, state: int) -> Stream:
        """Return the generator that the published reference starts with this 64-bit `state`."""
        stream = cls(0, "")
        stream._state = state & _MASK
        return stream

    def __repr__(self) -> str:
        return f"Stream.from_state({self._state})"

    def word(self) -> int:
        """Return the next 64 bits, uniform on 0 … 2⁶⁴ − 1."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def bits(self, k: int) -> int:
        """Return a uniform integer of `k` bits; the highest bits of as many words as are needed.

        No bits draw no word. Raises ValueError for a negative `k`.
        """
        if k < 0:
            raise ValueError(f"cannot draw {k} bits")
        value = have = 0
        while have < k:
            value = (value << _WORD) | self.word()
            have += _WORD
        return value >> (have - k)

    def below(self, n: int) -> int:
        """Return a uniform integer of 0 … n − 1, without bias: draws that fall outside are thrown away.

        Raises ValueError where `n` < 1.
        """
        if n < 1:
            raise ValueError(f"there is no integer of 0 … {n} - 1")
        k = (n - 1).bit_length()
        value = self.bits(k)
        while value >= n:
            value = self.bits(k)
        return value

    def between(self, low: int, high: int) -> int:
        """Return a uniform integer of `low` … `high`, both included. Raises ValueError where low > high."""
        if low > high:
            raise ValueError(f"there is no integer of {low} … {high}")
        return low + self.below(high - low + 1)

    def chance(self, numerator: int, denominator: int) -> bool:
        """Return True with the probability numerator/denominator, exactly.

        Raises ValueError where that is no probability.
        """
        if not 0 <= numerator <= denominator or denominator == 0:
            raise ValueError(f"{numerator}/{denominator} is no probability")
        return self.below(denominator) < numerator

    def choice(self, seq: Sequence[T]) -> T:
        """Return one member, each equally likely. Raises ValueError for an empty sequence."""
        if not seq:
            raise ValueError("nothing to choose from")
        return seq[self.below(len(seq))]

    def shuffled(self, seq: Sequence[T]) -> list[T]:
        """Return the members in random order (Fisher and Yates), each order equally likely."""
        members = list(seq)
        for last in range(len(members) - 1, 0, -1):
            other = self.below(last + 1)
            members[last], members[other] = members[other], members[last]
        return members


# --- distributions of integers ---------------------------------------------------------------------------


class Distribution(ABC):
    """A distribution of integers in base units of whatever is drawn (amounts, seconds, ratios)."""

    __slots__ = ()

    @abstractmethod
    def draw(self, stream: Stream) -> int:
        """Return one value, drawn from `stream`."""

    @property
    @abstractmethod
    def support(self) -> tuple[int, int]:
        """The least and the greatest value that can be drawn."""


def _ordered(*values: int) -> None:
    """Raise ValueError unless the values do not fall."""
    if any(before > after for before, after in pairwise(values)):
        raise ValueError(f"{values} must not fall")


@attrs.frozen
class Fixed(Distribution):
    """Always `value`; draws nothing."""

    value: int

    def draw(self, stream: Stream) -> int:
        """Return the value."""
        return self.value

    @property
    def support(self) -> tuple[int, int]:
        """The one value, twice."""
        return self.value, self.value


@attrs.frozen
class Uniform(Distribution):
    """Each integer of `low` … `high`, both included, equally likely. Raises ValueError where low > high."""

    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        _ordered(self.low, self.high)

    def draw(self, stream: Stream) -> int:
        """Return one value."""
        return stream.between(self.low, self.high)

    @property
    def support(self) -> tuple[int, int]:
        """Both ends."""
        return self.low, self.high


def _triangle_root(v: int) -> int:
    """Return the largest m with m·(m+1)/2 ≤ v."""
    return div_down(isqrt(8 * v + 1) - 1, 2)


@attrs.frozen
class Triangular(Distribution):
    """The integers of `low` … `high`, both included, with weights that rise to `mode` and fall after it.

    With a = mode − low + 1 and b = high − mode + 1, the weight of x is (x − low + 1)·b up to the mode and
    (high − x + 1)·a from it on; they sum to a·b·(a+b)/2. The draw inverts these sums exactly.
    Raises ValueError unless low ≤ mode ≤ high.
    """

    low: int
    mode: int
    high: int

    def __attrs_post_init__(self) -> None:
        _ordered(self.low, self.mode, self.high)

    def draw(self, stream: Stream) -> int:
        """Return one value."""
        a, b = self.mode - self.low + 1, self.high - self.mode + 1
        rising = b * div_down(a * (a + 1), 2)
        u = stream.below(div_down(a * b * (a + b), 2))
        if u < rising:
            return self.low + _triangle_root(div_down(u, b))
        return self.high - _triangle_root(div_down(u - rising, a))

    @property
    def support(self) -> tuple[int, int]:
        """Both ends."""
        return self.low, self.high


@attrs.frozen
class PowerLaw(Distribution):
    """Few large, many small: the integers of `low` … `high`, P(x) in proportion to 1/(x·(x+1)).

    That is the whole part of a Pareto variable with density x⁻² on [low, H), H = high + 1, whose inverse is
    x = low·H/(H − u·(H − low)); u has enough bits for each probability to be exact to one part in 2⁶⁴.
    Raises ValueError unless 1 ≤ low ≤ high.
    """

    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        _ordered(1, self.low, self.high)

    def draw(self, stream: Stream) -> int:
        """Return one value."""
        top = self.high + 1
        k = _WORD + 2 * top.bit_length()
        return div_down((self.low * top) << k, (top << k) - stream.bits(k) * (top - self.low))

    @property
    def support(self) -> tuple[int, int]:
        """Both ends."""
        return self.low, self.high


def _rows(rows: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    """Return the rows as a tuple."""
    return tuple(rows)


@attrs.frozen
class Histogram(Distribution):
    """Rows (low, high, weight): a row in proportion to its weight, then uniform within low ≤ x < high.

    Neighbouring rows may share an edge: it belongs to the upper one. A row with low = high is that one value.
    Raises ValueError for a row that falls, a negative weight, or weights that sum to zero.
    """

    rows: tuple[tuple[int, int, int], ...] = attrs.field(converter=_rows)
    _sums: tuple[int, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for low, high, weight in self.rows:
            _ordered(low, high)
            if weight < 0:
                raise ValueError(f"the weight {weight} is negative")
        object.__setattr__(self, "_sums", tuple(accumulate(weight for _, _, weight in self.rows)))
        if not self._sums or self._sums[-1] == 0:
            raise ValueError("the weights sum to zero")

    def draw(self, stream: Stream) -> int:
        """Return one value."""
        low, high, _ = self.rows[bisect_right(self._sums, stream.below(self._sums[-1]))]
        return stream.between(low, max(low, high - 1))

    @property
    def support(self) -> tuple[int, int]:
        """The least and the greatest value of the rows that have weight."""
        drawn = [(low, max(low, high - 1)) for low, high, weight in self.rows if weight]
        return min(low for low, _ in drawn), max(high for _, high in drawn)
