"""A fork in words: what was proved of the shared past, what is different, and who is better off for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mutualize.report.blocks import Block, Line
from mutualize.report.compared_page import comparison_page
from mutualize.report.text import changed, plural

if TYPE_CHECKING:
    from mutualize.report.compared import Comparison
    from mutualize.report.figures import Data

SCHEMA: Final = "mutualize/fork@1"


def forked_page(fork: Data, found: Comparison) -> list[Block]:
    """Return a fork, as `forked_data` has it, and its comparison with the run that it comes from."""
    return [*_past(fork), *comparison_page(found)]


def forked_data(summary: Data, events: int, batches: int, first: int | None, found: Comparison) -> Data:
    """Return a fork as plain data, `mutualize/fork@1`."""
    return {
        "schema": SCHEMA,
        "at": summary["scenario"]["fork"]["at"],
        "changes": summary["scenario"]["fork"]["changes"],
        "past": {"events": events, "batches": batches, "first_different": first},
        "digest": summary["ledger"]["digest"],
        "compare": found.data(),
    }


def _past(fork: Data) -> Iterator[Block]:
    past = fork["past"]
    shared = f"{plural(past['events'], 'event')} are the same, byte for byte"
    whole = f" ({plural(past['batches'], 'whole batch', 'whole batches')})" if past["batches"] else ""
    yield Line(f"The past is proved: {shared}{whole}.", "good")
    if past["first_different"] is None:
        yield Line("And so is all that follows: the change changes nothing.", "strong")
    else:
        yield Line(f"The first event that is different is [{past['first_different']}].", "strong")
    yield from (Line(line, indent=1) for line in changed(fork))
