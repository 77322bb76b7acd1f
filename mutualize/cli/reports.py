"""The command that writes what a run found as a page of its own."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import json_option
from mutualize.cli.output import emit_json


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to write it; left out: report.html in the run's folder."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def report(run: str, output: str | None, force: bool, as_json: bool) -> None:
    """Write the report of a run (its folder, or its ledger) as one page that a browser opens by itself."""
    from mutualize.report.web.page import require_free, write_page
    from mutualize.report.web.source import source_of

    folder = Path(run) if Path(run).is_dir() else Path(run).parent
    target = folder / "report.html" if output is None else Path(output)
    if folder.is_dir():  # where it is not, that is what is told
        require_free(target, force=force)
    size = write_page(source_of(run), target, force=force)
    if as_json:
        emit_json({"schema": "mutualize/report@1", "file": str(target), "bytes": size})
    else:
        click.echo(f"{target}: {size:,} bytes. Open it in a browser; it needs nothing else.")
