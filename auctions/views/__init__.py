"""Pages: the public board and markets, the bid ticket, and an organization's own bids and awards."""
