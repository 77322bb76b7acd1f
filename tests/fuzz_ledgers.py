"""Ledgers for the fuzzer: lines moved, events edited, and a clean face put on it: hashed anew."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from fuzz_toml import KEYS, SEEDS, Doc, Raw, alike, damaged, edge, nodes
from ledger_samples import sample, tiny

from mutualize.ledger import MemoryLedger
from mutualize.randomness import Stream
from mutualize.run import run


@cache
def ledgers() -> dict[str, bytes]:
    """Return the ledgers that are changed, by name."""
    crash = run(SEEDS / "crash.toml", ledger="memory").ledger
    assert isinstance(crash, MemoryLedger)
    samples = {"one": sample(1), "three": sample(3), "tiny": tiny(2), "empty": tiny(0), "crash": crash}
    return {name: ledger.data for name, ledger in samples.items()}


def changed(stream: Stream) -> tuple[str, bytes]:
    """Return a ledger after a few changes: what it was made of, and its bytes."""
    base = stream.choice(["one", "one", "one", "three", "tiny", "empty", "crash"])
    data = ledgers()[base]
    way = stream.below(10)
    if way < 2:
        return base, damaged(data, stream)
    lines = data.splitlines(keepends=True)
    if way < 4:
        _move_lines(lines, stream)
        return f"{base} moved", b"".join(lines)
    for _ in range(1 + stream.below(2)):
        _edit_line(lines, stream)
    if way < 6:
        return f"{base} edited", b"".join(lines)
    return f"{base} rehashed", rehashed(lines)


def _move_lines(lines: list[bytes], stream: Stream) -> None:
    for _ in range(1 + stream.below(2)):
        at, other = stream.below(len(lines)), stream.below(len(lines))
        way = stream.below(4)
        if way == 0:
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 1:
            lines.insert(at, lines[other])
        elif way == 2 and len(lines) > 1:
            del lines[at]
        else:
            lines[at:other] = lines[at:other][::-1]


def _edit_line(lines: list[bytes], stream: Stream) -> None:
    """Change a value, a key or the nesting of one event, and write it as canonical JSON again."""
    at = stream.below(len(lines))
    try:
        value = json.loads(lines[at])
    except ValueError:
        return
    found = list(nodes(value)) if isinstance(value, dict | list) else []
    if not found:
        return
    inside, key = stream.choice(found)
    way = stream.below(8)
    old = inside[key]
    if way < 3:
        inside[key] = str(alike(old, stream)) if isinstance(old, str) else alike(old, stream)
    elif way < 5:
        inside[key] = _jsonable(edge(stream))
    elif way == 5:
        del inside[key]
    elif way == 6 and isinstance(inside, dict):
        inside[stream.choice(KEYS)] = inside.pop(key)
    else:
        odd = [None, [], {}, [old], {"a": old}, f"-{old}", f"{old}0", "0", "-1", 10**400]
        inside[key] = stream.choice([*odd, "9" * 12, "9" * 999, "9" * 4_300])
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    lines[at] = text.encode("utf-8", "surrogatepass") + b"\n"


def _jsonable(value: Any) -> Any:
    return str(value) if isinstance(value, Raw) else value


def canonical(value: Doc) -> bytes:
    """Return the one spelling of a value as a line, by the standard library."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def rehashed(lines: list[bytes], state: str | None = None) -> bytes:
    """Return a ledger of these lines, its commit lines and seal worked out anew: an edit with a clean face.

    `state` replaces the digest of the balances; without one the seal keeps the digest that it had.
    """
    if not lines:
        return b""
    chain = hashlib.sha256(lines[0])
    root, out = chain.hexdigest(), [lines[0]]
    batches = events = size = count = 0
    for line in lines[1:]:
        if line.startswith(b'{"blk"') and count:
            root = chain.hexdigest()
            out.append(canonical({"blk": batches, "h": root, "len": size, "n": count}))
            chain = hashlib.sha256(chain.digest())
            batches, events, size, count = batches + 1, events + count, 0, 0
        elif line.startswith(b'{"events"'):
            out.append(_seal(line, state, events=events, root=root, seal=batches))
        elif not line.startswith(b'{"blk"'):
            out.append(line)
            chain.update(line)
            size, count = size + len(line), count + 1
    return b"".join(out)


def _seal(line: bytes, state: str | None, **known: Any) -> bytes:
    old = json.loads(line)
    bare = {
        **known,
        "state": old.get("state", "") if state is None else state,
        "status": old.get("status", ""),
    }
    return canonical({**bare, "sum": hashlib.sha256(canonical(bare)[:-2]).hexdigest()})
