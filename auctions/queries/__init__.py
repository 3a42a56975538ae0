"""Reads: what pages and the API show of markets, windows, lots, bids and awards. Nothing here writes."""
