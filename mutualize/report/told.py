"""Between a market and a protocol, in words: how oracles tell a price, and who bids for blocks."""

from __future__ import annotations

from collections.abc import Iterator

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import clean, duration, moment, numeral, percent
from mutualize.scenario.market import Bid, Oracle, Space
from mutualize.scenario.model import Scenario
from mutualize.units import WAD

GWEI_DECIMALS = 9


def told_data(scenario: Scenario) -> Data:
    """Return the same as plain data: sentences by asset, bids by sender, and what others bid."""
    space = scenario.chain.space if scenario.chain is not None else None
    return {
        "oracles": {asset: list(_oracle(oracle)) for asset, oracle in scenario.oracles.items()},
        "bids": {sender: _bid(bid) for sender, bid in _bids(scenario)},
        "block_space": list(_space(space)) if space is not None else [],
    }


def told_page(data: Data) -> Iterator[Block]:
    """Yield the part of a page; nothing where every price is told at once and no block is full."""
    if data["oracles"]:
        yield Heading("What protocols are told")
        rows = tuple(
            ("" if number else asset, how)
            for asset, says in data["oracles"].items()
            for number, how in enumerate(says)
        )
        yield Table(("price of", "told"), rows)
    if data["block_space"]:
        yield Heading("How transactions get into a block")
        yield from (Line(text) for text in data["block_space"])
        rows = tuple(data["bids"].items())
        yield Table(("sender", "bid"), rows) if rows else Line("Nobody bids: all are in the next block.")


def _bids(scenario: Scenario) -> Iterator[tuple[str, Bid]]:
    """Yield who bids, and how."""
    for asset, oracle in scenario.oracles.items():
        if oracle.bid is not None:
            yield f"feed of {asset}", oracle.bid
        if oracle.osm is not None and oracle.osm.bid is not None:
            yield f"osm of {asset}", oracle.osm.bid
    for group in scenario.liquidators:
        if group.bid is not None:
            yield group.name, group.bid


def _oracle(oracle: Oracle) -> Iterator[str]:
    """Yield how a price is told, in a few words each."""
    if oracle.heartbeat_s is not None:
        moved = (
            f"after a move of {percent(numeral(oracle.deviation, 18), 2)}"
            if oracle.deviation
            else "each change"
        )
        yield f"{moved}, and every {duration(oracle.heartbeat_s)}"
    if oracle.follows is not None:
        yield f"of {clean(oracle.follows.place)} alone"
    if oracle.delay_s:
        yield f"{duration(oracle.delay_s)} late"
    if oracle.osm is not None:
        yield f"behind a hop of {duration(oracle.osm.hop_s)}"
    bounds = [
        f"{word} {numeral(bound, 8)}"
        for word, bound in (("below", oracle.min_answer), ("above", oracle.max_answer))
        if bound is not None
    ]
    if bounds:
        yield f"{' or '.join(bounds)} {'the bound' if oracle.at_bound == 'stick' else 'nothing'}"
    for outage in oracle.outages:
        yield f"silent from {moment(outage.start)} to {moment(outage.end)}"
    if oracle.stopped_at is not None:
        yield f"stopped at {moment(oracle.stopped_at)}"


def _bid(bid: Bid) -> str:
    """Return a bid in words."""
    first = f"{numeral(bid.gwei, GWEI_DECIMALS)} gwei" if bid.gwei is not None else ""
    words = [first or f"{numeral(bid.multiple or 0, 18)} times the gas price"]
    if bid.escalation:
        every = "each block" if bid.every_blocks == 1 else f"every {bid.every_blocks} blocks"
        words.append(f"raised by {percent(numeral(bid.escalation, 18), 2)} {every}")
    if bid.gwei_max is not None:
        words.append(f"to {numeral(bid.gwei_max, GWEI_DECIMALS)} gwei at most")
    if bid.deadline_s is not None:
        words.append(f"given up after {duration(bid.deadline_s)}")
    return ", ".join(words)


def _space(space: Space) -> Iterator[str]:
    """Yield what a block holds, and who else bids for it."""
    yield f"A block holds {space.block_gas:,} units of gas; the highest bid is first, and pays what it bid."
    for demand in space.demand:
        paid = (
            f"the column {demand.column}"
            if demand.gwei is None
            else f"{numeral(demand.gwei, GWEI_DECIMALS)} gwei"
        )
        share = "all" if demand.share == WAD else percent(numeral(demand.share, 18))
        yield f"Others: {share} of the gas pays at most {paid}."
