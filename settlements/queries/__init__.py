"""Reads, by what is asked for."""
