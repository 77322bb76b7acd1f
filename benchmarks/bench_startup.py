"""What a short answer costs: CPU time of `mutualize --version` and `--help`, beside its library's."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import pytest

TIMES = 2
"""A short answer takes so many times what importing the library of the command line takes, at most."""
ROUNDS = 15
YARDSTICK = ("-c", "import click")


def cpu_s(*arguments: str) -> float:
    """Return the CPU time of one child process, user and system, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert bool(done.stdout) == (arguments != YARDSTICK), "the answer was given"
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_short_answer(benchmark: Any, option: str) -> None:
    """Both are started in turn, and the fastest of each are compared: a busy machine slows both."""
    command = ("-m", "mutualize", option)
    pairs = [(cpu_s(*YARDSTICK), cpu_s(*command)) for _ in range(ROUNDS)]
    fastest, yardstick = min(own for _, own in pairs), min(other for other, _ in pairs)
    benchmark.extra_info["times_yardstick"] = round(fastest / yardstick, 2)
    benchmark.pedantic(cpu_s, args=command, rounds=5)
    assert fastest <= TIMES * yardstick
