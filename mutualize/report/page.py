"""The report of a run in words: who paid, who lost, what it cost, and how far to believe it.

It is worded from a summary alone, so that it can be written again years later from `summary.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.earned import earned
from mutualize.report.figures import Data
from mutualize.report.provenance import identity, provenance
from mutualize.report.text import (
    amount,
    changed,
    duration,
    listing,
    money,
    parts,
    percent,
    places_for,
    plural,
    price,
    shown,
)
from mutualize.report.ties import ties
from mutualize.report.troves import troves
from mutualize.report.vaults import auctions
from mutualize.report.verdicts import expectations
from mutualize.units import WAD, format_decimal, parse_decimal


def page(summary: Data, commands: Sequence[tuple[str, str]] = ()) -> list[Block]:
    """Return the whole report; `commands` are what to do next: (what for, command)."""
    return [*findings(summary), *closing_part(summary, commands)]


def findings(summary: Data) -> list[Block]:
    """Return what a run found, and how far to believe it: all that is known before ties are shuffled."""
    return [
        *headline(summary),
        *waterfall(summary),
        *gains(summary),
        *liquidations(summary),
        *auctions(summary),
        *troves(summary),
        *refusals(summary),
        *time(summary),
        *pooling(summary),
        *expectations(summary),
        *earned(
            summary["scenario"]["name"],
            summary["scenario"]["money"],
            summary["inputs"]["counts"],
            summary["spread"],
        ),
        *provenance(summary),
    ]


def closing_part(summary: Data, commands: Sequence[tuple[str, str]] = ()) -> list[Block]:
    """Return the end of the report: ties, the run's digest, what to do next."""
    return [*ties(summary), *identity(summary, commands)]


def column(numbers: list[str]) -> list[str]:
    """Write a column of numerals with the same number of places."""
    places = places_for(numbers)
    return [shown(number, places) for number in numbers]


def is_zero(number: str) -> bool:
    """Say whether a numeral is exactly zero."""
    return not number.strip("-0.")


# --- who paid --------------------------------------------------------------------------------------------


def headline(summary: Data) -> Iterator[Block]:
    """Say in a sentence who paid."""
    about = summary["scenario"]
    variant = f", variant {about['variant']}" if about["variant"] else ""
    yield Line(f"{about['name']}{variant}: {about['title']}", "quiet")
    if about.get("fork"):
        yield from (Line(f"A fork: {line}.", "quiet") for line in changed(about["fork"]))
    ended = summary["ledger"]["ended"]
    if ended != "complete":
        was = "failed" if ended == "failed" else f"was {ended}"
        yield Line(f"The run {was}: what follows is only the part that was reached.", "bad")
    for failed in summary["agents_failed"]:
        yield Line(f"The code of {failed['agent']} failed: {failed['problem']}", "bad")
    yield from (Line(sentence, "strong") for sentence in sentences(summary))


def sentences(summary: Data) -> list[str]:
    """Return the answer: a sentence for each shortfall, or one that says that there was none."""
    if not summary["waterfalls"]:
        count = summary["liquidations"]["count"]
        return [f"Nothing fell short. There were {plural(count, 'liquidation')}."]
    return [_who_paid(short, summary["scenario"]["money"]) for short in summary["waterfalls"]]


def _who_paid(short: Data, unit: str) -> str:
    payers = [tier for tier in short["tiers"] if not is_zero(tier["covered"])]
    words = [f"{tier['tier']} {percent(tier['share'])}{_of_claims(tier)}" for tier in payers]
    if not is_zero(short["open"]):
        words.append(f"nobody yet {percent(short['open_share'])}")
    shares = [short["open_share"], *(tier["share"] for tier in payers)]
    rest = WAD - sum(parse_decimal(share, 18) for share in shares)
    if rest > ROUNDED:
        words.append(f"money that came back {percent(format_decimal(rest, 18))}")
    fell = f"{amount(short['shortfall'], short['asset'])} ({money(short['money_at_recognition'], unit)})"
    borne = any(tier["payer"] in ("claims", "depositors") and tier["had"] is not None for tier in payers)
    tail = "" if borne or not is_zero(short["open"]) else " Depositors lost nothing."
    return f"{fell} fell short on {short['venue']}. Who paid: {listing(words)}.{tail}"


def _of_claims(tier: Data) -> str:
    """Say what a haircut is to each holder."""
    return (
        f" ({percent(tier['share_of_had'], 2)} of every claim)"
        if tier["payer"] == "claims" and tier["had"]
        else ""
    )


def waterfall(summary: Data) -> Iterator[Block]:
    """Show each shortfall, tier by tier: had, paid, left, share; in units first, then in money."""
    unit = summary["scenario"]["money"]
    for short in summary["waterfalls"]:
        yield Heading(f"The waterfall: {short['asset']} on {short['venue']}")
        whole = amount(short["shortfall"], short["asset"])
        if short["debtors"]:
            whole += f" of {plural(short['debtors'], 'debtor')}"
        mean = price(short["price_at_recognition"], unit)
        yield Line(f"{whole}, recognised {_span(short['first'], short['last'])} at a mean price of {mean}.")
        yield _tiers(short)
        yield _worth(short, unit)
        if not is_zero(short["pending"]):
            pending = amount(short["pending"], short["asset"])
            yield Line(f"A slash has paid for {pending} that is still in the deficit.")
        yield from _still(short)
    for tier in summary["unused_tiers"]:
        yield Line(f"{tier['tier']} of {tier['venue']} exists and is not used.")
    for rescue in summary["rescues"]:
        worth = f"{money(rescue['money'], unit)} at the oracle's price, last {rescue['last']}"
        paid = amount(rescue["amount"], rescue["asset"])
        yield Line(f"{rescue['payer']} repaid {paid} of the debt of {rescue['debtor']} ({worth}).")


ROUNDED: Final = 10**9
"""Shares are rounded down: together they may be this much short of a whole, in WAD."""
_STILL: Final = (
    ("held", "{} waits for {}."),
    ("owed", "{} is owed by {}, which has not paid it yet."),
    ("passed_on", "{} was not raised in time by {}: the tiers below answered for it."),
    ("given_back", "{} came back and was given to those who had paid by {}."),
)
"""What is said of a tier beside what it paid, by the figure that is not zero."""


def _still(short: Data) -> Iterator[Block]:
    for tier in short["tiers"]:
        for figure, words in _STILL:
            if not is_zero(tier[figure]):
                yield Line(words.format(amount(tier[figure], short["asset"]), tier["tier"]))


def _span(first: str | None, last: str | None) -> str:
    return f"at {first}" if first == last else f"from {first} to {last}"


def _tiers(short: Data) -> Table:
    """Return the table of tiers, each in what it pays with; 'in/out' is all that moved it otherwise."""
    places, rows = places_for([short["shortfall"]]), []
    for number, tier in enumerate(short["tiers"], 1):
        own = _own([tier[name] for name in ("had", "paid", "other_flows", "left")])
        covered = shown(tier["covered"], places)
        rows.append((str(number), tier["tier"], tier["holds"], *own, covered, percent(tier["share"], 2)))
    rows.append(
        ("", "not covered", "", "", "", "", "", shown(short["open"], places), percent(short["open_share"], 2))
    )
    covers = f">covers {short['asset']}"
    return Table(("", "tier", "pays in", ">had", ">paid", ">in/out", ">left", covers, ">share"), tuple(rows))


def _own(numbers: list[str | None]) -> list[str]:
    places = places_for([number for number in numbers if number is not None])
    return ["-" if number is None else shown(number, places) for number in numbers]


def _worth(short: Data, unit: str) -> Table:
    """Return what was borne in money: at recognition and at settlement, side by side."""
    rows = [
        (
            tier["tier"],
            money(tier["money_at_recognition"]),
            money(tier["money_at_settlement"]),
            money(tier["money_given"]),
            tier["last"] or "",
        )
        for tier in short["tiers"]
        if not is_zero(tier["covered"])
    ]
    rows.append(
        (
            "all",
            money(short["money_at_recognition"]),
            money(short["money_at_settlement"]),
            "",
            f"at the end's price: {money(short['money_at_end'], unit)}",
        )
    )
    return Table(
        (f"in {unit}, oracle's prices", ">at recognition", ">at settlement", ">given", "settled (last)"),
        tuple(rows),
    )


# --- who lost, who gained --------------------------------------------------------------------------------


def gains(summary: Data) -> Iterator[Block]:
    """Show losses and gains by role, per asset, and the largest accounts."""
    unit, found = summary["scenario"]["money"], summary["gains"]
    yield Heading("Who lost and who gained")
    yield _by_role(found, unit)
    prices = [f"{asset} {price(told, unit)}" for asset, told in found["prices"].items()]
    unpriced = f" (without a price: {listing(found['unpriced'])})" if found["unpriced"] else ""
    yield Line(
        f"Each asset's column sums to zero exactly. Prices at the end: {', '.join(prices)}{unpriced}.",
        "quiet",
    )
    yield Line("The ten accounts with the largest losses and gains:")
    rows = tuple(
        (
            who["account"],
            who["role"],
            money(who["money"]),
            ", ".join(amount(number, asset) for asset, number in who["gains"].items()),
        )
        for who in found["largest"]
    )
    yield Table(("account", "role", f">worth {unit}", "of which"), rows)


def _by_role(found: Data, unit: str) -> Table:
    """Return the table of roles, losers first, with a column for each asset and one for what it was worth."""
    per_asset = {}
    for of in found["assets"]:
        numbers = column([row["gain"] for row in of["roles"]])
        per_asset[of["asset"]] = dict(zip((row["role"] for row in of["roles"]), numbers, strict=True))
    rows = [
        (
            worth["role"],
            *(per_asset[asset].get(worth["role"], "") for asset in per_asset),
            money(worth["money"]),
        )
        for worth in found["roles"]
    ]
    rows.append(("sum", *("0" for _ in per_asset), ""))
    return Table(("role", *(f">{asset}" for asset in per_asset), f">{unit} at the end"), tuple(rows))


# --- what it cost ----------------------------------------------------------------------------------------


def liquidations(summary: Data) -> Iterator[Block]:
    """Show liquidations with their cost taken apart, and what became of named accounts."""
    unit, found = summary["scenario"]["money"], summary["liquidations"]
    yield Heading("Liquidations")
    if not found["count"]:
        yield Line("None.")
    else:
        yield Line(
            f"{plural(found['count'], 'liquidation')} of {plural(found['debtors'], 'debtor')} by"
            f" {plural(found['liquidators'], 'liquidator')}, {_span(found['first'], found['last'])}."
        )
        yield _pairs(found["pairs"], unit)
        yield from _harm(found.get("harm"), unit)
        gas = {asset: paid for pair in found["pairs"] for asset, paid in pair["gas"].items()}
        if gas:
            yield Line("bonus = fee + gap (oracle against market) + slippage + gas + profit.", "quiet")
    yield from _positions(summary["positions"])


def _harm(harm: Data | None, unit: str) -> Iterator[Line]:
    """Say what debtors lost since the oracle was off the market, where it is more than nothing."""
    if harm is None or is_zero(harm["money"]):
        return
    lost = f"{plural(harm['debtors'], 'debtor')} lost {money(harm['money'], unit)} beyond the bonus"
    yield Line(f"{lost}: the market's price was better for them than the oracle's.", "strong")


def _pairs(pairs: list[Data], unit: str) -> Table:
    costs = ("bonus", "fee", "gap", "slippage", "gas", "profit")
    rows = [
        (
            f"{pair['collateral']} for {pair['debt']}",
            f"{pair['count']:,}",
            amount(pair["paid"], pair["debt"]),
            amount(pair["seized"], pair["collateral"]),
            *(money(pair["money"][cost]) for cost in costs),
        )
        for pair in pairs
    ]
    return Table((f"in {unit}", ">times", ">repaid", ">seized", *(f">{cost}" for cost in costs)), tuple(rows))


def _positions(positions: list[Data]) -> Iterator[Block]:
    for who in positions:
        debts = [
            f"owes {amount(debt['last']['value'], asset)} at {debt['last']['at']}"
            f" (at most {amount(debt['highest']['value'], asset)})"
            for asset, debt in who["debts"].items()
            if debt is not None
        ]
        text = (
            f"{who['account']} {listing(debts) or 'owes nothing'}; seized {plural(who['seizures'], 'time')}"
        )
        if who["exhausted"] and who["exhaustion_ltv"]:
            ltv = percent(who["exhaustion_ltv"])
            text += f"; collateral ran out at {who['exhausted']}, loan to value {ltv} just before"
        yield Line(f"{text}.")


def _debt(debt: Data, asset: str) -> str:
    last, most = debt["last"], f"at most {amount(debt['highest']['value'], asset)}"
    if is_zero(last["value"]):
        return f"owes no {asset} any more ({most})"
    return f"owes {amount(last['value'], asset)} at {last['at']} ({most})"


def refusals(summary: Data) -> Iterator[Block]:
    """Show what the rules refused."""
    yield Heading("Refusals")
    if not summary["refusals"]:
        yield Line("None.")
        return
    rows = tuple((row["reason"], f"{row['free']:,}", f"{row['paid']:,}") for row in summary["refusals"])
    yield Table(("reason", ">at no cost", ">gas paid"), rows)


def time(summary: Data) -> Iterator[Block]:
    """Show time as a loss."""
    found = summary["time"]
    yield Heading("Time as a loss")
    for use in found["reserves"]:
        if use["full_s"]:
            yield Line(f"{use['asset']} on {use['venue']} was fully lent out for {duration(use['full_s'])}.")
    for queue in found["queues"]:
        yield Line(
            f"{plural(queue['holders'], 'holder')} waited for {queue['asset']}, at most"
            f" {amount(queue['waiting_max'], queue['asset'])} at once ({queue['waiting_max_at']}),"
            f" {duration(queue['holder_s'])} in all; {queue['holders_now']:,} still wait for"
            f" {amount(queue['waiting'], queue['asset'])}."
        )
    if not found["queues"]:
        yield Line("Nobody waited for his money.")
    highest = [
        f"{use['asset']} {percent(use['utilization_max'])} ({use['utilization_max_at']})"
        for use in found["reserves"]
        if use["utilization_max_at"]
    ]
    if highest:
        yield Line(f"Highest utilization: {', '.join(highest)}.")


def pooling(summary: Data) -> Iterator[Block]:
    """Show what pooling did to each holder's loss: mean and spread, as it was and alone."""
    yield Heading("What pooling did")
    if not summary["pooling"]:
        yield Line("Nothing to compare: no reserve with lenders and borrowers fell short.")
    for one in summary["pooling"]:
        pooled, alone = one["pooled"], one["alone"]
        yield Line(
            f"{plural(pooled['holders'], 'holder')} of {one['asset']} on {one['venue']}, who lent"
            f" {percent(one['lent'])} of their money. Loss as a share of each one's claim, as it was, and had"
            f" each lent alone to borrowers drawn like the pool's ({plural(one['rounds'], 'drawing')}):"
        )
        names = ("mean", "deviation", "lowest", "highest", "hit")
        rows = [
            (title, amount(side["total"], one["asset"]), *(percent(side[name], 2) for name in names))
            for title, side in (("as it was", pooled), ("each alone", alone))
        ]
        yield Table(
            ("", ">all losses", ">mean", ">spread (sd)", ">least", ">most", ">share hit"), tuple(rows)
        )
        yield Line(_verdict(one["asset"], one["difference"]), "quiet")


def _verdict(asset: str, difference: Data) -> str:
    total, deviation = difference["total"], difference["deviation"]
    lost = f"{amount(total.lstrip('-'), asset)} {'less' if parts(total)[0] else 'more'} than"
    if not total.strip("-0."):
        lost = "as much as"
    spread = percent(deviation.lstrip("-"), 2)
    if not deviation.strip("-0."):
        told = "The spread is the same."
    elif parts(deviation)[0]:
        told = f"The spread is {spread} narrower: that is pooling."
    else:
        told = f"The spread is {spread} wider: whoever left first left the loss to the others."
    return f"Together they lost {lost} alone: what tiers paid before them, and chance. {told}"
