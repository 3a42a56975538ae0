"""Seal what was placed before seals existed: each window gets a key of its own, each placed bid nonce and receipt.

The seal is written out here as it was on this day; docs/sealed-auctions.md says what it means.
"""

import hashlib
import hmac
import json
import secrets

from django.db import migrations

HOUR_SECONDS = 3600


def seal_placed_bids(apps, schema_editor):
    window_model = apps.get_model("auctions", "Window")
    for window in window_model.objects.filter(status__in=["scheduled", "open", "frozen", "closed"]):
        window.pseudonym_key = secrets.token_hex(32)
        placed = window.bids.filter(status="placed").order_by("sequence")
        receipts = [_seal(window, bid) for bid in placed]
        if window.status == "closed":
            window.bids_root = _root(receipts).hex()
        window.save(update_fields=["pseudonym_key", "bids_root"])


def _seal(window, bid):
    bid.nonce = secrets.token_hex(32)
    sealed = {
        "format": 1,
        "window": str(window.pk),
        "arrival": bid.sequence,
        "nonce": bid.nonce,
        "bid": {
            "id": _name(window, f"bid:{bid.nonce}"),
            "bidder": _name(window, f"organization:{bid.organization_id}"),
            "options": [_option(window, option) for option in bid.options.order_by("number")],
        },
    }
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    bid.receipt_sha256 = hashlib.sha256(text.encode()).hexdigest()
    bid.save(update_fields=["nonce", "receipt_sha256"])
    return bytes.fromhex(bid.receipt_sha256)


def _name(window, subject):
    key = bytes.fromhex(window.pseudonym_key)
    return hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()[:20]


def _option(window, option):
    limit = {"price": option.price_ticks} if option.value_ticks is None else {"value": option.value_ticks}
    return limit | {"legs": [_leg(window, leg) for leg in option.legs.order_by("number")]}


def _leg(window, leg):
    def hour(instant):
        return int((instant - window.delivery_from).total_seconds()) // HOUR_SECONDS

    said = {
        "lots": [str(named.lot_id) for named in leg.named_lots.order_by("position")],
        "units": leg.units,
        "earliest": hour(leg.earliest_at),
        "latest": hour(leg.latest_at),
        "hours": leg.hours,
    }
    return said if leg.min_units == leg.units else said | {"min_units": leg.min_units}


def _root(receipts):
    level = [hashlib.sha256(b"\x00" + receipt).digest() for receipt in receipts]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs
        ]
    root = level[0] if level else hashlib.sha256().digest()
    return hashlib.sha256(b"\x02" + len(receipts).to_bytes(8, "big") + root).digest()


class Migration(migrations.Migration):
    dependencies = [("auctions", "0005_sealed_bids")]

    operations = [migrations.RunPython(seal_placed_bids, migrations.RunPython.noop)]
