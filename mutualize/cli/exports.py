"""The command that hands a run to other tools: export."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import examples, json_option, ledger_argument
from mutualize.cli.output import emit_json
from mutualize.errors import Exit


@click.command(
    epilog=examples(
        "mutualize export runs/crv --to crv.parquet",
        "mutualize export runs/crv --table transfers --to transfers.csv",
        "mutualize export runs/crv --table all --to crv.arrow",
    )
)
@ledger_argument
@click.option("--to", metavar="FILE", required=True, type=click.Path(path_type=Path),
              help="Where to: FILE.parquet, FILE.arrow or FILE.csv.")  # fmt: skip
@click.option("--table", type=click.Choice(("events", "transfers", "tiers", "all")), default="events",
              show_default=True, help="What; all: each into a file of its own.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def export(ledger: Path, to: Path, table: str, force: bool, as_json: bool) -> None:
    """Export a run as tables: its events, its transfers, its tiers.

    LEDGER is a ledger, or the folder of a run. Amounts are whole base units, exactly; digest, seed and
    scenario are in the metadata. Parquet and Arrow need pyarrow (pip install 'mutualize[data]'), CSV nothing.
    """
    from mutualize.report.export.write import export as export_tables

    written, verdict = export_tables(ledger, to, table, force=force)
    if as_json:
        files = [str(path) for path in written]
        emit_json(
            {"schema": "mutualize/export@1", "files": files, "events": verdict.events, "root": verdict.root}
        )
    else:
        for path in written:
            click.echo(f"{path}: of {verdict.events:,} events, digest {verdict.root}")
    if verdict.code is not Exit.OK:
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    click.get_current_context().exit(verdict.code)
