"""Count sellers' reliability from their deliveries, and hand it down as a row that listings and bids read."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

from inventory.models import SellerReliability
from inventory.reliability import COUNTED, DeliveryRecord, reliability_bps

_RECORD = """
    SELECT count(*),
           coalesce(sum(units * minutes), 0),
           coalesce(sum(units * least(lost, minutes)), 0),
           count(*) FILTER (WHERE missed_at IS NOT NULL),
           coalesce(sum(n_outages), 0)
      FROM (SELECT award.units, delivery.missed_at,
                   (extract(epoch FROM delivery.ends_at - delivery.starts_at) / 60)::bigint AS minutes,
                   coalesce(upheld.minutes, 0) AS lost,
                   coalesce(upheld.n_reported, 0) AS n_outages
              FROM settlements_delivery delivery
              JOIN settlements_settlementline line ON line.id = delivery.line_id
              JOIN auctions_award award ON award.id = line.award_id
              LEFT JOIN LATERAL (
                   SELECT sum(upheld_minutes) AS minutes, count(*) FILTER (WHERE kind = 'reported') AS n_reported
                     FROM settlements_outage outage
                    WHERE outage.delivery_id = delivery.id AND outage.status = 'upheld') upheld ON true
             WHERE delivery.seller_id = %(seller)s
               AND delivery.ends_at > %(since)s AND delivery.ends_at <= %(now)s
               AND (delivery.status = 'delivered'
                    OR delivery.status = 'cancelled' AND delivery.missed_at IS NOT NULL)) counted
"""


def count_reliability(*, seller_id: int, now: datetime) -> SellerReliability:
    """Count a seller's deliveries of the last 90 days anew, and write down what they come to."""
    with transaction.atomic(durable=True):
        return write_reliability(seller_id, now)


def write_reliability(seller_id: int, now: datetime) -> SellerReliability:
    """Count anew as a step of what changed it; assumes a transaction, in which it is the last lock to be taken."""
    row, _ = SellerReliability.objects.get_or_create(organization_id=seller_id)
    SellerReliability.objects.select_for_update().get(pk=row.pk)
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, {"seller": seller_id, "since": now - COUNTED, "now": now})
        record = DeliveryRecord(*map(int, cursor.fetchone()))
    row = SellerReliability(
        organization_id=seller_id, **asdict(record), score_bps=reliability_bps(record), counted_at=now
    )
    row.save(force_update=True)
    return row
