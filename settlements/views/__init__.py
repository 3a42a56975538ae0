"""Pages about money owed: finance's (finance.py), the buyer's own settlements (own.py) and cards (cards.py)."""
