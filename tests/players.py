"""Who plays at random: what is drawn next, with short stories in between that lead into a crisis."""

from __future__ import annotations

from collections.abc import Callable

from auditor import Auditor
from driver_op import Op
from player_errands import Errands
from player_verbs import BITS, NAMES, POOL, STAKE
from systems import ASSETS, COOLDOWN, DECIMALS, PRICES, WINDOW, System, price

from mutualize import commands as c

YEAR = 31_536_000
CROWD = ("hans", "iris", "jack", "kate")
"""Borrowers of one pair each, who are liquidated one after the other."""


class Player(Errands):
    """Draws operations for one system, looking at its state as anybody could."""

    def __init__(self, system: System, auditor: Auditor, seed: int) -> None:
        super().__init__(system, auditor, seed)
        self._weighted: list[Callable[[], c.Command | None]] = []
        self._story: list[tuple[int, Callable[[], c.Command | None]]] = []
        self._hero = ("alice", "ETH", "USDC")
        for weight, draw in self._table():
            self._weighted += [draw] * weight

    def _table(self) -> list[tuple[int, Callable[[], c.Command | None]]]:
        rate, umbrella = self.system.setup.rate_form, self.system.setup.umbrella != "none"
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
            (3, self.elsewhere),
            (2, self.misplaced),
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
                also = self.stream.choice(self._weighted)() if self.stream.chance(1, 30) else None
                return Op(wait, command, () if also is None else (also,))

    # --- short stories, which single draws would hardly ever tell ------------------------------------------

    def _begin_story(self) -> None:
        """Plan a few operations that lead somewhere: a default, a wipe-out, leaving stakers, a run."""
        s = self.stream
        recover = [(0, lambda asset=asset: price(asset, PRICES[asset])) for asset in PRICES]
        default = [(0, self._ruin), *[(0, self._finish)] * 3]
        wave = [(0, self._fall), *[(0, lambda who=who: self._seize(who)) for who in CROWD]]
        stories = (
            [*recover, (0, self._position), *default],
            [*recover, (0, self._position), (0, self._second_debt), *default],
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
                (0, lambda: self._side_ltv(0)),
                (0, self._side_on),
                (0, lambda: self._side_ltv(7_500)),
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
            [*recover, *[(0, lambda who=who: self._one_of(who)) for who in CROWD], *wave],
            [*recover, *[(0, lambda who=who: self._one_of(who)) for who in CROWD], *wave],
            [*recover, (0, self._position), *default, (0, self._worthless), (0, self._slash)],
            [
                *recover,
                (0, self._position),
                (0, self._worthless_stake),
                *default,
                *recover,
                (0, lambda: price("USDC", 0)),
                (0, self._slash),
            ],
        )
        there = len(stories) if self.system.setup.umbrella != "none" else len(stories) - 2
        self._story = list(stories[s.below(there)])
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
        amount = dollars * 10**8 * 10 ** DECIMALS[collateral] // PRICES[collateral]
        wanted = dollars * 10**8 * 78 // 100 * 10 ** DECIMALS[debt] // PRICES[debt]
        return c.OpenPosition(
            venue=POOL,
            account=who,
            collateral=collateral,
            collateral_amount=min(amount, 2 ** (BITS[collateral] + 10)),
            debt=debt,
            debt_amount=debt_amount or min(wanted, self._cash(debt) * self.stream.between(50, 100) // 100),
        )

    def _one_of(self, who: str) -> c.Command:
        """Open a position of one of a crowd, all in the hero's pair."""
        _, collateral, debt = self._hero
        dollars = self.stream.between(1, 9) * 10 ** self.stream.between(1, 5)
        owed = min(dollars * 10**8 * 10 ** DECIMALS[debt] // PRICES[debt] * 78 // 100, self._cash(debt) // 2)
        held = dollars * 10**8 * 10 ** DECIMALS[collateral] // PRICES[collateral]
        return c.OpenPosition(
            venue=POOL,
            account=who,
            collateral=collateral,
            collateral_amount=held,
            debt=debt,
            debt_amount=owed,
        )

    def _fall(self) -> c.Command:
        collateral = self._hero[1]
        return price(collateral, PRICES[collateral] * self.stream.choice((97, 96, 90, 80, 60)) // 100)

    def _seize(self, who: str) -> c.Command:
        """Let one liquidator take one of a crowd after the other, at one moment."""
        _, collateral, debt = self._hero
        return c.Liquidate(venue=POOL, account="keeper", borrower=who, collateral=collateral, debt=debt)

    def _worthless(self) -> c.Command:
        return price(self.stream.choice((self.system.setup.stake_asset, "USDC")), 0)

    def _worthless_stake(self) -> c.Command:
        return price(self.system.setup.stake_asset, 0)

    def _slash(self) -> c.Command:
        return c.Slash(venue="aave.umbrella.USDC", account="anyone", stake="stakers")

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

    def _side_ltv(self, value: int) -> c.Command:
        return c.SetParameter(
            venue=POOL, account="governance", asset=self._side_asset(), name="ltv", value=value
        )

    def _side_on(self) -> c.Command:
        return c.SetCollateral(venue=POOL, account=self._hero[0], asset=self._side_asset(), on=True)

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
        health = self._health(who)
        if not health.debt or health.factor > 10**30:
            return None
        return price(collateral, self._quote(collateral) * factor * 10**16 // max(1, health.factor))

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
