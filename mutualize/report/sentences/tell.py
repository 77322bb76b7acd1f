"""An event as one sentence: what happened, to whom, and exactly how much."""

from __future__ import annotations

from mutualize.events import Event
from mutualize.report.sentences import lending, markets, stakes, tiers, troves, vaults, world
from mutualize.report.sentences.words import TELLERS, Words

MODULES = (world, lending, tiers, stakes, vaults, markets, troves)
"""Where the sentences stand: importing them registers every kind."""


def sentence(event: Event, words: Words) -> str:
    """Return an event as one sentence, ending in a full stop, without a character that steers a terminal."""
    return TELLERS[type(event)](event, words)
