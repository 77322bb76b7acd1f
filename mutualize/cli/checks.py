"""The commands that hold runs against what was expected of them: check, bench."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from mutualize.cli.options import examples, jobs_option, json_option, ledger_path, limit_option
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError

FORMATS: Final = ("table", "json", "junit", "github", "markdown")


@click.command(
    epilog=examples(
        "mutualize check my-protocol --baseline baseline.json --update",
        "mutualize check my-protocol --baseline baseline.json",
        "mutualize check scenarios --baseline baseline.json --format junit > report.xml",
    )
)
@click.argument("scenarios", metavar="[PATHS]...", nargs=-1)
@click.option("--baseline", type=click.Path(path_type=Path), help="Compare who paid with what this file has.")
@click.option("--golden", type=click.Path(path_type=Path), help="Compare digests with those in this file.")
@click.option("--update", is_flag=True, help="Write these runs into the --baseline and --golden files.")
@click.option(
    "--tol",
    "rules",
    multiple=True,
    metavar="PATTERN=RULE",
    help="By how much measures may change: 'gain.*=rel:1%,abs:5'. Repeatable; --update keeps it.",
)
@click.option(
    "--fail-on",
    metavar="VERDICTS",
    default="worse,changed,gone",
    show_default=True,
    help="Which verdicts fail, of: within, better, worse, changed, new, gone.",
)
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
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="For people, or for a machine that reads it.",
)
@click.option(
    "--counterexamples",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write a file for each run that fails: `mutualize replay FILE` repeats it.",
)
@jobs_option
@limit_option
@json_option
def check(
    scenarios: tuple[str, ...],
    baseline: Path | None,
    golden: Path | None,
    update: bool,
    rules: tuple[str, ...],
    fail_on: str,
    against: tuple[str, ...],
    seeds: int | None,
    form: str,
    counterexamples: Path | None,
    jobs: int | None,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run scenarios with all their variants, and hold them to what was expected and approved.

    A missed expectation, another digest than the golden one, or a measure that is worse than in the baseline
    is exit code 1. PATHS are shipped scenarios by name, folders, .toml files, or folders of such folders;
    left out: all shipped ones.
    """
    from mutualize.checker import Checker, failing_of
    from mutualize.report.baseline import tolerance
    from mutualize.report.progress import Progress
    from mutualize.scenario.find import all_in, shipped

    checker = Checker(
        golden=golden,
        baseline=baseline,
        update=update,
        rules=[tolerance(rule) for rule in rules],
        failing=failing_of(fail_on),
        against=[ledger_path(path) for path in against],
        seeds=seeds,
        workers=jobs,
        limits=limits,
        counterexamples=counterexamples,
    )
    paths = [each for path in scenarios for each in all_in(path)]
    with checker:
        for name in paths or shipped():
            for variant in checker.variants(name):
                with Progress() as progress:
                    checker.run(name, variant, progress)
    checked = checker.result()
    form = "json" if as_json else form
    if form == "json":
        emit_json(checked.data())
    elif form == "table":
        emit(checked.page())
    else:
        click.echo(checked.text(form), nl=False)
    click.get_current_context().exit(Exit.OK if checked.ok else Exit.CHECK_FAILED)


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
