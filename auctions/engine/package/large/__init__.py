"""Blocks too large to be searched to the end: a bound, a good choice, and how the others would do without each winner.

- `relaxation`: on a growing part of the columns, then with rows that stretches of hours imply (`spans`); its prices,
  multiplied out in whole numbers over all columns, are the bound;
- `choosing`: a good choice, by `annealing` (all bids placed anew again and again while the lots' capacities harden) and
  by `recreating` (bids near an hour taken out and put in anew), on `places`; what takes their time is `compiled`;
- `neighbourhoods`: the choice, improved stretch by stretch with small integer programs;
- without a winner: the choice recreated near the hours that are free then, and `refill`; the same prices bound what a
  search could add.

All is counted in columns, coefficients, neighbourhoods and branches, never in seconds, so the result is the same
everywhere.
"""

from __future__ import annotations

from auctions.engine.package.program import Program

LARGE = 60_000
"""Coefficients of a program from which on it is not searched to the end."""


def is_large(program: Program) -> bool:
    return program.matrix.nnz > LARGE
