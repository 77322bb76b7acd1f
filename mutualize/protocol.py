"""Submit: decide → draft → react until quiet, then the whole transaction is appended at once.

    command ──▶ venue.decide (pure) ──▶ events ──▶ reactors.react ──▶ more events ──▶ ledger, book
                      └─▶ Refused(reason): nothing happened, and is counted

Deciding sees a `View` and changes nothing, so a refused command leaves no trace and there is no rollback
code. A reaction (a recognised shortfall starts the waterfall) cannot be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, runtime_checkable
from typing import Protocol as Face

import attrs

from mutualize.book import Book, Draft, View
from mutualize.commands import Command
from mutualize.errors import Reason, Refused
from mutualize.events import Entry, Event, RefusalsCounted
from mutualize.stretch import Stretch


class Venue(Face):
    """Who decides commands. `name` is what commands call it."""

    @property
    def name(self) -> str:
        """What commands call this venue."""

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused. Pure: time is an argument, nothing is written."""


class Reactor(Face):
    """Who answers events with further events in the same transaction (the waterfall)."""

    @property
    def answers(self) -> tuple[type[Event], ...]:
        """The kinds of events that it wants to see."""

    def react(self, view: View, event: Event, at: int) -> list[Event]:
        """Return the consequences of an event that was just taken in. Never refuses."""


class Journal(Face):
    """Where transactions are written: the ledger."""

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take one whole transaction; say whether the batch is full, so that it should be closed now."""

    def close_batch(self) -> None:
        """Write what was taken since the last batch: it is acknowledged from then on."""

    def seal(self, state: str, status: str = "complete") -> str:
        """End the ledger with the digest of the final balances; return the run's digest."""


@runtime_checkable
class LongJournal(Journal, Face):
    """A journal that takes many transactions at once."""

    @property
    def room(self) -> int:
        """How many more entries fill the open batch."""

    def append_stretch(self, stretch: Stretch) -> bool:
        """Take a stretch, of which no transaction but the last may fill the batch; say whether it is full."""


Observer = Callable[[Entry], None]
Summary = Callable[[Stretch], bool]
"""How an observer takes a whole stretch; it returns False where it wants to see the entries."""


class Planned(NamedTuple):
    """An event of a transaction that is not yet written; `cause` counts within the transaction."""

    event: Event
    cause: int | None


@attrs.frozen
class Receipt:
    """What became of a submission: its entries, or the reason why nothing happened."""

    entries: tuple[Entry, ...] = ()
    refused: Reason | None = None

    def __bool__(self) -> bool:
        return self.refused is None

    @property
    def seq(self) -> int | None:
        """The seq of the last entry, to be given as the cause of what follows."""
        return self.entries[-1].seq if self.entries else None

    def event(self, kind: type[Event]) -> Event:
        """Return the first event of that kind. Raises LookupError where there is none."""
        for entry in self.entries:
            if isinstance(entry.event, kind):
                return entry.event
        raise LookupError(kind.__name__)


class Protocol:
    """Venues and reactors around one book and one ledger."""

    def __init__(
        self,
        venues: Iterable[Venue],
        journal: Journal,
        *,
        reactors: Iterable[Reactor] = (),
        observers: Iterable[Observer] = (),
    ) -> None:
        self.venues: Mapping[str, Venue] = {venue.name: venue for venue in venues}
        self.book = Book()
        self._journal = journal
        self._reactors: dict[type[Event], tuple[Reactor, ...]] = {}
        for reactor in reactors:
            for kind in reactor.answers:
                self._reactors[kind] = (*self._reactors.get(kind, ()), reactor)
        self._long = journal if isinstance(journal, LongJournal) else None
        self._observers: list[tuple[Observer, tuple[type[Event], ...]]] = [(each, ()) for each in observers]
        self._summaries: dict[Observer, Summary] = {}
        self._watching: dict[type[Event], tuple[Observer, ...]] = {}
        """Who watches a kind of event; filled as kinds come up."""
        self.refusals: dict[str, int] = {}
        """How often each reason was refused since the last batch of the ledger."""

    def observe(self, observer: Observer, *kinds: type[Event], summary: Summary | None = None) -> None:
        """Call `observer` with every entry from now on, after the book took its transaction in.

        Where `kinds` are given, with entries of those kinds alone. It must not submit. Entries of a stretch
        come when the book has taken all of it in; who has a `summary` is asked first whether that is enough.
        """
        self._observers.append((observer, kinds))
        if summary is not None:
            self._summaries[observer] = summary
        self._watching.clear()

    def _watch(self, kind: type[Event]) -> tuple[Observer, ...]:
        """Find who watches a kind of event, in the order in which they came."""
        found = tuple([observer for observer, kinds in self._observers if not kinds or kind in kinds])
        self._watching[kind] = found
        return found

    def submit(self, *commands: Command, at: int, cause: int | None = None) -> Receipt:
        """Carry out commands as one transaction: all of them, or none.

        `at` is the simulated time, `cause` the seq of the entry that led to this. Returns a receipt; a
        refusal is counted, not raised.
        """
        try:
            planned = self.plan(*commands, at=at)
        except Refused as refusal:
            self.count_refusal(refusal.reason)
            return Receipt(refused=refusal.reason)
        return self.carry_out(planned, at, cause)

    def count_refusal(self, reason: Reason) -> None:
        """Count a wish that came to nothing, for the ledger's next batch."""
        self.refusals[reason.name] = self.refusals.get(reason.name, 0) + 1

    def plan(self, *commands: Command, at: int, first: Sequence[Planned] = ()) -> list[Planned]:
        """Return what `submit` would do now, without doing it, `first` included. Raises Refused."""
        draft = Draft(self.book)
        planned = list(first)
        for event, _ in first:
            draft.add(event)
        for command in commands:
            events = self.venues[command.venue].decide(draft, command, at)
            self._take(draft, events, None, at, planned)
        return planned

    def enact(
        self, events: list[Event], at: int, cause: int | None = None, *, after: Sequence[Event] = ()
    ) -> Receipt:
        """Commit what a venue decided on this very book, with all its consequences, and `after` that.

        What nothing follows from needs no draft and no plan: it is written as they would have it.
        """
        if self._are_quiet(events):
            seq = self.book.seq
            entries = tuple(
                [Entry(number, at, seq, cause, event) for number, event in enumerate([*events, *after], seq)]
            )
            is_full = self._write(entries)
        else:
            planned: list[Planned] = []
            self._take(Draft(self.book), events, None, at, planned)
            planned += [Planned(event, None) for event in after]
            entries, is_full = self._commit(planned, at, cause)
        if is_full:
            self.close_batch(at)
        return Receipt(entries)

    def reactors_to(self, *kinds: type[Event]) -> list[Reactor]:
        """Return who answers any of these kinds of events, each once."""
        return list(dict.fromkeys([each for kind in kinds for each in self._reactors.get(kind, ())]))

    @property
    def room(self) -> int:
        """How many entries the next stretch may have, its last transaction apart; 0 where none is taken."""
        return 0 if self._long is None else self._long.room

    def extend(self, stretch: Stretch, at: int) -> None:
        """Commit a stretch of what venues decided on this very book, one transaction after the other.

        All that follows from any of them is in it, and no transaction but the last may exceed `room`.
        """
        assert self._long is not None, "there is no room"
        is_full = self._long.append_stretch(stretch)
        self.book.apply_together(stretch.count, stretch.moved, stretch.tables)
        asked: dict[Observer, bool] = {}
        asking: dict[type[Event], list[Observer]] = {}
        for kind in stretch.kinds:
            for observer in self._watching.get(kind) or self._watch(kind):
                summary = self._summaries.get(observer)
                if observer not in asked:
                    asked[observer] = summary is None or not summary(stretch)
                if asked[observer]:
                    asking.setdefault(kind, []).append(observer)
        for entry in stretch.entries(asking) if asking else ():
            for observer in asking[type(entry.event)]:
                observer(entry)
        if is_full:
            self.close_batch(at)

    def _are_quiet(self, events: list[Event]) -> bool:
        """Say whether no event leads to another."""
        reactors = self._reactors
        for event in events:  # noqa: SIM110 - `all` over a generator would cost as much as the rest
            if event.follows or type(event) in reactors:
                return False
        return True

    def _take(
        self, draft: Draft, events: list[Event], cause: int | None, at: int, planned: list[Planned]
    ) -> None:
        """Take decided events in, all first; then let each lead to its consequences, one after the other."""
        first = len(planned)
        for position, event in enumerate(events, first):
            planned.append(Planned(event, position - 1 if event.follows and position > first else cause))
            draft.add(event)
        for position, event in enumerate(events, first):
            for reactor in self._reactors.get(type(event), ()):
                consequences = reactor.react(draft, event, at)
                if consequences:
                    self._take(draft, consequences, position, at, planned)

    def carry_out(self, planned: list[Planned], at: int, cause: int | None = None) -> Receipt:
        """Commit what `plan` returned for this very book and moment. Nothing may have happened since."""
        entries, is_full = self._commit(planned, at, cause)
        if is_full:
            self.close_batch(at)
        return Receipt(entries)

    def close_batch(self, at: int) -> None:
        """Close the ledger's batch at simulated time `at`.

        What was refused since the last one goes in first, counted by reason, as a transaction of its own:
        the file alone can report it, and the book and the observers see it as everything else.
        """
        counted = [RefusalsCounted(reason=name, count=n) for name, n in sorted(self.refusals.items())]
        self.refusals.clear()
        if counted:
            self._commit([Planned(event, None) for event in counted], at, None)
        self._journal.close_batch()

    def seal(self, at: int, status: str = "complete") -> str:
        """Close the last batch and end the ledger; return its digest. `status` is one of ledger.STATUSES."""
        self.close_batch(at)
        return self._journal.seal(self.book.digest(), status)

    def _commit(self, planned: list[Planned], at: int, cause: int | None) -> tuple[tuple[Entry, ...], bool]:
        """Write a transaction, then take it in. Returns its entries, and whether the batch is full."""
        tx = seq = self.book.seq
        entries = tuple(
            [
                Entry(number, at, tx, cause if led is None else seq + led, event)
                for number, (event, led) in enumerate(planned, seq)
            ]
        )
        return entries, self._write(entries)

    def _write(self, entries: tuple[Entry, ...]) -> bool:
        """Write a transaction, take it in, and tell who watches. Returns whether the batch is full."""
        book, watching = self.book, self._watching
        is_full = self._journal.append(entries)
        book.apply(*entries)
        for entry in entries:
            kind = type(entry.event)
            observers = watching.get(kind)
            for observer in self._watch(kind) if observers is None else observers:
                observer(entry)
        return is_full
