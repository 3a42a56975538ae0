"""A stateful stand-in for Stripe, spoken to over HTTP by the real stripe SDK.

It imports nothing of the application it serves and never speaks to anything but this machine.
See docs/stripe-sandbox.md for what it imitates and what it does not.
"""
