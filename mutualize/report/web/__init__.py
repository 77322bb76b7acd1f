"""The report of a run as one page that a browser opens by itself: who paid, why, and how far to believe it.

ledger.jsonl ─▶ rows ─▶ columns ─┐
summary.json ─▶ words ───────────┴▶ island ─▶ page.html + page.css + js/*.js ─▶ one file

Its one rule: the page asks for nothing. All that it shows is in the file, and every text stays text.
"""
