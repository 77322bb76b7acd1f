"""The list of troves with its express lanes: the contract's order, at a cost that hardly grows with it."""

from __future__ import annotations

from mutualize.book import Book
from mutualize.randomness import Stream
from mutualize.venues.cell_sheet import Sheet
from mutualize.venues.sorted_troves import LOOK_BACK, SortedTroves, lanes_of

TROVES = 2_000


class Ratios(dict[str, int]):
    """Ratios by name, and how often one was asked for."""

    asked = 0

    def of(self, name: str) -> int:
        """Return a ratio, and count."""
        self.asked += 1
        return self[name]


def listed(order: SortedTroves) -> list[str]:
    """Return the list, the safest first."""
    found, name = list[str](), ""
    while name := order.next(name):
        found.append(name)
    return found


def test_the_list_is_the_contracts_and_its_cost_is_that_of_a_logarithm() -> None:
    """Two thousand troves, many of one ratio, stand as a walk from the safest would put them.

    ---
    each is put before the first that is no safer, a third leaves again and comes back elsewhere
    """
    stream, ratios, plain = Stream(1, "sorted"), Ratios(), list[str]()
    order = SortedTroves(Sheet("x", Book(), 0), ratios.of)

    def insert(name: str) -> None:
        own = stream.below(400)
        place = next((at for at, other in enumerate(plain) if ratios[other] <= own), len(plain))
        order.insert(name, own)
        ratios[name] = own
        plain.insert(place, name)

    names = [f"trove-{number}" for number in range(TROVES)]
    for name in names:
        insert(name)
    assert listed(order) == plain
    for name in names[::3]:
        order.remove(name)
        plain.remove(name)
        insert(name)
    assert listed(order) == plain
    backwards, name = list[str](), ""
    while name := order.prev(name):
        backwards.append(name)
    assert backwards[::-1] == plain
    each = ratios.asked // (TROVES + TROVES // 3)
    assert each < LOOK_BACK + 40, "so many ratios are looked at for a trove, of two thousand"


def test_neighbours_out_of_order_do_not_matter() -> None:
    """Where a rounding has turned two neighbours round, a third is put where the contract would put him.

    ---
    a 10 · b 9 · c 5 · d 7 · e 3 — and x of 6 comes: before c, where the walk from a stops
    """
    ratios = Ratios()
    order = SortedTroves(Sheet("x", Book(), 0), ratios.of)
    for name, ratio in (("a", 10), ("b", 9), ("c", 8), ("d", 7), ("e", 3)):
        order.insert(name, ratio)
        ratios[name] = ratio
    ratios["c"] = 5
    order.insert("x", 6)
    assert listed(order) == ["a", "b", "x", "c", "d", "e"]


def test_lanes_thin_out() -> None:
    """About every fourth name is in a second lane, every sixteenth in a third; each is in the first."""
    lanes = [lanes_of(f"name-{number}") for number in range(4_096)]
    assert min(lanes) == 1
    for lane, share in ((2, 4), (3, 16), (4, 64)):
        count = sum(1 for each in lanes if each >= lane)
        assert 0.8 * 4_096 / share < count < 1.25 * 4_096 / share
