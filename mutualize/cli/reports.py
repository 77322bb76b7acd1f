"""The command that writes what a run found as a page of its own."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import alternatives_options, examples, json_option, ledger_path
from mutualize.cli.output import emit_json
from mutualize.errors import Exit, MutualizeError


@click.command(
    epilog=examples(
        "mutualize report runs/crv",
        "mutualize report runs/umbrella -o umbrella.html --alternatives",
        "mutualize report runs/tiers --alternative venues.pool.funds.insurance-fund.USDC=5000",
    )
)
@click.argument("run", metavar="RUN")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to write it; left out: report.html in the run's folder."
)
@alternatives_options
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def report(
    run: str, output: str | None, alternatives: tuple[str, ...], every: bool, force: bool, as_json: bool
) -> None:
    """Write the report of a run (its folder, or its ledger) as one page that a browser opens by itself.

    With --alternative and --alternatives the scenario beside the ledger is run again otherwise, and the page
    shows each of these runs beside the original. Without them nothing is run.
    """
    from mutualize.report.web.page import require_free, write_page
    from mutualize.report.web.source import source_of

    folder = Path(run) if Path(run).is_dir() else Path(run).parent
    target = folder / "report.html" if output is None else Path(output)
    if folder.is_dir():  # where it is not, that is what is told
        require_free(target, force=force)
    source = source_of(run)
    beside = []
    if alternatives or every:
        from mutualize.comparison import plans_beside, run_alternatives
        from mutualize.report.progress import Progress

        with Progress() as progress:
            beside = run_alternatives(
                plans_beside(ledger_path(run), alternatives, every=every), progress=progress
            )
    size = write_page(source, target, force=force, alternatives=beside)
    if as_json:
        emit_json({"schema": "mutualize/report@1", "file": str(target), "bytes": size})
    else:
        click.echo(f"{target}: {size:,} bytes. Open it in a browser; it needs nothing else.")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("scenarios", nargs=-1)
@click.option("--variants", is_flag=True, help="A page for each variant as well.")
@click.option("--force", is_flag=True, help="Replace pages that are there.")
@json_option
def gallery(folder: Path, scenarios: tuple[str, ...], variants: bool, force: bool, as_json: bool) -> None:
    r"""Run scenarios (all shipped ones, or those named) and write their reports into DIR, with an index.

    \b
    Examples
      mutualize gallery class
      mutualize gallery class three-tiers my-protocol --variants
    """
    from tempfile import TemporaryDirectory

    from mutualize.report.progress import Progress
    from mutualize.report.web.gallery import INDEX, page_name, write_index
    from mutualize.report.web.page import require_free, write_page
    from mutualize.report.web.source import source_of
    from mutualize.run import run as run_scenario
    from mutualize.scenario.find import shipped
    from mutualize.scenario.load import load

    names = scenarios or tuple(shipped())
    known = {name: tuple(load(name).variants) for name in names}
    runs = [(name, v) for name in names for v in (None, *(known[name] if variants else ()))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be created: {error.strerror}."
        raise MutualizeError(str(folder), problem, code=Exit.IO) from error
    require_free(folder / INDEX, force=force)
    summaries, pages = [], []
    for name, variant in runs:
        with TemporaryDirectory() as kept:
            with Progress() as progress:
                ran = run_scenario(name, variant=variant, out=Path(kept) / "run", progress=progress)
            page = folder / page_name(ran.summary)
            size = write_page(source_of(Path(kept) / "run"), page, force=force)
        summaries.append(ran.summary)
        pages.append({"file": str(page), "bytes": size})
        if not as_json:
            click.echo(f"{page}: {size:,} bytes")
    index = write_index(folder, summaries, force=force)
    if as_json:
        emit_json({"schema": "mutualize/gallery@1", "index": str(index), "pages": pages})
    else:
        click.echo(f"{index}: open it in a browser.")
