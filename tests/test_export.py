"""A run as tables: exact amounts, the run's identity in the metadata, and readers that need no export."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from test_cli import call, from_json
from test_sentences import HOSTILE

import mutualize
from mutualize.accounts import Transfer
from mutualize.book import replay
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry, Supplied
from mutualize.ledger_reader import read
from mutualize.report.export.arrow import needed, reader_of
from mutualize.report.export.tables import SHAPES, Source, shape_of
from mutualize.report.export.write import export
from mutualize.report.sentences.words import Units
from mutualize.run import Run

LEDGERS = Path(__file__).parent / "ledgers"
HUGE = 10**50 + 1


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of three-tiers, kept in a folder."""
    return mutualize.run("three-tiers", out=tmp_path_factory.mktemp("runs") / "tiers")


@pytest.fixture(scope="module")
def ledger(ran: Run) -> Path:
    """Return its ledger."""
    assert ran.folder is not None
    return ran.folder.ledger


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_needs_nothing_and_is_exact(ledger: Path, tmp_path: Path) -> None:
    """Each transfer is a row with its exact amount, and the metadata stands beside the file."""
    path = tmp_path / "t.csv"
    done = call("export", str(ledger), "--table", "transfers", "--to", str(path))
    assert done.stdout.startswith(f"{path}: of 124 events, digest 11ffaf5f")
    moved = [t for entry in read(ledger) for t in entry.event.transfers]
    found = rows(path)
    assert [(r["debit"], r["credit"], r["asset"], int(r["amount"])) for r in found] == [
        tuple(t) for t in moved
    ]
    assert found[0]["t"] == "2024-01-01T10:00:00Z"
    about = json.loads((tmp_path / "t.csv-metadata.json").read_text())
    assert about["schema"] == "mutualize/table@1"
    assert (about["seed"], about["condition"], about["table"]) == ("7", "sealed", "transfers")
    assert json.loads(about["decimals"]) == {"ETH": 18, "USDC": 6}


def test_tiers_are_what_the_summary_says(ran: Run, ledger: Path, tmp_path: Path) -> None:
    """What tiers covered, as a table, is what the report says."""
    export(ledger, tmp_path / "tiers.csv", "tiers")
    found = {row["tier"]: int(row["covered"]) for row in rows(tmp_path / "tiers.csv")}
    decimals = ran.board.frame.decimals
    told = {t["tier"]: round(int(t["covered"].replace(".", "")) * 10 ** (
        decimals[t["asset"]] - len(t["covered"].partition(".")[2]))) for t in ran.tiers}  # fmt: skip
    assert found == told


def test_every_event_is_a_row_with_all_its_fields(ledger: Path, tmp_path: Path) -> None:
    """Nothing is lost: kind, place and the event's own fields stand in the row."""
    export(ledger, tmp_path / "e.csv")
    found = rows(tmp_path / "e.csv")
    entries = list(read(ledger))
    assert [int(row["seq"]) for row in found] == [entry.seq for entry in entries]
    assert [row["kind"] for row in found] == [type(entry.event).__name__ for entry in entries]
    shortfall = json.loads(found[104]["fields"])
    assert (shortfall["amount"], found[104]["amount"], shortfall["price"]) == (
        "64991795239",
        "64991795239",
        "100000000",
    )
    assert found[104]["cause"] == "103"
    assert found[2]["cause"] == ""


def test_parquet_and_arrow_hold_the_same_exactly(ledger: Path, tmp_path: Path) -> None:
    """Both files have decimals and texts that agree, and whose they are in the metadata."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'mutualize[data]'")
    parquet, ipc = needed("pyarrow.parquet"), needed("pyarrow.ipc")
    data = from_json("export", str(ledger), "--table", "all", "--to", str(tmp_path / "r.parquet"))
    assert [Path(name).name for name in data["files"]] == [f"r.{name}.parquet" for name in SHAPES]
    export(ledger, tmp_path / "r.arrow", "all")
    for name in SHAPES:
        table = parquet.read_table(tmp_path / f"r.{name}.parquet")
        with ipc.open_file(tmp_path / f"r.{name}.arrow") as file:
            other = file.read_all()
        assert table.to_pylist() == other.to_pylist()
        about = table.schema.metadata
        assert about[b"mutualize.digest"].decode() == data["root"]
        assert about[b"mutualize.table"].decode() == name
        assert other.schema.metadata == about
        for row in table.to_pylist():
            for column in row:
                if f"{column}_str" in row:
                    assert row[f"{column}_str"] == (None if row[column] is None else str(row[column]))


def test_a_run_is_an_arrow_stream_and_a_frame(ran: Run) -> None:
    """Libraries take the run itself, or ask it for a table."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert pa.table(ran).num_rows == 124
    assert ran.to_arrow("tiers").column("tier").to_pylist() == ["insurance-fund", "stakers", "haircut"]
    in_memory = mutualize.run("three-tiers")
    assert in_memory.to_arrow().equals(ran.to_arrow(), check_metadata=True)
    pl = pytest.importorskip("polars", reason="polars is not installed")
    assert ran.to_polars("transfers")["amount"].dtype == pl.Decimal(38, 0)
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert str(ran.to_pandas("transfers")["amount"].iloc[0]) == "50000000000"


def source(*entries: Entry) -> Source:
    """Return what tables of some entries are made of."""
    return Source(lambda: iter(entries), Units({"USDC": 6}), {"digest": "x"})


def test_what_no_decimal_can_hold_is_there_as_text() -> None:
    """An amount of 51 digits is null as a decimal, and exact beside it; no text is changed."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    moved = (Transfer(HOSTILE, "pool:claims", "DAI", HUGE), Transfer("a", "b", "USDC", 10**38 - 1))
    event = Supplied(venue="pool", account=HOSTILE, asset="DAI", amount=HUGE, scaled=1, transfers=moved)
    entry = Entry(0, 1_704_103_200, 0, None, event)
    first, second = reader_of("transfers", source(entry)).read_all().to_pylist()
    assert (first["amount"], first["amount_str"], first["decimals"]) == (None, str(HUGE), None)
    assert (int(second["amount"]), second["decimals"]) == (10**38 - 1, 6)
    assert first["debit"] == HOSTILE
    assert reader_of("tiers", source(entry)).read_all().num_rows == 0


def test_without_pyarrow_csv_is_there_and_the_rest_says_what_is_missing(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not installed is named, with how to get it, and no half file is left."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for suffix in ("parquet", "arrow"):
        with pytest.raises(
            MutualizeError, match=r"pyarrow is not installed. Install it: pip install"
        ) as error:
            export(ledger, tmp_path / f"r.{suffix}")
        assert error.value.code is Exit.MISSING
    assert list(tmp_path.iterdir()) == []
    export(ledger, tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["good.jsonl", "--to", "x.xlsx"], 2, "does not say in which format"),
        (["good.jsonl", "--to", "there.csv"], 74, "exists already"),
        (["good.jsonl", "--to", "no/such/x.csv"], 74, "cannot be written"),
        (["none.jsonl", "--to", "x.csv"], 4, "does not exist"),
        (["corrupt.jsonl", "--to", "x.csv"], 8, "corrupt"),
        (["torn.jsonl", "--to", "x.csv"], 6, "torn"),
        (["unsealed.jsonl", "--to", "x.csv"], 7, "unsealed"),
        (["good.jsonl", "--to", "there.csv", "--force"], 0, ""),
    ],
)
def test_what_cannot_be_exported_says_why(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    """Each mistake has its exit code; what is there stays, unless it is to be replaced."""
    (tmp_path / "there.csv").write_text("mine")
    name, option, target, *rest = words
    done = call("export", str(LEDGERS / name), option, str(tmp_path / target), *rest, code=code)
    assert said in done.stderr
    assert ((tmp_path / "there.csv").read_text() == "mine") == (code != 0)
    assert (tmp_path / "x.csv").exists() == (code in (6, 7))


def test_a_run_that_kept_no_ledger_has_no_tables() -> None:
    """Where only the digest was kept, that is said."""
    unkept = mutualize.run("three-tiers", ledger="none")
    with pytest.raises(MutualizeError, match="was not kept"):
        unkept.table_source()
    with pytest.raises(MutualizeError, match="there is no table"):
        shape_of("people")


def queries(checkout: Path) -> list[str]:
    """Return the queries of docs/data.md."""
    text = (checkout / "docs" / "data.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def test_duckdb_reads_the_ledger_as_it_stands(ledger: Path, checkout: Path) -> None:
    """The queries of the documentation give what the summary and the book say."""
    duckdb: Any = pytest.importorskip("duckdb", reason="duckdb is not installed: pip install duckdb")
    tiers, balances = [query.replace("runs/tiers/ledger.jsonl", str(ledger)) for query in queries(checkout)]
    found = duckdb.sql(tiers).fetchall()
    assert [(tier, int(covered)) for tier, _, covered, _ in found] == [
        ("stakers", 51_000_000_000), ("haircut", 46_983_423_830), ("insurance-fund", 20_000_000_000),
    ]  # fmt: skip
    book = replay(read(ledger))
    moved = {(account, asset): int(balance) for account, asset, balance in duckdb.sql(balances).fetchall()}
    assert {key: balance for key, balance in moved.items() if balance} == {
        (account, asset): debits for account, asset, debits in book.balances() if debits
    }
