"""A scenario in words, before it is run: what happens, who takes part, and which numbers are no facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mutualize.report.about import about
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.earned import earned
from mutualize.report.figures import Data
from mutualize.report.provenance import conflicts, inputs
from mutualize.report.text import moment, plural
from mutualize.report.told import told_data, told_page
from mutualize.scenario.model import Scenario, Tier
from mutualize.scenario.troves import Trove, TroveRows
from mutualize.scenario.vault_crosschecks import VAULT_ROLES
from mutualize.scenario.vaults import Vault, VaultRows
from mutualize.tier import AT_DEFAULT, PRO_RATA

WORDS: Final = ("vote", "purse", "holder", "by", "iou", "iou_asset")
"""What is said of a tier in words, where it says something."""


def scenario_data(scenario: Scenario, spread: Data | None) -> Data:
    """Return what is shown as plain data: `mutualize/scenario@1`; `spread` is what is known over seeds."""
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
        **told_data(scenario),
        "spread": spread,
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
                "over": expect.over,
            }
            for expect in scenario.expect
        ],
    }


def _people(scenario: Scenario) -> list[tuple[str, str, int]]:
    """Return (name, role, how many) of everybody who takes part."""
    people = [
        (group.name, role, group.count)
        for role in ("depositors", "borrowers", "liquidators", "opportunists", "stakers")
        for group in getattr(scenario, role)
    ]
    people += [
        (group.name, "members", 1 if group.count is None else group.count) for group in scenario.members
    ]
    people += [
        (group.name, role.replace("_", " "), getattr(group, "count", 1))
        for role in VAULT_ROLES
        for group in getattr(scenario, role)
    ]
    people += [(row.name, "vault owners", _owners_of(row, scenario.vaults)) for row in scenario.vault_rows]
    people += [(row.name, "trove owners", _owners_of(row, scenario.troves)) for row in scenario.trove_rows]
    people += [(group.name, "trove keepers", group.count) for group in scenario.trove_keepers]
    if scenario.positions:
        people.append(("single positions", "borrowers", len(scenario.positions)))
    votes = [*(vote.name for vote in scenario.governance), *(act.name for act in scenario.acts)]
    return [*people, *((name, "votes", 1) for name in votes)]


def _owners_of(row: VaultRows | TroveRows, listed: Sequence[Vault | Trove]) -> int:
    """Return how many vaults, or troves, a row stands for; those of tables are `listed`."""
    if row.file is not None:
        return sum(each.table == row.name for each in listed)
    return 1 if row.count is None else row.count


def _terms(scenario: Scenario, tier: Tier) -> str:
    """Return a tier's terms as the inputs have them."""
    start = f".waterfall.{tier.tier}."
    given = [given for given in scenario.inputs if start in f".{given.path}"]
    words = [f"{one.path.rpartition('.')[2]} {one.value}" for one in given]
    words += [f"{field} {said}" for field in WORDS if (said := getattr(tier, field)) is not None]
    words += [tier.sharing] if tier.sharing != PRO_RATA else []
    words += ["entitled as at the default"] if tier.snapshot == AT_DEFAULT else []
    words += ["in every asset"] if tier.every_asset else []
    return ", ".join(words)


def scenario_page(scenario: Scenario, spread: Data | None) -> list[Block]:
    """Return the page of a scenario: calibrated and assumed inputs before everything that is a fact."""
    return list(_page(scenario, scenario_data(scenario, spread)))


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
    yield from told_page(data)
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
        if scenario.venues[venue].freeze_exits:
            yield Line("Nobody leaves while a loss is open.")
        recoveries = scenario.venues[venue].recoveries
        if recoveries:
            rules = ", then ".join(f"{row.row} ({row.rule})" for row in recoveries)
            yield Line(f"What comes back repays: {rules}.")
    yield from conflicts(data["conflicts"])
    yield Heading("Expectations")
    stated = tuple(
        (
            e["id"],
            e["variant"] or "",
            e["metric"],
            f"{e['compare']} {e['value']}" + (" (median of seeds)" if e["over"] else ""),
            e["kind"],
            e["source"] or "",
        )
        for e in data["expectations"]
    )
    yield (
        Table(("id", "variant", "metric", "expected", "kind", "source"), stated) if stated else Line("None.")
    )
    yield from earned(scenario.name, scenario.money, data["inputs"]["counts"], data["spread"])
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
