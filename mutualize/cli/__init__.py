"""The command line. Results on stdout, all else on stderr; one line an error, an exit code for each end.

Everything heavy is imported by the command that needs it: `--version` and `--help` load click and nothing
else of weight.
"""

from __future__ import annotations

import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import click

from mutualize import __version__
from mutualize.cli.checks import bench, check
from mutualize.cli.compares import compare
from mutualize.cli.exports import export
from mutualize.cli.forks import fork
from mutualize.cli.ledgers import repair, replay, verify
from mutualize.cli.output import forget_stdout
from mutualize.cli.reports import gallery, report
from mutualize.cli.runs import resume, run
from mutualize.cli.scenarios import init, list_, schema, show, waterfall
from mutualize.cli.spreads import sensitivity, spread
from mutualize.cli.stories import explain, ledger_
from mutualize.errors import Exit

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
  mutualize report runs/crv -o crv.html
  mutualize explain runs/crv
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
    """All commands, where two things end otherwise than click would end them.

    A reader that has read enough is no error; and Ctrl-C is told in one line, without an empty one before.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            forget_stdout()
            return Exit.OK
        except KeyboardInterrupt:
            raise SystemExit(Exit.INTERRUPTED) from None


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


for command in (
    *(list_, show, waterfall, init, schema, run, resume, spread, sensitivity),
    *(report, gallery, explain, ledger_, compare, fork, export, verify, replay, repair, check, bench),
):
    cli.add_command(command)


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
        try:
            sys.stdout.flush()
        except OSError:  # which is what went wrong, most likely; it would be raised once more at the exit
            forget_stdout()
        sys.stderr.write("".join(f"error: {line}\n" for line in lines))
    sys.exit(code if isinstance(code, int) else Exit.OK)
