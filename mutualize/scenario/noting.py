"""How the checks of single tables note problems, and the checks that many tables share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Note = Callable[..., None]
"""Notes a problem: (field of the table, a path below it, or empty; problem; remedy)."""


def exactly_one(made: Any, fields: tuple[str, ...], note: Note) -> bool:
    """Hold a table to give exactly one of some fields."""
    given = [field for field in fields if getattr(made, field) not in {None, ()}]
    if len(given) == 1:
        return True
    said = f"not {' and '.join(given)}" if given else "none is given"
    note(given[-1] if given else "", f"exactly one of {', '.join(fields)} is needed, {said}.")
    return False


def positive(amount: Any, field: str, note: Note) -> None:
    """Hold a distribution of amounts to be above zero."""
    if amount.support[0] < 1:
        note(field, "the amount can be zero.", "Everybody needs something above zero.")
