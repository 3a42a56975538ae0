"""The package path: bids of any kind format 1 can say, cleared exactly."""
