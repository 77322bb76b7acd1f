"""A row of a waterfall in words, from the row as it stands in a file: whose, how much, when, shared how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mutualize.report.text import duration
from mutualize.scenario.known import RESERVED, plain

Row = Mapping[str, Any]
LIMITS: Final = (
    ("limit", "{} of what it has"),
    ("of_loss", "{} of the loss"),
    ("amount_max", "{} a loss"),
    ("quota", "{} a period"),
    ("multiple", "{} × each contribution"),
    ("multiple_max", "{} × in a period"),
    ("min_left", "{} always stay"),
    ("offset", "above {}"),
)
"""What a limit says, by its field."""


def _value(row: Row, field: str) -> Any:
    return plain(row.get(field))


def _number(value: Any) -> str:
    """Write a number, or one for each asset, as the file has it."""
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{plain(amount)} {asset}" for asset, amount in value.items() if asset not in RESERVED)


def whose(row: Row) -> str:
    """Say whose money a tier is."""
    words = [str(_value(row, "payer"))]
    words += [str(_value(row, field)) for field in ("stake", "holder", "purse") if field in row]
    if "asset" in row:
        words.append(f"in {_value(row, 'asset')}")
    if _value(row, "used") is False:
        words.append("not used")
    return ", ".join(words)


def how_much(row: Row) -> str:
    """Say up to how much it pays, of which losses, and at which price."""
    return "; ".join(_limits(row)) or "all it has"


def _limits(row: Row) -> Iterator[str]:
    for field, words in LIMITS:
        if field in row:
            yield words.format(_number(_value(row, field)))
    if "period_s" in row:
        yield f"a period is {duration(int(_value(row, 'period_s')))}"
    if "price" in row:
        price = _value(row, "price")
        yield f"at the {price}'s price" if str(price).isalpha() else f"at {price}"
    perimeter = _value(row, "perimeter") or {}
    if "assets" in perimeter:
        yield f"losses in {', '.join(perimeter['assets'])}"
    if "since" in perimeter:
        yield f"who joined from {perimeter['since']} on"
    if "before" in perimeter:
        yield f"who joined before {perimeter['before']}"


def when(row: Row) -> str:
    """Say when it pays."""
    words = []
    if _value(row, "wait_s"):
        words.append(f"{duration(int(_value(row, 'wait_s')))} after the loss")
    if "vote" in row:
        words.append(f"after the vote {_value(row, 'vote')}")
    if "due_s" in row:
        words.append(f"within {duration(int(_value(row, 'due_s')))}")
    return ", ".join(words) or "at once"


def shared(row: Row) -> str:
    """Say how several payers share it, and what they get for it."""
    words = [str(_value(row, "sharing") or "pro-rata")]
    if "by" in row:
        words.append(f"by {_value(row, 'by')}")
    if _value(row, "snapshot") == "at-default":
        words.append("as at the default")
    if _value(row, "every_asset"):
        words.append("in every asset")
    if "iou" in row:
        words.append(f"for an IOU, {_value(row, 'iou')}")
    return ", ".join(words)
