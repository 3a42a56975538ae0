"""What an hour of a unit costs its owner: the hardware's loss of value, and the power it draws. Pure.

A unit loses value whether it is rented or idle; power is what renting it adds. Below the power alone, selling an hour
loses money against leaving it idle. Below both, it does not earn the unit back. Straight-line depreciation over
8,760 hours a year. Both parts are rounded up to the tick.

>>> costs = CostTerms(30_000_00, life_years=5, residual_percent=10, power_watts=1_000, energy_ticks=1_200)
>>> hourly_cost(costs)
HourlyCost(depreciation_ticks=6165, power_ticks=1200)
"""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import UnitCost
from inventory.terms import CostTerms
from marketplace.money import TICKS_PER_CENT

HOURS_PER_YEAR = 8_760
WATTS_PER_KILOWATT = 1_000


@dataclass(frozen=True, slots=True)
class HourlyCost:
    """Ticks per unit-hour."""

    depreciation_ticks: int
    power_ticks: int

    @property
    def full_ticks(self) -> int:
        return self.depreciation_ticks + self.power_ticks


def hourly_cost(costs: CostTerms | UnitCost) -> HourlyCost:
    """Return what an hour of a unit costs."""
    lost = costs.purchase_cents * TICKS_PER_CENT * (100 - costs.residual_percent)
    return HourlyCost(
        depreciation_ticks=-(-lost // (100 * costs.life_years * HOURS_PER_YEAR)),
        power_ticks=-(-costs.power_watts * costs.energy_ticks // WATTS_PER_KILOWATT),
    )
