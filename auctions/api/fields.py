"""Fields that take what they say and nothing near it."""

from typing import Any

from rest_framework import serializers


class WholeNumber(serializers.IntegerField):
    """A JSON integer. Refuses ``2.0``, ``"2"`` and ``true``, which DRF's own field would take for numbers."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Units(WholeNumber):
    """A number of units, at least one."""

    def __init__(self, **options: Any) -> None:
        messages: dict[str, Any] = {
            "invalid": "Units are whole numbers; parts of a unit are not sold.",
            "min_value": "Bid for at least one unit.",
            "max_value": "No lot has that many units.",
        }
        super().__init__(min_value=1, max_value=1_000_000, error_messages=messages, **options)


class Ticks(WholeNumber):
    """A price or a value, whole ticks of $0.0001. What is too little or too much is the operations' to say."""

    def __init__(self, **options: Any) -> None:
        messages: dict[str, Any] = {
            "invalid": "Prices are whole ticks of $0.0001, so that $2.4950 is 24950.",
            "min_value": "A price cannot be negative.",
            "max_value": "No price is that high.",
        }
        super().__init__(min_value=0, max_value=2**53, error_messages=messages, **options)
