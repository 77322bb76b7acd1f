"""A vault engine: debt minted against collateral, with the integers of Maker's contracts (makerdao/dss).

    join ─▶ vault: ink·spot ≥ art·rate ─▶ draw ─▶ stablecoins
    price falls ─▶ liquidation ─▶ auction (flip, or clip) ─▶ proceeds, and a shortfall where they are too low
    shortfall ─▶ surplus buffer (heal) ─▶ new governance tokens (flop) ─▶ all holders (shutdown)

What it holds is in `vat`, who bears what in `vow`; each auction has a file. Its one rule: a verb is one
function of the contract, guard by guard. Rules: dss fa4f6630 (2022), or 44330065 (12 March 2020) for
`flip-2020-03`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mutualize.book import View
from mutualize.commands import Command, SetParameter
from mutualize.errors import Reason, require
from mutualize.events import Event, ParameterChanged
from mutualize.tables import as_integer
from mutualize.units import (
    INT256_MAX,
    RAY,
    UINT256_MAX,
    part_of_period,
    plus,
    power_half_up,
    ray_div_down,
    ray_mul_down,
)
from mutualize.vault_commands import (
    AccrueRate,
    AdvanceFeed,
    CancelAuction,
    CashOut,
    ChangeVault,
    EndAuction,
    ExitCollateral,
    FixShare,
    FlogSin,
    FreeCollateral,
    HealDebt,
    JoinCollateral,
    KissDebt,
    LiquidateVault,
    ListCollateral,
    LowerLot,
    MintGovernance,
    MoveDai,
    RaiseBid,
    ResetSale,
    RestartAuction,
    Shutdown,
    SkimVault,
    StartDebtAuction,
    StartSurplusAuction,
    TagPrice,
    TakeCollateral,
    TakePrice,
    ThawDebt,
)
from mutualize.vault_events import (
    AuctionRestarted,
    CollateralExited,
    CollateralJoined,
    CollateralListed,
    DaiMoved,
    FeedAdvanced,
    GovernanceMinted,
    PriceTaken,
    RateAccrued,
    VaultChanged,
)
from mutualize.venues import clip, flap, flip, flop, shutdown, vow
from mutualize.venues.auction import CLIP, FLAP, FLIP, FLOP, OLD, Auction
from mutualize.venues.vat import (
    CONTRACTS,
    ILK_TERMS,
    LIVE_TERMS,
    SYSTEM,
    SYSTEM_TERMS,
    Names,
    Vat,
    value_of,
)

CODES: Final = (OLD, FLIP, CLIP)
"""Which liquidation code is in force: that of 12 March 2020, Liq 1.2, or Liq 2.0."""

TABLES: Final = (SYSTEM, "dai", "gov", "sin", "bag", FLOP, FLAP)
"""Names that no ilk may have, since tables do."""

_WORDS: Final = ("amount", "id", "lot", "bid", "price_max", "era")
"""Fields of commands that are unsigned machine words."""

_SIGNED_WORDS: Final = ("collateral", "debt")
"""Fields of commands that are signed ones."""


class Vaults:
    """The venue. `ilks` maps each kind of collateral to its asset: {"ETH-A": "ETH"}."""

    def __init__(
        self,
        name: str,
        stablecoin: str,
        ilks: Mapping[str, str],
        *,
        governance_token: str = "MKR",  # noqa: S107 - a token is no password here
        auctions: str = CLIP,
        governance: str = "governance",
        price_decimals: int = 8,
    ) -> None:
        assert auctions in CODES, auctions
        assert not [ilk for ilk in ilks if ilk in TABLES or "." in ilk or not ilk], "a table has that name"
        self.name = name
        self.names = Names(
            venue=name,
            stablecoin=stablecoin,
            governance_token=governance_token,
            ilks=dict(ilks),
            price_decimals=price_decimals,
        )
        self.governance = governance
        self.auctions = auctions
        self._old = auctions == OLD
        self._verbs: dict[type[Command], Callable[[Vat, Any], None]] = {
            ListCollateral: self.list_collateral,
            SetParameter: self.set_parameter,
            MintGovernance: self.mint_governance,
            JoinCollateral: _join,
            ExitCollateral: _exit,
            ChangeVault: _change,
            MoveDai: _move,
            AccrueRate: lambda vat, c: drip(vat, c.ilk),
            AdvanceFeed: _advance,
            TakePrice: _poke,
            LiquidateVault: self.liquidate,
            RaiseBid: self.raise_bid,
            LowerLot: self.lower_lot,
            EndAuction: self.end_auction,
            RestartAuction: self.restart_auction,
            TakeCollateral: clip.take,
            ResetSale: clip.redo,
            FlogSin: lambda vat, c: vow.flog(vat, c.era),
            HealDebt: lambda vat, c: vow.heal(vat, c.amount),
            KissDebt: lambda vat, c: vow.kiss(vat, c.amount),
            StartDebtAuction: lambda vat, _: vow.flop(vat),
            StartSurplusAuction: lambda vat, _: vow.flap(vat),
            Shutdown: self.shut_down,
            TagPrice: lambda vat, c: shutdown.tag(vat, c.ilk),
            CancelAuction: lambda vat, c: shutdown.cancel(vat, c, old=self._old),
            SkimVault: shutdown.skim,
            FreeCollateral: lambda vat, c: shutdown.free(vat, c.ilk, c.account),
            ThawDebt: lambda vat, _: shutdown.thaw(vat),
            FixShare: lambda vat, c: shutdown.fix(vat, c.ilk),
            CashOut: shutdown.cash_out,
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        require(command.account not in CONTRACTS, Reason.CALLER_IS_A_CONTRACT)
        words = [getattr(command, field, 0) for field in _WORDS]
        fit = min(words) >= 0 and max(words) <= UINT256_MAX
        fit = fit and all(abs(getattr(command, field, 0)) <= INT256_MAX for field in _SIGNED_WORDS)
        require(fit, Reason.AMOUNT_IS_TOO_LARGE)
        vat = self.vat(view, at)
        require(self._knows_ilk(vat, command), Reason.RESERVE_IS_UNKNOWN)
        self._verbs[type(command)](vat, command)
        return vat.events

    def _knows_ilk(self, vat: Vat, command: Command) -> bool:
        """Say whether what a command names is there: a listed ilk, or none where its auctions have none."""
        ilk = getattr(command, "asset" if isinstance(command, SetParameter) else "ilk", "")
        if isinstance(command, ListCollateral):
            return ilk in self.names.ilks and vat.get(ilk, "rate") == 0
        if getattr(command, "auction", "") in (FLOP, FLAP) or not (ilk or hasattr(command, "ilk")):
            return not ilk
        return ilk in self.names.ilks and vat.get(ilk, "rate") > 0

    def vat(self, view: View, at: int) -> Vat:
        """Return working copies for one transaction, or for reading."""
        return Vat(self.names, view, at)

    # --- set-up and governance ---------------------------------------------------------------------------

    def list_collateral(self, vat: Vat, command: ListCollateral) -> None:
        """Take an ilk with its terms; those not given have their default."""
        ilk, given = command.ilk, dict(command.parameters)
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        vat.require_live()
        require(not set(given).difference(ILK_TERMS), Reason.PARAMETER_IS_INVALID)
        for name, (default, least, most) in ILK_TERMS.items():
            value = given.get(name, default)
            require(least <= value <= most, Reason.PARAMETER_IS_INVALID)
            vat.put(ilk, name, value)
        vat.put(ilk, "rate", RAY)
        vat.put(ilk, "rho", vat.at)
        vat.put(ilk, "asset", as_integer(self.names.ilks[ilk]))
        vat.put(SYSTEM, "stablecoin", as_integer(self.names.stablecoin))
        vat.put(SYSTEM, "governance_token", as_integer(self.names.governance_token))
        vat.tell(CollateralListed, ilk=ilk, asset=self.names.ilks[ilk])

    def set_parameter(self, vat: Vat, command: SetParameter) -> None:
        """Change a term of an ilk, or (no ilk) of the engine. Fees so far are earned at the old terms."""
        ilk, name, value = command.asset, command.name, command.value
        terms = ILK_TERMS if ilk else SYSTEM_TERMS
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(name in terms, Reason.PARAMETER_IS_INVALID)
        require(terms[name][1] <= value <= terms[name][2], Reason.PARAMETER_IS_INVALID)
        if name in LIVE_TERMS:
            vat.require_live()
        if name == "duty":
            drip(vat, ilk)
        table = ilk or SYSTEM
        before = vat.get(table, name)
        vat.put(table, name, value)
        vat.tell(ParameterChanged, asset=ilk, name=name, before=before, after=value)

    def mint_governance(self, vat: Vat, command: MintGovernance) -> None:
        """Make governance tokens that were there before, or that a vote grants."""
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        vat.mint(command.to, command.amount)
        vat.tell(
            GovernanceMinted,
            account=command.to,
            asset=self.names.governance_token,
            amount=command.amount,
        )

    def shut_down(self, vat: Vat, command: Shutdown) -> None:
        """Begin the emergency shutdown."""
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        shutdown.shut_down(vat)

    # --- auctions ----------------------------------------------------------------------------------------

    def liquidate(self, vat: Vat, command: LiquidateVault) -> None:
        """Seize an unsafe vault, by the code in force."""
        if self.auctions == CLIP:
            clip.bark(vat, command)
        else:
            flip.bite(vat, command, old=self._old)

    def raise_bid(self, vat: Vat, command: RaiseBid) -> None:
        """Bid more, in a flip or a flap."""
        require(command.auction in (FLIP, FLAP), Reason.AUCTION_IS_UNKNOWN)
        tend = flip.tend if command.auction == FLIP else flap.tend
        tend(vat, command, old=self._old)

    def lower_lot(self, vat: Vat, command: LowerLot) -> None:
        """Ask for less, in a flip or a flop."""
        require(command.auction in (FLIP, FLOP), Reason.AUCTION_IS_UNKNOWN)
        dent = flip.dent if command.auction == FLIP else flop.dent
        dent(vat, command, old=self._old)

    def end_auction(self, vat: Vat, command: EndAuction) -> None:
        """Give the lot to who bid last."""
        match command.auction:
            case "flip":
                flip.deal(vat, command.ilk, command.id, old=self._old)
            case "flop":
                flop.deal(vat, command.id)
            case _:
                require(command.auction == FLAP, Reason.AUCTION_IS_UNKNOWN)
                flap.deal(vat, command.id)

    def restart_auction(self, vat: Vat, command: RestartAuction) -> None:
        """Begin an English auction again."""
        require(command.auction in (FLIP, FLOP, FLAP), Reason.AUCTION_IS_UNKNOWN)
        auction = Auction(vat, command.auction, command.ilk, command.id)
        if command.auction == FLOP:
            flop.tick(auction)
        else:
            auction.tick()
        vat.tell(
            AuctionRestarted,
            account=command.account,
            auction=command.auction,
            ilk=command.ilk,
            id=command.id,
            lot=auction["lot"],
            reward=0,
        )


# --- vaults ----------------------------------------------------------------------------------------------


def _join(vat: Vat, command: JoinCollateral) -> None:
    """Bring collateral in. Maker `GemJoin.join`."""
    require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
    require(command.amount <= INT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
    vat.slip(command.ilk, command.account, command.amount)
    asset = vat.names.ilks[command.ilk]
    vat.tell(CollateralJoined, account=command.account, ilk=command.ilk, asset=asset, amount=command.amount)


def _exit(vat: Vat, command: ExitCollateral) -> None:
    """Take collateral out. Maker `GemJoin.exit`."""
    require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
    require(command.amount <= INT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
    vat.slip(command.ilk, command.account, -command.amount)
    asset = vat.names.ilks[command.ilk]
    vat.tell(CollateralExited, account=command.account, ilk=command.ilk, asset=asset, amount=command.amount)


def _change(vat: Vat, command: ChangeVault) -> None:
    """Change one's own vault. Maker `Vat.frob`."""
    drawn = vat.frob(command.ilk, command.account, command.collateral, command.debt)
    vat.tell(
        VaultChanged,
        account=command.account,
        ilk=command.ilk,
        asset=vat.names.ilks[command.ilk],
        collateral=command.collateral,
        debt=command.debt,
        drawn=drawn,
    )


def _move(vat: Vat, command: MoveDai) -> None:
    """Give stablecoins away. Maker `Vat.move`."""
    vat.move(command.account, command.to, command.amount)
    vat.tell(
        DaiMoved,
        account=command.account,
        to=command.to,
        asset=vat.names.stablecoin,
        amount=command.amount,
    )


def drip(vat: Vat, ilk: str) -> None:
    """Bring an ilk's rate up to now. Maker `Jug.drip`."""
    age = plus(vat.at, -vat.get(ilk, "rho"))
    before = vat.get(ilk, "rate")
    rate = ray_mul_down(power_half_up(vat.get(ilk, "duty"), age, RAY), before)
    fee = vat.fold(ilk, rate - before)
    vat.put(ilk, "rho", vat.at)
    vat.tell(RateAccrued, ilk=ilk, rate=rate, fee=fee)


def _advance(vat: Vat, command: AdvanceFeed) -> None:
    """Let the delayed price become the feed's. Maker `OSM.poke` (makerdao/osm e36c874b)."""
    ilk = command.ilk
    hop = vat.get(ilk, "hop")
    require(hop > 0 and vat.at >= plus(vat.get(ilk, "zzz"), hop), Reason.FEED_IS_EARLY)
    price = vat.source(ilk)
    if not price:  # no price is none to take
        return
    vat.put(ilk, "feed", vat.get(ilk, "next"))
    vat.put(ilk, "next", price)
    vat.put(ilk, "zzz", vat.at - part_of_period(vat.at, hop))
    vat.tell(FeedAdvanced, ilk=ilk, asset=vat.names.ilks[ilk], price=vat.get(ilk, "feed"), next=price)


def _poke(vat: Vat, command: TakePrice) -> None:
    """Value vaults at the feed's price; without one nothing is drawn or liquidated. Maker `Spotter.poke`."""
    ilk = command.ilk
    price = vat.price(ilk)
    spot = ray_div_down(value_of(price), vat.get(ilk, "mat"))
    vat.require_live()
    vat.put(ilk, "spot", spot)
    vat.tell(PriceTaken, ilk=ilk, asset=vat.names.ilks[ilk], price=price, spot=spot)
