"""The command that holds runs against each other: compare."""

from __future__ import annotations

import click

from mutualize.cli.options import examples, json_option, limit_option
from mutualize.cli.output import emit, emit_json


@click.command(
    epilog=examples(
        "mutualize compare runs/before runs/after",
        "mutualize compare three-tiers --set venues.pool.funds.insurance-fund.USDC=5000",
        "mutualize compare three-tiers --variant par --format markdown",
        "mutualize compare black-thursday-2020 --variant no-gas --json",
        "mutualize compare three-tiers --variant par --report beside.html",
    )
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE",
              help="Beside it with another value; several values of one path: several runs.")  # fmt: skip
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Beside this variant. Repeatable.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Another seed, for all that is run.")
@click.option("--format", "form", type=click.Choice(("table", "markdown", "json")), default="table",
              show_default=True, help="For people, or for a machine that reads it.")  # fmt: skip
@click.option("--report", "page", metavar="FILE",
              help="Write a page of both as well, that a browser opens by itself; for two runs.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a page that is there.")
@limit_option
@json_option
def compare(
    runs: tuple[str, ...],
    settings: tuple[str, ...],
    variants: tuple[str, ...],
    seed: int | None,
    form: str,
    page: str | None,
    force: bool,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare runs with the first: who is better off and who worse, and where their ledgers part.

    RUN is the folder of a run, its ledger, or a scenario by name or path, which is run first. One alone is
    compared with itself as --set and --variant change it. Runs of different scenarios are compared with a
    warning; runs in different money are not (exit code 2).
    """
    from mutualize.comparison import comparing, plans_of
    from mutualize.report.compared_page import comparison_page
    from mutualize.report.progress import Progress

    if page is not None:
        from mutualize.report.web.beside import require_two, write_page_of_two
        from mutualize.report.web.page import require_free

        require_two(len(plans_of(runs, settings, variants)))
        require_free(page, force=force)
    with (
        Progress() as progress,
        comparing(runs, settings, variants, seed=seed, limits=limits, progress=progress) as found,
    ):
        if page is not None:
            size = write_page_of_two(found, page, force=force)
            click.echo(f"{page}: {size:,} bytes. Open it in a browser; it needs nothing else.", err=True)
    if as_json or form == "json":
        emit_json(found.data())
    elif form == "markdown":
        from mutualize.report.markdown import markdown

        click.echo(markdown(comparison_page(found)), nl=False)
    else:
        emit(comparison_page(found))
