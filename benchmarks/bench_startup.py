"""What a short answer costs: CPU time of `mutualize --version` and `--help` above a bare interpreter's."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import pytest

BUDGET_S = 0.060
ROUNDS = 15
BARE = ("-c", "pass")


def cpu_s(*arguments: str) -> float:
    """Return the CPU time of one child process, user and system, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert bool(done.stdout) == (arguments != BARE), "the answer was given"
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_short_answer(benchmark: Any, option: str) -> None:
    """Both are started in turn, and the fastest of each are compared: a busy machine slows both."""
    command = ("-m", "mutualize", option)
    pairs = [(cpu_s(*BARE), cpu_s(*command)) for _ in range(ROUNDS)]
    fastest, bare = min(own for _, own in pairs), min(bare for bare, _ in pairs)
    above = fastest - bare
    benchmark.extra_info["above_bare_interpreter_s"] = round(above, 4)
    benchmark.extra_info["times_bare_interpreter"] = round(fastest / bare, 2)
    benchmark.pedantic(cpu_s, args=command, rounds=5)
    assert above <= BUDGET_S
