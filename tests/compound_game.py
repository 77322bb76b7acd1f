"""Random play with the markets of Compound v2, beside an oracle that knows the contracts by heart.

`Game` plays what the contracts know, and all is compared after each step. `Tiered` plays what stands beside
them, too: shortfalls that governance recognises, under random tables of tiers; there the laws alone hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from compound_oracle import Compound2, Market, Revert
from markets_play import PEOPLE, TABLES, WAD, WORD, MarketsGame, need

from mutualize import commands as c
from mutualize import compound_commands as cc
from mutualize.errors import Refused
from mutualize.events import Liquidated
from mutualize.randomness import Stream
from mutualize.venues.compound import Compound
from mutualize.venues.comptroller import CompoundRules

ASSETS: Final = {"USD": 6, "ETH": 18, "BTC": 8}
PRICES: Final = {"USD": 10**8, "ETH": 2_000 * 10**8, "BTC": 40_000 * 10**8}
BLOCK_S: Final = 12
FACTORS: Final = (100, 100, 100, 90, 75, 50, 25, 5, 110, 150, 300, 700)
"""What prices come to, per cent of what they began with; at times they come to nothing."""
MUCH: Final = {"USD": 10**12, "ETH": 10**21, "BTC": 10**10}


def terms(rnd: Stream, asset: str) -> dict[str, int]:
    """Return the terms of a market."""
    return {
        "decimals": ASSETS[asset],
        "collateral_factor": rnd.choice((0, 5 * 10**17, 75 * 10**16, 8 * 10**17, 9 * 10**17)),
        "reserve_factor": rnd.choice((0, 10**17, WAD // 3, WAD)),
        "initial_rate": rnd.choice((10 ** (8 + ASSETS[asset]) * 2, 10 ** (ASSETS[asset] + 10), WAD, 7)),
        "base": rnd.choice((0, 2 * 10**16)),
        "multiplier": rnd.choice((0, 18 * 10**16, 18 * 10**16, WAD)),
        "jump": rnd.choice((0, 4 * WAD, 4 * WAD, 15 * WAD)),
        "kink": rnd.choice((8 * 10**17, 8 * 10**17, 8 * 10**17, 95 * 10**16, WAD, WAD, 1)),
        "blocks_per_year": rnd.choice((2_102_400, 2_628_000)),
        "borrow_cap": rnd.choice((0, 0, 0, 0, MUCH[asset] * 3)),
        "mint_paused": 0,
        "borrow_paused": 0,
        "seize_paused": 0,
    }


class Game(MarketsGame):
    """What the contracts know."""

    is_contract = True

    def __init__(self, seed: int, *, checked: bool = True) -> None:
        rnd = Stream(seed, "compound/setup")
        self.rules = CompoundRules(
            close_factor=rnd.choice((5 * 10**17, 10**17, WAD)),
            incentive=rnd.choice((108 * 10**16, WAD, 12 * 10**17)),
            seize_share=rnd.choice((28 * 10**15, 0, WAD)),
            block_s=BLOCK_S,
            enters=rnd.chance(1, 2),
        )
        tiers = () if self.is_contract else rnd.choice(TABLES)
        super().__init__(seed, "compound", self.new_venue, tiers, checked=checked)
        r = self.rules
        self.oracle = Compound2(r.close_factor, r.incentive, r.seize_share, enters=r.enters)
        self.own = {"venue": "comp", "account": "governance"}
        for asset in ASSETS:
            values = terms(rnd, asset)
            self.oracle.markets[asset] = Market(values, self.block)
            self.must(c.ListReserve(**self.own, asset=asset, parameters=tuple(values.items())))
            self.tell(asset, PRICES[asset])
        for who in PEOPLE[:4]:
            for asset in ASSETS:
                self.mint(who, asset, MUCH[asset])
                self.enter(who, asset, on=True)

    def new_venue(self) -> Compound:
        """Return a venue that has seen nothing."""
        return Compound("comp", list(ASSETS), self.rules)

    @property
    def block(self) -> int:
        """The number of the block."""
        return self.at // BLOCK_S

    def do(self, command: c.Command, act: Callable[[], object]) -> bool:
        """Carry a command out on both sides: allowed by both, or by neither, and the same is seen then."""
        told = self.oracle.attempt(act) if self.is_contract else None
        receipt = self.submit(command)
        if told is not None:
            need(bool(receipt) == told, "foretold", f"{receipt.refused}, not {told}: {command}")
            self.compare()
        if self.checked:
            self.look()
        return bool(receipt)

    def compare(self) -> None:
        """Hold all that can be seen against the oracle's."""
        work = self.venue.work(self.book, self.at)
        for asset, theirs in self.oracle.markets.items():
            ours = self.venue.market(self.book, asset)
            shown = (
                ours.virtual,
                ours.total_borrows,
                ours.total_reserves,
                ours.total_supply,
                ours.borrow_index,
                ours.accrual_block,
            )
            self.same("market", shown, theirs.shown())
            for who in PEOPLE:
                self.same("tokens", work.tokens(asset, who), theirs.tokens.get(who, 0))
                self.same("debt", work.debt(asset, who), theirs.borrow_balance(who))
                self.same("member", work.has_entered(who, asset), who in theirs.members)
        for who in PEOPLE:
            self.same("liquidity", _ours(work, who), _theirs(self.oracle, who))

    def look(self) -> None:
        """Count what markets have come to."""
        for asset in ASSETS:
            market = self.venue.market(self.book, asset)
            if market.total_borrows and market.total_supply > 0:
                net = market.virtual + market.total_borrows + market.deficit - market.total_reserves
                usage = market.total_borrows * WAD // net if net > 0 else 0
                self.counts["over the kink"] = self.counts.get("over the kink", 0) + (usage > market.kink)
                self.counts["over all"] = self.counts.get("over all", 0) + (usage > WAD)
            if market.treasury() < market.total_reserves:
                self.count("reserves without money")
            if market.deficit:
                self.count("open deficit")

    # --- verbs ---------------------------------------------------------------------------------------------

    def mint(self, who: str, asset: str, amount: int) -> bool:
        """Supply."""
        o, block = self.oracle, self.block
        command = c.Supply(venue="comp", account=who, asset=asset, amount=amount)
        return self.do(command, lambda: o.mint(block, who, asset, amount))

    def enter(self, who: str, asset: str, *, on: bool) -> bool:
        """Enter a market, or leave it."""
        o = self.oracle
        act = o.enter if on else o.exit
        command = c.SetCollateral(venue="comp", account=who, asset=asset, on=on)
        return self.do(command, lambda: act(who, asset))

    def tell(self, asset: str, price: int) -> None:
        """Let the oracle tell a price."""
        self.price(asset, price)
        self.oracle.prices[asset] = price * int(10 ** (36 - ASSETS[asset])) // 10**8

    def step(self) -> None:
        """Let time pass, and somebody ask for something."""
        rnd = self.stream
        if rnd.chance(1, 3):
            self.at += rnd.choice((1, BLOCK_S, 3_600, 30 * 86_400))
        who, asset = rnd.choice(PEOPLE), rnd.choice(list(ASSETS))
        pick = rnd.below(24)
        if pick < 4:
            self.redeem(who, asset)
        elif pick < 6:
            self.mint(who, asset, self.near(MUCH[asset] // 7))
        elif pick < 11:
            self.borrow(who, asset)
        elif pick < 13:
            self.repay(who, asset)
        elif pick < 18:
            self.liquidate(asset)
        elif pick < 20:
            self.reserves(who, asset)
        elif pick < 22:
            self.tell(asset, 0 if rnd.chance(1, 20) else PRICES[asset] * rnd.choice(FACTORS) // 100)
        elif pick == 22:
            self.other(who, asset)
        else:
            self.beside(who, asset)

    def redeem(self, who: str, asset: str) -> None:
        """Redeem tokens, or an amount."""
        rnd, o, block = self.stream, self.oracle, self.block
        work = self.venue.work(self.book, self.at)
        held = work.tokens(asset, who)
        market = work.figures(asset)
        own = {"venue": "comp", "account": who, "asset": asset}
        worth = held * market._rate_now() // WAD
        if rnd.chance(1, 2):
            tokens = self.near(held)
            self.do(cc.RedeemTokens(**own, tokens=tokens), lambda: o.redeem(block, who, asset, tokens, 0))
            return
        if held and rnd.chance(1, 6):
            whole = o.markets[asset].tokens.get(who, 0)
            self.do(c.Withdraw(**own, amount=WORD), lambda: o.redeem(block, who, asset, whole, 0))
            return
        amount = self.near(min(worth, market.virtual) if rnd.chance(1, 3) else worth)
        if rnd.chance(1, 4):  # just short of one token more: the contract gives the rest away
            amount = (held + 1) * market._rate_now() // WAD
        self.do(c.Withdraw(**own, amount=amount), lambda: o.redeem(block, who, asset, 0, amount))

    def borrow(self, who: str, asset: str) -> None:
        """Borrow, as much as is carried or as there is."""
        o, block = self.oracle, self.block
        carried, owed = _ours(self.venue.work(self.book, self.at), who) or (0, 0)
        price = o.prices[asset] or 1
        cash = self.venue.market(self.book, asset).virtual
        most = min(carried * WAD // price, cash) if owed == 0 and not self.stream.chance(1, 8) else cash
        amount = self.near(most)
        command = c.Borrow(venue="comp", account=who, asset=asset, amount=amount)
        self.do(command, lambda: o.borrow(block, who, asset, amount))

    def repay(self, who: str, asset: str) -> None:
        """Repay all, or nearly."""
        rnd, o, block = self.stream, self.oracle, self.block
        owed = self.venue.work(self.book, self.at).debt(asset, who)
        amount = WORD if rnd.chance(1, 4) else self.near(owed)
        payer = rnd.choice(PEOPLE)
        command = c.Repay(venue="comp", account=payer, asset=asset, amount=amount, on_behalf_of=who)
        if self.do(command, lambda: o.repay(block, who, asset, amount)):
            self.count("repaid all" if amount == WORD and owed else "repaid")
        elif amount == WORD:
            self.count("could not repay all")

    def liquidate(self, asset: str) -> None:
        """Liquidate, most often who may be."""
        rnd, block = self.stream, self.block
        work = self.venue.work(self.book, self.at)
        short = [who for who in PEOPLE if (_ours(work, who) or (0, 0))[1]]
        borrower = rnd.choice(short) if short and rnd.chance(9, 10) else rnd.choice(PEOPLE)
        owed = [each for each in ASSETS if work.debt(each, borrower)]
        held = [each for each in ASSETS if work.tokens(each, borrower)]
        debt = rnd.choice(owed) if owed and rnd.chance(9, 10) else asset
        collateral = rnd.choice(held) if held and rnd.chance(9, 10) else rnd.choice(list(ASSETS))
        liquidator = rnd.choice(PEOPLE)
        whole = rnd.chance(1, 3)
        most = work.debt(debt, borrower) * self.rules.close_factor // WAD
        amount = WORD if whole else self.near(most // rnd.choice((1, 1, 5, 50)))
        claims = whole or rnd.chance(1, 2)
        command = c.Liquidate(
            venue="comp",
            account=liquidator,
            borrower=borrower,
            collateral=collateral,
            debt=debt,
            debt_to_cover=amount,
            receive_claims=claims,
        )
        if whole:
            self.liquidate_all(command, block)
        else:
            self.do(command, lambda: self.seize(command, block, amount))

    def seize(self, command: c.Liquidate, block: int, amount: int) -> None:
        """Liquidate on the other side; who takes no claims redeems them at once."""
        o, held = self.oracle, self.oracle.markets[command.collateral]
        before = held.tokens.get(command.account, 0)
        o.liquidate(block, command.account, command.borrower, command.debt, command.collateral, amount)
        if not command.receive_claims:
            got = held.tokens.get(command.account, 0) - before
            held.pay_out(held.exchange_rate() * got // WAD)
            held.total_supply -= got
            held.change_tokens(command.account, -got)

    def liquidate_all(self, command: c.Liquidate, block: int) -> None:
        """Ask for all: what is paid is what the contract allows, and a unit more would not be."""
        before = self.oracle.saved()
        receipt = self.submit(command)
        if not self.is_contract:
            return
        if not receipt:
            allowed = self.oracle.attempt(lambda: self.seize(command, block, 1))
            need(not allowed, "foretold", f"{receipt.refused}: {command}")
            return
        event = receipt.event(Liquidated)
        assert isinstance(event, Liquidated)
        allowed = self.oracle.attempt(lambda: self.seize(command, block, event.paid + 1))
        need(not allowed, "all-is-most", f"{event.paid + 1} would have been allowed")
        self.oracle.restore(before)
        need(self.oracle.attempt(lambda: self.seize(command, block, event.paid)), "foretold", str(command))
        self.count("liquidated for all")
        self.compare()

    def few(self, asset: str) -> int:
        """Return an amount that moves no market far, but now and then."""
        amount = MUCH[asset] // 200
        return self.near(amount) if self.stream.chance(1, 8) else self.stream.below(amount)

    def reserves(self, who: str, asset: str) -> None:
        """Add reserves, take them out, or send money for nothing."""
        rnd, o, block = self.stream, self.oracle, self.block
        market = self.venue.market(self.book, asset)
        match rnd.below(3):
            case 0:
                amount = self.few(asset)
                command: c.Command = cc.AddReserves(venue="comp", account=who, asset=asset, amount=amount)
                self.do(command, lambda: o.add_reserves(block, asset, amount))
            case 1:
                amount = self.near(market.total_reserves)
                command = cc.WithdrawReserves(**self.own, asset=asset, amount=amount)
                self.do(command, lambda: o.reduce_reserves(block, asset, amount))
            case _:
                amount = self.few(asset)
                command = cc.Donate(venue="comp", account=who, asset=asset, amount=amount)
                self.do(command, lambda: o.donate(asset, amount))

    def other(self, who: str, asset: str) -> None:
        """Enter or leave a market, give claims away, change a term."""
        rnd, o, block = self.stream, self.oracle, self.block
        match rnd.below(4):
            case 0:
                self.enter(who, asset, on=rnd.chance(1, 2))
            case 1:
                self.transfer(who, asset)
            case 2:
                name = rnd.choice(("mint_paused", "borrow_paused", "seize_paused", "collateral_factor"))
                self.govern(asset, name, 0 if name == "collateral_factor" else rnd.below(2))
            case _:
                market, value = o.markets[asset], rnd.choice((0, 10**17, WAD))
                command = c.SetParameter(**self.own, asset=asset, name="reserve_factor", value=value)
                self.do(command, lambda: market.govern(block, "reserve_factor", value))

    def govern(self, asset: str, name: str, value: int) -> None:
        """Change a term before which no interest is reckoned."""
        market = self.oracle.markets[asset]
        command = c.SetParameter(**self.own, asset=asset, name=name, value=value)
        self.do(command, lambda: market.terms.update({name: value}))

    def transfer(self, who: str, asset: str) -> None:
        """Give claims away."""
        o, to = self.oracle, self.stream.choice(PEOPLE)
        work = self.venue.work(self.book, self.at)
        rate, held = work.figures(asset)._rate_now(), work.tokens(asset, who)
        amount = WORD if self.stream.chance(1, 3) else min(self.near(held * rate // WAD), WORD - 1)
        tokens = held if amount == WORD else -(-amount * WAD // rate) if rate else WORD
        command = c.TransferClaims(venue="comp", account=who, to=to, asset=asset, amount=amount)
        self.do(command, lambda: o.transfer(who, to, asset, tokens))

    def beside(self, who: str, asset: str) -> None:
        """Do what the contracts do not know; here, nothing."""


def _ours(work: Any, who: str) -> tuple[int, int] | None:
    try:
        carried, owed = work.liquidity(who)
    except Refused:
        return None
    return max(0, carried - owed), max(0, owed - carried)


def _uncovered(work: Any, asset: str, who: str) -> int:
    try:
        return int(work.uncovered(asset, who)) if work.debt(asset, who) else 0
    except Refused:
        return 0


def _theirs(oracle: Compound2, who: str) -> tuple[int, int] | None:
    try:
        return oracle.liquidity(who)
    except Revert:
        return None


class Tiered(Game):
    """What stands beside the contracts: recognition, tiers, recoveries, positions at the start."""

    is_contract = False

    def step(self) -> None:
        """Do what the contracts know, or something beside."""
        if self.stream.chance(1, 4):
            self.beside(self.stream.choice(PEOPLE), self.stream.choice(list(ASSETS)))
        super().step()

    def hopeless(self, who: str, asset: str) -> tuple[str, str]:
        """Return whose debt no collateral covers, and in what he owes it; else these two."""
        work = self.venue.work(self.book, self.at)
        found = [(name, each) for name in PEOPLE for each in ASSETS if _uncovered(work, each, name)]
        return self.stream.choice(found) if found and self.stream.chance(9, 10) else (who, asset)

    def beside(self, who: str, asset: str) -> None:
        """Recognise a shortfall, let tiers pay, or begin with a position."""
        rnd = self.stream
        match rnd.below(6):
            case 0 | 1 | 2 | 3:
                borrower, asset = self.hopeless(who, asset)
                by = "governance" if rnd.chance(9, 10) else who
                command: c.Command = c.RecogniseShortfall(
                    venue="comp", account=by, borrower=borrower, asset=asset
                )
                self.submit(command)
            case 4:
                self.tiers(asset)
            case _:
                self.submit(
                    c.OpenPosition(
                        venue="comp",
                        account=who,
                        collateral=asset,
                        collateral_amount=self.near(MUCH[asset] // 9),
                        debt=rnd.choice(list(ASSETS)),
                        debt_amount=self.near(MUCH[asset] // 99),
                    )
                )
