"""Writes: passing the feeds on, what people read and choose, and sending letters."""
