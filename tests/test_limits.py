"""Limits: each is named by the error that it causes, with the flag that raises it, and the flag does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from fuzz_toml import SEEDS

from mutualize.errors import Exit, MutualizeError
from mutualize.events import PricePublished
from mutualize.run import run
from mutualize.scenario.find import FILE, shipped
from mutualize.scenario.limits import LIMITS, Limits, limits_of, table
from mutualize.scenario.load import load, loads
from mutualize.scenario.size import publications, steps

CALM = (SEEDS / "calm.toml").read_text()
WORDS = (SEEDS / "words.toml").read_text()
TABLES = (SEEDS / "tables.toml").read_text()
POINTS = 'points = [["2024-01-01T00:00:00Z", "2000"], ["2024-01-01T12:00:00Z", "1000"]]'
FALLING = CALM.replace('price = "2000"', POINTS)
KEEPERS = '\n[[liquidators]]\nname = "keepers"\ncount = 9\nvenue = "pool"\nflash = true\n'

LARGE: dict[str, tuple[str, int]] = {
    "file-bytes": (CALM, len(CALM.encode()) - 1),
    "line-bytes": (CALM, 40),
    "key-parts": (CALM, 2),
    "depth": (FALLING, 1),
    "points": (FALLING, 1),
    "texts": (WORDS, 1),
    "histogram-rows": (WORDS, 1),
    "variants": (WORDS + '[variants.other]\nset = { "seed" = 9 }\n', 1),
    "draws": (WORDS, 1),
    "data-bytes": (TABLES, 100),
    "row-characters": (TABLES, 40),
    "members": (CALM, 3),
    "agents": (CALM + KEEPERS, 8),
    "steps": (FALLING, 1_000),
}
"""For each limit: a scenario, and a limit that it exceeds."""


def folder_of(text: str, tmp_path: Path) -> Path:
    """Write a scenario with the tables of the fuzzer beside it."""
    for path in SEEDS.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / FILE).write_text(text)
    return tmp_path


def refusal(look: Callable[[], Any]) -> MutualizeError:
    """Return the refusal by a limit; other problems may stand beside it."""
    with pytest.raises(MutualizeError) as caught:
        look()
    found = [each for each in (caught.value, *caught.value.others) if each.code is Exit.LIMIT]
    assert found, caught.value.lines()
    return found[0]


def test_every_limit_has_a_case() -> None:
    """No limit is without a scenario that exceeds it."""
    assert sorted(LARGE) == sorted(name for name, _, _ in table())


@pytest.mark.parametrize("name", LARGE)
def test_a_limit_names_itself_and_the_flag_that_raises_it(name: str, tmp_path: Path) -> None:
    """Beyond a limit the error says which, and how to raise it; raised as it says, the scenario loads."""
    text, low = LARGE[name]
    folder = folder_of(text, tmp_path)
    load(folder)
    error = refusal(lambda: load(folder, limits=limits_of([f"{name}={low}"])))
    assert f"{low:,}" in error.problem
    found = re.fullmatch(rf"Raise it by --limit {name}=([0-9]+)\.", error.remedy)
    assert found is not None, error.remedy
    refusal(lambda: load(folder, limits=limits_of({name: int(found[1]) - 1})))
    raised = attrs.evolve(LIMITS, **{name.replace("-", "_"): int(found[1])})
    assert load(folder, limits=raised).limits == raised


@pytest.mark.parametrize("name", LARGE)
def test_run_takes_the_limit_from_the_caller(name: str, tmp_path: Path) -> None:
    """`run` refuses by a limit before it writes anything."""
    text, low = LARGE[name]
    folder = folder_of(text, tmp_path)
    error = refusal(lambda: run(folder, out=tmp_path / "out", limits={name: low}))
    assert f"--limit {name}=" in error.remedy
    assert not (tmp_path / "out").exists()


PEOPLE = 'count = 2\nvenue = "pool"\n'
MANY = '[[liquidators]]\nname = "many"\ncount = 1000000\nvenue = "pool"\nflash = true\n[[depositors]]'
CENTURY = 'points = [["2024-01-01T00:00:00Z", "9"], ["2124-01-01T00:00:00Z", "99999"]]'
HUGE = {
    "a billion lenders": (PEOPLE, PEOPLE.replace("2", "1000000000"), "members"),
    "more lenders than memory": (PEOPLE, PEOPLE.replace("2", "2500000"), "members"),
    "a billion heartbeats": ("[venues.pool]", "[oracles.ETH]\nheartbeat_s = 1\n[venues.pool]", "steps"),
    "every second for a century": ('price = "2000"', CENTURY, "steps"),
    "a million liquidators": ("[[depositors]]", MANY, "agents"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_too_large_is_refused_before_it_runs(name: str) -> None:
    """Billions of people or steps are estimated, not tried."""
    old, new, limit = HUGE[name]
    text = CALM.replace(old, new, 1)
    if limit == "steps":
        text = text.replace('end = "2024-01-02', 'end = "2124-01-02')
    assert text != CALM
    error = refusal(lambda: loads(text, SEEDS))
    assert f"--limit {limit}=" in error.remedy
    assert re.search(r"scenario\.toml:\d+$", error.place)


def test_a_million_borrowers_are_no_matter_of_limits() -> None:
    """A million people, and minute steps of a year and a half, need no flag."""
    text = FALLING.replace(
        'count = 2\nvenue = "pool"\ncollateral', 'count = 1000000\nvenue = "pool"\ncollateral'
    )
    text = text.replace(
        "[venues.pool]", '[oracles.ETH]\nheartbeat_s = 60\ndeviation = "0.01"\n[venues.pool]', 1
    )
    scenario = loads(text.replace('end = "2024-01-02', 'end = "2025-07-01'), SEEDS)
    assert scenario.borrowers[0].count == 10**6
    assert 700_000 < steps(scenario) < 1_000_000


@pytest.mark.parametrize("name", [*shipped(), "calm", "crash", "tables", "words"])
def test_the_estimate_is_no_less_than_what_happens(name: str) -> None:
    """No asset's price is published more often than was estimated, and not forty times less often either."""
    scenario = load(name if name in shipped() else SEEDS / f"{name}.toml")
    told: dict[str, int] = {}
    for entry in run(scenario).entries():
        if isinstance(entry.event, PricePublished):
            told[entry.event.asset] = told.get(entry.event.asset, 0) + 1
    for asset, market in scenario.markets.items():
        estimate = publications(scenario, market) + 1
        assert told[asset] <= estimate <= 40 * told[asset], asset


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        (["members"], "is no 'NAME=NUMBER'"),
        (["members=x"], "is no 'NAME=NUMBER'"),
        (["members=-1"], "is no 'NAME=NUMBER'"),
        (["members=\u0661"], "is no 'NAME=NUMBER'"),
        (["members=0"], "is a whole number from 1 to"),
        (["depth=101"], "is a whole number from 1 to 100, not 101"),
        (["memebrs=5"], "there is no limit 'memebrs'. Known: file-bytes, "),
        ({"members": True}, "is a whole number from 1"),
        ({"steps": "9"}, "is a whole number from 1"),
    ],
)
def test_a_limit_that_is_none_is_told(raised: Any, problem: str) -> None:
    """What is no limit, or no number, is a mistake of usage."""
    with pytest.raises(MutualizeError) as caught:
        limits_of(raised)
    assert problem in str(caught.value)
    assert caught.value.code is Exit.USAGE


def test_what_a_flag_cannot_raise_is_told() -> None:
    """A nesting that no parser takes is refused with how far the flag goes."""
    deepest = limits_of(["depth=100"])
    loads(CALM.replace("marked", "# " + "[" * 500 + "\nmarked", 1), SEEDS, limits=deepest)
    error = refusal(lambda: loads(CALM + "x = " + "[" * 500 + "]" * 500, SEEDS, limits=deepest))
    assert error.remedy == "Not even --limit depth raises it beyond 100."


def test_sets_are_drawn_under_the_limits_of_their_scenario() -> None:
    """Draws are loaded anew, in other processes; what was raised for the run is raised for them."""
    text = WORDS.replace("count = { value = 1, assumed", "count = { value = 3, assumed")
    with pytest.raises(MutualizeError, match="--limit members="):
        loads(text, SEEDS, limits=Limits(members=1))
    ran = run(loads(text, SEEDS, limits=Limits(members=5, line_bytes=5_000)))
    spread = ran.over_seeds(1, 2, workers=1)
    assert spread is not None
    assert (spread["draws"]["count"], spread["draws"]["failed"]) == (2, 0), spread["draws"]["problems"]


def test_a_value_that_is_typed_has_the_limit_of_a_line() -> None:
    """What stands behind `--set` may be as long as a line of the file, and no longer without the flag."""
    error = refusal(lambda: loads(CALM, SEEDS, [("title", "x" * 5_000)]))
    assert error.line() == (
        "--set title: 5,000 characters in a value: at most 4,096. Raise it by --limit line-bytes=5000."
    )


def test_a_spread_of_what_is_no_metric_is_told_before_the_run() -> None:
    """What a spread looks at is read before anything happens, not when the run is over."""
    scenario = loads(WORDS.replace("debt.borrowers-1.USDC", "nan"), SEEDS)
    with pytest.raises(MutualizeError, match=r"spread\.metrics: 'nan' is not a metric"):
        run(scenario, progress=lambda _: pytest.fail("it runs"))
