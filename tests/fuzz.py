"""The input fuzzer: `python tests/fuzz.py --seed 7 --from 0 --count 10000`; one input, shrunk: `--case 123`.

Each input may take one second of the processor and 256 MB; nothing may be compiled, executed, imported or
connected to, and no file opened outside of the scenario's folder (an audit hook listens).
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
from fuzz_inputs import WEIGHTS, Case, case
from fuzz_ledgers import ledgers
from fuzz_targets import Finding, Target

from mutualize import encoding
from mutualize.events import KINDS

SECONDS: Final = 1
MEMORY: Final = 256 << 20
STATM: Final = Path("/proc/self/statm")
FAST: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""Where files are written that nobody keeps."""
SHRINKS: Final = 1_500
"""How many smaller inputs are tried at most."""
HANGS: Final = 5
"""The same where each takes a second."""
WATCHED: Final = (
    "exec",
    "compile",
    "import",
    "socket",
    "subprocess",
    "os",
    "ctypes",
    "shutil",
    "pty",
    "marshal",
)
HARMLESS: Final = ("os.listdir", "os.scandir", "os.fwalk")


class Hang(BaseException):
    """An input took too long. No `Exception`, so that nobody who catches those hides it."""


@attrs.define
class Watch:
    """Notes what must not happen while an input is judged."""

    root: str
    seen: list[str] = attrs.field(factory=list)
    on: bool = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Take an audit event."""
        if not self.on:
            return
        if event == "open":
            if isinstance(args[0], str | bytes) and not self.inside(os.fsdecode(args[0])):
                self.seen.append(f"open {args[0]!r:.200}")
        elif event.partition(".")[0] in WATCHED and event not in HARMLESS:
            self.seen.append(f"{event} {args!r:.200}")

    def inside(self, path: str) -> bool:
        """Say whether a path leads into the folder, whatever links lie on it."""
        return os.path.realpath(path).startswith(self.root)


def _limited(judge: Callable[[], str]) -> str:
    """Return what `judge` does, within a second of the processor and 256 MB more than there were."""

    def stop(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, stop)
    if STATM.exists():
        used = int(STATM.read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return judge()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def outcome(target: Target, watch: Watch, each: Case) -> str:
    """Return what became of one input. Raises Finding."""
    target.put(each)
    watch.seen.clear()
    try:
        word = _limited(partial(_watched, target, watch, each))
    except Hang:
        raise Finding("hang", "hang", f"more than {SECONDS} s of the processor") from None
    except MemoryError:
        raise Finding("memory", "memory", f"more than {MEMORY >> 20} MB") from None
    if watch.seen:
        raise Finding("reach", watch.seen[0].partition(" ")[0], f"reached for {watch.seen[0]}")
    return word


def _watched(target: Target, watch: Watch, each: Case) -> str:
    watch.on = True
    try:
        return target.judge(each)
    finally:
        watch.on = False


# --- a smaller input that does the same ------------------------------------------------------------------


def shrunk(each: Case, fails: Callable[[Case], bool], tries: int = SHRINKS) -> Case:
    """Return a smaller input that fails alike: whole lines are left out first, then single bytes."""
    left = [tries]

    def holds(parts: Sequence[bytes]) -> bool:
        left[0] -= 1
        return left[0] > 0 and fails(attrs.evolve(each, data=b"".join(parts)))

    lines = _without(re.findall(rb"[^\n]*\n|[^\n]+", each.data), holds)
    small = _without([bytes([byte]) for byte in b"".join(lines)], holds)
    return attrs.evolve(each, data=b"".join(small))


def _without(parts: list[bytes], holds: Callable[[Sequence[bytes]], bool]) -> list[bytes]:
    """Leave out ever smaller runs of parts, as long as what is left still fails."""
    size = len(parts) >> 1 or 1
    while size:
        at, is_smaller = 0, False
        while at < len(parts):
            rest = parts[:at] + parts[at + size :]
            if holds(rest):
                parts, is_smaller = rest, True
            else:
                at += size
        size = size if is_smaller and size == 1 and len(parts) < 200 else size >> 1
    return parts


# --- many inputs -----------------------------------------------------------------------------------------


@attrs.define
class Fuzzer:
    """Judges inputs one after the other in one process, and counts."""

    seed: int
    target: Target
    watch: Watch
    counts: dict[str, int] = attrs.field(factory=dict)
    findings: list[dict[str, Any]] = attrs.field(factory=list)
    digest: Any = attrs.field(factory=hashlib.sha256)

    def play(self, number: int) -> None:
        """Judge the input of this number. A finding of a sort that is known already is only counted."""
        each = case(self.seed, number)
        try:
            word = f"{each.kind}: {outcome(self.target, self.watch, each)}"
        except Finding as finding:
            word = f"{each.kind}: FOUND {finding.kind}"
            if not any(known["where"] == finding.where for known in self.findings):
                self.findings.append(self.described(each, finding))
        self.counts[word] = self.counts.get(word, 0) + 1
        self.digest.update(f"{number} {word}\n".encode())

    def described(self, each: Case, finding: Finding) -> dict[str, Any]:
        """Return a finding with the command that repeats it and the smallest input that was found for it."""
        tries = HANGS if finding.kind == "hang" else SHRINKS
        small = shrunk(each, lambda other: self.alike(other, finding), tries)
        return {
            "kind": finding.kind,
            "where": finding.where,
            "detail": finding.detail,
            "number": each.number,
            "made of": f"{each.kind} {each.base}",
            "options": each.options,
            "name": each.name,
            "data": small.data.decode("utf-8", "backslashreplace")[:4_000],
            "repeat": f"python tests/fuzz.py --seed {self.seed} --case {each.number}",
        }

    def alike(self, other: Case, finding: Finding) -> bool:
        """Say whether another input leads to the same finding."""
        try:
            outcome(self.target, self.watch, other)
        except Finding as found:
            return (found.kind, found.where) == (finding.kind, finding.where)
        return False


def warm_up(fuzzer: Fuzzer) -> None:
    """Let everything that is imported or made on first use be there before anybody listens."""
    for number in range(sum(WEIGHTS.values())):
        fuzzer.target.put(each := case(0, number))
        try:
            fuzzer.target.judge(each)
        except Finding:
            continue
    ledgers()
    for kind in KINDS.values():  # what writes and reads each kind of event is compiled when it is first met
        encoding._converters[kind]
        encoding._readers[encoding._record(kind.__name__)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer; print one JSON object. Exits with 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="start")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--case", type=int, help="this input alone")
    parser.add_argument("--first", action="store_true", help="stop at the first finding", dest="stops")
    parser.add_argument("--plant", choices=("none", *PLANTED), default="none", help="a fault on purpose")
    parser.add_argument("--state", type=Path, help="where to write the number of the input in hand")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as root:
        watch = Watch(os.path.realpath(root) + os.sep + "scenario" + os.sep)
        fuzzer = Fuzzer(given.seed, Target.made(Path(root)), watch)
        warm_up(fuzzer)
        PLANTED.get(given.plant, _nothing)()
        sys.addaudithook(watch)
        gc.freeze()  # what is there now stays, and need not be searched for garbage
        numbers = range(given.start, given.start + given.count) if given.case is None else [given.case]
        state = os.open(given.state or os.devnull, os.O_WRONLY | os.O_CREAT)
        for number in numbers:
            _noted(state, number)
            fuzzer.play(number)
            if given.stops and fuzzer.findings:
                break
        os.close(state)
    found = {"counts": dict(sorted(fuzzer.counts.items())), "findings": fuzzer.findings}
    json.dump({**found, "digest": fuzzer.digest.hexdigest()}, sys.stdout, indent=1)
    return bool(fuzzer.findings)


def _noted(state: int, number: int) -> None:
    os.pwrite(state, b"%12d" % number, 0)


# --- faults on purpose -------------------------------------------------------------------------------------


def _nothing() -> None:
    """Plant nothing."""


def _instead(fault: Callable[[], object]) -> Callable[[], None]:
    """Return what plants a fault where a truth value is read."""

    def plant() -> None:
        from mutualize.scenario import leaves, scalars  # noqa: PLC0415 - only where it is wanted

        before = scalars.read_flag

        def read(raw: Any) -> bool:
            if raw is False:
                fault()
            return before(raw)

        leaves._SIMPLE[next(kind for kind, what in leaves._SIMPLE.items() if what is before)] = read

    return plant


def _spin() -> None:
    while True:
        pass


PLANTED: Final[dict[str, Callable[[], None]]] = {
    "traceback": _instead(lambda: dict[str, int]()["planted"]),
    "hang": _instead(_spin),
    "memory": _instead(lambda: bytearray(1 << 30)),
    "open": _instead(lambda: Path(__file__).read_bytes()),
    "exec": _instead(lambda: exec("1", {})),  # noqa: S102 - the hook has to hear it
    "socket": _instead(lambda: __import__("socket").socket().close()),
}

if __name__ == "__main__":
    sys.exit(main())
