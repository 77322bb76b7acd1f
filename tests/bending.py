"""How a wish is bent: all but one of its fields stay, so that a guard is met by what passes all before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from mutualize import commands as c

if TYPE_CHECKING:
    from mutualize.randomness import Stream

WORD: Final = 2**256 - 1
SIGNED: Final = 2**255 - 1


def bent(
    stream: Stream, command: c.Command, words: Mapping[str, tuple[str, ...]], keep: tuple[str, ...] = ()
) -> c.Command:
    """Return a command with one field changed: a name to one of `words`, a number to one at an edge.

    Fields that are neither, and those to `keep`, stay; a command that has no others is returned as it is.
    """
    values = {x.name: getattr(command, x.name) for x in attrs.fields(type(command)) if x.name not in keep}
    fields = [name for name, value in values.items() if name in words or isinstance(value, int)]
    if not fields:
        return command
    field = stream.choice(fields)
    value: Any = values[field]
    if field in words:
        value = stream.choice(words[field])
    else:
        edges = (0, 1, -1, value + 1, value - 1, 2 * value, -value)
        value = stream.choice((*edges, SIGNED, WORD, SIGNED + 1, WORD + 1))
    return attrs.evolve(command, **{field: value})
