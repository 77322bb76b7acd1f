"""The commands that tell what is in a run: explain, ledger."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import json_option, ledger_argument
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError


@click.command()
@ledger_argument
@click.option("--account", metavar="NAME", help="Every event that touched this holder, and what it came to.")
@click.option(
    "--event", metavar="N", type=click.IntRange(0), help="What led to this event, and all it led to."
)
@click.option("--tier", metavar="NAME", help="All that this tier owed and paid, and what led to it.")
@json_option
def explain(ledger: Path, account: str | None, event: int | None, tier: str | None, as_json: bool) -> None:
    r"""Explain why it came to that: the chain of causes, in sentences, from the market to the last holder.

    LEDGER is a ledger, or the folder of a run. Without an option: every shortfall, the largest in full. Of a
    torn or unsealed ledger the whole batches are explained, and the exit code says so (6, 7).

    \b
    Examples
      mutualize explain runs/crv
      mutualize explain runs/crv --account short
      mutualize explain runs/crv --event 1773
      mutualize explain runs/crv --tier treasury-usdc --json
    """
    from mutualize.report.explain.answer import explained

    if sum(each is not None for each in (account, event, tier)) > 1:
        raise MutualizeError("--account", "one question at a time.", "Give --account, --event or --tier.")
    answer = explained(ledger, account=account, event=event, tier=tier)
    if as_json:
        emit_json(answer.data())
    else:
        emit(answer.page())
    if answer.verdict.code is not Exit.OK:
        click.echo(f"warning: {ledger}: {answer.verdict}", err=True)
    click.get_current_context().exit(answer.verdict.code)
