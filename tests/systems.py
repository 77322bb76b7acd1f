"""The systems that are played at random: one pool of three assets under different tables of tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from mutualize import commands as c
from mutualize.events import Entry
from mutualize.ledger import MemoryLedger, header
from mutualize.protocol import Protocol, Reactor, Venue
from mutualize.rate_stake import RateStakePool
from mutualize.staking import StakePool
from mutualize.tier import Tier
from mutualize.umbrella import Umbrella
from mutualize.venues.outside import Feed, Outside
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.waterfall import Waterfall

START = 1_700_000_000
ASSETS = ("USDC", "ETH", "BTC")
DECIMALS = {"USDC": 6, "ETH": 18, "BTC": 8, "AAVE": 18}
PRICES = {"USDC": 10**8, "ETH": 2_000 * 10**8, "BTC": 40_000 * 10**8, "AAVE": 60 * 10**8}
COOLDOWN, WINDOW = 10 * 86_400, 2 * 86_400
LOWER_BOUND: Final = 3 * 10**21
"""What the older stake keeps, and wants to be given back at least: 3,000 whole units."""
GOVERNANCE: Final = "governance"
UMBRELLA: Final = "umbrella"
TREASURY: Final = "treasury"
MANAGERS: Final = (UMBRELLA, "alice", "bob", "carol", "dave")
"""Who may cover what an umbrella answers for."""

FUND = Tier(name="insurance-fund", payer="fund")
STAKERS = Tier(name="stakers", payer="stake", stake="stakers")
HAIRCUT = Tier(name="depositors", payer="claims")


@attrs.frozen(kw_only=True)
class Setup:
    """One way to set a system up. `umbrella`: none, by hand, or automatic. `vault`: who stakes leaves freely.

    `by_reserve`: each reserve has a waterfall of its own, as in a scenario.
    """

    name: str
    tiers: tuple[Tier, ...] = (FUND, STAKERS, HAIRCUT)
    rules: PoolRules = attrs.field(factory=PoolRules)
    stake_asset: str = "USDC"
    rate_form: bool = False
    min_left: int = 0
    offset_digits: int = 0
    umbrella: str = "none"
    vault: bool = False
    by_reserve: bool = False
    parameters: tuple[tuple[str, int], ...] = ()

    @property
    def cooldown_s(self) -> int:
        """How long who leaves has to wait."""
        return 0 if self.vault else COOLDOWN

    @property
    def window_s(self) -> int:
        """How long he may leave then."""
        return 0 if self.vault else WINDOW


SETUPS = (
    Setup(name="three-tiers", parameters=(("fund_fee_share", 3_000), ("fund_reserve_share", 2_500))),
    Setup(
        name="other-asset",
        stake_asset="AAVE",
        tiers=(
            attrs.evolve(FUND, limit=5 * 10**17),
            attrs.evolve(
                STAKERS, asset="AAVE", discount=5 * 10**16, depth=(10**22, 10**17), limit=3 * 10**17
            ),
            HAIRCUT,
        ),
    ),
    Setup(
        name="par",
        tiers=(attrs.evolve(FUND, amount_max=10**9), STAKERS),
        rules=PoolRules(dust_rule=False),
        by_reserve=True,
    ),
    Setup(
        name="offsets",
        tiers=(
            Tier(name="reserve-fund", payer="fund", asset="USDC", offset=10**5, min_left=10**6),
            attrs.evolve(STAKERS, offset=3 * 10**5, min_left=7),
            Tier(name="old-fund", payer="fund", used=False),
            attrs.evolve(HAIRCUT, limit=4 * 10**17),
            FUND,
        ),
        rules=PoolRules(close_factor="full", dust_rule=False),
        offset_digits=3,
        min_left=1,
    ),
    Setup(
        name="never",
        tiers=(HAIRCUT, FUND, STAKERS),
        rules=PoolRules(close_factor="half", recognition="never", dust_rule=False, zero_price_seizes=False),
    ),
    Setup(
        name="rate-stake",
        rate_form=True,
        stake_asset="AAVE",
        tiers=(FUND, attrs.evolve(STAKERS, asset="AAVE", price=50 * 10**8, discount=10**17), HAIRCUT),
        parameters=(("fund_fee_share", 10_000),),
    ),
    Setup(name="vault", vault=True, stake_asset="ETH", tiers=(STAKERS, FUND), offset_digits=6),
    Setup(name="umbrella", tiers=(), umbrella="by hand", min_left=10**6),
    Setup(name="umbrella-automatic", tiers=(), umbrella="automatic", stake_asset="AAVE"),
    Setup(name="fund-and-umbrella", tiers=(FUND,), umbrella="automatic", by_reserve=True),
)
"""Default, stake in another asset, par, offsets, recognition by governance, old stake, vault, umbrellas."""


class Notebook:
    """A journal that only keeps what it is given, where the bytes of a ledger are not what is tested."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take one transaction."""
        self.entries += entries
        return False

    def close_batch(self) -> None:
        """Do nothing: there are no batches."""

    def seal(self, state: str, status: str = "complete") -> str:
        """Return what it is sealed with."""
        return f"{state} {status}"


def new_pool(setup: Setup) -> Pool:
    """Return a pool that has seen nothing yet."""
    return Pool("aave", ASSETS, setup.rules)


class System:
    """Venues, ledger and protocol of one set-up, its reserves listed and priced."""

    def __init__(self, setup: Setup, *, written: bool = True) -> None:
        """`written`: into a real ledger, with its bytes."""
        self.setup, self.at = setup, START
        self.ledger = MemoryLedger(header("0" * 64, 0, "driver", "driver")) if written else Notebook()
        self.pool = new_pool(setup)
        self.stake = self._stake()
        venues: list[Venue] = [Feed(), Outside(), self.pool, self.stake]
        reactors: list[Reactor] = []
        if setup.tiers or setup.umbrella == "none":
            waterfall = self._waterfall()
            venues.append(waterfall)
            reactors.append(waterfall)
        self.umbrella: Umbrella | None = None
        if setup.umbrella != "none":
            self.umbrella = Umbrella(
                self.pool,
                self.stake,
                "USDC",
                stake_decimals=DECIMALS[setup.stake_asset],
                liquidation_fee=500,
                automatic=setup.umbrella == "automatic",
                managers=MANAGERS,
            )
            venues.append(self.umbrella)
            reactors.append(self.umbrella)
        self.reactors = tuple(reactors)
        self.protocol = Protocol(venues, self.ledger, reactors=reactors)

    def _waterfall(self) -> Waterfall:
        tiers = self.setup.tiers
        tables = dict.fromkeys(ASSETS, tiers) if self.setup.by_reserve else tiers
        return Waterfall(self.pool.cover(), tables, stakes={"stakers": self.stake}, decimals=DECIMALS)

    def _stake(self) -> StakePool:
        setup = self.setup
        if setup.rate_form:
            return RateStakePool(
                "aave",
                "stakers",
                setup.stake_asset,
                cooldown_s=COOLDOWN,
                window_s=WINDOW,
                lower_bound=LOWER_BOUND,
            )
        return StakePool(
            "aave",
            "stakers",
            setup.stake_asset,
            offset_digits=setup.offset_digits,
            cooldown_s=None if setup.vault else COOLDOWN,
            window_s=setup.window_s,
            min_left=setup.min_left,
        )

    def begin(self) -> list[c.Command]:
        """Return the commands that list the reserves and publish the first prices."""
        given: list[c.Command] = []
        for asset in ASSETS:
            terms = {
                "decimals": DECIMALS[asset],
                "ltv": 7_500,
                "threshold": 8_000,
                "bonus": 10_500,
                "reserve_factor": 1_000,
                "protocol_fee": 1_000,
                "optimal": 8_000,
                "slope1": 400,
                "slope2": 6_000,
                **dict(self.setup.parameters),
            }
            given.append(
                c.ListReserve(
                    venue="aave", account="governance", asset=asset, parameters=tuple(terms.items())
                )
            )
        return [*given, *(price(asset, PRICES[asset]) for asset in PRICES)]


def price(asset: str, value: int) -> c.PublishPrice:
    """Return the command that publishes a price."""
    return c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=value, market=value)
