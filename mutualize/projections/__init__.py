"""Projections: what a ledger says, folded entry by entry. They know events only, and change nothing."""
