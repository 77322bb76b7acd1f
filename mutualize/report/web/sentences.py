"""One plain sentence for each kind of event: told as a template, and filled in by the page.

{field} a text    {field@asset} an amount of the asset that the field `asset` names    {field#8} a decimal
{field$} a price in money    {field%} a moment    {_sold} what the event's transfers say (see `Traded`)
"""

from __future__ import annotations

from typing import Final

SENTENCES: Final = {
    "Absorbed": "{liquidator} had {account} absorbed on {venue}: the reserves paid {credited@asset} for all"
    " collateral, against a debt of {debt@asset}.",
    "Accrued": "Interest on {asset} was brought up to date on {venue}.",
    "AgentFailed": "The code of {agent} failed: {problem}.",
    "AssetsLost": "{assets@asset} left the stake {stake} without shares being burned.",
    "AuctionCancelled": "Auction {auction} {id} was undone.",
    "AuctionEnded": "{account} won {auction} auction {id} with a bid of {bid~bid} for {lot~lot}.",
    "AuctionRestarted": "{account} began {auction} auction {id} anew.",
    "AuctionStarted": "{auction} auction {id} began: {lot~lot} for {bid~bid}.",
    "BidPlaced": "{account} bid {bid~bid} for {lot~lot} in {auction} auction {id}.",
    "Borrowed": "{account} borrowed {amount@asset} on {venue}.",
    "CashedOut": "{account} gave up stablecoins for {amount@asset}.",
    "ClaimWaiting": "{account} {_waits} from {venue}.",
    "ClaimsTransferred": "{account} handed a claim of {amount@asset} on {venue} to {to}.",
    "CollateralBought": "{account} bought {amount@collateral} of the reserves of {venue} for {paid@asset};"
    " they had paid {cost@asset}.",
    "CollateralExited": "{account} took {amount@asset} of collateral out of {venue}.",
    "CollateralFreed": "{account} got {amount@asset} of free collateral back.",
    "CollateralJoined": "{account} brought {amount@asset} of collateral to {venue}.",
    "CollateralListed": "{venue} took {asset} as collateral ({ilk}).",
    "CollateralSet": "{account} set the claim in {asset} on {venue} as collateral: {on}.",
    "CollateralTaken": "{account} bought {amount@asset} of the collateral of sale {id}.",
    "ContributionReturned": "{account} took {amount@asset} out of the fund {fund}.",
    "CooldownOpened": "{account} came with an announced leave from {stake}, possible from {ends%}.",
    "CooldownStarted": "{account} announced to leave {stake}, possible from {ends%}.",
    "DaiMoved": "{account} handed {amount@asset} to {to}.",
    "DebtHealed": "Surplus paid {amount@asset} of {venue}'s bad debt.",
    "DebtThawed": "{amount~bid} are to be settled.",
    "DeficitEliminated": "{account} gave up claims of {amount@asset} for the open deficit of {venue}.",
    "Delivered": "{account} delivered {amount@asset} to {to}.",
    "Donated": "{account} sent {amount@asset} to {venue} for nothing.",
    "ExitsFrozen": "Exits from {venue} were frozen.",
    "ExitsOpened": "Exits from {venue} were opened again.",
    "FeedAdvanced": "The delayed price feed moved on: {price#18} {asset} holds now, {next#18} comes next.",
    "FundContributed": "{account} put {amount@asset} into {tier} of {venue}.",
    "FundsReturned": "{account} gave {assets@asset} to the stakers of {stake}.",
    "GasPaid": "{_payer} paid {_gas} for a transaction.",
    "GovernanceMinted": "{amount@asset} were newly made and given to {account}: all who hold some are"
    " diluted.",
    "Liquidated": "{liquidator} {_repaid} and got {seized@collateral}.",
    "LossAbsorbed": "{tier} paid {paid@paid_asset}: the deficit fell by {amount@asset}{_rest}{_took}.",
    "LossAllocated": "{tier} has to pay {amount@asset} (it can pay {capacity@asset}); {rest@asset} is"
    " left for"
    " the tiers below.",
    "LossHeld": "{amount@asset} of loss wait at {tier}, which may not pay yet.",
    "LossPassedOn": "{tier} did not raise {amount@asset} in time: the tiers below answer for it.",
    "LossReleased": "{tier} may pay now: at most {most@asset} of {amount@asset}.",
    "LossReported": "{account} reported that {venue} lost {amount@asset} ({loss}).",
    "MarketCreated": "{venue} began: a market that lends {asset} against {collateral}.",
    "MarketHalted": "No price of {asset} can be had at {place}: trading is halted.",
    "MarketResumed": "{place} quotes {asset} again.",
    "MemberContributed": "{account} put {amount@asset} into the fund {fund}.",
    "MembersCalled": "{tier} called its members for {amount@asset}.",
    "Merged": "{count} events, merged: this run is too long to show each.",
    "MoneyPledged": "{account} promised {amount@asset} to {venue}.",
    "MoneyRecovered": "{account} gave back {amount@asset} to {venue}.",
    "NumbersSet": "Weights or ranks of {venue} were set.",
    "OffsetCovered": "{account} gave up claims of {amount@asset} for the part of the deficit that the"
    " treasury"
    " bears itself.",
    "OffsetSet": "Stakers are not touched below a deficit of {amount@asset}.",
    "ParameterChanged": "{name} of {venue} {asset} was set from {before} to {after}.",
    "PendingDeficitCovered": "{account} burned claims of {amount@asset} against the deficit that a slash"
    " covers.",
    "PendingDeficitRaised": "The slash covers {amount@asset} of the deficit; the claims are still to be"
    " burned.",
    "PositionOpened": "{account} had {collateral_amount@collateral} as collateral and {debt_amount@debt}"
    " of debt"
    " on {venue} when the run began.",
    "PricePublished": "The oracle told {price$} for one {asset}{_before}; the market said {market$}.",
    "PriceTagged": "The price of {asset} was fixed on {venue} for good.",
    "PriceTaken": "{venue} values {asset} at {price#18} from now on.",
    "PoolDeposited": "{account} put {amount@asset} into the stability pool of {venue}, and was paid"
    " {gain@collateral}.",
    "PoolWithdrawn": "{account} took {amount@asset} out of the stability pool of {venue}, and was paid"
    " {gain@collateral}.",
    "ProfitsSettled": "Losers paid winners {amount@asset} on {venue}.",
    "ProposalExecuted": "The vote {proposal} was carried out by {account}.",
    "ProposalMade": "{account} proposed {proposal}, which may be carried out from {executable%} on.",
    "RateAccrued": "Fees of {ilk} were brought up to date on {venue}.",
    "RecoveryAllocated": "{amount@asset} of recovered money went to {row} ({rule}).",
    "RecoveryPaid": "{_bearer} got {paid@paid_asset} of recovered money.",
    "RefusalsCounted": "{count} wishes were refused: {reason}.",
    "Repaid": "{payer} repaid {amount@asset} of {account}'s debt on {venue}.",
    "ReserveListed": "{venue} opened a reserve of {asset}.",
    "ReservesAdded": "{account} added {amount@asset} to the reserves of {venue}.",
    "ReservesWithdrawn": "{account} took {amount@asset} out of the reserves of {venue}.",
    "ShareFixed": "What each stablecoin gets of {asset} was fixed on {venue}.",
    "ShortfallRecognised": "{_lacking} fell short on {venue}.",
    "ShortfallUncovered": "All tiers are exhausted: {amount@asset} stay unpaid on {venue}.",
    "ShutDown": "{venue} was shut down.",
    "SinFlogged": "Debt of {amount~bid} left the queue of {venue}.",
    "Slashed": "{assets@asset} were taken from everybody who had staked in {stake}, each in proportion.",
    "SlashingSettled": "The state after the slash of {stake} ended.",
    "SnapshotTaken": "It was written down what everybody had at stake at the default of {amount@asset}.",
    "StakeTransferred": "{account} handed shares of {stake} to {to}.",
    "Staked": "{account} staked {assets@asset} in {stake}.",
    "Supplied": "{account} {_supplied}.",
    "SurplusClaimed": "{account} took {amount@asset}, left of a liquidated trove at {venue}.",
    "Traded": "{_trader} sold {_sold} for {_bought} at {_place}, where one {_thing} was {_mid}.",
    "TransactionFailed": "A transaction of {_payer} failed ({reason}) and cost {_gas}.",
    "TreasuryMinted": "{amount@asset} of interest went to {account}.",
    "TroveAdjusted": "{account} changed a trove at {venue}.",
    "TroveClosed": "The trove of {account} at {venue}, {collateral_amount@collateral} against"
    " {debt_amount@debt}, was closed ({reason}).",
    "TroveOpened": "{account} opened a trove at {venue} with {collateral_amount@collateral} and drew"
    " {drawn@debt}.",
    "Unstaked": "{account} took {assets@asset} out of {stake}.",
    "VaultChanged": "{account} changed a vault of {ilk} on {venue}.",
    "VaultLiquidated": "{liquidator} had {lot@asset} seized from {account}'s vault; {auction} auction"
    " {id} is to"
    " raise {tab~bid}.",
    "VaultSkimmed": "{account}'s vault was settled with {collateral@asset} of collateral.",
    "Withdrawn": "{account} took {amount@asset} out of {venue}.",
}
"""By kind; of a kind that is not here the page lists the fields."""

GLOSSARY: Final = {
    "assumed": "An input that nobody published, chosen for a reason that stands beside it.",
    "base unit": "The smallest amount of an asset that there is.",
    "batch": "The unit in which the ledger is written and hashed.",
    "block": "One step of the scenario's chain, counted from the run's start: not a real chain's number.",
    "calibrated": "An input that was chosen so that the run agrees with something that was observed.",
    "claim": "What a venue owes a depositor.",
    "deficit": "The account in which a recognised shortfall sits until somebody has paid.",
    "digest": "The run's identity: two runs are equal if and only if their digests are.",
    "event": "One thing that happened, as it stands in the ledger, with the money that moved.",
    "fact": "An input with a published source.",
    "fitted": "Of an expectation: some input was calibrated to it, so that it proves little.",
    "haircut": "A pro-rata cut of claims.",
    "health": "How far a position is from being unsafe: below one, anybody may liquidate it.",
    "held-out": "Of an expectation: no input was chosen for it, so that it says how far to believe the rest.",
    "identity": "Of an expectation: it follows by arithmetic from the inputs, and proves nothing.",
    "liquidator": "Who closes unsafe positions for profit.",
    "loss": "What one payer bears.",
    "oracle": "Who tells a protocol the price; it may lag behind the market.",
    "position": "One debtor's collateral and debt in a venue.",
    "residue": "What rounding and a protocol's own formulas leave over.",
    "seed": "The number that all chance of a run is drawn from.",
    "shortfall": "Debt that its debtor's collateral turned out not to cover, when that is recognised.",
    "slash": "Stake taken from all stakers in proportion to pay a loss.",
    "slippage": "What a sale moves the price against the seller.",
    "stake": "Money put up to answer for others' losses, for a reward.",
    "tier": "One row of the waterfall: whose money, up to how much, shared how.",
    "transaction": "What is carried out whole or not at all; its number is that of its first event.",
    "venue": "Where people hold money and shortfalls are born: a pool, a vault engine, an exchange.",
    "waterfall": "The order in which tiers pay for a shortfall, each until it runs dry.",
}
"""The project's words, each in one sentence."""
