"""Marks: where a number comes from. Exactly one of fact, calibrated, assumed; override is what a user set.

ltv = { value = "0.87", fact = "AIP102" }        on the number itself, or
marked = { assumed = "invented for teaching" }   on its table, for all numbers in it and below it
"""

from __future__ import annotations

from typing import Final

import attrs

KINDS: Final = ("fact", "calibrated", "assumed", "override")
"""The kinds of marks. 'override' is written by the program where a run was given other values."""
LIST_ORDER: Final = ("override", "calibrated", "assumed", "fact")
"""In which order people are shown them: what was not published comes first."""


@attrs.frozen
class Mark:
    """Where a number comes from: `kind`, and why (for a fact: the id of its source, and a remark)."""

    kind: str
    why: str

    @property
    def source(self) -> str:
        """The id of the source of a fact."""
        return self.why.partition(":")[0].strip()


@attrs.frozen
class Input:
    """One number of a scenario as it stands in the file, with its mark."""

    path: str
    value: str
    kind: str
    why: str

    @property
    def source(self) -> str:
        """The id of the source of a fact; empty for other kinds."""
        return self.why.partition(":")[0].strip() if self.kind == "fact" else ""


def in_list_order(inputs: tuple[Input, ...]) -> list[Input]:
    """Return the inputs as people are shown them: overrides, calibrated, assumed, facts."""
    return sorted(inputs, key=lambda given: LIST_ORDER.index(given.kind))
