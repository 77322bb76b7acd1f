"""The page of a run: what it is made of, what it weighs, and what is no run that it could be made of."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from web_samples import HOSTILE, hostile_source, long_source, small, small_source

from mutualize.errors import MutualizeError
from mutualize.events import KINDS, LossAbsorbed
from mutualize.report.text import numeral
from mutualize.report.web.page import commands, page_of, require_free, write_page
from mutualize.report.web.sentences import SENTENCES
from mutualize.report.web.source import Source, known, source_of
from mutualize.report.web.steps import Steps
from mutualize.report.web.story import story
from mutualize.report.web.thinning import rows_of
from mutualize.report.web.what_if import case_of, share_out
from mutualize.run import run

FIXED_MAX = 120_000
TEN_THOUSAND_MAX = 600_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small run."""
    path = tmp_path_factory.mktemp("page") / "run"
    run("three-tiers", out=path)
    return path


# --- what it is ------------------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """A page made twice, from a folder, from its ledger and from memory, is the same to the byte."""
    page = page_of(source_of(folder))
    assert page == page_of(source_of(folder / "ledger.jsonl")) == page_of(small_source())
    path = tmp_path / "page.html"
    assert small().write_report(path) == len(path.read_bytes())
    assert path.read_text("utf-8") == page


def test_a_page_asks_for_nothing(folder: Path) -> None:
    """It names no address but a drawing's language, and its policy forbids what it does not name."""
    page = page_of(source_of(folder))
    assert set(re.findall(r"https?://[^\s'\"<&]+", page)) <= {"http://www.w3.org/2000/svg"}
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy[1]
    assert not re.search(r"<[^>]+\s(on\w+|style)=", page.partition("<script")[0])
    assert str(folder) not in page


def test_the_fixed_part_is_small() -> None:
    """A page of next to no events weighs at most 120 kB."""
    ran = small()
    summary = json.loads(json.dumps(ran.summary)) | {"waterfalls": []}
    first = list(ran.entries())[:2]
    assert len(page_of(Source(summary, lambda: first)).encode()) <= FIXED_MAX


@pytest.mark.slow
def test_ten_thousand_events_are_small() -> None:
    """A page of 10,000 events weighs at most 600 kB in all."""
    assert len(page_of(long_source(10_000)).encode()) <= TEN_THOUSAND_MAX


def test_every_kind_of_event_has_its_sentence() -> None:
    """Whatever may stand in a ledger is told as a sentence, whose fields the event has."""
    assert SENTENCES.keys() - {"Merged"} == KINDS.keys()
    for name, kind in KINDS.items():
        fields = {field.name for field in kind.__attrs_attrs__}
        told = re.findall(r"\{([a-z]\w*)(?:@(\w+))?", SENTENCES[name])
        assert {field for pair in told for field in pair if field} <= fields, name


# --- what it tells ---------------------------------------------------------------------------------------


def test_what_it_tells_is_what_the_ledger_says() -> None:
    """The columns give back every transfer: the sums by account are those of the state at the end."""
    data = story(small_source())
    assert data["events"]["all"] == data["events"]["count"] == small().summary["ledger"]["events"]
    fall = data["waterfalls"][0]
    for at, tier in enumerate(small().tiers):
        own = [i for i, of in enumerate(fall["paid"][1].split(",")) if int(of) == at]
        covered = sum(int(fall["paid"][2].split(",")[i]) for i in own)
        assert numeral(covered, data["decimals"]["USDC"]) == tier["covered"]


def test_a_supplier_of_an_isolated_market_sees_his_share(tmp_path: Path) -> None:
    """A loss by share price is a cut of every share: single shares are those that suppliers lost."""
    result = run(Path(__file__).with_name("lenders") / "isolated", out=tmp_path / "run")
    data = story(source_of(tmp_path / "run"))
    absorbed = [entry.event for entry in result.entries() if isinstance(entry.event, LossAbsorbed)]
    assert data["holdings"]["cuts"][0], "there are cuts"
    rows, tables, before, after, scale = (
        [int(each) for each in column.split(",")] for column in data["holdings"]["cuts"]
    )
    assert len(rows) == len(absorbed) > 0
    assert {data["holdings"]["tables"][table]["kind"] for table in tables} == {"claims"}
    assert all(left < had < of * 10**6 for had, left, of in zip(before, after, scale, strict=True))
    assert sum(had - left for had, left in zip(before, after, strict=True)) == sum(
        event.amount for event in absorbed
    )


def test_replaying_the_table_gives_the_run() -> None:
    """The reference shares the run's losses out to the last unit as the run did."""
    steps = Steps(small().summary)
    for entry in small().entries():
        steps.take(entry, entry.seq)
    case, why = case_of(steps, ("pool", "USDC"), ["insurance-fund", "stakers", "haircut"])
    assert not why
    assert case is not None
    assert [numeral(total, 6) for total in share_out(case).totals()] == [
        tier["covered"] for tier in small().tiers
    ]


def test_a_long_run_is_thinned_and_moves_the_same_money() -> None:
    """Beyond the limit neighbours are merged: rows are few, hold each event once, and keep all losses."""
    source = long_source(3_000)
    rows = rows_of(source.entries(), full_max=1_000, kept_max=150)
    assert rows.is_thinned
    assert len(rows.sizes) <= 4 * 150 + 10
    assert sum(rows.sizes) == len(rows.row_of) == 3_124
    losses = [e.seq for e in source.entries() if type(e.event).__name__ in ("LossAbsorbed", "Slashed")]
    assert all(rows.sizes[rows.row_of[seq]] == 1 for seq in losses)
    whole = rows_of(source.entries())
    assert not whole.is_thinned


def test_a_thinned_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What merged rows moved adds up to what their events moved, and the page knows how many there were."""
    monkeypatch.setattr(
        "mutualize.report.web.story.rows_of", lambda entries: rows_of(entries, full_max=500, kept_max=120)
    )
    source = long_source(2_000)
    data = story(source)
    assert data["events"]["all"] == 2_124
    assert data["events"]["count"] < 600
    assert "Merged" in data["sentences"]
    moved = sum(int(amount) for amount in data["events"]["moved"][4].split(","))
    sizes = [int(size) for size in data["events"]["sizes"].split(",")]
    rows = rows_of(source.entries(), full_max=500, kept_max=120)
    told = sum(
        move.amount
        for entry in source.entries()
        for move in entry.event.transfers
        if sizes[rows.row_of[entry.seq]] > 1
    )
    assert moved == told


def test_hostile_names_are_texts_in_the_file() -> None:
    """No name ends the element that it stands in, and none steers the eye."""
    page = page_of(hostile_source())
    assert page.count("<script") == 3
    assert "<img" not in page
    for trick in ("\u202e", "\u2066", "\u2028", "\x1b", "\x07"):
        assert trick not in page
    assert HOSTILE[0] not in page


def test_the_command_repeats_the_run() -> None:
    """What the page says to type gives the same digest: seed, variant and what was set are in it."""
    ran = run("three-tiers", seed=9, variant="par", set=["depositors.lenders.amount=60000"])
    words = shlex.split(commands(ran.summary)[0][1])
    assert words[:3] == ["mutualize", "run", "three-tiers"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options.pop("--out") == "DIR"
    again = run(
        "three-tiers", seed=int(options["--seed"]), variant=options["--variant"], set=[options["--set"]]
    )
    assert again.digest == ran.digest


# --- what is no run --------------------------------------------------------------------------------------


def problem(path: Path) -> tuple[str, int]:
    """Return what is wrong with a run, and the exit code that says so."""
    with pytest.raises(MutualizeError) as caught:
        source_of(path)
    return str(caught.value), int(caught.value.code)


def copied(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of a run's ledger and summary."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("ledger.jsonl", "summary.json"):
        (copy / name).write_bytes((folder / name).read_bytes())
    return copy


def test_a_damaged_ledger_is_no_run(folder: Path, tmp_path: Path) -> None:
    """Torn, unsealed, corrupt and missing ledgers each have their answer, their remedy and their code."""
    copy = copied(folder, tmp_path)
    ledger = copy / "ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-400])
    assert problem(copy)[1] == 6
    assert "mutualize resume" in problem(copy)[0]
    ledger.write_bytes(whole[: whole.rindex(b'{"events":')])
    assert problem(copy)[1] == 7
    ledger.write_bytes(whole.replace(b'"amount":"20000000000"', b'"amount":"20000000001"', 1))
    assert problem(copy)[1] == 8
    ledger.unlink()
    assert problem(copy)[1] == 4


def test_a_ledger_of_another_format_is_no_run(folder: Path, tmp_path: Path) -> None:
    """A format that this version does not know is told as such."""
    copy = copied(folder, tmp_path)
    ledger = copy / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"mutualize-ledger/1", b"mutualize-ledger/9", 1))
    told, code = problem(copy)
    assert code in {2, 8}
    assert told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "does not exist"),
        ("{", "is no JSON"),
        ("[]", "'no object'"),
        ("[" * 100_000, "is no JSON"),
        ({"schema": "mutualize/run@2"}, "'mutualize/run@2'"),
        ({"terms": None}, "does not tell terms"),
        ({"ledger": {"digest": "0" * 64}}, "of another run"),
    ],
)
def test_a_summary_that_is_none_is_told(folder: Path, tmp_path: Path, change: Any, said: str) -> None:
    """A summary that is missing, broken, from another version or of another run stops the page."""
    copy = copied(folder, tmp_path)
    summary = copy / "summary.json"
    if isinstance(change, dict):
        told = json.loads(summary.read_bytes()) | change
        told = {key: value for key, value in told.items() if value is not None}
        summary.write_text(json.dumps(told))
    elif change is None:
        summary.unlink()
    else:
        summary.write_text(change)
    assert said in problem(copy)[0]


def test_a_summary_needs_its_digest(folder: Path) -> None:
    """A summary whose ledger has no digest is from another version."""
    summary = json.loads((folder / "summary.json").read_bytes()) | {"ledger": {}}
    with pytest.raises(MutualizeError, match="does not tell"):
        known(Path("summary.json"), summary)


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """A file that is there stays as it is without force, and a folder that is not is not made."""
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(MutualizeError, match="exists already"):
        write_page(small_source(), path)
    assert path.read_text() == "mine"
    write_page(small_source(), path, force=True)
    assert path.read_text("utf-8").startswith("<!doctype html>")
    for place in (tmp_path, tmp_path / "none" / "page.html"):
        with pytest.raises(MutualizeError):
            require_free(place, force=True)
    assert sorted(tmp_path.iterdir()) == [path]


# --- the commands ----------------------------------------------------------------------------------------


def mutualize(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "mutualize", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_report_command_writes_a_page(folder: Path, tmp_path: Path) -> None:
    """`mutualize report RUN` writes beside the run, tells its size, and replaces nothing by itself."""
    copy = copied(folder, tmp_path)
    done = mutualize("report", str(copy), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "report.html" in done.stdout
    again = mutualize("report", str(copy), cwd=tmp_path)
    assert again.returncode == 74
    assert again.stderr.startswith("error: ")
    assert "--force" in again.stderr
    told = mutualize("report", str(copy / "ledger.jsonl"), "-o", "x.html", "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["bytes"] == len((tmp_path / "x.html").read_bytes())
    (copy / "ledger.jsonl").write_bytes((copy / "ledger.jsonl").read_bytes()[:-300])
    broken = mutualize("report", str(copy), "-o", "y.html", cwd=tmp_path)
    assert broken.returncode == 6
    assert not (tmp_path / "y.html").exists()
    assert mutualize("report", "nowhere", cwd=tmp_path).returncode == 4


def test_a_run_writes_its_report(folder: Path, tmp_path: Path) -> None:
    """`mutualize run --report` gives the page that `mutualize report` gives, and asks before it runs."""
    done = mutualize("run", "three-tiers", "--report", "page.html", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "page.html").read_text("utf-8") == page_of(source_of(folder))
    again = mutualize("run", "three-tiers", "--report", "page.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (74, "")
    beside = mutualize("run", "three-tiers", "--out", "r", "--report", "r/report.html", cwd=tmp_path)
    assert beside.returncode == 0
    assert (tmp_path / "r" / "report.html").read_bytes() == (tmp_path / "page.html").read_bytes()
