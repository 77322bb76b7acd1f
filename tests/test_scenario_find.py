"""Where scenarios are found, and the schema that editors read them with."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario import find as finding
from mutualize.scenario.dump import dump
from mutualize.scenario.find import find, shelf, shipped
from mutualize.scenario.load import load, loads
from mutualize.scenario.schema import schema
from mutualize.scenario.template import template

GALLERY = Path(__file__).parent / "errors"


def tree(root: Path, *names: str) -> None:
    """Make folders with a scenario in each."""
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "scenario.toml").write_text(template(name.rpartition("/")[2]))


def test_shipped_scenarios_are_in_the_package_or_beside_it(tmp_path: Path) -> None:
    """A wheel has them inside; a checkout beside the package; the first that there is counts."""
    package = tmp_path / "mutualize"
    tree(tmp_path, "scenarios/beside")
    assert shelf(package) == tmp_path / "scenarios"
    tree(package, "scenarios/inside")
    assert shelf(package) == package / "scenarios"


def test_a_name_or_a_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a file, a shipped name; one's own folder goes before a shipped one of that name."""
    tree(tmp_path, "checkout/scenarios/crash", "checkout/scenarios/run", "here/mine", "here/run")
    (tmp_path / "checkout" / "scenarios" / "notes").mkdir()
    monkeypatch.setattr(finding, "PACKAGE", tmp_path / "checkout" / "mutualize")
    monkeypatch.chdir(tmp_path / "here")
    own = tmp_path / "here" / "own.toml"
    own.write_text(template("own"))
    assert shipped() == ["crash", "run"]
    assert find("crash") == tmp_path / "checkout" / "scenarios" / "crash"
    assert find("run") == Path("run")
    assert find("./mine") == Path("mine")
    assert find(own) == own
    assert load("crash").folder == tmp_path / "checkout" / "scenarios" / "crash"
    assert [load(path).name for path in ("run", "mine", "own.toml", own)] == ["run", "mine", "own", "own"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("crush", "there is no scenario 'crush'. Did you mean 'crash'?"),
        ("empty", "'empty' has no scenario.toml."),
        ("none.toml", "'none.toml' is no scenario: there is no such folder or .toml file."),
        ("a/b", "'a/b' is no scenario: there is no such folder or .toml file."),
        ("x\0y", "there is no scenario 'x\\u0000y'. Known: crash."),
        ("y" * 5_000, f"there is no scenario '{'y' * 60}…'. Known: crash."),
    ],
)
def test_what_is_not_found_is_told(
    asked: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 4, and the nearest shipped name."""
    tree(tmp_path, "scenarios/crash")
    (tmp_path / "here" / "empty").mkdir(parents=True)
    monkeypatch.setattr(finding, "PACKAGE", tmp_path / "mutualize")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(MutualizeError) as caught:
        find(asked)
    assert (caught.value.code, caught.value.lines()) == (Exit.MISSING, [told])


def test_every_shipped_scenario_loads() -> None:
    """What is shipped is sound, under the name of its folder, and is written down faithfully."""
    for name in shipped():
        scenario = load(name)
        assert scenario.name == name
        assert loads(dump(scenario), scenario.folder) == scenario


# --- the schema ------------------------------------------------------------------------------------------


def is_valid(data: Any, rule: Any, root: Any) -> bool:
    """Check data against the part of JSON Schema that ours uses."""
    if "$ref" in rule:
        return is_valid(data, root["$defs"][rule["$ref"].rpartition("/")[2]], root)
    types = rule.get("type", [])
    named = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    is_typed = any(
        isinstance(data, named[name]) and (name == "boolean" or not isinstance(data, bool))
        for name in ([types] if isinstance(types, str) else types)
    )
    return (
        (is_typed or not types)
        and ("enum" not in rule or data in rule["enum"])
        and ("anyOf" not in rule or any(is_valid(data, part, root) for part in rule["anyOf"]))
        and (not isinstance(data, str) or is_valid_text(data, rule))
        and (not isinstance(data, int) or rule.get("minimum", data) <= data <= rule.get("maximum", data))
        and (not isinstance(data, dict) or is_valid_table(data, rule, root))
        and (not isinstance(data, list) or is_valid_list(data, rule, root))
    )


def is_valid_text(data: str, rule: Any) -> bool:
    """Check a text."""
    return re.search(rule.get("pattern", ""), data) is not None and len(data) <= rule.get(
        "maxLength", len(data)
    )


def is_valid_table(data: dict[str, Any], rule: Any, root: Any) -> bool:
    """Check a table."""
    known = rule.get("properties", {})
    patterns = rule.get("patternProperties", {})
    for name, value in data.items():
        parts = [known[name]] if name in known else []
        parts += [part for pattern, part in patterns.items() if re.search(pattern, name)]
        rest = rule.get("additionalProperties", True)
        if not parts and rest is not True and (rest is False or not is_valid(value, rest, root)):
            return False
        if not all(is_valid(value, part, root) for part in parts):
            return False
    count = rule.get("minProperties", 0) <= len(data) <= rule.get("maxProperties", len(data))
    return count and all(name in data for name in rule.get("required", []))


def is_valid_list(data: list[Any], rule: Any, root: Any) -> bool:
    """Check a list."""
    if not rule.get("minItems", 0) <= len(data) <= rule.get("maxItems", len(data)):
        return False
    firsts = rule.get("prefixItems", [])
    return all(is_valid(value, part, root) for value, part in zip(data, firsts, strict=False)) and all(
        is_valid(value, rule.get("items", {}), root) for value in data[len(firsts) :]
    )


SCHEMA = schema()


def test_the_schema_is_plain_json() -> None:
    """It is of the stated dialect, can be written, and every reference in it leads somewhere."""
    text = json.dumps(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {name.rpartition("/")[2] for name in re.findall(r'"#/\$defs/[^"]+', text)} == set(SCHEMA["$defs"])
    assert "description" in SCHEMA["$defs"]["Reserve"]["properties"]["ltv"]


def test_the_template_keeps_the_schema() -> None:
    """What loads is valid, as it is written and as the program writes it."""
    for text in (template(), dump(loads(template(), GALLERY))):
        assert is_valid(tomllib.loads(text), SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "name",
    [
        "unknown-key",
        "unknown-table",
        "missing-key",
        "unknown-word",
        "float",
        "numerals",
        "negative",
        "wrong-type",
        "chain",
    ],
)
def test_the_schema_sees_plain_mistakes(name: str) -> None:
    """Mistakes of form in the gallery are no valid scenarios to an editor either."""
    data = tomllib.loads((GALLERY / name / "scenario.toml").read_text())
    assert not is_valid(data, SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "name", ["end-before-start", "reserve-rules", "unknown-source", "names-taken", "tiers"]
)
def test_the_schema_leaves_the_rest_to_the_loader(name: str) -> None:
    """What depends on other values is told when the scenario is loaded."""
    data = tomllib.loads((GALLERY / name / "scenario.toml").read_text())
    assert is_valid(data, SCHEMA, SCHEMA)


def test_a_disk_that_fails_is_not_a_scenario_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file system cannot say is an error of input and output, not a wrong name."""

    def fail(_: Path) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "is_file", fail)
    with pytest.raises(OSError, match="Input/output error"):
        find("anything")
