"""Streams and samplers: the same integers everywhere, without bias, within their supports."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutualize.randomness import Distribution, Fixed, Histogram, PowerLaw, Stream, Triangular, Uniform
from mutualize.units import WAD

DRAWS = 60_000


def chi_square_fits(counts: list[int], weights: list[int]) -> bool:
    """Return whether Σ (count − expected)²/expected < 2·cells + 20, in integers: far out in its tail."""
    draws, whole = sum(counts), sum(weights)
    scale = 10**9
    square = sum(
        (count * whole - draws * weight) ** 2 * scale // (draws * weight * whole)
        for count, weight in zip(counts, weights, strict=True)
    )
    return square < (2 * len(counts) + 20) * scale


def counted(distribution: Distribution, name: str, draws: int = DRAWS) -> Counter[int]:
    """Count what a distribution gives under a fixed seed."""
    stream = Stream(1, name)
    return Counter(distribution.draw(stream) for _ in range(draws))


# --- streams ---------------------------------------------------------------------------------------------


def test_the_reference_outputs() -> None:
    """The generator is splitmix64: its first outputs from 1234567 are the published ones."""
    stream = Stream.from_state(1234567)
    assert [stream.word() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_a_name_gives_the_same_stream_for_ever() -> None:
    """The state comes from SHA-256 of seed and name: these integers must never change."""
    first = {
        (seed, name): Stream(seed, name).word() for seed in (0, 1) for name in ("liquidator-1", "Zürich", "")
    }
    assert first == {
        (0, "liquidator-1"): 12625751867074378789,
        (0, "Zürich"): 2209105382229829531,
        (0, ""): 13891134739046117645,
        (1, "liquidator-1"): 4416103837178150208,
        (1, "Zürich"): 11096652717786331081,
        (1, ""): 12114216846935212769,
    }


def test_streams_do_not_disturb_each_other() -> None:
    """What one name draws does not depend on how much another one drew before."""
    alone, beside, other = Stream(5, "a"), Stream(5, "a"), Stream(5, "b")
    expected = [alone.word() for _ in range(20)]
    got = []
    for _ in range(20):
        other.below(10**30)
        got.append(beside.word())
    assert got == expected


def test_a_stream_is_tiny() -> None:
    """A stream has a state and no dictionary: a hundred thousand of them fit into ten megabytes."""
    stream = Stream(1, "a")
    assert not hasattr(stream, "__dict__")
    assert sys.getsizeof(stream) + sys.getsizeof(stream.word()) < 100


def test_a_stream_is_written_so_that_it_can_be_made_again() -> None:
    """The repr of a stream goes on where the stream stands."""
    stream = Stream(1, "a")
    stream.word()
    again = eval(repr(stream), {"Stream": Stream})  # noqa: S307 - our own repr
    assert again.word() == stream.word()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 300), st.integers(0, 2**64 - 1))
def test_bits_take_the_highest_bits_of_whole_words(k: int, state: int) -> None:
    """A draw of k bits is the words one after another, without the bits that are too many."""
    words, stream = Stream.from_state(state), Stream.from_state(state)
    joined = "".join(f"{words.word():064b}" for _ in range(-(-k // 64)))
    assert stream.bits(k) == int(joined[:k] or "0", 2)


def test_a_draw_of_nothing_takes_nothing() -> None:
    """Where there is one outcome the stream does not move."""
    stream = Stream(1, "a")
    before = repr(stream)
    assert (stream.bits(0), stream.below(1), stream.between(7, 7), stream.choice("x")) == (0, 0, 7, "x")
    assert stream.shuffled([4]) == [4]
    assert repr(stream) == before


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-(10**40), 10**40), st.integers(0, 10**40), st.integers(0, 2**64 - 1))
def test_a_draw_stays_in_its_range(low: int, width: int, state: int) -> None:
    """An integer between two ends is never outside them, whatever their size and sign."""
    assert low <= Stream.from_state(state).between(low, low + width) <= low + width


@pytest.mark.parametrize("n", [2, 3, 5, 6, 7, 33])
def test_below_has_no_bias(n: int) -> None:
    """Each outcome is as frequent as any other, also where n is no power of two."""
    stream = Stream(1, f"below-{n}")
    counts = Counter(stream.below(n) for _ in range(DRAWS))
    assert chi_square_fits([counts[x] for x in range(n)], [1] * n)


def test_below_throws_away_what_falls_outside() -> None:
    """The outcome is the first draw of enough bits that is below n: a remainder would favour small ones."""
    words, stream, rejected = Stream(1, "r"), Stream(1, "r"), 0
    for _ in range(1_000):
        value = stream.below(5)
        expected = words.word() >> 61
        while expected >= 5:
            rejected += 1
            expected = words.word() >> 61
        assert value == expected
    assert 450 < rejected < 750  # three eighths of the draws, so 0.6 a value


def test_a_chance_is_exact() -> None:
    """Certain and impossible are what they say; three in ten is three in ten."""
    stream = Stream(1, "chance")
    assert not any(stream.chance(0, 7) for _ in range(100))
    assert all(stream.chance(7, 7) for _ in range(100))
    hits = sum(stream.chance(3, 10) for _ in range(DRAWS))
    assert chi_square_fits([hits, DRAWS - hits], [3, 7])


def test_every_order_is_equally_likely() -> None:
    """A shuffle of four gives each of the 24 orders, keeps the members and leaves the original alone."""
    stream, members = Stream(1, "shuffle"), ["a", "b", "c", "d"]
    counts = Counter(tuple(stream.shuffled(members)) for _ in range(DRAWS))
    assert members == ["a", "b", "c", "d"]
    assert len(counts) == 24
    assert chi_square_fits([counts[order] for order in sorted(counts)], [1] * 24)


def test_a_choice_is_any_member() -> None:
    """Each member of a sequence is chosen as often as the others."""
    stream = Stream(1, "choice")
    counts = Counter(stream.choice(("x", "y", "z")) for _ in range(DRAWS))
    assert chi_square_fits([counts[x] for x in "xyz"], [1, 1, 1])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.bits(-1),
        lambda s: s.below(0),
        lambda s: s.between(2, 1),
        lambda s: s.chance(2, 1),
        lambda s: s.chance(-1, 1),
        lambda s: s.chance(0, 0),
        lambda s: s.choice([]),
        lambda s: Uniform(2, 1).draw(s),
        lambda s: Triangular(1, 3, 2).draw(s),
        lambda s: PowerLaw(0, 5).draw(s),
        lambda s: PowerLaw(6, 5).draw(s),
        lambda s: Histogram(()).draw(s),
        lambda s: Histogram([(1, 2, 0)]).draw(s),
        lambda s: Histogram([(1, 2, -1), (1, 2, 3)]).draw(s),
        lambda s: Histogram([(3, 2, 1)]).draw(s),
    ],
)
def test_a_draw_from_nothing_is_refused(wrong: object) -> None:
    """Empty ranges, impossible probabilities and distributions without weight raise ValueError."""
    assert callable(wrong)
    with pytest.raises(ValueError):
        wrong(Stream(1, "a"))


# --- distributions ---------------------------------------------------------------------------------------


def weights_of(distribution: Distribution) -> dict[int, int]:
    """Return the weights that a distribution's docstring states, worked out value by value."""
    low, high = distribution.support
    values = range(low, high + 1)
    match distribution:
        case Triangular(low=left, mode=mode, high=right):
            a, b = mode - left + 1, right - mode + 1
            return {x: (x - left + 1) * b if x <= mode else (right - x + 1) * a for x in values}
        case PowerLaw():
            return {x: WAD // (x * (x + 1)) for x in values}
        case Histogram(rows=rows):
            whole = 5040
            return {
                x: sum(w * whole // max(1, b - a) for a, b, w in rows if a <= x < max(b, a + 1))
                for x in values
            }
        case _:
            return dict.fromkeys(values, 1)


SHAPES: list[Distribution] = [
    Fixed(7),
    Uniform(-3, 6),
    Uniform(4, 4),
    Triangular(0, 3, 9),
    Triangular(-5, -5, 4),
    Triangular(1, 8, 8),
    Triangular(2, 2, 2),
    Triangular(2, 2, 3),
    PowerLaw(1, 12),
    PowerLaw(5, 20),
    PowerLaw(9, 9),
    Histogram([(0, 4, 1), (4, 6, 3), (10, 10, 2), (12, 13, 0), (12, 15, 4)]),
]


@pytest.mark.parametrize("distribution", SHAPES, ids=repr)
def test_a_distribution_has_the_shape_it_states(distribution: Distribution) -> None:
    """Every value of the support comes as often as its weight says, no other value ever does."""
    counts, weights = counted(distribution, repr(distribution)), weights_of(distribution)
    assert set(counts) == {x for x, weight in weights.items() if weight}
    drawn = sorted(counts)
    assert chi_square_fits([counts[x] for x in drawn], [weights[x] for x in drawn])


def test_the_triangular_draw_is_the_exact_inverse() -> None:
    """Played through all its lots, a triangular draw gives each value exactly its weight."""

    class Lots(Stream):
        """A stream whose next draw is set by hand."""

        lot = 0

        def below(self, n: int) -> int:
            assert self.lot < n
            return self.lot

    cases = 0
    for low in (-4, 0, 3):
        for a in range(1, 8):
            for b in range(1, 8):
                triangle = Triangular(low, low + a - 1, low + a + b - 2)
                lots, counts = Lots(0, ""), Counter[int]()
                for lots.lot in range(a * b * (a + b) // 2):
                    counts[triangle.draw(lots)] += 1
                assert counts == weights_of(triangle)
                cases += 1
    assert cases == 147


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_a_draw_stays_in_its_support(data: st.DataObject) -> None:
    """Whatever the size of the figures, a value lies within the support that the distribution states."""
    low, mode, high = sorted(data.draw(st.lists(st.integers(1, 10**30), min_size=3, max_size=3)))
    stream = Stream.from_state(data.draw(st.integers(0, 2**64 - 1)))
    shapes: list[Distribution] = [
        Uniform(low, high),
        Triangular(low, mode, high),
        PowerLaw(low, high),
        Histogram([(low, mode, 1), (mode, high, 2)]),
    ]
    for shape in shapes:
        least, greatest = shape.support
        assert low <= least <= shape.draw(stream) <= greatest <= high


def test_the_power_law_reaches_both_ends() -> None:
    """The lowest and the highest lot give the two ends of the support, and nothing beyond."""

    class Ends(Stream):
        """A stream whose bits are all zeros, or all ones."""

        ones = False

        def bits(self, k: int) -> int:
            return (1 << k) - 1 if self.ones else 0

    ends = Ends(0, "")
    for low, high in [(1, 1), (1, 2), (7, 7), (3, 10**24), (10**24, 10**30)]:
        ends.ones = False
        assert PowerLaw(low, high).draw(ends) == low
        ends.ones = True
        assert PowerLaw(low, high).draw(ends) == high


def test_large_amounts_follow_the_power_law() -> None:
    """Of amounts between 10²⁰ and 10²⁴ one in ten passes 10²¹, one in a hundred 10²²: few hold most."""
    stream, law = Stream(1, "whales"), PowerLaw(10**20, 10**24)
    values = [law.draw(stream) for _ in range(DRAWS)]
    bins = [sum(10**k <= x < 10 ** (k + 1) for x in values) for k in range(20, 24)]
    assert sum(bins) == DRAWS
    assert chi_square_fits(bins, [9_000, 900, 90, 9])


def test_the_edges_of_a_histogram_belong_to_the_upper_row() -> None:
    """Rows that share an edge count it once."""
    counts = counted(Histogram([(0, 2, 1), (2, 4, 1)]), "edges")
    assert set(counts) == {0, 1, 2, 3}
    assert chi_square_fits([counts[x] for x in range(4)], [1] * 4)
