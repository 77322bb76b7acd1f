"""Scenarios: a folder with `scenario.toml`, its price tables and sources, read strictly."""
