"""The market around a protocol: prices, depth, oracle and chain, as pure functions of time in integers.

Nothing here knows the clock: time is an argument, and what happens next is computed, never polled.
"""
