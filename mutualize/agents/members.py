"""Members of a population: their names, and what each draws from a stream of his own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Face

from mutualize.randomness import Stream

DIGITS_MIN = 4


class Draw(Face):
    """A distribution: one integer at a time."""

    def draw(self, stream: Stream) -> int:
        """Return the next integer."""


def digits(count: int) -> int:
    """Return how many digits the numbers of a population's members have."""
    return max(DIGITS_MIN, len(str(count)))


def member_name(population: str, number: int, count: int) -> str:
    """Name a member, counting from 1: 'borrowers-00042' is one of 10,000 to 99,999."""
    return f"{population}-{number:0{digits(count)}}"


def member_names(population: str, count: int) -> list[str]:
    """Name all members of a population, in order."""
    width = digits(count)
    return [f"{population}-{number:0{width}}" for number in range(1, count + 1)]


def is_member(population: str, count: int) -> Callable[[str], bool]:
    """Return a test for names of this population: 'borrowers-b-0001' is none of 'borrowers'."""
    prefix, length = f"{population}-", len(population) + 1 + digits(count)

    def test(name: str) -> bool:
        return len(name) == length and name.startswith(prefix) and name[len(prefix) :].isdigit()

    return test


def draw(seed: int, member: str, what: str, distribution: Draw) -> int:
    """Draw one figure of a member.

    Each figure has a stream of its own, named after member and figure: neither another member nor another
    figure that is drawn, or is not, changes it.
    """
    return distribution.draw(Stream(seed, f"{member}/{what}"))
