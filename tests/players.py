"""Who plays at random: what is drawn next, with short stories in between that lead into a crisis."""

from __future__ import annotations

from collections.abc import Callable

from driver_op import Op
from player_verbs import NAMES, POOL, STAKE, Verbs
from systems import ASSETS, COOLDOWN, DECIMALS, PRICES, WINDOW, System, price

from mutualize import commands as c

YEAR = 31_536_000


class Player(Verbs):
    """Draws operations for one system, looking at its state as anybody could."""

    def __init__(self, system: System, seed: int) -> None:
        super().__init__(system, seed)
        self._weighted: list[Callable[[], c.Command | None]] = []
        self._story: list[tuple[int, Callable[[], c.Command | None]]] = []
        self._hero = ("alice", "ETH", "USDC")
        for weight, draw in self._table():
            self._weighted += [draw] * weight

    def _table(self) -> list[tuple[int, Callable[[], c.Command | None]]]:
        rate, umbrella = self.system.setup.rate_form, self.system.umbrella is not None
        return [
            (9, self.supply),
            (9, self.withdraw),
            (11, self.borrow),
            (5, self.repay),
            (3, self.set_collateral),
            (3, self.transfer_claims),
            (4, self.open_position),
            (30, self.liquidate),
            (8 if self.system.setup.rules.recognition == "never" else 1, self.recognise),
            (3, self.mint_to_treasury),
            (3, self.eliminate),
            (3, self.set_parameter),
            (4, self.contribute),
            (5, self.stake),
            (6, self.redeem),
            (4, self.start_cooldown),
            (2, self.transfer_stake),
            (2, self.return_funds),
            (2, self.slash if rate else self.lose_assets),
            (4 if rate else 0, self.settle),
            (0 if rate else 2, self.exact_shares),
            (15 if umbrella else 0, self.above),
            (14, self.crash),
        ]

    # --- drawing -----------------------------------------------------------------------------------------

    def first(self) -> list[Op]:
        """Return deposits, stake and funds to begin with."""
        found: list[c.Command] = []
        for who in (*NAMES[:3], "umbrella"):
            for asset in ASSETS:
                amount = 10 ** (11 + self.stream.below(3)) * 10 ** DECIMALS[asset] // PRICES[asset] * 10
                found.append(c.Supply(venue=POOL, account=who, asset=asset, amount=amount))
        for who in NAMES[2:]:
            amount = self.stream.between(1, 50_000) * 10 ** DECIMALS[self.system.setup.stake_asset]
            found.append(c.Stake(venue=STAKE, account=who, stake="stakers", assets=amount))
        for asset in ASSETS:
            amount = self.stream.between(1, 5_000) * 10 ** DECIMALS[asset] * 10**8 // PRICES[asset]
            terms = {"venue": POOL, "account": "governance", "asset": asset, "amount": amount}
            found.append(c.ContributeToFund(**terms, tier="insurance-fund"))
        return [Op(0, command) for command in found]

    def draw(self) -> Op:
        """Return the next operation."""
        while True:
            if not self._story and self.stream.chance(1, 9):
                self._begin_story()
            wait, make = (
                self._story.pop(0) if self._story else (self._wait(), self.stream.choice(self._weighted))
            )
            command = make()
            if command is not None:
                return Op(wait, command)

    # --- short stories, which single draws would hardly ever tell ------------------------------------------

    def _begin_story(self) -> None:
        """Plan a few operations that lead somewhere: a default, a wipe-out, leaving stakers, a run."""
        s = self.stream
        recover = [(0, lambda asset=asset: price(asset, PRICES[asset])) for asset in PRICES]
        default = [(0, self._ruin), *[(0, self._finish)] * 3]
        stories = (
            [*recover, (0, self._position), *default],
            [*recover, (0, self._position), (0, self._second_debt), *default],
            [*recover, (0, self._position), (0, self._margin), *[(0, self._finish)] * 2],
            [*recover, (0, self._drain), (0, self._ruin), *[(0, self._finish)] * 3, (0, self.withdraw)],
            [
                *recover,
                (0, self._drain),
                (YEAR, self._to_nothing),
                *[(0, self._finish)] * 3,
                (0, self.supply),
            ],
            [
                *recover,
                (0, self._position),
                (0, self._side_claim),
                (0, self._side_flag),
                (0, self._margin),
                (0, self._seize_side),
            ],
            [(0, self._mint), (86_400, self._mint)],
            [
                (0, self._fund_exactly),
                *recover,
                (0, self._position),
                (0, self._to_nothing),
                (0, self._finish),
            ],
            [
                (0, self.start_cooldown),
                (0, self.start_cooldown),
                *recover,
                (0, self._position),
                *default,
                (COOLDOWN, self.redeem),
                (0, self.redeem),
                (WINDOW, self.redeem),
            ],
            [(0, self._take_all_cash), (0, self.withdraw), (0, self.withdraw)],
            [
                (0, self.start_cooldown),
                (s.choice((COOLDOWN, COOLDOWN + WINDOW)), self.redeem),
                (1, self.redeem),
            ],
        )
        self._story = list(stories[s.below(len(stories))])
        collateral, debt = s.choice(
            (("ETH", "USDC"), ("USDC", "ETH"), ("BTC", "USDC"), ("ETH", "BTC"), ("USDC", "USDC"))
        )
        self._hero = (s.choice((*NAMES, "frank", "gina")), collateral, debt)

    def _position(self) -> c.Command:
        return self._open(self.stream.choice((1, 10**3, 10**5, 10**7)) * self.stream.between(1, 9))

    def _drain(self) -> c.Command:
        """Borrow nearly all that is there."""
        _, _, debt = self._hero
        cash = self._cash(debt) * self.stream.choice((90, 99, 100, 100, 100)) // 100
        return self._open(cash * PRICES[debt] // 10**8 * 14 // 10 // 10 ** DECIMALS[debt] + 1, cash)

    def _open(self, dollars: int, debt_amount: int = 0) -> c.Command:
        who, collateral, debt = self._hero
        wanted = dollars * 10**8 * 78 // 100 * 10 ** DECIMALS[debt] // PRICES[debt]
        return c.OpenPosition(
            venue=POOL,
            account=who,
            collateral=collateral,
            collateral_amount=dollars * 10**8 * 10 ** DECIMALS[collateral] // PRICES[collateral],
            debt=debt,
            debt_amount=debt_amount or min(wanted, self._cash(debt) * self.stream.between(50, 100) // 100),
        )

    def _second_debt(self) -> c.Command:
        who, collateral, debt = self._hero
        other = next(asset for asset in ASSETS if asset not in (collateral, debt))
        return c.Borrow(venue=POOL, account=who, asset=other, amount=self.stream.choice((1, 10, 10**4)))

    def _margin(self) -> c.Command | None:
        return self._move(self.stream.choice((97, 96, 95, 94)))

    def _ruin(self) -> c.Command | None:
        return self._move(self.stream.choice((0, 1, 5, 20, 40, 60, 79, 83)))

    def _side_asset(self) -> str:
        return next(asset for asset in ASSETS if asset not in self._hero[1:])

    def _side_claim(self) -> c.Command:
        """Let the hero hold a claim that will be no collateral."""
        asset = self._side_asset()
        amount = 10 ** DECIMALS[asset]
        return c.Supply(venue=POOL, account=self._hero[0], asset=asset, amount=amount)

    def _side_flag(self) -> c.Command:
        return c.SetCollateral(venue=POOL, account=self._hero[0], asset=self._side_asset(), on=False)

    def _seize_side(self) -> c.Command:
        who, _, debt = self._hero
        return c.Liquidate(
            venue=POOL, account="keeper", borrower=who, collateral=self._side_asset(), debt=debt
        )

    def _mint(self) -> c.Command:
        return c.MintToTreasury(venue=POOL, account="anyone", asset=self._hero[2])

    def _to_nothing(self) -> c.Command:
        return price(self._hero[1], self.stream.choice((0, 0, 1)))

    def _fund_exactly(self) -> c.Command:
        """Give the fund what the hero will owe, or one unit more or less."""
        who, _, debt = self._hero
        amount = max(1, self._owed(who, debt) + self.stream.choice((-1, 0, 1)))
        return c.ContributeToFund(
            venue=POOL, account="governance", tier="insurance-fund", asset=debt, amount=amount
        )

    def _move(self, factor: int) -> c.Command | None:
        """Move the collateral's price (or the debt's, where both are dollars) to a factor in percent."""
        who, collateral, _ = self._hero
        book = self.system.protocol.book
        now = book.cell("oracle", collateral)
        health = self.system.pool.health(book, who, self.system.at)
        if not health.debt or health.factor > 10**30:
            return None
        return price(collateral, now * factor * 10**16 // max(1, health.factor))

    def _finish(self) -> c.Command | None:
        """Liquidate whoever is worst off, as far as it goes."""
        who, collateral, debt = self._hero
        found = {x[0]: x for x in self._positions()}
        if who not in found:
            return self.recognise() if self.system.setup.rules.recognition == "never" else None
        _, held, debts = found[who]
        if not held and self.system.setup.rules.recognition == "never":
            return self.recognise()
        return c.Liquidate(
            venue=POOL,
            account="keeper",
            borrower=who,
            collateral=self.stream.choice(held or [collateral]),
            debt=self.stream.choice(debts or [debt]),
            receive_claims=self.stream.chance(1, 2),
        )

    def _take_all_cash(self) -> c.Command | None:
        """Borrow, or withdraw, all cash of an asset."""
        asset = self._hero[2]
        return c.Withdraw(venue=POOL, account=self._who(), asset=asset, amount=self._cash(asset))

    def _wait(self) -> int:
        if self.stream.chance(3, 5):
            return 0
        edges = (
            1,
            12,
            12,
            60,
            3_600,
            86_400,
            COOLDOWN - 1,
            COOLDOWN,
            COOLDOWN + 1,
            COOLDOWN + WINDOW,
            WINDOW + 1,
        )
        return YEAR if self.stream.chance(1, 60) else self.stream.choice(edges)
