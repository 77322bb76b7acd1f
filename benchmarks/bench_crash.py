"""Crashes of many positions, each beside its yardstick in the same run.

    pytest benchmarks/bench_crash.py                all sizes (the large ones are marked slow)
    pytest benchmarks/bench_crash.py -m "not slow"

`extra_info` holds digest, events, and the ratio to the yardstick. Work is asserted, time is not.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bare import bare
from mutualize.invariants import check
from mutualize.ledger_audit import fold, verify_deep
from mutualize.ledger_reader import verify
from mutualize.run import run
from mutualize.sweep import sweep
from peers import workload

CRASH = Path(__file__).parent / "crash.py"
SIZES = [
    2_000,
    pytest.param(100_000, marks=pytest.mark.slow),
    pytest.param(1_000_000, marks=pytest.mark.slow),
]
SEEDS = [8, pytest.param(300, marks=pytest.mark.slow)]


def crash(positions: int, steps: int, rule: str, ledger: Path | None = None) -> dict[str, Any]:
    """Run one crash in a process of its own; return what it measured."""
    command = [sys.executable, str(CRASH), "--positions", str(positions), "--steps", str(steps)]
    command += ["--rule", rule, "--json"]
    if ledger is not None:
        ledger.unlink(missing_ok=True)
        command += ["--ledger", str(ledger)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def cpu_of(work: Any) -> float:
    """Return the CPU seconds of a piece of work in this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("positions", SIZES)
def test_a_crash_by_the_minute(benchmark: BenchmarkFixture, tmp_path: Path, positions: int) -> None:
    """The exact rule, 4,320 steps, ledger on disk, genesis included; beside a bare loop over its events."""
    path = tmp_path / "ledger.jsonl"
    measured = once(benchmark, crash, positions, workload.MINUTES, "exact", path)
    bare_s, events = bare(path)
    assert events == measured["events"]
    assert measured["liquidated"] > positions * 6 // 10
    after = measured["bytes"] / max(1, measured["liquidated"])
    took_s = measured["genesis_s"] + measured["run_s"]
    benchmark.extra_info.update(measured, bare_s=bare_s, ratio=took_s / bare_s, bytes_a_liquidation=after)


@pytest.mark.parametrize("positions", SIZES[:2])
def test_the_plain_rule_agrees_with_the_workload(benchmark: BenchmarkFixture, positions: int) -> None:
    """Who is liquidated, and when, is what the plain loop over all positions says."""
    measured = once(benchmark, crash, positions, workload.HOURS, "plain")
    expected = workload.expected(workload.borrowers(positions), workload.HOURS)
    assert measured["liquidated_digest"] == workload.digest(expected)
    benchmark.extra_info.update(measured)


def test_reading_a_ledger_again(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Verify, verify deep and replay, beside SHA-256 of the same bytes and the run that wrote them."""
    path = tmp_path / "ledger.jsonl"
    measured = crash(5_000, workload.HOURS, "exact", path)
    data = path.read_bytes()
    sha_s = min(cpu_of(lambda: hashlib.sha256(data).digest()) for _ in range(5))
    verify_s = min(cpu_of(lambda: verify(path)) for _ in range(3))
    at_end = partial(check, deep=True)
    deep_s = min(cpu_of(lambda: verify_deep(path, check, at_end)) for _ in range(3))
    replay_s = cpu_of(lambda: fold(path))
    verdict = once(
        benchmark,
        verify,
        path,
    )
    assert verdict.events == measured["events"]
    benchmark.extra_info.update(
        events=verdict.events,
        verify_over_sha=verify_s / sha_s,
        deep_over_sha=deep_s / sha_s,
        replay_over_run=replay_s / (measured["genesis_s"] + measured["run_s"]),
    )


def once(benchmark: BenchmarkFixture, work: Any, *arguments: Any) -> Any:
    """Do a piece of work once, timed, and return what it returns."""
    return benchmark.pedantic(work, args=arguments, rounds=1)  # type: ignore[no-untyped-call]  # so it is written


def digest_of(seed: int) -> str:
    """Return the digest of the CRV replay under a seed."""
    return run("aave-crv-2022", seed=seed, ledger="none").digest


@pytest.mark.parametrize("seeds", SEEDS)
def test_many_seeds_by_two_processes(benchmark: BenchmarkFixture, seeds: int) -> None:
    """The CRV replay under many seeds, beside one run of it (wall clock, start-up shared)."""
    digest_of(0)
    began = time.perf_counter()
    first = digest_of(1)
    one_s = time.perf_counter() - began
    found = once(benchmark, lambda: sweep(digest_of, range(1, seeds + 1), workers=2))
    assert len(found) == seeds
    assert len(dict.fromkeys(found)) == seeds, "each seed has a digest of its own"
    assert found[0] == first
    benchmark.extra_info.update(one_s=one_s, seeds=seeds)
