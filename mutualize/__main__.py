"""`python -m mutualize`: the command line."""

from __future__ import annotations

from mutualize.cli import main

if __name__ == "__main__":
    main()
