"""Progress: a line on stderr for what takes longer than a second; on a terminal only, and gone at the end."""

from __future__ import annotations

import sys
import time
from typing import Final, Self

from mutualize.report.text import moment
from mutualize.units import mul_div_down

PATIENCE_S: Final = 1
"""For so long nothing is shown."""
BAR: Final = 30
_CLEAR: Final = "\r\x1b[2K"


class Progress:
    """To be called with the simulated time; `points` with how many runs of how many are done."""

    def __init__(self) -> None:
        self._shown = False
        self._wanted = sys.stderr.isatty()
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __call__(self, at: int) -> None:
        """Show the simulated time (seconds since 1970 UTC)."""
        self._show(f"running: {moment(at)}")

    def points(self, done: int, total: int) -> None:
        """Show how many of many runs are done."""
        filled = mul_div_down(done, BAR, max(1, total))
        self._show(f"[{'#' * filled}{'.' * (BAR - filled)}] {done:,} of {total:,} runs")

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
