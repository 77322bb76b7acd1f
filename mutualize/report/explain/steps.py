"""What an explanation is made of: parts with a title, and in each one sentence after the other.

Its one rule: a sentence that tells an event names it by its seq, so that everything can be looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from mutualize.errors import MutualizeError
from mutualize.events import Entry
from mutualize.ledger_reader import Condition, Verdict, verify
from mutualize.report.blocks import Block, Heading, Line
from mutualize.report.figures import Data
from mutualize.report.sentences.tell import sentence
from mutualize.report.sentences.words import Words, moment_of
from mutualize.report.text import clean, numeral, percent
from mutualize.units import WAD, mul_div_down

SCHEMA: Final = "mutualize/explain@1"


@attrs.frozen
class Step:
    """One sentence. `seq` and `at` are of the event that it tells; None where it tells no single one."""

    text: str
    seq: int | None = None
    at: int | None = None
    tone: str = ""

    def data(self) -> Data:
        """Return it as plain data."""
        return {"text": self.text, "event": self.seq, "at": None if self.at is None else moment_of(self.at)}


@attrs.frozen
class Part:
    """A chain of sentences under a title."""

    title: str
    steps: tuple[Step, ...]
    shown_max: int = 0
    """How many sentences people are shown, the first and the last ones; 0: all."""

    def data(self) -> Data:
        """Return it as plain data."""
        return {"title": clean(self.title), "sentences": [step.data() for step in self.steps]}

    def page(self) -> Iterator[Block]:
        """Yield it in words."""
        yield Heading(self.title)
        shown = len(self.steps) if not self.shown_max else self.shown_max
        if len(self.steps) <= shown:
            yield from map(_line, self.steps)
            return
        half = mul_div_down(shown, 1, 2)
        yield from map(_line, self.steps[:half])
        yield Line(f"… {len(self.steps) - 2 * half:,} more: --json has them all …", "quiet", indent=1)
        yield from map(_line, self.steps[-half:])


def _line(step: Step) -> Line:
    if step.seq is None:
        return Line(step.text, step.tone)
    when = "" if step.at is None else f"{moment_of(step.at)} "
    return Line(f"{when}[{step.seq}] {step.text}", step.tone, indent=1)


@attrs.frozen
class Explained:
    """An answer: its parts, what was asked, and in what state the ledger is that it is read from."""

    asked: Data
    parts: tuple[Part, ...]
    verdict: Verdict

    def page(self) -> list[Block]:
        """Return it in words."""
        return [block for part in self.parts for block in part.page()]

    def data(self) -> Data:
        """Return it as plain data, `mutualize/explain@1`."""
        ledger = {
            "condition": self.verdict.condition.word,
            "events": self.verdict.events,
            "root": self.verdict.root,
        }
        parts = [part.data() for part in self.parts]
        return {"schema": SCHEMA, "asked": self.asked, "ledger": ledger, "parts": parts}


def sound(ledger: Path) -> Verdict:
    """Verify a ledger before it is explained. Raises MutualizeError for one that is corrupt (8)."""
    verdict = verify(ledger)
    if verdict.condition is Condition.CORRUPT:
        raise MutualizeError(str(ledger), str(verdict), code=verdict.code)
    return verdict


def step_of(entry: Entry, words: Words) -> Step:
    """Return the sentence of an event."""
    return Step(sentence(entry.event, words), entry.seq, entry.at)


def share(part: int, whole: int, places: int = 2) -> str:
    """Return a part of a whole in percent, cut."""
    return percent(numeral(mul_div_down(part, WAD, whole), 18), places) if whole else "nothing"


def counted(kinds: dict[str, int]) -> str:
    """Return how many events there are of each kind: '3 Liquidated, 1 Traded'."""
    ordered = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ordered)


def span(first: int, last: int, words: Words) -> str:
    """Return when something happened: 'at …', or 'from … to …'."""
    if first == last:
        return f"at {words.moment(first)}"
    return f"from {words.moment(first)} to {words.moment(last)}"
