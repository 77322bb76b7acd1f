"""The command that asks 'what if from here': fork."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from mutualize.cli.options import examples, json_option, limit_option, set_option
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit


@click.command(
    epilog=examples(
        "mutualize run three-tiers --out runs/three",
        "mutualize fork runs/three --at 2024-01-01T12:30:00Z \\",
        "    --set venues.pool.funds.insurance-fund.USDC=50000",
        "mutualize fork runs/three --at 2024-01-01T12:30:00Z --set markets.ETH.price=1450 --out runs/held",
        "mutualize fork runs/three --at 2024-01-01T14:00:00Z --set markets.ETH.cost=0.05 --report fork.html",
    )
)
@click.argument("folder", metavar="RUN")
@click.option("--at", required=True, metavar="TIME", help="From this moment on: 2022-11-22T18:00:00Z.")
@set_option
@click.option("--out", metavar="DIR", help="Write ledger, summary and scenario of the fork into DIR.")
@click.option("--report", "page", metavar="FILE",
              help="Write a page of the run and its fork, that a browser opens by itself.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the run that is in DIR, and the page.")
@limit_option
@json_option
def fork(
    folder: str,
    at: str,
    settings: tuple[str, ...],
    out: str | None,
    page: str | None,
    force: bool,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fork a run: what if, from a moment on, something had been different?

    RUN is the folder of a run. Its scenario is run again; up to the moment every event has to be what the
    ledger holds, byte for byte, and from then on the other values hold. Told are the first event that is
    different, and who is better off for it. Prices, feeds, reserve terms, tiers, habits of liquidators,
    later votes and losses, and the end can be different; what was drawn at the beginning cannot.
    """
    from mutualize.comparison import side_of
    from mutualize.fork import fork as fork_run
    from mutualize.report.compared import compared
    from mutualize.report.forked_page import forked_data, forked_page
    from mutualize.report.progress import Progress

    if page is not None:
        from mutualize.report.web.beside import write_page_of_two
        from mutualize.report.web.page import require_free

        require_free(page, force=force, to_come=out)
    before = side_of(folder, folder)
    with TemporaryDirectory(prefix="mutualize-fork-") as place, Progress() as progress:
        kept = Path(place) / "fork" if out is None else Path(out)
        forked = fork_run(
            folder, at=at, set=settings, out=kept, force=force, limits=limits, progress=progress
        )
        if forked.run.ended.code is not Exit.OK:
            click.get_current_context().exit(forked.run.ended.code)
        found = compared([before, side_of("the fork", str(kept))])
        if page is not None:
            size = write_page_of_two(found, page, force=force)
            click.echo(f"{page}: {size:,} bytes. Open it in a browser; it needs nothing else.", err=True)
    data = forked_data(forked.run.summary, forked.events, forked.batches, forked.first, found)
    if as_json:
        emit_json(data)
    else:
        emit(forked_page(data, found))
