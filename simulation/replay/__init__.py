"""Replaying a trace day through the market: read the files, plan the day, run it through the operations, tie it up.

traces        three public files → facts, or an error that names file, row and column
plan          facts and a seed → who lists and bids what in each window; pure
participants  the organizations, sites and cards of a replay, made as people make theirs
clock         the one thing a replay does that the product does not
run           the plan through the real operations, window by window
reconcile     what was counted against what the database and Stripe say
table         the report
"""
