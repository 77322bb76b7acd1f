"""The commands that hold runs against what was expected of them: check, bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mutualize.cli.options import jobs_option, json_option, ledger_path, limit_option
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError


@click.command()
@click.argument("scenarios", nargs=-1)
@click.option("--golden", type=click.Path(path_type=Path), help="Compare digests with those in this file.")
@click.option("--update", is_flag=True, help="Write these runs' digests into the --golden file.")
@click.option(
    "--against",
    multiple=True,
    metavar="LEDGER",
    help="An older ledger: show the first event that differs, and what led to it. Repeatable.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100_000),
    help="Run what is expected over seeds again, with so many; left out: as spread.json has it.",
)
@jobs_option
@limit_option
@json_option
def check(
    scenarios: tuple[str, ...],
    golden: Path | None,
    update: bool,
    against: tuple[str, ...],
    seeds: int | None,
    jobs: int | None,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run scenarios with all their variants; a missed expectation or another digest is exit code 1."""
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from mutualize.report.check import (
        checked,
        checks_page,
        chosen_older,
        golden_text,
        gone,
        older,
        read_golden,
        run_name,
    )
    from mutualize.report.difference import first_difference
    from mutualize.report.progress import Progress
    from mutualize.run import run as run_scenario
    from mutualize.scenario.find import shipped
    from mutualize.scenario.limits import limits_of
    from mutualize.scenario.load import load

    if update and golden is None:
        raise MutualizeError("--update", "there is no file to update.", "Give it by --golden FILE.")
    before = read_golden(golden) if golden is not None and (golden.exists() or not update) else {}
    known = {} if update else before
    olds = [older(ledger_path(path)) for path in against]
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        kept = Path(stack.enter_context(TemporaryDirectory())) if olds else None
        for name in scenarios or shipped():
            for variant in (None, *load(name, limits=limits_of(limits)).variants):
                ledger = "none" if kept is None else kept / f"{len(rows)}.jsonl"
                with Progress() as progress:
                    ran = run_scenario(name, variant=variant, ledger=ledger, limits=limits, progress=progress)
                if seeds is not None and any(one.over for one in ran.scenario.expected()):
                    with Progress() as progress:
                        ran.over_seeds(seeds, workers=jobs, told=progress.points)
                run, about = run_name(ran.summary), ran.scenario
                old = chosen_older(olds, known.get(run), about.sha256, about.seed)
                row = checked(ran.summary, known if old is None else {**known, run: old.digest})
                if old is not None and old.digest != ran.digest:
                    row["difference"] = first_difference(old.path, ledger)
                rows.append(row)
    if update and golden is not None:
        golden.write_text(golden_text(rows, before), encoding="utf-8", newline="\n")
    lost = gone(rows, known)
    ok = all(row["ok"] for row in rows) and not lost
    if as_json:
        emit_json({"schema": "mutualize/check@1", "gone": lost, "ok": ok, "runs": rows})
    else:
        emit(checks_page(rows, lost))
    click.get_current_context().exit(Exit.OK if ok else Exit.CHECK_FAILED)


@click.command()
@click.option("--positions", type=click.IntRange(1, 10**6), help="How many borrowers: 3000, or as in FILE.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write it into this file, as JSON.")
@click.option(
    "--compare",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="An earlier --out of the same version: whatever differs is named, and exit code 1.",
)
@json_option
def bench(positions: int | None, out: Path | None, compare: Path | None, as_json: bool) -> None:
    """Measure what a short set of runs costs on this machine.

    With --compare, counts and digests must be the same exactly, and nothing may take more than 1.25 times
    the CPU time that it took. Times are compared after dividing by those of a fixed loop that is timed in
    the same process, so that another machine's speed cancels out. Peak memory is that of the process so far.
    """
    import json

    from mutualize.bench import POSITIONS, bench_page, differences, earlier, measure

    before = None if compare is None else earlier(compare)
    wanted = positions or (POSITIONS if before is None else before.positions)
    if before is not None and wanted != before.positions:
        problem = f"{compare} was measured with {before.positions} positions."
        raise MutualizeError("--positions", problem, "Leave it out to compare.")
    measured = measure(wanted)
    differing = None if before is None else differences(measured, before)
    data = measured.data()
    if out is not None:
        out.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
    if as_json:
        emit_json({**data, "differences": differing or []})
    else:
        emit(bench_page(measured, differing))
    click.get_current_context().exit(Exit.CHECK_FAILED if differing else Exit.OK)
