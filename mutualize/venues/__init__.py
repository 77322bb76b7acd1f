"""Venues: where people hold money and shortfalls are born. Each file reads like its protocol's contract."""
