"""A scenario file as text: bytes read with care, parsed, and the line of each value.

Refused before anything is understood: more than 1 MB, bad UTF-8, NUL, a lone carriage return. TOML's own
floats are kept as `Float`, so that the loader can say at each what to write instead.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.limits import LIMITS, Limits, beyond
from mutualize.scenario.lines import check_limits, locate
from mutualize.scenario.place import Path, shown

BOM: Final = b"\xef\xbb\xbf"
_WHERE: Final = re.compile(r" ?\(at line ([0-9]+), column ([0-9]+)\)$")


@attrs.frozen
class Float:
    """A TOML float, as it was written: never a number of a scenario, since binary fractions are not exact."""

    text: str


@attrs.frozen
class Document:
    """A parsed file: how it is called in messages, its data, and its text."""

    file: str
    data: dict[str, Any]
    text: str

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """The line of each path; found when it is first asked for, since sound files never need it."""
        return locate(self.text)


def read_bytes(path: FilePath, file: str, limits: Limits = LIMITS, name: str = "file_bytes") -> bytes:
    """Read a file of at most as many bytes as the limit `name` allows.

    Raises MutualizeError: MISSING where there is none, LIMIT where it is too large, IO where reading fails.
    """
    limit = getattr(limits, name)
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
            size = max(len(raw), os.fstat(stream.fileno()).st_size)
    except FileNotFoundError:
        raise MutualizeError(file, "there is no such file.", code=Exit.MISSING) from None
    except OSError as error:
        raise MutualizeError(file, f"cannot be read: {error.strerror}.", code=Exit.IO) from None
    if len(raw) > limit:
        raise beyond(file, name, f"the file is larger than {limit:,} bytes.", size)
    return raw


def decode(raw: bytes, file: str) -> str:
    """Return the text of a file: UTF-8, with or without BOM, lines ended by LF or CR LF.

    Raises MutualizeError with the line where something else stands.
    """
    raw = raw.removeprefix(BOM)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MutualizeError(
            f"{file}:{line}", f"byte 0x{raw[error.start]:02x} is not UTF-8.", "Save the file as UTF-8."
        ) from None
    text = text.replace("\r\n", "\n")
    for bad, what in (("\0", "a NUL byte"), ("\r", "a carriage return without a line feed")):
        if bad in text:
            line = text.count("\n", 0, text.index(bad)) + 1
            raise MutualizeError(f"{file}:{line}", f"the line contains {what}.", "Remove it.")
    return text


def parse(text: str, file: str, limits: Limits = LIMITS) -> Document:
    """Parse a TOML text whose limits are checked first. Raises MutualizeError with line and column."""
    check_limits(text, file, limits)
    try:
        data = tomllib.loads(text, parse_float=Float)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(str(error), file, text) from None
    except RecursionError:
        raise beyond(file, "depth", "tables and lists are nested too deeply.") from None
    except ValueError as error:  # what the parser lets through: integers too long, impossible dates
        raise MutualizeError(file, f"not a TOML file: {_first_line(error)}.") from None
    return Document(file, data, text)


def _malformed(message: str, file: str, text: str) -> MutualizeError:
    """Turn the parser's message into one of ours: line before, column behind."""
    where = _WHERE.search(message)
    line, column = (where[1], f" (column {where[2]})") if where else (str(text.count("\n") + 1), "")
    problem = _WHERE.sub("", message).replace(" (at end of document)", " at the end of the file")
    problem = "".join(c if c.isprintable() else shown(c)[1:-1] for c in problem)
    return MutualizeError(f"{file}:{line}", f"not a TOML file: {problem[:200]}{column}.")


def _first_line(error: ValueError) -> str:
    return (str(error).splitlines() or ["unknown"])[0][:100]


def read_document(path: FilePath, file: str, limits: Limits = LIMITS) -> Document:
    """Read and parse a scenario file; `file` is how messages call it. Raises MutualizeError."""
    return parse(decode(read_bytes(path, file, limits), file), file, limits)
