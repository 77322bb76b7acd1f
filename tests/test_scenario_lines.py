"""On which line a value stands: the map that error messages are made with."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutualize.scenario.dump import canonical, dump_data
from mutualize.scenario.lines import locate, tokens
from mutualize.scenario.place import Path, format_path, parse_path, shown
from mutualize.scenario.template import template

TEXT = """\
a = 1                            # 1: [not, a, list] = { "
b.c = "x # y"
list = [
    1,                           # ], 4
    [2, { k = "]", "q.r" = 3 }],
    '''
[no.header]
''',
]
[t]                              # 10
x = { y = { z = "1.5" } }
[[rows]]
n = 1
[rows.below]
m = 2
[[rows]]                         # 16
n = \"\"\"
n = 9
\\\"\"\"
\"\"\"
[[rows.deep]]                    # 21
z = 1
[[rows.deep]]
"quoted key" = 2024-01-01T00:00:00Z
[deep.only]
'single' = -1.5e3
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1), (("b",), 2), (("b", "c"), 2), (("list",), 3), (("list", 0), 4),
        (("list", 1, 1, "k"), 5), (("list", 1, 1, "q.r"), 5), (("list", 2), 6), (("t",), 10),
        (("t", "x", "y", "z"), 11), (("rows", 0), 12), (("rows", 0, "n"), 13), (("rows", 0, "below"), 14),
        (("rows", 0, "below", "m"), 15), (("rows", 1), 16), (("rows", 1, "n"), 17),
        (("rows", 1, "deep", 0, "z"), 22), (("rows", 1, "deep", 1), 23),
        (("rows", 1, "deep", 1, "quoted key"), 24), (("deep",), 25), (("deep", "only"), 25),
        (("deep", "only", "single"), 26),
    ],
)  # fmt: skip
def test_every_value_has_its_line(path: Path, line: int) -> None:
    """Headers, rows, inline tables, lists over lines and strings that look like more: all are found."""
    assert locate(TEXT)[path] == line


def paths_of(data: Any, path: Path = ()) -> Iterator[Path]:
    """Return the paths of everything in parsed data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield (*path, step)
        yield from paths_of(value, (*path, step))


@pytest.mark.parametrize("text", [TEXT, template()])
def test_no_value_is_forgotten(text: str) -> None:
    """The map has a line for every path that the parser finds, and no others."""
    assert set(locate(text)) == set(paths_of(tomllib.loads(text)))


def test_tokens_stop_where_a_string_does_not_end() -> None:
    """What follows an unterminated string is not read as if it were outside of it."""
    for broken in ('a = "x\nb = [', "a = '''\n[b]", 'a = """\\"""\n[b]', "a = 'x"):
        assert [token.text for token in tokens(broken)] == ["a", "="]


names = st.text("abcXYZ019_-. é\"'\\\n", min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n \\\"'"), max_size=300)
values = st.recursive(
    st.booleans() | st.integers(-(10**40), 10**40) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=5))
def test_what_is_written_is_read_again(data: dict[str, Any]) -> None:
    """Any tables, lists, texts and whole numbers survive being written as TOML, in the same order."""
    ordered = canonical(data, None)
    read = tomllib.loads(dump_data(ordered))
    assert read == ordered
    assert list(paths_of(read)) == list(paths_of(ordered))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("seed", ("seed",)),
        ("venues.aave.waterfall[1].limit", ("venues", "aave", "waterfall", 1, "limit")),
        ('markets."USDC.e".price', ("markets", "USDC.e", "price")),
        ("a[0][12]", ("a", 0, 12)),
        ("a-b_c.1", ("a-b_c", "1")),
    ],
)
def test_a_path_is_read_and_written(text: str, path: Path) -> None:
    """Dots, positions and quotes mean the same in both directions."""
    assert parse_path(text) == path
    assert format_path(path) == text


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "[0]", "a..b", "a[", "a[x]", "a[-1]", 'a."', "a b", "a.[0]", "é"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    """A path begins with a name and has no empty parts."""
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


def test_values_are_shown_on_one_line() -> None:
    """What a user wrote is quoted, cut, and made harmless before it stands in a message."""
    assert shown("a\nb\x1b[31m\u202e") == "'a\\u000ab\\u001b[31m\\u202e'"
    assert shown("x" * 100) == f"'{'x' * 60}…'"
    assert (shown(True), shown(5), shown({}), shown([])) == ("true", "5", "a table", "a list")
    assert shown(10**5_000) == "a number of more than 60 digits"
