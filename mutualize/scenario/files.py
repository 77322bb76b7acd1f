"""Files beside a scenario: only inside its folder, only names that mean the same on every system."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path as FilePath
from typing import Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.document import decode, read_bytes
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.place import shown

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.[^/]*)?", re.IGNORECASE)


@attrs.frozen
class Loaded:
    """A file that was read: its text, and the SHA-256 of its bytes."""

    name: str
    text: str
    sha256: str


def check_file_name(name: str) -> str:
    """Return a file's name if it can only mean a file in the scenario's folder. Raises ValueError."""
    is_plain = len(name) <= 200 and _NAME.fullmatch(name) is not None and ".." not in name
    if not is_plain or any(_DEVICE.fullmatch(part) for part in name.split("/")):
        raise ValueError(
            f"{shown(name)} is not the name of a file in the scenario's folder"
            " (letters, digits, '_', '-', '.', and '/' between folders)"
        )
    return name


def read_beside(folder: FilePath, name: str, file: str, limits: Limits = LIMITS) -> Loaded:
    """Read a file of the scenario's folder; `file` is how messages call it.

    Raises MutualizeError: also where a link leads out of the folder.
    """
    check_file_name(name)
    try:
        path = (folder / name).resolve()
    except (OSError, RuntimeError):  # links that lead in a circle: an OSError from Python 3.13 on
        raise MutualizeError(file, "the link leads nowhere.") from None
    if not path.is_relative_to(folder.resolve()):
        raise MutualizeError(file, "a link leads out of the scenario's folder.", "Copy the file into it.")
    if path.is_dir():
        raise MutualizeError(file, "this is a folder, not a file.")
    if path.exists() and not path.is_file():
        raise MutualizeError(file, "this is not a regular file.", code=Exit.USAGE)
    raw = read_bytes(path, file, limits, "data_bytes")
    return Loaded(name, decode(raw, file), hashlib.sha256(raw).hexdigest())
