"""What finance may narrow the settlements down to, and in which order. The exports take the same filter as the list."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

import django_filters
from django import forms
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Organization, User
from marketplace.fields import AmountField
from settlements.models import PaymentMethod, Settlement
from settlements.queries.queue import BY_DAY, LARGEST, NEWEST, OLDEST, OVERDUE_AFTER, UNPAID

MAX_DOLLARS = 10**12

FLAGS = (
    ("unpaid", "Not paid yet"),
    ("overdue", "Not paid for a day"),
    ("no_card", "No card on file"),
    ("large", "Large amount"),
)
MINE, NOBODY = "me", "nobody"
DAYS = ("drawn_from", "drawn_to")


class AmountFilter(django_filters.Filter):
    field_class = AmountField


class SettlementFilter(django_filters.FilterSet):
    """By state, flag, buyer, window, amount, day drawn up, and who looks after it. ``request.user`` is who asks."""

    status = django_filters.MultipleChoiceFilter(
        choices=Settlement.Status.choices, label="State", widget=forms.CheckboxSelectMultiple
    )
    flag = django_filters.ChoiceFilter(choices=FLAGS, label="Flag", empty_label="Any", method="by_flag")
    assignee = django_filters.ChoiceFilter(
        label="Looked after by", empty_label="Anyone", method="by_assignee"
    )
    buyer = django_filters.CharFilter(label="Buyer", method="by_buyer", max_length=120)
    window = django_filters.NumberFilter("window_id", label="Window", min_value=1, max_value=2**63 - 1)
    amount_from = AmountFilter(
        "amount_cents", lookup_expr="gte", label="Amount from, $", max_dollars=MAX_DOLLARS
    )
    amount_to = AmountFilter("amount_cents", lookup_expr="lte", label="Amount to, $", max_dollars=MAX_DOLLARS)
    drawn_from = django_filters.DateFilter(label="Drawn up from, UTC", method="by_first_day")
    drawn_to = django_filters.DateFilter(label="Drawn up to, UTC", method="by_last_day")
    order = django_filters.ChoiceFilter(
        label="Order",
        choices=[(OLDEST, "Oldest first"), (LARGEST, "Largest first")],
        empty_label="Newest first",
        method="unchanged",
    )

    class Meta:
        model = Settlement
        fields: list[str] = []

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_finance=True, is_active=True).order_by("name", "id")
        self.filters["assignee"].extra["choices"] = [
            (MINE, "Me"),
            (NOBODY, "Nobody"),
            *((str(person.pk), str(person)) for person in people),
        ]
        for name in DAYS:
            self.filters[name].extra["widget"] = forms.DateInput(attrs={"type": "date"})

    @property
    def valid_qs(self) -> QuerySet[Settlement]:
        """Return what the filter finds; nothing while it holds an error, which the form shows."""
        return self.qs if self.form.is_valid() else self.queryset.none()

    @property
    def order_by(self) -> str:
        """Return the name of the order to read in, a key of ORDERS."""
        is_by_day = self.form.is_valid() and any(self.form.cleaned_data[name] for name in DAYS)
        return BY_DAY.get(self.chosen_order, self.chosen_order) if is_by_day else self.chosen_order

    @property
    def chosen_order(self) -> str:
        return (self.form.cleaned_data.get("order") or NEWEST) if self.form.is_valid() else NEWEST

    @property
    def order_label(self) -> str:
        """Return the chosen order as the page says it."""
        return {NEWEST: "Newest first", OLDEST: "Oldest first", LARGEST: "Largest first"}[self.chosen_order]

    @property
    def address(self) -> str:
        """Return the filter as the query of an address: only what is set and understood, so that it can be kept."""
        known = [(name, value) for name in self.filters for value in self._given(name) if value]
        return urlencode(known)

    @property
    def n_set(self) -> int:
        """Return how many fields narrow the list."""
        return sum(1 for name in self.filters if name != "order" and any(self._given(name)))

    def _given(self, name: str) -> list[str]:
        return self.data.getlist(name) if hasattr(self.data, "getlist") else []

    def by_flag(self, found: QuerySet[Settlement], name: str, value: str) -> QuerySet[Settlement]:
        match value:
            case "unpaid":
                return found.filter(UNPAID)
            case "overdue":
                before = datetime.now(UTC) - OVERDUE_AFTER
                return found.filter(UNPAID, created_at__lt=before)
            case "no_card":
                cards = PaymentMethod.objects.filter(
                    organization_id=OuterRef("organization_id"), removed_at=None
                )
                return found.filter(~Exists(cards), status=Settlement.Status.DUE)
            case _:
                return found.filter(amount_cents__gte=settings.LARGE_SETTLEMENT_CENTS)

    def by_assignee(self, found: QuerySet[Settlement], name: str, value: str) -> QuerySet[Settlement]:
        match value:
            case "me":
                return found.filter(assignee=self.request.user)
            case "nobody":
                return found.filter(assignee=None)
            case _:
                return found.filter(assignee_id=int(value))

    def by_buyer(self, found: QuerySet[Settlement], name: str, value: str) -> QuerySet[Settlement]:
        """Look the buyers up first: their settlements are then read by index, however many there are."""
        buyers = Organization.objects.filter(name__icontains=value).values_list("pk", flat=True)
        return found.filter(organization_id__in=list(buyers))

    def by_first_day(self, found: QuerySet[Settlement], name: str, value: date) -> QuerySet[Settlement]:
        return found.filter(created_at__gte=_midnight(value))

    def by_last_day(self, found: QuerySet[Settlement], name: str, value: date) -> QuerySet[Settlement]:
        return found.filter(created_at__lt=_midnight(value) + timedelta(days=1))

    def unchanged(self, found: QuerySet[Settlement], name: str, value: str) -> QuerySet[Settlement]:
        """Take no part in filtering: the page reads its order from ``order_by``."""
        return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
