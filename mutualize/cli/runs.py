"""The commands that run a scenario: run, and resume what died."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from mutualize.cli.options import (
    alternatives_options,
    examples,
    jobs_option,
    json_option,
    limit_option,
    set_option,
    variant_option,
)
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError

if TYPE_CHECKING:
    from mutualize.comparison import Plan
    from mutualize.report.figures import Data
    from mutualize.run import Progress, Run

ORDERS: Final = 8
"""How many orders of ties are tried where no number is given."""
ORDERS_MAX: Final = 10_000


durable_option = click.option(
    "--durable", is_flag=True, help="Flush each batch of the ledger to the disk, against a power cut."
)


@click.command(
    epilog=examples(
        "mutualize run three-tiers --out runs/tiers",
        "mutualize run umbrella-2025 --variant at-offset --seed 3",
        "mutualize run three-tiers --report tiers.html --alternatives",
    )
)
@click.argument("scenario")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Another seed.")
@set_option
@variant_option
@click.option("--out", metavar="DIR", help="Write ledger, summary and scenario into DIR.")
@click.option(
    "--report",
    "page",
    metavar="FILE",
    help="Write the report into FILE, a page that a browser opens by itself.",
)
@alternatives_options
@click.option("--force", is_flag=True, help="Replace the run that is in DIR, and the page.")
@durable_option
@jobs_option
@click.option("--shuffle-ties", type=click.IntRange(1, ORDERS_MAX), is_flag=False, flag_value=ORDERS,
              metavar="[N]",
              help="Run N (8) other orders of those who act in one instant: any difference?")  # fmt: skip
@limit_option
@json_option
def run(
    scenario: str,
    seed: int | None,
    settings: tuple[str, ...],
    variant: str | None,
    out: str | None,
    page: str | None,
    alternatives: tuple[str, ...],
    every: bool,
    force: bool,
    durable: bool,
    jobs: int | None,
    shuffle_ties: int | None,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a scenario: a shipped one by its name, a folder, or a .toml file."""
    from mutualize.report.next_steps import next_steps
    from mutualize.report.progress import Progress
    from mutualize.run import run as run_scenario

    if durable and out is None:
        raise MutualizeError(
            "--durable", "there is no ledger to flush.", "Say where to write it by --out DIR."
        )
    if page is not None:
        from mutualize.report.web.page import require_free

        require_free(page, force=force, to_come=out)
    beside: list[Plan] = []
    if alternatives or every:
        from mutualize.comparison import alternative_plans

        if page is None:
            remedy = "Name one by --report FILE."
            raise MutualizeError("--alternative", "there is no page to show it in.", remedy)
        beside = alternative_plans(
            scenario, alternatives, every=every, settings=settings, variant=variant, limits=limits
        )
    with Progress() as progress:
        ran = run_scenario(
            scenario,
            seed=seed,
            set=settings,
            variant=variant,
            out=out,
            ledger="none" if page is None else "memory",
            force=force,
            durable=durable,
            limits=limits,
            progress=progress,
        )
    tell_findings(ran, as_json=as_json)
    if shuffle_ties is not None:
        total = shuffle_ties + 1
        with Progress() as progress:
            ran.shuffle_ties(shuffle_ties, workers=jobs, progress=lambda done: progress.points(done, total))
    if page is not None:
        with Progress() as progress:
            told = run_beside(ran, beside, seed, limits, progress)
        size = ran.write_report(page, force=force, alternatives=told)
        click.echo(f"{page}: {size:,} bytes. Open it in a browser; it needs nothing else.", err=True)
    ledger = None if ran.folder is None else ran.folder.ledger
    close(ran, next_steps(ran.summary, ledger, scenario, seed, settings, variant), as_json=as_json)


@click.command()
@click.argument("folder", metavar="RUN")
@durable_option
@click.option("--salvage", is_flag=True, help="Go on from the last sound batch of a corrupt ledger as well.")
@limit_option
@json_option
def resume(
    folder: str,
    durable: bool,
    salvage: bool,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Go on with a run that died or was interrupted: prove its ledger, and write the rest of it."""
    from mutualize.report.next_steps import next_steps
    from mutualize.report.progress import Progress
    from mutualize.run import resume as resume_run

    with Progress() as progress:
        ran = resume_run(folder, durable=durable, salvage=salvage, limits=limits, progress=progress)
    if ran is None:
        if as_json:
            emit_json({"schema": "mutualize/resume@1", "resumed": False})
        else:
            click.echo("nothing to do: this run has ended, and its summary is written.")
        return
    assert ran.folder is not None, "what is resumed has a folder"
    tell_findings(ran, as_json=as_json)
    steps = next_steps(ran.summary, ran.folder.ledger, str(ran.folder.path), None, (), None)
    close(ran, steps, as_json=as_json)


def run_beside(
    ran: Run, plans: list[Plan], seed: int | None, limits: tuple[str, ...], progress: Progress
) -> list[Data]:
    """Run the alternatives of a run that got to its end; one that was interrupted has none."""
    if not plans or ran.ended.code is not Exit.OK:
        return []
    from mutualize.comparison import run_alternatives

    return run_alternatives(plans, seed=seed, limits=limits, progress=progress)


def tell_findings(ran: Run, *, as_json: bool) -> None:
    """Print what was found, before what may take a while."""
    from mutualize.report.page import findings

    if not as_json:
        emit(findings(ran.summary))
        sys.stdout.flush()


def close(ran: Run, steps: list[tuple[str, str]], *, as_json: bool) -> None:
    """Print the rest of the report, and end with the exit code of how the run ended."""
    from mutualize.report.page import closing_part

    if as_json:
        emit_json(ran.summary)
    else:
        emit(closing_part(ran.summary, steps), continued=True)
    end_as(ran)


def end_as(ran: Run) -> None:
    """End with the exit code of how a run ended."""
    if ran.ended.code is not Exit.OK:
        click.echo(f"error: the run ended {ran.ended.value}, and its ledger is sealed as such.", err=True)
        sys.stdout.flush()
        click.get_current_context().exit(ran.ended.code)
