"""Injections: system calls of a command that fail once, one after the other, by strace.

`python tests/crash_injections.py --all` fails every one; `--sample N --seed S` draws N of them. It prints
counts as JSON, and what went wrong as `wrong`: a list of texts, each with the option that repeats it
(`--only COMMAND:CALL:NUMBER:ERROR`).

A command is traced once as it is. From the moment at which all modules are loaded, each of its calls that has
to do with files is then made to fail, in a process of its own. The command must end with exit code 74 and
say why in a line, or not mind at all and give what it gives else; no file may be worse than before.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from mutualize.ledger_reader import Condition, verify
from mutualize.randomness import Stream

SMALL: Final = Path(__file__).parent / "small"
CALLS: Final = (
    "access,close,dup2,fcntl,fdatasync,flock,fstat,fsync,ftruncate,getdents64,ioctl,link,linkat,lseek,lstat,mkdir,"
    "newfstatat,openat,pread64,pwrite64,read,readlink,rename,renameat,renameat2,stat,statx,unlink,unlinkat,write"
)
ERRORS: Final = ("EIO", "ENOSPC", "EINTR")
RETRIED: Final = ("fsync", "flock", "openat", "read", "write")
"""What is tried again after EINTR, so that nobody notices."""
MARK: Final = "/here-the-command-begins"
CHILD: Final = """
import os, sys
import mutualize.ledger
mutualize.ledger.BATCH_EVENTS = 60
import mutualize.ledger_audit, mutualize.ledger_repair, mutualize.report.failure
from mutualize.cli import main
words = sys.argv[2:]
try:
    main(["run", {small!r}, "--out", sys.argv[1]])
except SystemExit:
    pass
os.path.exists({mark!r})
main(words)
"""


@attrs.frozen
class Injection:
    """One call of a command that fails: which command, which call, the how manieth, and with what."""

    command: str
    call: str
    number: int
    error: str

    def __str__(self) -> str:
        return f"{self.command}:{self.call}:{self.number}:{self.error}"


class Rig:
    """A folder with what the commands work on, and their traces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder / "place"
        self.counts: dict[str, int] = {}
        self.wrong: list[str] = []
        self.commands = {
            "run": ["run", str(SMALL), "--durable", "--out", str(self.place)],
            "force": ["run", str(SMALL), "--seed", "4", "--force", "--out", str(self.place)],
            "resume": ["resume", str(self.place)],
            "repair": ["repair", str(self.place)],
            "verify": ["verify", str(self.place), "--deep"],
        }
        self.before: dict[str, dict[str, bytes]] = {"run": {}}
        self.after: dict[str, dict[str, bytes]] = {}
        self.prepare("run")

    def prepare(self, command: str) -> None:
        """Lay out what a command works on, and run it undisturbed, once."""
        if command in self.after:
            return
        if command == "verify":
            self.before[command] = self.after["run"]
        elif command != "run":
            whole = self.after["run"]
            torn = whole["ledger.jsonl"][: len(whole["ledger.jsonl"]) * 2 // 3]
            self.before[command] = (
                dict(whole)
                if command == "force"
                else {"ledger.jsonl": torn, "scenario.toml": whole["scenario.toml"]}
            )
        done = self._call(command, ())
        assert done.returncode == 0, done.stderr
        self.after[command] = self._files()

    def _files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.place.iterdir()} if self.place.exists() else {}

    def _call(self, command: str, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        """Lay the files out as they were, and run the command under strace."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.folder / "warm", ignore_errors=True)
        if self.before[command]:
            self.place.mkdir()
        for name, content in self.before[command].items():
            (self.place / name).write_bytes(content)
        code = CHILD.format(small=str(SMALL), mark=MARK)
        child = [sys.executable, "-c", code, str(self.folder / "warm"), *self.commands[command]]
        strace = (
            ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(self.folder / "trace"), *options]
            if options
            else []
        )
        quiet = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [*strace, *child], env={**os.environ, **quiet}, capture_output=True, text=True, check=False
        )

    def injections(self, command: str) -> list[Injection]:
        """Trace a command as it is; return one injection for each call and error."""
        self.prepare(command)
        self._call(command, ("-e", f"trace={CALLS}"))
        seen: dict[str, int] = {}
        found: list[Injection] = []
        begun = False
        for line in (self.folder / "trace").read_text(errors="replace").splitlines():
            call = re.match(r"\d+ +(\w+)\(", line)
            if call is None:
                continue
            name = call[1]
            seen[name] = seen.get(name, 0) + 1
            if begun:
                found += [Injection(command, name, seen[name], error) for error in ERRORS]
            begun = begun or MARK in line
        return found

    def inject(self, injection: Injection) -> None:
        """Let one call fail, and look at how the command ends and what it leaves."""
        call, number, error = injection.call, injection.number, injection.error
        done = self._call(
            injection.command,
            ("-e", f"trace={call},newfstatat,stat", "-e", f"inject={call}:error={error}:when={number}"),
        )
        trace = (self.folder / "trace").read_text(errors="replace")
        if MARK not in trace.partition("(INJECTED)")[0] or "(INJECTED)" not in trace:
            self.count("not reached")
            return
        self.count(f"{error} ended with {done.returncode}")
        self.count(f"of {injection.command}")
        for problem in (*ending(injection, done), *self._damage(injection, done.returncode)):
            again = f"python tests/crash_injections.py --only {injection}"
            self.wrong.append(f"{injection}: {problem} (again: {again})")

    def count(self, what: str) -> None:
        """Count something that happened."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def _damage(self, injection: Injection, code: int) -> Iterator[str]:
        """Yield what the files have suffered, compared with those before and those of an undisturbed end."""
        files, before, after = self._files(), self.before[injection.command], self.after[injection.command]
        if code == 0 and files != after:
            yield f"all seems well, but the files differ: {sorted(files)}"
        if injection.command == "verify" and files != before:
            yield "reading changed something"
        ledger, old = files.get("ledger.jsonl"), before.get("ledger.jsonl")
        if ledger is None and old is not None:
            yield "the ledger is gone"
        if ledger is not None and ledger != old:
            verdict = verify(self.place / "ledger.jsonl")
            if verdict.condition is Condition.CORRUPT:
                yield str(verdict)
            if not after["ledger.jsonl"].startswith(ledger):
                yield "the ledger is neither the old one nor the beginning of the new one"
        if injection.command in ("resume", "repair") and old not in (
            ledger,
            files.get("ledger.jsonl.broken"),
        ):
            yield "the torn ledger is lost"
        for name in ("scenario.toml", "summary.json"):
            if name in files and files[name] not in (before.get(name), after.get(name)):
                yield f"{name} is neither the old one nor the new one"


def ending(injection: Injection, done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    if "Traceback" in done.stderr or "Exception ignored" in done.stderr:
        yield f"a traceback: {done.stderr[-400:]}"
    allowed = (0,) if injection.error == "EINTR" and injection.call in RETRIED else (0, 74)
    if done.returncode not in allowed:
        yield f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
    if done.returncode == 74 and not done.stderr.startswith("error: "):
        yield f"no error is told: {done.stderr!r}"


def drawn(injections: list[Injection], count: int, seed: int) -> list[Injection]:
    """Draw some injections: of each kind of call as many as of any other, as far as they go."""
    stream = Stream(seed, "injections")
    kinds: dict[str, list[Injection]] = {}
    for injection in injections:
        kinds.setdefault(injection.call, []).append(injection)
    return [stream.choice(kinds[stream.choice(sorted(kinds))]) for _ in range(count)]


def main(arguments: list[str] | None = None) -> int:
    """Inject as asked, and print what happened. Returns 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", default="run,force,resume,repair,verify")
    parser.add_argument("--calls", default=CALLS, help="only these, by their names")
    parser.add_argument("--only")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        if given.only is not None:
            command, call, number, error = given.only.split(":")
            rig.prepare(command)
            chosen = [Injection(command, call, int(number), error)]
        else:
            chosen = [each for command in given.commands.split(",") for each in rig.injections(command)]
            chosen = [each for each in chosen if each.call in given.calls.split(",")]
            rig.counts["calls"] = len(chosen) // len(ERRORS)
        if not given.all and given.only is None:
            chosen = drawn(chosen, given.sample, given.seed)
        for injection in chosen:
            rig.inject(injection)
    print(json.dumps({"counts": dict(sorted(rig.counts.items())), "wrong": rig.wrong}, indent=1))  # noqa: T201
    return 1 if rig.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
