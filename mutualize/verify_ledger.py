"""Check a mutualize ledger with nothing but Python: `python verify_ledger.py run.jsonl`.

It imports nothing of the program that wrote the file; docs/ledger-format.md says what is checked. Exits with
0 sealed, 6 torn, 7 unsealed, 8 corrupt (or of another format), 2 usage, 4 missing, 74 unreadable.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any, BinaryIO

FIELDS = rb'"rules":TEXT,"scenario_sha256":TEXT,"seed":"(?:0|-?[1-9][0-9]{0,99})","version":TEXT\}\n'
HEADER = re.compile(rb'\{"format":"mutualize-ledger/1",' + FIELDS.replace(b"TEXT", rb'"(?:[^"\\]|\\.)*"'))
COMMIT, SEAL, WORDS = b'{"blk":', b'{"events":', {0: "sealed", 6: "torn", 7: "unsealed", 8: "corrupt"}


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one spelling of a value as a line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def require(holds: bool) -> None:
    """Raise ValueError where something that must hold does not."""
    if not holds:
        raise ValueError


def parse(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds. Raises an error if it is none, or spelled in another way."""
    value: dict[str, Any] = json.loads(line.decode())
    require(canonical(value) == line)
    return value


def take(event: dict[str, Any], seq: int, time: int, balances: dict[tuple[str, str], int]) -> int:
    """Post an event's transfers and return its time. Raises an error if it cannot be event number `seq`."""
    cause = -1 if event["cause"] is None else event["cause"]
    require({type(event["seq"]), type(event["t"]), type(cause)} == {int} and event["seq"] == seq)
    require(event["t"] >= time and -1 <= cause < seq)
    for debit, credit, asset, amount in event.get("transfers", ()):
        balances[debit, asset] = balances.get((debit, asset), 0) + int(amount)
        balances[credit, asset] = balances.get((credit, asset), 0) - int(amount)
    return int(event["t"])


def seals(seal: dict[str, Any], balances: dict[tuple[str, str], int]) -> list[bytes]:
    """Return the lines that may end a ledger, one for each way in which a run can have ended."""
    lines = (f"{account},{asset},{n}\n" for (account, asset), n in sorted(balances.items()) if n)
    seal["state"] = hashlib.sha256("".join(lines).encode()).hexdigest()
    bare = [{**seal, "status": status} for status in ("complete", "interrupted", "failed")]
    return [canonical({**each, "sum": hashlib.sha256(canonical(each)[:-2]).hexdigest()}) for each in bare]


def check(file: BinaryIO) -> tuple[int, str]:
    """Return the exit code for a ledger, and in words what it is and how much of it can be read."""
    chain = hashlib.sha256(header := file.readline())
    root, balances, code = chain.hexdigest(), dict[tuple[str, str], int](), 7 - (not header.endswith(b"\n"))
    batches = events = time = size = n = 0  # the last two: bytes and events of the open batch
    try:
        require(code == 6 or (HEADER.fullmatch(header) is not None and bool(parse(header))))
        for line in file:
            ends = [line]
            if line.startswith(COMMIT):
                ends = [canonical({"blk": batches, "h": chain.hexdigest(), "len": size, "n": n})] if n else []
            elif line.startswith(SEAL):
                ends = [] if n else seals({"events": events, "root": root, "seal": batches}, balances)
            require(code != 0 and any(end.startswith(line) for end in ends))
            if not line.endswith(b"\n"):
                code = 6
            elif line.startswith(COMMIT):
                root, chain = chain.hexdigest(), hashlib.sha256(chain.digest())
                batches, events, size, n = batches + 1, events + n, 0, 0
            elif line.startswith(SEAL):
                code = 0
            else:
                time = take(parse(line), events + n, time, balances)
                chain.update(line)
                size, n = size + len(line), n + 1
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        code, n = 8, 0
    return (6 if n else code), f"{WORDS[6 if n else code]}: {events} events in {batches} batches, root {root}"


def main() -> int:
    """Check the file that the command line names."""
    try:
        with Path(sys.argv[1]).open("rb") as file:
            code, words = check(file)
    except (IndexError, OSError) as error:
        code = {IndexError: 2, FileNotFoundError: 4}.get(type(error), 74)
        words = f"{__doc__}" if code == 2 else f"{error}\n{__doc__}"
    print(words)
    return code


if __name__ == "__main__":
    sys.exit(main())
