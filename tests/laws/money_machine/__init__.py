"""A machine that does to a market's money what time, people, banks and bad networks do, in any order.

Rules go through the operations that pages and workers use, one step each, with the machine's own clock. Stripe is the
sandbox over HTTP; its events wait until a rule delivers them: out of order, twice, or late. Each run has buyers and
sellers of its own and an empty sandbox, and ends in agreement (``ending.py``), so what it leaves in the database
concerns no other. Hypothesis' seed draws everything: the order, the clock, the faults.

| file | whose rules |
|---|---|
| world.py | nobody's: the run's people, clock, events and ways to ask |
| market.py | the market: awards and leases |
| buyers.py | buyers: paying, authenticating, prepaying, reporting outages |
| sellers.py | sellers: handing over, answering |
| refunding.py, deciding.py | finance |
| banks.py | banks, networks, Stripe |
| clock.py | time, and what workers do then |
| ending.py | the end of a run, and the laws that hold there |
"""

from tests.laws.money_machine.ending import MoneyMachine

__all__ = ["MoneyMachine"]
