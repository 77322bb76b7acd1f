"""Progress: a line on stderr for what takes longer than a second; on a terminal only, and gone at the end."""

from __future__ import annotations

import sys
import time
from typing import Final, Self

from mutualize.report.text import moment

PATIENCE_S: Final = 1
"""For so long nothing is shown."""
_CLEAR: Final = "\r\x1b[2K"


class Progress:
    """To be called with the simulated time, now and then; `draws` with how many of `total` draws are done."""

    def __init__(self, total: int = 0) -> None:
        self._total = total
        self._shown = False
        self._wanted = sys.stderr.isatty()
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __call__(self, at: int) -> None:
        """Show the simulated time (seconds since 1970 UTC)."""
        self._show(f"running: {moment(at)}")

    def draws(self, done: int) -> None:
        """Show how many draws of uncertain inputs are done."""
        self._show(f"drawing uncertain inputs: {done:,} of {self._total:,}")

    def _show(self, text: str) -> None:
        elapsed = int(time.monotonic() - self._start)
        if self._wanted and elapsed >= PATIENCE_S:
            self._shown = True
            sys.stderr.write(f"{_CLEAR}{text} ({elapsed} s)")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
