"""What anybody may ask of the systems that are played: one drawing function for each verb.

The rule: amounts are drawn near edges (0, 1, powers of ten, the exact balance and its neighbours), and
those who can be hurt (debtors, leaving stakers) are drawn more often than chance would.
"""

from __future__ import annotations

from typing import Any

from auditor import Auditor
from error_oracle import Case, Health
from systems import ASSETS, COOLDOWN, DECIMALS, PRICES, WINDOW, System, price

from mutualize import commands as c
from mutualize.randomness import Stream

WAD = 10**18
NAMES = ("alice", "bob", "carol", "dave", "erin")
EVERYBODY = (*NAMES, "umbrella", "treasury")
POOL, STAKE = "aave", "aave.stake.stakers"
BITS = {"USDC": 80, "BTC": 80, "ETH": 90, "AAVE": 90}
"""How long random amounts are; 2⁹⁰ is beyond what one rounding of an index is worth a base unit of."""
BEYOND = (2**167, 2**200, 2**256 - 2)
"""More than a machine word holds of, in units of an index."""


class Verbs:
    """Draws single commands for one system, looking at its state as anybody could."""

    def __init__(self, system: System, auditor: Auditor, seed: int) -> None:
        self.system, self.auditor = system, auditor
        self.stream = Stream(seed, system.setup.name)

    def amount(self, asset: str, exact: int = 0) -> int:
        """Return an amount: an edge, something near `exact`, or about what people move."""
        s = self.stream
        kind = s.below(10)
        if kind < 4 and exact:
            return max(0, exact * s.between(1, 100) // 100)
        if kind < 6 and exact:
            return max(0, exact + s.choice((-1, 0, 0, 1)))
        if kind == 6:
            return s.choice((0, 1, 2))
        if kind == 7:
            return int(10 ** s.below(22)) + s.choice((-1, 0, 1))
        if kind == 8:
            return s.choice(BEYOND) if s.chance(1, 12) else s.bits(s.between(1, BITS[asset]))
        unit = int(10 ** DECIMALS[asset])
        return s.between(1, 100_000) * unit * 10**8 // PRICES[asset]

    def _asset(self) -> str:
        return self.stream.choice(ASSETS)

    def _who(self) -> str:
        return self.stream.choice(NAMES)

    def _all_or(self, amount: int) -> int:
        return c.ALL if self.stream.chance(1, 6) else amount

    # --- the pool ----------------------------------------------------------------------------------------

    def _held(self, who: str, asset: str) -> int:
        return self.auditor.claim(asset, who, self.system.at)

    def _owed(self, who: str, asset: str) -> int:
        return self.auditor.debt(asset, who, self.system.at)

    def _cash(self, asset: str) -> int:
        return self.auditor.reserve(asset).get("virtual", 0)

    def _health(self, who: str) -> Health:
        case = Case(self.auditor, self.system.setup, self.system.at)
        return Health(case, who, {}, self.auditor.flags(who))

    def _quote(self, asset: str) -> int:
        return self.auditor.price(asset)

    def supply(self) -> c.Command:
        """Draw a deposit."""
        asset, who = self._asset(), self.stream.choice((*NAMES, *NAMES, "umbrella"))
        return c.Supply(venue=POOL, account=who, asset=asset, amount=self._all_or_not(asset))

    def _all_or_not(self, asset: str) -> int:
        return c.ALL if self.stream.chance(1, 50) else self.amount(asset)

    def withdraw(self) -> c.Command:
        """Draw a withdrawal, often of all that is there."""
        asset, who = self._asset(), self.stream.choice((*NAMES, *NAMES, *EVERYBODY))
        exact = self._cash(asset) if self.stream.chance(1, 4) else self._held(who, asset)
        amount = self._all_or(self.amount(asset, exact))
        return c.Withdraw(venue=POOL, account=who, asset=asset, amount=amount)

    def borrow(self) -> c.Command:
        """Draw a loan, often up to what the collateral carries."""
        asset = self._asset()
        who = "umbrella" if self.stream.chance(1, 25) else self._who()
        quote, health = self._quote(asset), self._health(who)
        free = max(0, health.borrowable // 10_000 - health.debt)
        exact = free * 10 ** DECIMALS[asset] // quote if quote else 0
        if self.stream.chance(1, 6):
            exact = self._cash(asset)
        return c.Borrow(venue=POOL, account=who, asset=asset, amount=self.amount(asset, exact))

    def repay(self) -> c.Command:
        """Draw a repayment, sometimes of another's debt."""
        asset, who = self._asset(), self._who()
        for_whom = self._who() if self.stream.chance(1, 3) else ""
        amount = self._all_or(self.amount(asset, self._owed(for_whom or who, asset)))
        return c.Repay(venue=POOL, account=who, asset=asset, amount=amount, on_behalf_of=for_whom)

    def set_collateral(self) -> c.Command:
        """Draw a change of a flag."""
        found = [(x[0], held) for x in self._positions() for held in x[1]]
        if found and self.stream.chance(1, 2):
            who, asset = self.stream.choice(found)
            return c.SetCollateral(venue=POOL, account=who, asset=asset, on=False)
        on = self.stream.chance(2, 3)
        return c.SetCollateral(venue=POOL, account=self._who(), asset=self._asset(), on=on)

    def transfer_claims(self) -> c.Command:
        """Draw a gift."""
        asset, who = self._asset(), self._who()
        found = [(x[0], held) for x in self._positions() for held in x[1]]
        if found and self.stream.chance(1, 2):
            who, asset = self.stream.choice(found)
        to = self.stream.choice(EVERYBODY)
        amount = self._all_or(self.amount(asset, self._held(who, asset)))
        return c.TransferClaims(venue=POOL, account=who, to=to, asset=asset, amount=amount)

    def open_position(self) -> c.Command:
        """Draw a position near its limit."""
        collateral, debt = self._asset(), self._asset()
        amount, quote = self.amount(collateral), self._quote(debt)
        value = amount * self._quote(collateral) // 10 ** DECIMALS[collateral]
        owed = value * self.stream.between(60, 81) // 100 * 10 ** DECIMALS[debt] // quote if quote else 0
        return c.OpenPosition(
            venue=POOL,
            account=self.stream.choice((*NAMES, "frank")),
            collateral=collateral,
            collateral_amount=amount,
            debt=debt,
            debt_amount=owed,
        )

    def _positions(self) -> list[tuple[str, list[str], list[str]]]:
        """Return (who, collateral, debts) of everybody who owes."""
        found = []
        for who, flags in sorted(self.auditor.cells.get("aave.flags", {}).items()):
            debts = [asset for n, asset in enumerate(ASSETS) if flags >> 2 * n & 1]
            if debts:
                found.append((who, [asset for n, asset in enumerate(ASSETS) if flags >> 2 * n & 2], debts))
        return found

    def liquidate(self) -> c.Command | None:
        """Draw a liquidation, mostly of somebody who is unsafe."""
        s, found = self.stream, self._positions()
        unsafe = [x for x in found if self._health(x[0]).factor < WAD]
        if not unsafe and s.chance(3, 4):
            return None
        who, held, debts = s.choice(unsafe or found or [("alice", [], [])])
        debt = s.choice(debts or ASSETS)
        others = [asset for asset in ASSETS if self._held(who, asset)] or ASSETS
        collateral = s.choice(held if held and s.chance(4, 5) else others)
        cover = c.ALL if s.chance(2, 3) else self.amount(debt, self._owed(who, debt))
        liquidator = who if s.chance(1, 20) else s.choice(EVERYBODY)
        return c.Liquidate(
            venue=POOL,
            account=liquidator,
            borrower=who,
            collateral=collateral,
            debt=debt,
            debt_to_cover=cover,
            receive_claims=s.chance(2, 5),
        )

    def recognise(self) -> c.Command:
        """Draw a recognition by governance."""
        found = self._positions()
        bare = [x for x in found if not x[1]]
        who, _, debts = self.stream.choice(bare or found or [("alice", [], [])])
        caller = "governance" if self.stream.chance(9, 10) else who
        asset = self.stream.choice(debts or ASSETS)
        return c.RecogniseShortfall(venue=POOL, account=caller, borrower=who, asset=asset)

    def mint_to_treasury(self) -> c.Command:
        """Draw the treasury's income."""
        return c.MintToTreasury(venue=POOL, account="anyone", asset=self._asset())

    def eliminate(self) -> c.Command:
        """Draw a payment of the deficit by claims."""
        # where there is an umbrella, its own address is the one that may, and it counts what is pending
        asset = self.stream.choice(ASSETS[1:] if self.system.umbrella else ASSETS)
        who = "umbrella" if self.stream.chance(7, 8) else self._who()
        exact = self.auditor.reserve(asset).get("deficit", 0)
        amount = self._all_or(self.amount(asset, min(exact, self._held(who, asset)) or exact))
        return c.EliminateDeficit(venue=POOL, account=who, asset=asset, amount=amount)

    def set_parameter(self) -> c.Command:
        """Draw a vote; a pause is mostly lifted again."""
        s, asset = self.stream, self._asset()
        caller = "governance" if s.chance(9, 10) else self._who()
        paused = [x for x in ASSETS if self.auditor.reserve(x).get("paused")]
        if paused:
            return c.SetParameter(venue=POOL, account="governance", asset=paused[0], name="paused", value=0)
        values = (
            ("ltv", (0, 5_000, 7_500, 7_500)),
            ("threshold", (0, 7_000, 8_000, 8_000, 8_000, 8_500)),
            ("bonus", (10_000, 10_500, 11_000, 20_000)),
            ("reserve_factor", (0, 1_000, 10_000)),
            ("protocol_fee", (0, 1_000, 10_000)),
            ("fund_fee_share", (0, 5_000, 10_000, 10_001)),
            ("fund_reserve_share", (0, 5_000, 10_000)),
            ("optimal", (100, 8_000, 9_900)),
            ("base", (0, 100)),
            ("slope2", (0, 6_000, 20_000)),
            ("paused", (0, 1)),
            ("decimals", (6,)),
        )
        name, choices = s.choice(values)
        return c.SetParameter(venue=POOL, account=caller, asset=asset, name=name, value=s.choice(choices))

    def contribute(self) -> c.Command:
        """Draw a gift to a fund."""
        funds = [t for t in self.system.setup.tiers if t.payer == "fund"]
        tier = self.stream.choice(funds).name if funds else "insurance-fund"
        asset = self._asset()
        amount = min(self.amount(asset), 2**90) // self.stream.choice((1, 100, 10_000))
        return c.ContributeToFund(venue=POOL, account=self._who(), tier=tier, asset=asset, amount=amount)

    # --- stake -------------------------------------------------------------------------------------------

    def _shares(self, who: str) -> int:
        return self.auditor.stake(".shares").get(who, 0)

    def _assets(self) -> int:
        return self.auditor.stake().get("total_assets", 0)

    def stake(self) -> c.Command:
        """Draw a deposit of stake."""
        amount = min(self.amount(self.system.setup.stake_asset), 2**90)
        if self.system.setup.rate_form and self.stream.chance(1, 12):
            amount = 2**104
        return c.Stake(venue=STAKE, account=self._who(), stake="stakers", assets=amount)

    def redeem(self) -> c.Command:
        """Draw a redemption, mostly of somebody whose cooldown ran."""
        table = self.auditor.stake(".cooldown.shares")
        announced = [who for who, shares in sorted(table.items()) if shares]
        who = self.stream.choice(announced or NAMES)
        shares = self.amount("USDC", table.get(who, 0) or self._shares(who))
        if self.system.setup.rate_form and self.stream.chance(1, 20):
            shares = 2**104
        return c.Redeem(venue=STAKE, account=who, stake="stakers", shares=shares)

    def start_cooldown(self) -> c.Command:
        """Draw an announcement to leave."""
        terms = {"venue": STAKE, "account": self._who(), "stake": "stakers"}
        if self.stream.chance(1, 8):
            return c.OpenCooldown(**terms, began=self.system.at + self.stream.between(-2 * COOLDOWN, WINDOW))
        return c.StartCooldown(**terms)

    def transfer_stake(self) -> c.Command:
        """Draw a gift of shares."""
        who = self._who()
        shares = self.amount("USDC", self._shares(who))
        return c.TransferStake(venue=STAKE, account=who, stake="stakers", to=self._who(), shares=shares)

    def return_funds(self) -> c.Command:
        """Draw a gain of all stakers."""
        amount = min(self.amount(self.system.setup.stake_asset), 2**90)
        return c.ReturnFunds(venue=STAKE, account="governance", stake="stakers", assets=amount)

    def lose_assets(self) -> c.Command:
        """Draw a loss from outside."""
        lost = self.amount("USDC", self._assets() // 3)
        return c.LoseAssets(venue=STAKE, account="thief", stake="stakers", assets=lost)

    def slash(self) -> c.Command:
        """Draw a slash by governance (the older form)."""
        amount = self.amount("USDC", self._assets()) * self.stream.choice((0, 1, 1))
        return c.Slash(venue=STAKE, account="governance", stake="stakers", amount=amount)

    def settle(self) -> c.Command:
        """Draw the end of an unsettled slash."""
        return c.SettleSlashing(venue=STAKE, account="governance", stake="stakers")

    def exact_shares(self) -> c.Command:
        """Draw a deposit or a withdrawal that names the other side."""
        who = self._who()
        if self.stream.chance(1, 2):
            shares = min(self.amount("USDC", self._shares(who)), 2**90)
            if self.stream.chance(1, 20) and self.auditor.stake().get("total_shares"):
                shares = c.ALL
            return c.MintShares(venue=STAKE, account=who, stake="stakers", shares=shares)
        assets = self.amount("USDC", self.system.stake.value_of(self.system.protocol.book, who))
        return c.WithdrawAssets(venue=STAKE, account=who, stake="stakers", assets=assets)

    def above(self) -> c.Command:
        """Draw what Umbrella can do."""
        umbrella, cells = self.system.umbrella, self.auditor.cells.get("aave.umbrella.USDC", {})
        assert umbrella is not None
        pending, offset = cells.get("pending", 0), cells.get("offset", 0)
        who = "umbrella" if self.stream.chance(2, 3) else self._who()
        terms: dict[str, Any] = {"venue": umbrella.name, "account": who}
        deficit = self.auditor.reserve("USDC").get("deficit", 0)
        kind = self.stream.below(5)
        if kind < 2:
            return c.Slash(**terms, stake="stakers")
        if kind == 2:
            exact = min(pending, self._held(who, "USDC"))
            return c.CoverPendingDeficit(**terms, amount=self.amount("USDC", exact))
        if kind == 3:
            return c.CoverDeficitOffset(**terms, amount=self.amount("USDC", offset))
        terms["account"] = "governance" if self.stream.chance(7, 8) else who
        if deficit and self.stream.chance(1, 2):
            return c.SetDeficitOffset(**terms, amount=deficit - pending)
        return c.SetDeficitOffset(**terms, amount=self.amount("USDC", deficit))

    # --- prices ------------------------------------------------------------------------------------------

    def crash(self) -> c.Command:
        """Draw a price: a crash, a recovery, or a move that makes one position just unsafe, or hopeless."""
        s, asset = self.stream, self.stream.choice((*ASSETS, "AAVE"))
        kind = s.below(20)
        if kind == 0:
            return price(asset, s.choice((-1, 0, 0, 1, 2)))
        if kind < 6:
            return price(asset, PRICES[asset] * s.between(70, 130) // 100)
        found = self._positions()
        if kind < 15 and found:
            who, held, _ = s.choice(found)
            health = self._health(who)
            if held:
                asset = s.choice(held)
            target = s.choice((WAD + 1, WAD - 1, 96 * 10**16, 94 * 10**16, 7 * 10**17, 5 * 10**17, 10**17))
            if health.debt and 0 < health.factor < 10**30:
                return price(asset, max(1, self._quote(asset) * target // health.factor))
        return price(asset, self._quote(asset) * s.between(20, 180) // 100)
