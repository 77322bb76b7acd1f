"""The commands that tell what is in a run: explain, ledger."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mutualize.cli.options import examples, json_option, ledger_argument
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError

if TYPE_CHECKING:
    from mutualize.report.entries import Choice
    from mutualize.report.sentences.words import Words

PAUSE_S = 0.2
"""How long a ledger that is followed is left alone before it is looked at again."""
TAIL_MAX = 10**6
"""So many lines are held at most."""


@click.command(
    epilog=examples(
        "mutualize explain runs/crv",
        "mutualize explain runs/crv --account short",
        "mutualize explain runs/crv --event 1773",
        "mutualize explain runs/crv --tier treasury-usdc --json",
    )
)
@ledger_argument
@click.option("--account", metavar="NAME", help="Every event that touched this holder, and what it came to.")
@click.option(
    "--event", metavar="N", type=click.IntRange(0), help="What led to this event, and all it led to."
)
@click.option("--tier", metavar="NAME", help="All that this tier owed and paid, and what led to it.")
@json_option
def explain(ledger: Path, account: str | None, event: int | None, tier: str | None, as_json: bool) -> None:
    """Explain why it came to that: the chain of causes, in sentences, from the market to the last holder.

    LEDGER is a ledger, or the folder of a run. Without an option: every shortfall, the largest in full. Of a
    torn or unsealed ledger the whole batches are explained, and the exit code says so (6, 7).
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


@click.command(
    name="ledger",
    epilog=examples(
        "mutualize ledger runs/crv --kind LossAbsorbed --kind ShortfallRecognised",
        "mutualize ledger runs/crv --account short --tail 5",
        "mutualize ledger runs/crv --cause 1773 --json",
        "mutualize ledger runs/crv --follow",
    ),
)
@ledger_argument
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Events of this kind. Repeatable.")
@click.option(
    "--account", "accounts", metavar="NAME", multiple=True, help="That touch this holder. Repeatable."
)
@click.option(
    "--tier", "tiers", metavar="NAME", multiple=True, help="Of this tier, fund or stake. Repeatable."
)
@click.option("--from", "since", metavar="TIME", help="From this moment on: 2022-11-22T18:00:00Z.")
@click.option("--to", "until", metavar="TIME", help="Up to and at this moment.")
@click.option("--cause", metavar="N", type=click.IntRange(0), help="All that event N led to.")
@click.option("--tail", metavar="N", type=click.IntRange(0, TAIL_MAX), help="The last N of them.")
@click.option("--follow", is_flag=True, help="Go on while the run goes on, up to the seal.")
@click.option("--json", "as_json", is_flag=True, help="Print the events as the ledger has them, one a line.")
def ledger_(
    ledger: Path,
    kinds: tuple[str, ...],
    accounts: tuple[str, ...],
    tiers: tuple[str, ...],
    since: str | None,
    until: str | None,
    cause: int | None,
    tail: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    """List the events of a run, one a line, in words; by kind, people, tier, time or cause.

    LEDGER is a ledger, or the folder of a run. Conditions of several kinds must all hold. Only whole batches
    are read, so a run may still be writing. Of a torn or unsealed ledger they are listed, and the exit code
    says so (6, 7).
    """
    from mutualize.report.entries import Choice, kinds_of, time_of
    from mutualize.report.sentences.words import Words, units_beside

    begin, end = time_of("--from", since), time_of("--to", until)
    choice = Choice(kinds_of(kinds), accounts, tiers, begin, end, cause)
    words = Words(units_beside(ledger))
    if follow:
        _follow(ledger, choice, words, tail, as_json=as_json)
    else:
        _list(ledger, choice, words, tail, as_json=as_json)


def _list(ledger: Path, choice: Choice, words: Words, tail: int | None, *, as_json: bool) -> None:
    """List the events that are there, and end with the ledger's exit code."""
    from mutualize.ledger_reader import read, verify
    from mutualize.report.entries import last, lines

    verdict = verify(ledger)
    for line in last(lines(read(ledger), choice, words, as_json=as_json), tail):
        sys.stdout.write(line + "\n")
    if verdict.code is not Exit.OK:
        sys.stdout.flush()
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    click.get_current_context().exit(verdict.code)


def _follow(ledger: Path, choice: Choice, words: Words, tail: int | None, *, as_json: bool) -> None:
    """List the events that are there (the last ones), then each batch as it is written, up to the seal."""
    from mutualize.ledger_follow import follow
    from mutualize.report.entries import last, lines

    waiting: list[str] = []
    is_there = True

    def show() -> None:
        """Print what waits: of what was there at first, the last ones."""
        for line in last(waiting, tail if is_there else None):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
        waiting.clear()

    def pause() -> None:
        nonlocal is_there
        show()
        is_there = False
        time.sleep(PAUSE_S)

    for batch in follow(ledger, pause):
        waiting += lines(batch, choice, words, as_json=as_json)
        if is_there and tail is not None:
            del waiting[: max(0, len(waiting) - tail)]
        else:
            show()
        if choice.is_over(batch[-1]):
            break
    show()
