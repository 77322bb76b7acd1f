"""One operation of the random driver: plain data, so that a run can be replayed and shrunk."""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen
class Op:
    """Let `wait` seconds pass, then ask for something."""

    wait: int
    command: Command
