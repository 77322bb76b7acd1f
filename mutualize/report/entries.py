"""Events of a ledger, chosen by kind, people, tier, time or cause, one a line.

Its one rule: a ledger is read as a stream. Only which events a cause led to is remembered, by number.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from mutualize.encoding import encode
from mutualize.errors import MutualizeError
from mutualize.events import KINDS, Entry
from mutualize.report.explain.holder import touches
from mutualize.report.sentences.tell import sentence
from mutualize.report.sentences.words import Words, moment_of
from mutualize.scenario.place import did_you_mean
from mutualize.scenario.scalars import parse_time

TIERS: Final = ("tier", "fund", "stake")
"""The fields of events that name a tier, or the money it pays with."""


def kinds_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return kinds of events by name. Raises MutualizeError for a name that is none, with the nearest."""
    found = tuple(names)
    for name in found:
        if name not in KINDS:
            problem = f"there is no kind of event {name!r:.80}."
            raise MutualizeError("--kind", problem, did_you_mean(name, list(KINDS)))
    return found


def time_of(option: str, text: str | None) -> int | None:
    """Return the moment that an option says. Raises MutualizeError."""
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise MutualizeError(option, f"{error}.", "Write it as 2022-11-22T17:20:00Z.") from None


@attrs.define
class Choice:
    """Which events are wanted; of several conditions all must hold, of several kinds (or people) one.

    `cause` asks for all that an event led to, however many steps away.
    """

    kinds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    cause: int | None = None
    _led: set[int] = attrs.field(factory=set)

    def takes(self, entry: Entry) -> bool:
        """Say whether an event is wanted. To be asked of every event, in the ledger's order."""
        event = entry.event
        if self.cause is not None and not self._led_to(entry):
            return False
        return (
            (not self.kinds or type(event).__name__ in self.kinds)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at <= self.until)
            and (not self.accounts or any(touches(event, name) for name in self.accounts))
            and (not self.tiers or any(getattr(event, field, None) in self.tiers for field in TIERS))
        )

    def is_over(self, entry: Entry) -> bool:
        """Say whether no later event can be wanted: time never runs backwards."""
        return self.until is not None and entry.at > self.until

    def _led_to(self, entry: Entry) -> bool:
        if entry.cause is None or (entry.cause != self.cause and entry.cause not in self._led):
            return False
        self._led.add(entry.seq)
        return True


def lines(entries: Iterable[Entry], choice: Choice, words: Words, *, as_json: bool) -> Iterator[str]:
    """Yield a line for each event that is wanted, without a line feed."""
    for entry in entries:
        if choice.is_over(entry):
            return
        if choice.takes(entry):
            yield as_record(entry) if as_json else as_line(entry, words)
        words.take(entry)


def as_line(entry: Entry, words: Words) -> str:
    """Return an event as people read it: its number, moment, kind, and the sentence."""
    name = type(entry.event).__name__
    return f"[{entry.seq}] {moment_of(entry.at)} {name}: {sentence(entry.event, words)}"


def as_record(entry: Entry) -> str:
    """Return an event as the ledger has it, in ASCII, which every terminal and pipe can take."""
    return json.dumps(json.loads(encode(entry)), sort_keys=True, separators=(",", ":"))


def last(found: Iterable[str], count: int | None) -> Iterator[str]:
    """Yield the last lines only, where a number is given."""
    return iter(found) if count is None else iter(deque(found, maxlen=count))
