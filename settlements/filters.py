"""What finance may narrow the settlements down to. The export takes the same filter as the list."""

import django_filters
from django.db.models import QuerySet

from settlements.models import Settlement


class SettlementFilter(django_filters.FilterSet):
    """By state, by part of the buyer’s name, by window."""

    status = django_filters.ChoiceFilter(choices=Settlement.Status, label="State", empty_label="All states")
    buyer = django_filters.CharFilter("organization__name", lookup_expr="icontains", label="Buyer")
    window = django_filters.NumberFilter("window_id", label="Window", min_value=1, max_value=2**63 - 1)

    class Meta:
        model = Settlement
        fields: list[str] = []

    @property
    def valid_qs(self) -> QuerySet[Settlement]:
        """Return what the filter finds; nothing while it holds an error, which the form shows."""
        return self.qs if self.form.is_valid() else self.queryset.none()
