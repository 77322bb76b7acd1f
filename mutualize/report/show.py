"""A scenario in words, before it is run: what happens, who takes part, and which numbers are no facts."""

from __future__ import annotations

from collections.abc import Iterator

from mutualize.report.about import about
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.provenance import conflicts, inputs
from mutualize.report.text import moment, plural
from mutualize.scenario.model import Scenario, Tier


def scenario_data(scenario: Scenario) -> Data:
    """Return what is shown as plain data: `mutualize/scenario@1`."""
    return {
        "schema": "mutualize/scenario@1",
        **about(scenario),
        "people": [{"name": name, "role": role, "count": count} for name, role, count in _people(scenario)],
        "waterfalls": {
            venue.name: [
                {"tier": tier.tier, "payer": tier.payer, "used": tier.used, "terms": _terms(scenario, tier)}
                for tier in venue.waterfall
            ]
            for venue in scenario.venues.values()
        },
        "variants": {variant.name: variant.title for variant in scenario.variants.values()},
        "expectations": [
            {
                "id": expect.id,
                "metric": expect.metric,
                "compare": expect.op,
                "value": expect.value,
                "kind": expect.kind,
                "source": expect.source,
                "variant": expect.variant,
            }
            for expect in scenario.expect
        ],
    }


def _people(scenario: Scenario) -> list[tuple[str, str, int]]:
    """Return (name, role, how many) of everybody who takes part."""
    people = [
        (group.name, role, group.count)
        for role in ("depositors", "borrowers", "liquidators", "stakers")
        for group in getattr(scenario, role)
    ]
    if scenario.positions:
        people.append(("single positions", "borrowers", len(scenario.positions)))
    return [*people, *((vote.name, "votes", 1) for vote in scenario.governance)]


def _terms(scenario: Scenario, tier: Tier) -> str:
    """Return a tier's terms as the inputs have them."""
    start = f".waterfall.{tier.tier}."
    given = [given for given in scenario.inputs if start in f".{given.path}"]
    return ", ".join(f"{one.path.rpartition('.')[2]} {one.value}" for one in given)


def scenario_page(scenario: Scenario) -> list[Block]:
    """Return the page of a scenario: calibrated and assumed inputs before everything that is a fact."""
    return list(_page(scenario, scenario_data(scenario)))


def _page(scenario: Scenario, data: Data) -> Iterator[Block]:
    variant = f", variant {scenario.variant}" if scenario.variant else ""
    yield Line(f"{scenario.name}{variant}: {scenario.title}", "strong")
    yield from (Line(" ".join(text.split())) for text in scenario.summary.split("\n\n") if text.strip())
    yield Line(f"From {moment(scenario.start)} to {moment(scenario.end)}, seed {scenario.seed}.", "quiet")
    yield from inputs(data["inputs"], named_max=len(scenario.inputs))
    yield Heading("Who takes part")
    yield Table(
        ("population", "role", ">how many"),
        tuple((name, role, f"{n:,}") for name, role, n in _people(scenario)),
    )
    for venue, tiers in data["waterfalls"].items():
        yield Heading(f"Who pays when {venue} falls short, in this order")
        rows = tuple(
            (
                str(i),
                tier["tier"],
                tier["payer"] if tier["used"] else f"{tier['payer']}, not used",
                tier["terms"],
            )
            for i, tier in enumerate(tiers, 1)
        )
        yield (
            Table(("", "tier", "whose money", "terms"), rows) if rows else Line("Nobody: claims stay at par.")
        )
    yield from conflicts(data["conflicts"])
    yield Heading("Expectations")
    stated = tuple(
        (
            e["id"],
            e["variant"] or "",
            e["metric"],
            f"{e['compare']} {e['value']}",
            e["kind"],
            e["source"] or "",
        )
        for e in data["expectations"]
    )
    yield (
        Table(("id", "variant", "metric", "expected", "kind", "source"), stated) if stated else Line("None.")
    )
    yield from _rest(data)


def _rest(data: Data) -> Iterator[Block]:
    if data["variants"]:
        yield Heading("Variants")
        yield from (Line(f"{name}: {title}", indent=1) for name, title in data["variants"].items())
    yield Heading("Not modelled")
    yield from (
        Line(f"- {text}", indent=1) for text in data["not_modelled"] or ["The scenario does not say."]
    )
    if data["sources"]:
        yield Heading("Sources")
        yield from (Line(f"{name}: {title}", indent=1) for name, title in data["sources"].items())
    for file in data["inputs"]["files"]:
        yield Line(
            f"{file['name']}: {plural(file['rows'], 'row')}, sha256 {file['sha256'][:16]}, {file['why']}",
            indent=1,
        )
