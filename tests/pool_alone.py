"""A stability pool by itself: operations at random, and the plain pool that carries them out, too.

The rule: what is drawn depends on the stream and on what is in the plain pool, on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trove_oracle import E18, KEPT, No, Plain

from mutualize.randomness import Stream

WHO = ("ann", "bob", "cat", "dan", "eve")
PARTS = (0, 1, 2, 10**3, 10**9, 10**12, E18 - 1, E18, 3 * E18)
"""What is left of a pool that is nearly emptied, beyond what always stays."""


def wishes(stream: Stream, plain: Plain, length: int) -> Iterator[dict[str, Any]]:
    """Draw operations with a pool: deposits of a unit to ten million, offsets of nearly all of it."""
    for _ in range(length):
        who, total = stream.choice(WHO), plain.n("T")
        match stream.below(8):
            case 0 | 1 | 2:
                amount = stream.choice(
                    (1, 10**9, E18, 10 ** (18 + stream.below(12)), stream.below(10**24), 0)
                )
                yield {"op": "provide", "args": {"user": who, "amount": amount}}
            case 3:
                amount = stream.choice((0, 1, plain.worth(who), plain.worth(who) // 2, 10**30))
                yield {"op": "withdraw", "args": {"user": who, "amount": amount}}
            case _:
                kept = KEPT[plain.index] if stream.chance(9, 10) else 0
                left = kept + stream.choice(PARTS)
                debt = max(0, total - left) if stream.chance(2, 3) else total // 3
                debt = stream.choice((1, total + 1, 0)) if stream.chance(1, 10) else debt
                yield {"op": "offset", "args": {"debt": debt, "coll": stream.below(100 * E18)}}


def of_plain(plain: Plain, op: dict[str, Any]) -> str | None:
    """Carry an operation out in the plain pool; return why not."""
    a, before = op["args"], {name: dict(table) for name, table in plain.s.items()}
    try:
        if op["op"] == "offset":
            plain.offset(a["debt"], a["coll"])
        else:
            getattr(plain, op["op"])(a["user"], a["amount"])
    except No as no:
        plain.s = before
        return str(no)
    return None


def shown(plain: Plain) -> dict[str, Any]:
    """Return the plain pool in the shape of a vector's state."""
    names = {"total_deposits": "T", "eth": "E", "last_eth_error": "eE", "last_loss_error": "eL"}
    numbers = {**names, "P": "P", "scale": "scale", "epoch": "epoch"}
    place = plain.n("epoch"), plain.n("scale")
    state: dict[str, Any] = {shown: str(plain.n(name)) for shown, name in numbers.items()}
    state["S_current"] = str(plain.of("S", place))
    return state
