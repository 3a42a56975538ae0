"""Standing orders: what one asks for, what is refused, what it bids in a window, and what lies ahead of it."""
