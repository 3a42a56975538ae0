"""What listeners hear while it happens; see docs/live.md.

messages: the words on the wire. board: prices, conflated. own: an organization's feed, complete. queries: what the hub
reads. hub: one connection to Postgres per web process, and everyone who waits on it. access: who may hear an own feed.
"""
