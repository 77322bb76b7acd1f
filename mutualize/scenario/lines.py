"""The lines of a TOML text: limits that are checked before it is parsed, and on which line each value stands.

tomllib tells no lines and has no limits: a key of 16,000 parts takes it seconds, 500 nested arrays exhaust
the stack. So the text is cut into tokens first, in time proportional to its length. The scan never fails:
where a text is malformed it stops, and the parser tells what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

import attrs

from mutualize.scenario.limits import LIMITS, Limits, beyond
from mutualize.scenario.place import Path

_PIECES: Final = {
    "space": r"[ \t]+",
    "comment": r"#[^\n]*+",
    "newline": r"\n(?:[ \t\n]++|#[^\n]*+)*+",
    "long": r'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+"{3,5}' + r"|'''(?:[^']++|'(?!''))*+'{3,5}",
    "text": r'"(?:[^"\\\n]++|\\.)*+"' + r"|'[^'\n]*+'",
    "mark": r"[\[\]{}=,.]",
    "word": r"""[^\s\[\]{}=,."'#]+""",
}
_TOKEN: Final = re.compile("|".join(f"(?P<{kind}>{piece})" for kind, piece in _PIECES.items()))


class Token(NamedTuple):
    """A piece of the text: what it is, the text itself, and its line (the first is 1)."""

    kind: str
    text: str
    line: int


def tokens(text: str) -> Iterator[Token]:
    """Cut a TOML text into tokens without spaces and comments; stops where a text is malformed."""
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or (found.lastgroup == "text" and text.startswith(('"""', "'''"), at)):
            return  # an unterminated string: going on would read the rest inside out
        kind, piece = str(found.lastgroup), found.group()
        if kind not in {"space", "comment"}:
            yield Token("text" if kind == "long" else kind, piece, line)
        line += piece.count("\n")
        at = found.end()


def check_limits(text: str, file: str, limits: Limits = LIMITS) -> None:
    """Refuse lines, keys and nestings that no honest scenario has. Raises MutualizeError, exit code LIMIT."""
    longest, deepest, widest = _Largest(), _Largest(), _Largest()
    for number, line in enumerate(text.split("\n"), 1):
        if 4 * len(line) > limits.line_bytes and (size := len(line.encode())) > limits.line_bytes:
            longest.see(size, number)
    if longest.at:
        problem = f"the line is longer than {limits.line_bytes:,} bytes."
        raise beyond(f"{file}:{longest.at}", "line_bytes", problem, longest.size)
    depth = parts = 0
    before = ""
    for token in tokens(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth > limits.depth:
            deepest.see(depth, token.line)
        parts = parts + 1 if token.text == "." and before != "newline" else parts
        if token.kind == "newline" or token.text in {"=", ","}:
            parts = 0
        if parts >= limits.key_parts:
            widest.see(parts + 1, token.line)
        before = token.kind
    if deepest.at:
        problem = f"tables and lists are nested deeper than {limits.depth}."
        raise beyond(f"{file}:{deepest.at}", "depth", problem, deepest.size)
    if widest.at:
        problem = f"a key has more than {limits.key_parts} parts."
        raise beyond(f"{file}:{widest.at}", "key_parts", problem, widest.size)


@attrs.define
class _Largest:
    """The largest of the sizes that are beyond a limit, and the line of the first; 0 without one."""

    size: int = 0
    at: int = 0

    def see(self, size: int, line: int) -> None:
        """Take a size that is beyond the limit."""
        self.size = max(self.size, size)
        self.at = self.at or line


def locate(text: str) -> dict[Path, int]:
    """Return the line of every table, key and list item of a valid TOML text, by path.

    A table that is opened several times (`[a.b]` before `[a]`) has the line of its own header.
    """
    scan = _Scan(list(tokens(text)))
    with suppress(IndexError):  # the text ended inside a value: the parser has told so
        scan.document()
    return scan.lines


@attrs.define
class _Scan:
    """Walks over tokens with a cursor, and notes where each path begins."""

    stream: list[Token]
    at: int = 0
    lines: dict[Path, int] = attrs.field(factory=dict)
    lengths: dict[Path, int] = attrs.field(factory=dict)
    """How many rows each list of tables has so far."""

    def document(self) -> None:
        """Read headers and keys up to the end."""
        table: Path = ()
        while self.at < len(self.stream):
            token = self.stream[self.at]
            if token.kind == "newline":
                self.at += 1
            elif token.text == "[" and token.kind == "mark":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]` and return the path of the table that it opens."""
        line = self.stream[self.at].line
        self.at += 1
        is_row = self.stream[self.at].text == "["
        self.at += is_row
        keys = self.keys()
        self.at += 1 + is_row
        table = self.inside(keys[:-1], line)
        path: Path = (*table, keys[-1])
        if is_row:
            row = self.lengths.get(path, 0)
            self.lengths[path] = row + 1
            self.lines.setdefault(path, line)
            path = (*path, row)
        elif path in self.lengths:
            path = (*path, self.lengths[path] - 1)
        self.lines[path] = line
        return path

    def inside(self, keys: list[str], line: int) -> Path:
        """Return the path that header keys lead to: through the last row of each list of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
        return path

    def keys(self) -> list[str]:
        """Read the parts of a dotted key, up to its '=' or ']'."""
        parts: list[str] = []
        while (token := self.stream[self.at]).text not in {"=", "]"} or token.kind != "mark":
            if token.kind == "newline":
                raise IndexError
            if token.text != ".":
                parts.append(_unquoted(token))
            self.at += 1
        if not parts:
            raise IndexError
        return parts

    def pair(self, table: Path) -> None:
        """Read `key = value`."""
        line = self.stream[self.at].line
        path = table
        for key in self.keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.at += 1
        self.value(path)

    def value(self, path: Path) -> None:
        """Read a value and what it contains."""
        token = self.stream[self.at]
        if token.kind == "mark" and token.text == "[":
            self.at += 1
            self.items(path)
        elif token.kind == "mark" and token.text == "{":
            self.at += 1
            self.inline(path)
        else:
            self.scalar()

    def scalar(self) -> None:
        """Read a value that contains no others; '1.5' is three tokens."""
        while self.at < len(self.stream):
            token = self.stream[self.at]
            if token.kind == "newline" or (token.kind == "mark" and token.text in {",", "]", "}"}):
                return
            self.at += 1

    def items(self, path: Path) -> None:
        """Read the items of a list, over several lines if need be."""
        number = 0
        while (token := self.stream[self.at]).text != "]" or token.kind != "mark":
            if token.kind == "newline" or (token.kind == "mark" and token.text == ","):
                self.at += 1
                continue
            self.lines[*path, number] = token.line
            self.value((*path, number))
            number += 1
        self.at += 1

    def inline(self, path: Path) -> None:
        """Read the pairs of an inline table."""
        while (token := self.stream[self.at]).text != "}" or token.kind != "mark":
            if token.kind == "newline" or (token.kind == "mark" and token.text == ","):
                self.at += 1
                continue
            self.pair(path)
        self.at += 1


def _unquoted(token: Token) -> str:
    """Return the key that a token writes; escapes are left alone, since no name of a scenario has any."""
    return token.text[1:-1] if token.kind == "text" else token.text
