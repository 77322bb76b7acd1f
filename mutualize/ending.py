"""How a run ends: at its end, by an error in an agent's own code, or by Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal as signals
import threading
from enum import Enum
from typing import Any, Final, Self

from mutualize.errors import Exit


class Ending(Enum):
    """How a run ended."""

    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"

    @property
    def status(self) -> str:
        """What the ledger is sealed as."""
        return "interrupted" if self is Ending.TERMINATED else self.value

    @property
    def code(self) -> Exit:
        """The exit code of a run that ended so."""
        return _CODES[self.value]


_CODES: Final = {
    "complete": Exit.OK,
    "failed": Exit.CHECK_FAILED,
    "interrupted": Exit.INTERRUPTED,
    "terminated": Exit.TERMINATED,
}


class Interrupts:
    """Ctrl-C and SIGTERM, noted while a `with` block lasts: the first is kept, a second raises at once.

    In the main thread only: elsewhere Python delivers neither.
    """

    def __init__(self) -> None:
        self.first: Ending | None = None
        """How the first interrupt wants the run to end."""
        self._before: dict[signals.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _ANSWERS:
                self._before[number] = signals.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signals.signal(number, handler)

    def pass_on(self) -> None:
        """Give the first interrupt to whoever answered before: for one that came when all was done."""
        for number, ending in _ANSWERS.items():
            if ending is self.first:
                signals.raise_signal(number)

    def _note(self, number: int, _: object) -> None:
        if self.first is not None:
            raise KeyboardInterrupt
        self.first = _ANSWERS[signals.Signals(number)]


_ANSWERS: Final = {signals.SIGINT: Ending.INTERRUPTED, signals.SIGTERM: Ending.TERMINATED}
