"""The auctions over HTTP for programs: public markets and prices, and an organization's own bids and awards."""
