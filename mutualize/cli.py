"""The command line. Results on stdout, all else on stderr; one line an error, an exit code for each end.

Everything heavy is imported by the command that needs it: `--version` and `--help` load click and nothing
else of weight.
"""

# ruff: noqa: PLC0415 - each command imports what it needs, so that `--help` waits for nothing

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from mutualize import __version__
from mutualize.errors import Exit, MutualizeError

if TYPE_CHECKING:
    from mutualize.report.blocks import Block
    from mutualize.run import Run

EXITS = """\b
Exit codes
  0  done, all well                      6   ledger torn (a readable prefix)
  1  a check or expectation failed       7   ledger unsealed
  2  usage, or an error in a scenario    8   ledger corrupt
  3  an invariant broke: a bug of ours   74  input or output failed
  4  a file or data set is missing       130, 143  interrupted, terminated
  5  refused by a limit

\b
Environment
  NO_COLOR, FORCE_COLOR   colour never, colour always
"""
EXAMPLES = """\b
Examples
  mutualize list
  mutualize run three-tiers
  mutualize run aave-crv-2022 --out runs/crv
  mutualize verify runs/crv/ledger.jsonl --deep
  mutualize replay runs/crv/ledger.jsonl --at 2022-11-22T18:00:00Z
"""


def installed(name: str) -> str:
    """Return the version of an installed package, read off the name of its folder: nothing is imported."""
    for place in sys.path:
        for folder in sorted(Path(place or ".").glob(f"{name}-*.dist-info")):
            return folder.name.removeprefix(f"{name}-").removesuffix(".dist-info")
    return "unknown"


def print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print versions and end."""
    if wanted and not context.resilient_parsing:
        python = ".".join(str(part) for part in sys.version_info[:3])
        click.echo(f"mutualize {__version__} (python {python}, simpy {installed('simpy')}, ledger format 1)")
        context.exit()


class Commands(click.Group):
    """All commands. A reader that has read enough is no error, where click itself would exit with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            forget_stdout()
            return Exit.OK


def forget_stdout() -> None:
    """Send all that is still to be printed nowhere: whoever read it has read enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{EXAMPLES}\n{EXITS}",
    invoke_without_command=True,
)
@click.option("-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version,
              help="Print versions.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
@click.pass_context
def cli(context: click.Context, debug: bool, color: str) -> None:
    """Who pays when a protocol falls short? Replay a crash, and see every unit of money that moved."""
    context.obj = {"debug": debug, "color": color}
    if context.invoked_subcommand is None:
        click.echo("usage: mutualize COMMAND ...", err=True)
        click.echo(f"commands: {', '.join(cli.list_commands(context))}", err=True)
        click.echo("Try 'mutualize run three-tiers', or 'mutualize -h'.", err=True)
        context.exit(Exit.USAGE)


LONG_BAND: Final = 50
"""So many draws take a while, and who has no progress bar is told what he waits for."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="Another value, by its dotted path. Repeatable.",
)
variant_option = click.option("--variant", metavar="NAME", help="Apply a variant of the scenario.")


def ledger_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Take a ledger, or a run folder."""
    return click.argument("ledger", metavar="LEDGER", callback=lambda _c, _p, value: _ledger_path(value))(
        function
    )


def _ledger_path(value: str) -> Path:
    path = Path(value)
    return path / "ledger.jsonl" if path.is_dir() else path


def emit(blocks: Iterable[Block], *, continued: bool = False) -> None:
    """Print a report (or its continuation): with colour to a terminal that wants it, else as plain text."""
    color = click.get_current_context().obj["color"]
    wanted = color == "always" or bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
    if color != "never" and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and wanted:
        from mutualize.report.terminal import show

        show(blocks, sys.stdout)
    else:
        from mutualize.report.plain import plain

        sys.stdout.write("\n" * continued + plain(blocks))


def emit_json(data: object) -> None:
    """Print one JSON object with sorted keys, in ASCII, which every terminal and pipe can take."""
    import json

    sys.stdout.write(json.dumps(data, indent=2, sort_keys=True) + "\n")


# --- scenarios -------------------------------------------------------------------------------------------


@cli.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the scenarios that are shipped."""
    import tomllib

    from mutualize.report.blocks import Table
    from mutualize.scenario.find import FILE, shelf, shipped

    found = [(name, tomllib.loads((shelf() / name / FILE).read_text("utf-8"))) for name in shipped()]
    if as_json:
        rows = [{"name": name, "title": data.get("title", "")} for name, data in found]
        emit_json({"schema": "mutualize/list@1", "scenarios": rows})
    else:
        emit(
            [
                Table(
                    ("scenario", "what it is"),
                    tuple((name, str(data.get("title", ""))) for name, data in found),
                )
            ]
        )


@cli.command()
@click.argument("scenario")
@set_option
@variant_option
@json_option
def show(scenario: str, settings: tuple[str, ...], variant: str | None, as_json: bool) -> None:
    """Show a scenario: calibrated and assumed inputs first, who takes part, who pays, what is expected."""
    from mutualize.report.about import overrides_of
    from mutualize.report.show import scenario_data, scenario_page
    from mutualize.scenario.load import load

    loaded = load(scenario, overrides_of(settings), variant)
    if as_json:
        emit_json(scenario_data(loaded))
    else:
        emit(scenario_page(loaded))


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a commented scenario to start from into DIR."""
    from mutualize.scenario.find import FILE
    from mutualize.scenario.template import template

    try:
        text = template(folder.resolve().name)
    except ValueError as error:
        raise MutualizeError(str(folder), f"{error}.", "Choose a name of a-z, 0-9, '_' and '-'.") from None
    file = folder / FILE
    if file.exists():
        raise MutualizeError(str(file), "exists already.", "Choose another folder.", code=Exit.IO)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"wrote {file}\nNext: mutualize show {folder}\n      mutualize run {folder}")


@cli.command()
@click.option("--metrics", is_flag=True, help="List the metrics that expectations may name instead.")
def schema(metrics: bool) -> None:
    """Print the JSON Schema of a scenario, for editors that complete and check."""
    if not metrics:
        from mutualize.scenario.schema import schema as scenario_schema

        emit_json(scenario_schema())
        return
    from mutualize.projections.metrics import METRICS
    from mutualize.report.blocks import Table

    emit([Table(("metric", "unit", "what it is"), tuple((m.pattern, m.unit, m.doc) for m in METRICS))])


# --- runs ------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("scenario")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Another seed.")
@set_option
@variant_option
@click.option("--out", metavar="DIR", help="Write ledger, summary and scenario into DIR.")
@click.option("--force", is_flag=True, help="Replace the run that is in DIR.")
@click.option("--no-band", is_flag=True, help="Leave out the draws of uncertain inputs.")
@click.option("--jobs", type=click.IntRange(1), help="Processes for the draws; left out: one a processor.")
@json_option
def run(
    scenario: str,
    seed: int | None,
    settings: tuple[str, ...],
    variant: str | None,
    out: str | None,
    force: bool,
    no_band: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Run a scenario: a shipped one by its name, a folder, or a .toml file."""
    from mutualize.report.next_steps import next_steps
    from mutualize.report.page import closing_part, findings
    from mutualize.report.progress import Progress
    from mutualize.run import run as run_scenario

    with Progress() as progress:
        ran = run_scenario(
            scenario,
            seed=seed,
            set=settings,
            variant=variant,
            out=out,
            ledger="none",
            force=force,
            progress=progress,
        )
    if not as_json:
        emit(findings(ran.summary))
        sys.stdout.flush()
    if not no_band and ran.scenario.band is not None:
        if ran.scenario.band.draws >= LONG_BAND and not sys.stderr.isatty():
            click.echo(
                f"drawing the band: {ran.scenario.band.draws} runs (--no-band leaves it out)", err=True
            )
        with Progress(ran.scenario.band.draws) as progress:
            ran.draw_band(workers=jobs, progress=progress.draws)
    if as_json:
        emit_json(ran.summary)
    else:
        ledger = None if ran.folder is None else ran.folder.ledger
        steps = next_steps(ran.summary, ledger, scenario, seed, settings, variant)
        emit(closing_part(ran.summary, steps), continued=True)
    end_as(ran)


def end_as(ran: Run) -> None:
    """End with the exit code of how a run ended."""
    from mutualize.world import Ending

    codes = {
        Ending.FAILED: Exit.CHECK_FAILED,
        Ending.INTERRUPTED: Exit.INTERRUPTED,
        Ending.TERMINATED: Exit.TERMINATED,
    }
    if ran.ended in codes:
        click.echo(f"error: the run ended {ran.ended.value}, and its ledger is sealed as such.", err=True)
        sys.stdout.flush()
        click.get_current_context().exit(codes[ran.ended])


@cli.command()
@ledger_argument
@click.option("--deep", is_flag=True, help="Decode every line, fold, and check all invariants as well.")
@json_option
def verify(ledger: Path, deep: bool, as_json: bool) -> None:
    """Verify a ledger: the hash chain and the seal."""
    if deep:
        from functools import partial

        from mutualize.invariants import check as check_laws
        from mutualize.ledger_audit import verify_deep

        verdict = verify_deep(ledger, partial(check_laws, deep=True))
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


@cli.command()
@ledger_argument
@click.option("--at", metavar="TIME", help="The state at this moment: 2022-11-22T18:00:00Z.")
@click.option("--seq", type=click.IntRange(0), help="The state after this entry.")
@json_option
def replay(ledger: Path, at: str | None, seq: int | None, as_json: bool) -> None:
    """Show the state at a moment, from the ledger alone; without a moment, at its end."""
    from mutualize.ledger_reader import Condition, read, verify
    from mutualize.report.state import state_at, state_data, state_page

    verdict = verify(ledger)
    if verdict.condition in (Condition.TORN, Condition.UNSEALED):
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    book = state_at(read(ledger), time=at, seq=seq)
    if verdict.condition is Condition.CORRUPT:  # further on: at a bad batch itself, reading it is an error
        click.echo(f"warning: {ledger}: {verdict}", err=True)
    if as_json:
        emit_json(state_data(book))
    else:
        moment = f"at {at}" if at is not None else f"after entry {seq}" if seq is not None else "at the end"
        emit(state_page(book, moment))


@cli.command()
@click.argument("scenarios", nargs=-1)
@click.option("--golden", type=click.Path(path_type=Path), help="Compare digests with those in this file.")
@click.option("--update", is_flag=True, help="Write these runs' digests into the --golden file.")
@json_option
def check(scenarios: tuple[str, ...], golden: Path | None, update: bool, as_json: bool) -> None:
    """Run scenarios with all their variants; a missed expectation or another digest is exit code 1."""
    from mutualize.report.check import checked, checks_page, golden_text, gone, read_golden
    from mutualize.report.progress import Progress
    from mutualize.run import run as run_scenario
    from mutualize.scenario.find import shipped
    from mutualize.scenario.load import load

    if update and golden is None:
        raise MutualizeError("--update", "there is no file to update.", "Give it by --golden FILE.")
    before = read_golden(golden) if golden is not None and (golden.exists() or not update) else {}
    known = {} if update else before
    rows = []
    for name in scenarios or shipped():
        for variant in (None, *load(name).variants):
            with Progress() as progress:
                ran = run_scenario(name, variant=variant, ledger="none", progress=progress)
            rows.append(checked(ran.summary, known))
    if update and golden is not None:
        golden.write_text(golden_text(rows, before), encoding="utf-8", newline="\n")
    lost = gone(rows, known)
    ok = all(row["ok"] for row in rows) and not lost
    if as_json:
        emit_json({"schema": "mutualize/check@1", "gone": lost, "ok": ok, "runs": rows})
    else:
        emit(checks_page(rows, lost))
    click.get_current_context().exit(Exit.OK if ok else Exit.CHECK_FAILED)


# --- how it ends -----------------------------------------------------------------------------------------


def _terminate(*_: object) -> NoReturn:
    """Answer SIGTERM outside of a run (which answers for itself): end, and take the workers along."""
    sys.exit(Exit.TERMINATED)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. No error shows a traceback, unless `--debug` asks for it."""
    signal.signal(signal.SIGTERM, _terminate)
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(arguments, prog_name="mutualize", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
        code = Exit.OK
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):
            raise
        from mutualize.report.failure import explain

        lines, code = explain(error)
        sys.stdout.flush()
        sys.stderr.write("".join(f"error: {line}\n" for line in lines))
    sys.exit(code if isinstance(code, int) else Exit.OK)
