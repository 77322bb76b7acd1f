"""What a check found, for machines: JUnit that parses, annotations within limits, Markdown that is text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mutualize.report.check_formats import (
    ANNOTATIONS,
    SUMMARY_BYTES,
    Finding,
    github,
    junit,
    markdown,
)

HOSTILE = "</failure><x a='\"&|`\x00\x1b[31m\u202e,:%\r\n::error::"


def test_junit_counts_and_names() -> None:
    """A suite for each run, a case for each finding, a failure for each problem, whatever the text holds."""
    found = [Finding("a", "run"), Finding("a", HOSTILE, HOSTILE), Finding("b/v", "x", "wrong")]
    suites = ElementTree.fromstring(junit(found))  # noqa: S314 - it is our own
    told = [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites]
    assert told == [("a", "2", "1"), ("b/v", "1", "1")]
    cases = [case for suite in suites for case in suite]
    assert [len(case) for case in cases] == [0, 1, 1]
    assert cases[2][0].get("message") == "wrong"


@pytest.mark.parametrize("count", [0, 1, ANNOTATIONS, ANNOTATIONS + 1, 500])
def test_annotations_keep_to_their_limit(count: int) -> None:
    """Of many problems the last annotation says how many more there are; none vanish in silence."""
    found = [Finding("a", f"x{number}", "wrong", place="s/scenario.toml") for number in range(count)]
    lines = github(found).splitlines()
    assert len(lines) == min(count, ANNOTATIONS)
    if count > ANNOTATIONS:
        assert f"and {count - ANNOTATIONS + 1} more" in lines[-1]
    elif count:
        assert lines[0] == "::error file=s/scenario.toml,line=1,title=a%3A x0::wrong"


def test_a_name_cannot_end_an_annotation() -> None:
    """Line ends, colons and commas are escaped: each finding is one command."""
    lines = github([Finding(HOSTILE, HOSTILE, HOSTILE, place=HOSTILE)]).splitlines()
    assert len(lines) == 1
    properties = lines[0].removeprefix("::error ").split("::")[0]
    assert properties.count(",") == 2
    assert "\x1b" not in lines[0]


def test_what_changed_and_may_is_a_notice() -> None:
    """Notes are told apart from problems."""
    text = github([Finding("a", "x", note="was 1 and is 2: better"), Finding("a", "y")])
    assert text == "::notice title=a%3A x::was 1 and is 2: better\n"


def test_markdown_stays_text_and_short() -> None:
    """No name makes a cell, a tag or an emphasis; what is too long is cut, and that is said."""
    text = markdown([Finding("a|b", "<b>*x*</b>", "`no`"), Finding("c", "d", note="better")])
    row = next(line for line in text.splitlines() if "a\\|b" in line)
    assert "<b>" not in row
    assert "\\*x\\*" in row
    long = markdown([Finding("a", f"x{number}", "w" * 100) for number in range(20_000)])
    assert len(long.encode()) < SUMMARY_BYTES + 200
    assert "more lines: see the log" in long
