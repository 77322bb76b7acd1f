"""A small ledger for tests: a hundred events in ten batches, and the vectors that are made of it.

`python tests/ledger_samples.py` writes tests/ledgers/*.jsonl anew; a test holds them against this script.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from mutualize.accounts import Transfer
from mutualize.book import Book
from mutualize.events import (
    Accrued,
    Cell,
    CollateralSet,
    Entry,
    Event,
    Liquidated,
    LossAbsorbed,
    LossAllocated,
    PricePublished,
    RefusalsCounted,
    ShortfallRecognised,
    Supplied,
    Traded,
    trade,
)
from mutualize.ledger import Header, Ledger, MemoryLedger, header
from mutualize.ledger_reader import Verdict, Walk

START = 1_669_075_200
VECTORS = Path(__file__).parent / "ledgers"
HEADER: Header = header("5c" * 32, 42, "0.1.0", "1")


def transactions(rounds: int = 10) -> Iterator[tuple[Entry, ...]]:
    """Yield the transactions of an invented run: in each round a price, a supply, and a small crash."""
    seq = 0
    for number in range(rounds):
        for events in (
            [price(number)],
            [accrued(number), supplied(number)],
            [*crash(number)],
            [RefusalsCounted(reason="POSITION_IS_HEALTHY", count=number + 1)],
        ):
            yield tuple(
                Entry(
                    seq + i, START + 600 * number, seq, seq + i - 1 if i else (seq - 1 if seq else None), each
                )
                for i, each in enumerate(events)
            )
            seq += len(events)


def price(number: int) -> Event:
    """Return an oracle's price: no transfers, one cell."""
    value = 50_000_000 + 1_000_003 * number
    return PricePublished(asset="CRV", price=value, market=value + 7, cells=(Cell("oracle", "CRV", value),))


def accrued(number: int) -> Event:
    """Return an accrual: cells only, one of them negative, which no venue writes and the format allows."""
    return Accrued(
        venue="aave",
        asset="CRV",
        cells=(
            Cell("aave.CRV", "borrow_index", 10**27 + number),
            Cell("aave.CRV", "drift", -number),
            Cell("aave.CRV", "liquidity_index", 10**27 + number // 2),
        ),
    )


def supplied(number: int) -> Event:
    """Return a supply by somebody whose name needs care: quotes, a backslash, letters of several scripts."""
    name = ('bob "the \\ whale"', "Ωmega-žluťoučký", "鯨", "tab\tbell\x07", "🐳")[number % 5]
    amount = 10**18 * (number + 1)
    return Supplied(
        venue="aave",
        account=name,
        asset="CRV",
        amount=amount,
        scaled=amount - 1,
        transfers=(
            Transfer("aave:cash", "aave:claims", "CRV", amount),
            Transfer("outside:market", f"outside:{name}", "CRV", amount),
        ),
        cells=(Cell("aave.CRV.supply", name, amount - 1),),
    )


def crash(number: int) -> Iterator[Event]:
    """Yield a liquidation that leaves a shortfall, and a tier that pays for it."""
    yield Liquidated(
        venue="aave", liquidator="keeper", account="whale", collateral="USDC", debt="CRV",
        paid=10**24 + number, seized=10**12, fee=3, claims=number % 2 == 0,
        transfers=(Transfer("aave:cash", "aave:loans", "CRV", 10**17 + number),),
    )  # fmt: skip
    yield ShortfallRecognised(
        venue="aave", account="whale", asset="CRV", amount=7 + number, price=5 * 10**7,
        transfers=(Transfer("aave:deficit", "aave:loans", "CRV", 7 + number),),
    )  # fmt: skip
    yield LossAllocated(
        venue="aave", asset="CRV", tier="insurance-fund", index=0, capacity=10**6, amount=7 + number, rest=0
    )
    yield LossAbsorbed(
        venue="aave", asset="CRV", tier="insurance-fund", index=0, bearer="fund", amount=7 + number, rest=0,
        paid_asset="CRV", paid=7 + number, price=5 * 10**7, paid_price=5 * 10**7,
        transfers=(Transfer("aave:tier:insurance-fund", "aave:deficit", "CRV", 7 + number),),
    )  # fmt: skip
    swap = trade("keeper", ("USDC", 10**12), ("CRV", 10**24), "an exchange")
    yield Traded(mid=49_999_999, transfers=swap)
    yield CollateralSet(venue="aave", account="whale", asset="USDC", on=False)


def write(ledger: Ledger, *, rounds: int = 10, seal: bool = True) -> Book:
    """Write the sample, a batch for each round; return the book that it gives."""
    book = Book()
    for number, entries in enumerate(transactions(rounds), 1):
        ledger.append(entries)
        for entry in entries:
            book.apply(entry)
        if number % 4 == 0:
            ledger.close_batch()
    if seal:
        ledger.seal(book.digest())
    return book


def sample(rounds: int = 10) -> MemoryLedger:
    """Return the sample, sealed, in memory."""
    ledger = MemoryLedger(HEADER)
    write(ledger, rounds=rounds)
    return ledger


def batch_ends(data: bytes) -> list[int]:
    """Return the offsets behind the header and behind each commit line, found by a way of their own."""
    ends, offset = [], 0
    for line in data.splitlines(keepends=True):  # no event of the sample holds a bare carriage return
        offset += len(line)
        if line.startswith((b'{"format":', b'{"blk":')):
            ends.append(offset)
    return ends


def judge(data: bytes) -> Verdict:
    """Return what `verify` says about a file of these bytes, without the file."""
    walk = Walk("sample", BytesIO(data))
    for _ in walk.bodies(keep=False):
        pass
    return walk.known_verdict()


def vectors() -> dict[str, bytes]:
    """Return the test vectors by file name."""
    good = sample(rounds=3).data
    ends = batch_ends(good)
    return {
        "good.jsonl": good,
        "torn.jsonl": good[: ends[2] + 700],
        "unsealed.jsonl": good[: ends[2]],
        "corrupt.jsonl": good.replace(
            b'"paid":"1000000000000000000000001"', b'"paid":"1000000000000000000000002"'
        ),
        "empty.jsonl": tiny(0).data,
        "tiny.jsonl": tiny(2).data,
    }


def tiny(events: int) -> MemoryLedger:
    """Return the example of docs/ledger-format.md: a price, and a supply that it led to."""
    cell = Cell("oracle", "USDC", 10**8)
    moved = (
        Transfer("aave:cash", "aave:claims", "USDC", 700),
        Transfer("outside:aave", "outside:alice", "USDC", 700),
    )
    units = (Cell("aave.USDC.supply", "alice", 700), Cell("aave.USDC", "virtual", 700))
    both = (
        PricePublished(asset="USDC", price=10**8, market=99_990_000, cells=(cell,)),
        Supplied(
            venue="aave", account="alice", asset="USDC", amount=700, scaled=700, transfers=moved, cells=units
        ),
    )
    ledger, book = MemoryLedger(HEADER), Book()
    for seq, event in enumerate(both[:events]):
        entry = Entry(seq, START + 12 * seq, seq, seq - 1 if seq else None, event)
        ledger.append([entry])
        book.apply(entry)
    ledger.seal(book.digest())
    return ledger


if __name__ == "__main__":
    for name, data in vectors().items():
        (VECTORS / name).write_bytes(data)
