"""Failures in words: what went wrong, a line for each mistake, and the exit code that says of which kind."""

from __future__ import annotations

import click

from mutualize.errors import Exit, InvariantBroken, MutualizeError
from mutualize.report.text import clean

_BUG = "This is a bug of mutualize: please report it; --debug shows where."


def explain(error: BaseException) -> tuple[list[str], int]:
    """Return the lines to show (none where there is nothing to say) and the exit code."""
    lines, code = _explain(error)
    return [clean(line) for line in lines], int(code)


def _explain(error: BaseException) -> tuple[list[str], int]:
    match error:
        case MutualizeError():
            return error.lines(), error.code
        case click.exceptions.Exit():
            return [], error.exit_code
        case SystemExit():
            signal = {Exit.INTERRUPTED: ["interrupted."], Exit.TERMINATED: ["terminated."]}
            code = error.code if isinstance(error.code, int) else Exit.USAGE
            return signal.get(Exit(code), []) if code in list(Exit) else [], code
        case click.UsageError():
            command = error.ctx.command_path if error.ctx is not None else "mutualize"
            return [f"{command}: {error.format_message()} See '{command} --help'."], Exit.USAGE
        case click.Abort() | KeyboardInterrupt():
            return ["interrupted."], Exit.INTERRUPTED
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return [f"{place}{error.strerror or error}."], Exit.IO
        case InvariantBroken():
            notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
            return [f"invariant {error.name} broke: {error.detail}{notes}. {_BUG}"], Exit.INVARIANT_BROKEN
    return [f"{type(error).__name__}: {error}. {_BUG}"], Exit.INVARIANT_BROKEN
