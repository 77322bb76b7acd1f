"""The commands about a ledger that is there: verify, replay, repair."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import json_option, ledger_argument
from mutualize.cli.output import emit, emit_json


@click.command()
@ledger_argument
@click.option("--deep", is_flag=True, help="Decode every line, fold, and check all invariants as well.")
@json_option
def verify(ledger: Path, deep: bool, as_json: bool) -> None:
    """Verify a ledger: the hash chain and the seal."""
    if deep:
        from functools import partial

        from mutualize.invariants import check as check_laws
        from mutualize.ledger_audit import verify_deep

        verdict = verify_deep(ledger, check_laws, partial(check_laws, deep=True))
    else:
        from mutualize.ledger_reader import verify as verify_chain

        verdict = verify_chain(ledger)
    if as_json:
        emit_json(
            {
                "schema": "mutualize/verify@1",
                "condition": verdict.condition.word,
                "deep": deep,
                "events": verdict.events,
                "batches": verdict.batches,
                "root": verdict.root,
                "state": verdict.state,
                "status": verdict.status,
                "problem": verdict.problem,
                "batch": verdict.batch,
                "seq": verdict.seq,
            }
        )
    else:
        click.echo(f"{verdict}{' (deep)' if deep else ''}")
    click.get_current_context().exit(verdict.code)


@click.command()
@ledger_argument
@click.option("--at", metavar="TIME", help="The state at this moment: 2022-11-22T18:00:00Z.")
@click.option("--seq", type=click.IntRange(0), help="The state after this entry.")
@click.option(
    "--scenario", metavar="PATH", default="", help="Repeat a counterexample with this, as it is now."
)
@json_option
def replay(ledger: Path, at: str | None, seq: int | None, scenario: str, as_json: bool) -> None:
    """Show the state at a moment, from the ledger alone; without a moment, at its end.

    With a counterexample of `mutualize check` instead of a ledger, what failed is repeated: it still fails
    (exit code 1), is fixed (0), or says nothing any more (2).
    """
    if ledger.suffix == ".json":
        _repeat(ledger, scenario, as_json=as_json)
    from mutualize.ledger_audit import fold
    from mutualize.ledger_reader import Condition, read, verify
    from mutualize.report.state import state_at, state_data, state_page

    verdict = verify(ledger)
    if verdict.condition in (Condition.TORN, Condition.UNSEALED):
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    to_the_end = at is None and seq is None
    book = fold(ledger) if to_the_end else state_at(read(ledger), time=at, seq=seq)
    if verdict.condition is Condition.CORRUPT:  # further on: at a bad batch itself, reading it is an error
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    if as_json:
        emit_json(state_data(book))
    else:
        moment = f"at {at}" if at is not None else f"after entry {seq}" if seq is not None else "at the end"
        emit(state_page(book, moment))


def _repeat(path: Path, scenario: str, *, as_json: bool) -> None:
    """Repeat a counterexample, and end with its exit code."""
    from mutualize.counterexample import replay as repeat

    done = repeat(path, scenario)
    if as_json:
        emit_json(done.data())
    else:
        click.echo(f"{done.run}: {done.answer}")
        for title, problems in (("then", done.before), ("now", done.now)):
            for problem in problems:
                click.echo(f"  {title}: {problem}")
    click.get_current_context().exit(done.code)


@click.command()
@ledger_argument
@click.option("--salvage", metavar="FILE", help="Leave it alone, and write its whole batches into FILE.")
@json_option
def repair(ledger: Path, salvage: str | None, as_json: bool) -> None:
    """Repair a torn ledger; the file as it was stays beside it as .broken."""
    from mutualize.ledger_reader import Condition
    from mutualize.ledger_repair import repair as repair_ledger
    from mutualize.ledger_repair import salvage as salvage_ledger

    if salvage is None:
        done = repair_ledger(ledger)
        verdict, written = done.verdict, done.kept
    else:
        verdict, written = salvage_ledger(ledger, salvage), Path(salvage)
    is_whole = verdict.condition in (Condition.SEALED, Condition.UNSEALED)
    if as_json:
        emit_json(
            {
                "schema": "mutualize/repair@1",
                "condition": verdict.condition.word,
                "events": verdict.events,
                "batches": verdict.batches,
                "kept": None if is_whole or salvage is not None else str(written),
                "salvaged": None if is_whole or salvage is None else str(written),
            }
        )
    elif is_whole:
        click.echo(f"nothing to do: {verdict}")
    else:
        whole = f"{verdict.events:,} events in {verdict.batches:,} batches"
        click.echo(
            f"{ledger}: cut behind {whole}; as it was: {written}"
            if salvage is None
            else f"{written}: {whole}, of {ledger}, which was left alone"
        )
