"""The commands that run a scenario many times: spread, sensitivity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mutualize.cli.options import jobs_option, json_option, limit_option, set_option
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError

RUNS_MAX = 100_000

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write it into this file as JSON, and a picture beside it (.svg).",
)
update_option = click.option(
    "--update",
    is_flag=True,
    help="Write it beside the scenario, where `run`, `show` and `check` look for it.",
)


@click.command()
@click.argument("scenarios", nargs=-1)
@click.option("--seeds", type=click.IntRange(1, RUNS_MAX), help="How many seeds; left out: as in [spread].")
@click.option("--draws", type=click.IntRange(0, RUNS_MAX), help="How many drawn sets of inputs; as above.")
@set_option
@out_option
@update_option
@jobs_option
@limit_option
@json_option
def spread(
    scenarios: tuple[str, ...],
    seeds: int | None,
    draws: int | None,
    settings: tuple[str, ...],
    out: Path | None,
    update: bool,
    jobs: int | None,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run scenarios with many seeds, and with drawn sets of inputs: how far outcomes spread, and what fits.

    Left out, it is every scenario that is shipped. With --out or --update, a call that is interrupted is
    gone on from by the next one.
    """
    from mutualize.report.earned import spread_page
    from mutualize.report.folder import SPREAD
    from mutualize.report.pictures import spread_picture
    from mutualize.spread import spread_of

    def work(scenario: Any, partial: Path | None, told: Callable[[int, int], None]) -> Any:
        return spread_of(scenario, seeds=seeds, draws=draws, path=partial, workers=jobs, told=told)

    _each(scenarios, settings, limits, _place(scenarios, settings, out, update, SPREAD), work,
          spread_page, spread_picture, as_json=as_json)  # fmt: skip


@click.command()
@click.argument("scenarios", nargs=-1)
@click.option(
    "--seeds", type=click.IntRange(1, RUNS_MAX), default=3, show_default=True, help="How many seeds."
)
@click.option("--step", default="0.05", show_default=True, help="By which share each input is moved.")
@click.option("--variants/--no-variants", default=True, help="Whether the variants are worked out, too.")
@set_option
@out_option
@update_option
@jobs_option
@limit_option
@json_option
def sensitivity(
    scenarios: tuple[str, ...],
    seeds: int,
    step: str,
    variants: bool,
    settings: tuple[str, ...],
    out: Path | None,
    update: bool,
    jobs: int | None,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Move every calibrated and assumed number of scenarios up and down: which outcome moves by how much.

    Left out, it is every scenario that is shipped. With --out or --update, a call that is interrupted is
    gone on from by the next one.
    """
    from mutualize.report.pictures import tornado
    from mutualize.report.sensitive import sensitivity_page
    from mutualize.sensitivity import sensitivity_of
    from mutualize.spread_file import SENSITIVITY

    def work(scenario: Any, partial: Path | None, told: Callable[[int, int], None]) -> Any:
        return sensitivity_of(
            scenario, seeds=seeds, step=step, variants=variants, path=partial, workers=jobs, told=told
        )

    _each(scenarios, settings, limits, _place(scenarios, settings, out, update, SENSITIVITY), work,
          sensitivity_page, tornado, as_json=as_json)  # fmt: skip


def _place(
    scenarios: tuple[str, ...], settings: tuple[str, ...], out: Path | None, update: bool, name: str
) -> Callable[[Any], Path | None]:
    """Return what says where the answer of a scenario is written. Raises MutualizeError."""
    if out is not None and update:
        raise MutualizeError("--out", "--update says another place.", "Leave one of them out.")
    if out is not None and len(scenarios) != 1:
        raise MutualizeError("--out", "one file holds one scenario.", "Name one, or write by --update.")
    if out is not None and out.suffix != ".json":
        raise MutualizeError("--out", f"{out} does not end in .json.", "The picture is called like it, .svg.")
    if update and settings:
        raise MutualizeError("--set", "what lies beside a scenario is of its own values.", "Write by --out.")
    return lambda scenario: scenario.folder / name if update else out


def _each(
    scenarios: tuple[str, ...],
    settings: tuple[str, ...],
    limits: tuple[str, ...],
    place: Callable[[Any], Path | None],
    work: Callable[[Any, Path | None, Callable[[int, int], None]], Any],
    page: Callable[[Any], Any],
    picture: Callable[[Any], str],
    *,
    as_json: bool,
) -> None:
    """Work scenarios out, one after the other; print each, and write it where it has a place."""
    from mutualize import locked_file
    from mutualize.kept_points import partial_of
    from mutualize.report.about import overrides_of
    from mutualize.report.progress import Progress
    from mutualize.scenario.find import shipped
    from mutualize.scenario.limits import limits_of
    from mutualize.scenario.load import load
    from mutualize.spread_file import write_answer

    for name in scenarios or shipped():
        loaded = load(name, overrides_of(settings), limits=limits_of(limits))
        path = place(loaded)
        partial = None if path is None else partial_of(path)
        try:
            with Progress() as progress:
                data = work(loaded, partial, progress.points)
        except (KeyboardInterrupt, SystemExit):
            if partial is not None:
                click.echo(f"the same command goes on from {partial}", err=True)
            raise
        if path is not None and partial is not None:
            write_answer(path, data)
            try:
                locked_file.replace(path.with_suffix(".svg"), picture(data).encode())
            except OSError as error:
                raise MutualizeError(str(path), f"no picture: {error.strerror}.", code=Exit.IO) from error
            partial.unlink(missing_ok=True)
        if as_json:
            emit_json(data)
        else:
            emit(page(data))
