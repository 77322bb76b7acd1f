"""The commands about scenarios: list, show, init, schema, waterfall."""

from __future__ import annotations

from pathlib import Path

import click

from mutualize.cli.options import json_option, limit_option, set_option, variant_option
from mutualize.cli.output import emit, emit_json
from mutualize.errors import Exit, MutualizeError


@click.command("list")
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


@click.command()
@click.argument("scenario")
@set_option
@variant_option
@limit_option
@json_option
def show(
    scenario: str, settings: tuple[str, ...], variant: str | None, limits: tuple[str, ...], as_json: bool
) -> None:
    """Show a scenario: calibrated and assumed inputs first, who takes part, who pays, what is expected."""
    from mutualize.report.about import overrides_of
    from mutualize.report.show import scenario_data, scenario_page
    from mutualize.scenario.limits import limits_of
    from mutualize.scenario.load import load
    from mutualize.spread_file import spread_beside

    loaded = load(scenario, overrides_of(settings), variant, limits=limits_of(limits))
    if as_json:
        emit_json(scenario_data(loaded, spread_beside(loaded)))
    else:
        emit(scenario_page(loaded, spread_beside(loaded)))


@click.command()
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


@click.command()
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


@click.command()
@click.argument("name", required=False)
@json_option
def waterfall(name: str | None, as_json: bool) -> None:
    """Show a table of tiers that is shipped, with the source of every row; without NAME: list them.

    A venue of a scenario takes one by its name: preset = "NAME".
    """
    from mutualize.report.preset import preset_list, preset_page
    from mutualize.scenario.presets import names, preset

    found = [preset(each) for each in (names() if name is None else [name])]
    if as_json and name is None:
        rows = [{"name": each["name"], "title": each["title"], "kinds": each["kinds"]} for each in found]
        emit_json({"schema": "mutualize/waterfalls@1", "waterfalls": rows})
    elif as_json:
        emit_json({"schema": "mutualize/waterfall@1", **found[0]})
    else:
        emit(preset_list(found) if name is None else preset_page(found[0]))
