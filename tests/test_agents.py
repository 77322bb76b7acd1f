"""Agents who are not liquidators: genesis, withdrawals and runs, margin calls, votes. On a real pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mutualize.agents.borrowers import DELEVERAGE, TOP_UP, MarginCalls, Plan
from mutualize.agents.depositors import Alarm, Runners
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Beginning, Genesis
from mutualize.agents.governance import (
    Measure,
    Occasion,
    Proposal,
    cover_deficit,
    recognise_shortfall,
    repay_debt,
    set_parameter,
    set_paused,
)
from mutualize.agents.members import draw, is_member, member_name, member_names
from mutualize.agents.signals import Signals
from mutualize.agents.withdrawals import WithdrawalQueue
from mutualize.commands import (
    Borrow,
    Command,
    Liquidate,
    ListReserve,
    OpenPosition,
    PublishPrice,
    Repay,
    Supply,
)
from mutualize.ending import Ending
from mutualize.errors import MutualizeError
from mutualize.events import (
    ClaimWaiting,
    DeficitEliminated,
    Entry,
    Event,
    GasPaid,
    ParameterChanged,
    ProposalExecuted,
    ProposalMade,
    Repaid,
    ShortfallRecognised,
    Supplied,
    Withdrawn,
)
from mutualize.protocol import Protocol
from mutualize.randomness import Fixed, Uniform
from mutualize.units import WAD
from mutualize.venues.lending import PoolLending
from mutualize.venues.outside import Feed, Outside
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.watchlist import Watchlist
from mutualize.world import Phase, Steps, World

USD = 10**6
ETH = 10**18
HOUR = 3_600


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        self.entries += entries
        return False

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Town:
    """A pool of USDC and ETH at 1,000, a clock, and a script of what happens when."""

    def __init__(self, rules: PoolRules | None = None, end: int = 10 * HOUR) -> None:
        self.pages = Pages()
        self.pool = Pool("aave", ["USDC", "ETH"], rules)
        venues: list[Any] = [self.pool, Feed(), Outside()]
        self.protocol = Protocol(venues, self.pages)
        self.world = World(self.protocol, start=0, end=end, seed=1)
        self.protocol.observe(Signals(self.world, [PoolLending(self.pool)]).observe)
        self.fees = Fees()
        self.queue = WithdrawalQueue(PoolLending(self.pool), "USDC", self.fees)
        self.beginnings: list[Beginning] = []
        self.script: list[tuple[int, Command]] = []
        for asset, decimals, price in (("USDC", 6, 1), ("ETH", 18, 1_000)):
            terms = {"decimals": decimals, "ltv": 7_500, "threshold": 8_000, "bonus": 10_500}
            terms |= {"optimal": 8_000, "slope1": 400, "slope2": 6_000, "reserve_factor": 1_000}
            parameters = tuple(terms.items())
            self.begin(ListReserve(venue="aave", account="governance", asset=asset, parameters=parameters))
            self.begin(price_of(asset, price))

    def begin(self, command: Command) -> None:
        self.beginnings.append(Beginning(f"[[{type(command).__name__}]]", command))

    def lend(self, account: str, amount: int, asset: str = "USDC") -> None:
        self.begin(Supply(venue="aave", account=account, asset=asset, amount=amount))

    def owe(self, account: str, amount: int, debt: int) -> None:
        """Begin with a position of ETH against USDC."""
        self.begin(
            OpenPosition(
                venue="aave",
                account=account,
                collateral="ETH",
                collateral_amount=amount,
                debt="USDC",
                debt_amount=debt,
            )
        )

    def at(self, when: int, command: Command) -> None:
        self.script.append((when, command))

    def play(self, *agents: Any) -> Ending:
        self.world.start(Genesis(self.beginnings))
        self.world.start(Script(self.script))
        for agent in agents:
            self.world.start(agent)
        return self.world.run()

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return (time, event) of all events of a kind."""
        return [(entry.at, entry.event) for entry in self.pages.entries if isinstance(entry.event, kind)]

    def claim(self, account: str, asset: str = "USDC") -> int:
        return self.pool.claim(self.world.book, account, asset, self.world.now)

    def factor(self, account: str) -> int:
        return self.pool.health(self.world.book, account, self.world.now).factor


class Script:
    """An agent that does what is written, when it is written."""

    name = "script"
    phase = Phase.ORACLE

    def __init__(self, lines: list[tuple[int, Command]]) -> None:
        self.lines = lines

    def run(self, world: World) -> Steps:
        for at, command in self.lines:
            yield world.sleep_until(self, at)
            receipt = world.submit(command)
            assert receipt, receipt.refused


def price_of(asset: str, price: int) -> PublishPrice:
    return PublishPrice(
        venue="oracle", account="oracle", asset=asset, price=price * 10**8, market=price * 10**8
    )


# --- names and draws -------------------------------------------------------------------------------------


def test_members_have_names() -> None:
    """Members count from one, with as many digits as the largest number needs, four at least."""
    assert member_names("borrowers", 2) == ["borrowers-0001", "borrowers-0002"]
    assert member_name("borrowers", 42, 99_999) == "borrowers-00042"
    mine = is_member("borrowers", 100)
    assert mine("borrowers-0042")
    assert not any(map(mine, ["borrowers-b-0042", "borrowers-00042", "borrowers-004x", "lender-0042", ""]))


def test_a_draw_belongs_to_member_and_figure() -> None:
    """What a member draws depends on seed, name and figure alone."""
    drawn = [draw(1, name, what, Uniform(0, 10**9)) for name in ("a", "b") for what in ("purse", "amount")]
    assert len(set(drawn)) == 4
    assert draw(1, "b", "amount", Uniform(0, 10**9)) == drawn[-1]


# --- genesis ---------------------------------------------------------------------------------------------


def test_a_refused_beginning_is_a_mistake_of_the_scenario() -> None:
    """A position that is unsafe at the start is reported with its place, the reason and a remedy."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("anna", ETH, 900 * USD)
    with pytest.raises(MutualizeError) as caught:
        town.play()
    assert caught.value.line() == (
        "[[OpenPosition]]: OpenPosition of 'anna' is refused at the start: position would be unsafe."
        " Put up more collateral, or owe less: positions are safe at the start."
    )


def test_genesis_is_first() -> None:
    """What exists at the start is there before anybody acts, in the order in which it was stated."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("anna", ETH, 700 * USD)
    assert town.play() is Ending.COMPLETE
    kinds = [type(entry.event).__name__ for entry in town.pages.entries]
    assert kinds == ["ReserveListed", "PricePublished"] * 2 + ["Supplied", "PositionOpened"]
    assert {entry.at for entry in town.pages.entries} == {0}


# --- a run on the pool -----------------------------------------------------------------------------------


def runners(
    town: Town, count: int, alarm: Alarm, reaction_s: Any = None, amount: int = 1_000 * USD
) -> Runners:
    """Make a population of depositors with `amount` each, that runs on `alarm`."""
    for name in member_names("runners", count):
        town.lend(name, amount)
    return Runners("runners", count, town.queue, alarm=alarm, reaction_s=reaction_s or Fixed(60))


def test_the_first_is_paid_and_the_last_is_not() -> None:
    """In a run the cash goes to those who come first; the next gets the rest; who comes later waits."""
    town = Town()
    agent = runners(town, 5, Alarm(rumour_at=HOUR), Uniform(1, 1_000))
    town.owe("whale", 5 * ETH, 2_500 * USD)
    assert town.play(town.queue, agent) is Ending.COMPLETE
    paid = [event.account for _, event in town.seen(Withdrawn)]
    order = sorted(member_names("runners", 5), key=lambda n: draw(1, n, "reaction", Uniform(1, 1_000)))
    assert paid == order[:3]
    assert [town.claim(name) for name in order[:2]] == [0, 0]
    assert 500 * USD <= town.claim(order[2]) < 501 * USD, "the third got what was left"
    assert all(town.claim(name) >= 1_000 * USD for name in order[3:])
    waiting = town.seen(ClaimWaiting)
    assert [event.account for _, event in waiting] == order[2:]
    assert all(event.amount > 0 for _, event in waiting)
    assert len(town.queue) == 3


def test_liquidity_that_returns_goes_to_the_first_in_the_queue() -> None:
    """Cash that comes back pays those who wait in order of arrival, and their waiting is seen to end."""
    town = Town()
    agent = runners(town, 3, Alarm(rumour_at=HOUR))
    town.owe("whale", 5 * ETH, 3_000 * USD)
    town.at(3 * HOUR, Repay(venue="aave", account="whale", asset="USDC", amount=1_500 * USD))
    town.at(5 * HOUR, Repay(venue="aave", account="whale", asset="USDC", amount=1_600 * USD))
    town.play(town.queue, agent)
    paid = [(at, event.account) for at, event in town.seen(Withdrawn)]
    assert paid == [
        (3 * HOUR, "runners-0001"),
        (3 * HOUR, "runners-0002"),
        (5 * HOUR, "runners-0002"),
        (5 * HOUR, "runners-0003"),
    ]
    ended = [(at, event.account) for at, event in town.seen(ClaimWaiting) if not event.amount]
    assert ended == [(3 * HOUR, "runners-0001"), (5 * HOUR, "runners-0002"), (5 * HOUR, "runners-0003")]
    assert len(town.queue) == 0
    causes = [entry.cause for entry in town.pages.entries if isinstance(entry.event, Withdrawn)]
    assert None not in causes, "each payment names the repayment that made it possible"


def test_a_latecomer_stands_behind_those_who_wait() -> None:
    """Who asks while others wait is noted and served after them."""
    town = Town()
    agent = runners(town, 2, Alarm(rumour_at=HOUR), Uniform(1, 1_000))
    town.owe("whale", 5 * ETH, 2_000 * USD)
    town.at(3 * HOUR, Repay(venue="aave", account="whale", asset="USDC", amount=100 * USD))
    town.play(town.queue, agent)
    first = min(member_names("runners", 2), key=lambda n: draw(1, n, "reaction", Uniform(1, 1_000)))
    assert [event.account for _, event in town.seen(Withdrawn)] == [first]


def test_a_run_begins_at_its_utilization() -> None:
    """A loan that takes utilization over the threshold sets off the run; a smaller one does not."""
    town = Town()
    agent = runners(town, 1, Alarm(utilization=WAD * 9 // 10))
    town.lend("others", 9_000 * USD)
    town.lend("whale", 100 * ETH, "ETH")
    town.at(HOUR, Borrow(venue="aave", account="whale", asset="USDC", amount=8_000 * USD))
    town.at(2 * HOUR, Borrow(venue="aave", account="whale", asset="USDC", amount=1_500 * USD))
    town.play(town.queue, agent)
    [(at, event)] = town.seen(Withdrawn)
    assert at == 2 * HOUR + 60
    assert event.amount == 500 * USD


def test_a_run_begins_at_once_where_the_threshold_is_crossed_already() -> None:
    """A population that starts above its threshold does not wait for the next loan."""
    town = Town()
    agent = runners(town, 2, Alarm(utilization=WAD // 10), Fixed(5))
    town.owe("whale", 5 * ETH, 1_000 * USD)
    town.play(town.queue, agent)
    assert [at for at, _ in town.seen(Withdrawn)] == [5]


def test_a_run_begins_at_a_deficit() -> None:
    """Depositors who run at a deficit hear of a shortfall in the moment in which it is recognised."""
    town = Town()
    agent = runners(town, 2, Alarm(deficit=WAD // 100))
    town.owe("anna", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 500))
    town.at(
        2 * HOUR,
        Liquidate(venue="aave", account="keeper", borrower="anna", collateral="ETH", debt="USDC"),
    )
    town.play(town.queue, agent)
    [(recognised, _)] = town.seen(ShortfallRecognised)
    assert [at for at, _ in town.seen(Withdrawn)] == [recognised + 60, recognised + 60]


def test_a_paused_reserve_pays_nobody_until_it_opens() -> None:
    """A pause makes everybody wait; when governance opens the reserve, the queue is served."""
    town = Town()
    agent = runners(town, 2, Alarm(rumour_at=2 * HOUR))
    votes = [
        Proposal(
            "close", town.pool.name, Occasion(at=HOUR), 0, set_paused(town.pool, ["USDC"], 1), town.fees
        ),
        Proposal(
            "open", town.pool.name, Occasion(at=4 * HOUR), 60, set_paused(town.pool, ["USDC"], 0), town.fees
        ),
    ]
    town.play(town.queue, agent, *votes)
    assert [at for at, _ in town.seen(Withdrawn)] == [4 * HOUR + 60] * 2
    assert [event.after for _, event in town.seen(ParameterChanged)] == [1, 0]


def test_gas_is_paid_with_the_withdrawal() -> None:
    """On a chain each withdrawal pays its gas in the same transaction."""
    town = Town()
    town.queue = WithdrawalQueue(PoolLending(town.pool), "USDC", Fees("ETH", lambda action, _: len(action)))
    agent = runners(town, 1, Alarm(rumour_at=HOUR))
    town.play(town.queue, agent)
    [withdrawn, paid] = town.pages.entries[-2:]
    assert isinstance(withdrawn.event, Withdrawn)
    assert isinstance(paid.event, GasPaid)
    assert (paid.event.account, paid.event.amount) == ("runners-0001", len("withdraw"))
    assert paid.tx == withdrawn.tx


# --- margin calls ----------------------------------------------------------------------------------------


def callers(town: Town, behaviour: str, purse: int, reaction_s: int = 600) -> MarginCalls:
    """Make a population of borrowers who answer below a health factor of 1.05."""
    watchlist = Watchlist(PoolLending(town.pool), is_member("borrowers", 3))
    town.protocol.observe(watchlist.observe)
    plan = Plan(
        behaviour=behaviour,
        collateral="ETH",
        debt="USDC",
        margin=WAD * 105 // 100,
        reaction_s=Fixed(reaction_s),
        purse=Fixed(purse),
    )
    return MarginCalls("borrowers", 3, town.pool, watchlist, plan, town.fees)


@pytest.mark.parametrize(("behaviour", "kind"), [(TOP_UP, Supplied), (DELEVERAGE, Repaid)])
def test_a_margin_call_is_answered(behaviour: str, kind: type[Event]) -> None:
    """A borrower below his margin restores it after his reaction time, and not by more than is needed."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("borrowers-0001", ETH, 700 * USD)
    town.owe("borrowers-0002", ETH, 300 * USD)
    town.owe("stranger", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 890))
    purse = ETH if behaviour == TOP_UP else 700 * USD
    town.play(callers(town, behaviour, purse))
    [(at, event)] = [(at, event) for at, event in town.seen(kind) if at]
    assert at == HOUR + 600
    assert event.account == "borrowers-0001"
    assert abs(town.factor("borrowers-0001") - WAD * 110 // 100) < WAD // 10_000
    assert town.factor("stranger") < WAD * 105 // 100
    published = next(e.seq for e in town.pages.entries if e.at == HOUR)
    assert town.pages.entries[-1].cause == published


def test_a_purse_is_limited() -> None:
    """Who can pay only a part pays it once, and is not called again."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("borrowers-0001", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 880))
    town.at(2 * HOUR, price_of("ETH", 879))
    town.play(callers(town, DELEVERAGE, 5 * USD))
    assert [(at, event.amount) for at, event in town.seen(Repaid)] == [(HOUR + 600, 5 * USD)]


def test_a_purse_pays_for_several_calls() -> None:
    """What is left after one call answers the next."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("borrowers-0001", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 890))
    town.at(2 * HOUR, price_of("ETH", 830))
    town.play(callers(town, DELEVERAGE, 700 * USD))
    assert [at for at, _ in town.seen(Repaid)] == [HOUR + 600, 2 * HOUR + 600]
    assert town.factor("borrowers-0001") >= WAD * 105 // 100


def test_a_price_that_comes_back_cures_the_call() -> None:
    """If the price is back before the reaction time is over, nothing is paid; a later fall calls again."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("borrowers-0001", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 890))
    town.at(HOUR + 300, price_of("ETH", 1_000))
    town.at(3 * HOUR, price_of("ETH", 890))
    town.play(callers(town, DELEVERAGE, 700 * USD))
    assert [at for at, _ in town.seen(Repaid)] == [3 * HOUR + 600]


def test_too_late_is_too_late() -> None:
    """A borrower who reacts slower than a liquidator acts finds nothing left to save, and nothing breaks."""
    town = Town()
    town.lend("lender", 5_000 * USD)
    town.owe("borrowers-0001", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 400))
    town.at(
        HOUR + 60,
        Liquidate(venue="aave", account="k", borrower="borrowers-0001", collateral="ETH", debt="USDC"),
    )
    assert town.play(callers(town, DELEVERAGE, 700 * USD)) is Ending.COMPLETE
    assert town.seen(Repaid) == []


# --- governance ------------------------------------------------------------------------------------------


def vote(town: Town, measure: Measure, delay_s: int = HOUR, **occasion: Any) -> Proposal:
    return Proposal("rescue", town.pool.name, Occasion(**occasion), delay_s, measure, town.fees)


def test_a_vote_takes_its_time() -> None:
    """A dated proposal is carried out after its delay, in one transaction with its command."""
    town = Town()
    town.play(vote(town, set_parameter(town.pool, "ETH", "threshold", 7_600), at=2 * HOUR))
    [(made, proposal)] = town.seen(ProposalMade)
    assert (made, proposal.executable) == (2 * HOUR, 3 * HOUR)
    [(executed, _)] = town.seen(ProposalExecuted)
    [(changed, event)] = town.seen(ParameterChanged)
    assert executed == changed == 3 * HOUR
    assert (event.before, event.after) == (8_000, 7_600)
    assert len({entry.tx for entry in town.pages.entries if entry.at == executed}) == 1
    assert town.pages.entries[-1].cause is not None


def test_a_measure_that_is_refused_executes_nothing() -> None:
    """If the command cannot be carried out, the proposal is not recorded as executed either."""
    town = Town()
    town.play(vote(town, recognise_shortfall(town.pool.name, "nobody", "USDC"), at=HOUR))
    assert town.seen(ProposalExecuted) == []
    assert town.protocol.refusals == {"DEBT_IS_NOT_OWED": 1}


def shortfall(town: Town) -> None:
    """Let anna's collateral be seized at 500, so that a deficit of about 224 USDC is left."""
    town.lend("lender", 5_000 * USD)
    town.owe("anna", ETH, 700 * USD)
    town.at(HOUR, price_of("ETH", 500))
    command = Liquidate(venue="aave", account="k", borrower="anna", collateral="ETH", debt="USDC")
    town.at(2 * HOUR, command)


@pytest.mark.parametrize("amount", [None, 100 * USD])
def test_a_deficit_sets_off_a_vote_that_covers_it(amount: int | None) -> None:
    """Set off by a shortfall, governance covers all of the deficit, or the sum that was decided."""
    town = Town()
    shortfall(town)
    measure = cover_deficit(town.pool, "treasury-safe", "USDC", amount)
    town.play(vote(town, measure, on_deficit=("USDC", "ETH")))
    [(_, recognised)] = town.seen(ShortfallRecognised)
    [(at, event)] = town.seen(DeficitEliminated)
    assert at == 3 * HOUR
    assert event.amount == (recognised.amount if amount is None else amount)
    assert town.pool.reserve(town.world.book, "USDC").deficit == recognised.amount - event.amount
    assert sum(event.amount for at, event in town.seen(Supplied) if at) == event.amount + 2


def test_debt_can_be_recognised_and_repaid_by_governance() -> None:
    """Under the rules of 2022 debt without collateral stays until somebody repays it, or it is recognised."""
    for measure, kind in ((repay_debt, Repaid), (recognise_shortfall, ShortfallRecognised)):
        rules = PoolRules(recognition="never", close_factor="full", dust_rule=False)
        town = Town(rules)
        shortfall(town)
        made: Callable[..., Measure] = measure
        if kind is Repaid:
            action = made(town.pool, "treasury-safe", "anna", "USDC", None)
        else:
            action = made(town.pool.name, "anna", "USDC")
        town.play(vote(town, action, at=4 * HOUR))
        [(at, event)] = town.seen(kind)
        assert at == 5 * HOUR
        assert 223 * USD < event.amount < 225 * USD
        assert town.pool.debt(town.world.book, "anna", "USDC", town.world.now) == 0
