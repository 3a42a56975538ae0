"""Hand-over and SSH keys: who gives, who sees, what is stored, and what is refused with nothing changed."""

import logging
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import StreamEvent
from settlements.jobs import DELIVERY_NOTICE
from settlements.models import Delivery, DeliveryNotice, Handover, HandoverRead, Outage, SshKey
from settlements.operations.delivery_notices import send_delivery_notice
from settlements.operations.handovers import (
    Access,
    HandoverRefused,
    NothingHandedOver,
    read_handover,
    read_own_handover,
)
from settlements.operations.ssh_keys import KeysRefused, add_ssh_key, choose_ssh_keys, remove_ssh_key
from settlements.ssh_keys import InvalidSshKey
from settlements.sweeps import sweep_deliveries
from settlements.vault import Unreadable, open_sealed
from tests.factories import BuyerFactory, SellerFactory
from tests.integration.settlements.deliveries import (
    ACCESS,
    ED25519,
    OTHER_ED25519,
    SECRET,
    delivery_of,
    give,
    handed_over,
    member,
    paid_delivery,
    running,
)
from tests.integration.settlements.steps import settlement_of

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
HALF_AN_HOUR = timedelta(minutes=30)


def everything_stored() -> str:
    """Every row of every table as text, the way somebody with a dump reads it."""
    with connection.cursor() as cursor:
        texts = []
        tables = set(connection.introspection.table_names(cursor))  # not every model has one
        for model in apps.get_models():
            if model._meta.db_table not in tables:
                continue
            cursor.execute(f'SELECT "{model._meta.db_table}"::text FROM "{model._meta.db_table}"')  # noqa: S608
            texts += [text for (text,) in cursor.fetchall()]
        cursor.execute("SELECT procrastinate_jobs::text FROM procrastinate_jobs")
        texts += [text for (text,) in cursor.fetchall()]
    return "\n".join(texts)


class TestHandOver:
    def test_moves_a_due_delivery_on_and_tells_the_buyer_without_the_access(self) -> None:
        delivery = paid_delivery()
        before = delivery.starts_at - HALF_AN_HOUR

        handover = give(delivery, at=before)

        delivery.refresh_from_db()
        assert (delivery.status, delivery.handed_over_at, handover.version) == (Status.READY, before, 1)
        told = StreamEvent.objects.filter(organization=delivery.buyer_id).latest("sequence")
        assert told.kind == "delivery.handed_over"
        assert set(told.data) == {"delivery", "award", "window", "starts_at", "ends_at", "version", "side"}

    def test_writes_nothing_in_the_clear_anywhere(self) -> None:
        delivery = handed_over()
        read_handover(
            buyer=delivery.buyer,
            delivery_id=delivery.pk,
            read_by=member(delivery.buyer),
            now=delivery.starts_at,
        )

        stored = everything_stored()

        assert Handover.objects.get().sealed in stored
        for secret in (ACCESS.endpoint, ACCESS.instructions, ACCESS.credentials, "correct-horse"):
            assert secret not in stored

    def test_logs_none_of_it(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

        handed_over()

        assert SECRET not in caplog.text
        assert SECRET not in repr(ACCESS)

    def test_can_be_changed_before_and_after_the_start_each_time_as_a_version(self) -> None:
        delivery = running()
        other = Access(endpoint="ssh other@198.51.100.8")

        second = give(delivery, at=delivery.starts_at + HALF_AN_HOUR, access=other, version_seen=1)

        delivery.refresh_from_db()
        assert (second.version, delivery.status) == (2, Status.RUNNING)
        assert read_own_handover(seller=delivery.seller, delivery_id=delivery.pk) == other
        assert delivery.handed_over_at == delivery.starts_at - timedelta(minutes=10)
        assert Handover.objects.filter(delivery=delivery).count() == 2

    def test_hands_over_once_when_the_form_is_sent_twice(self) -> None:
        delivery = paid_delivery()

        first, again = give(delivery, at=delivery.starts_at), give(delivery, at=delivery.starts_at)

        assert first == again
        assert Handover.objects.count() == 1
        assert DeliveryNotice.objects.filter(kind=DeliveryNotice.Kind.HANDED_OVER).count() == 1

    def test_refuses_a_form_that_another_colleague_was_faster_than(self) -> None:
        delivery = handed_over()

        with pytest.raises(HandoverRefused, match="changed it meanwhile"):
            give(delivery, at=delivery.starts_at, access=Access(endpoint="elsewhere"), version_seen=0)

        assert Handover.objects.count() == 1

    @pytest.mark.parametrize(
        ("access", "field"),
        [
            (Access(endpoint="  ", credentials=SECRET), "endpoint"),
            (Access(endpoint="x" * 301), "endpoint"),
            (Access(endpoint="x", instructions="y" * 10_001), "instructions"),
            (Access(endpoint="x", credentials="y" * 10_001), "credentials"),
        ],
    )
    def test_refuses_what_is_empty_or_too_long(self, access: Access, field: str) -> None:
        delivery = paid_delivery()

        with pytest.raises(HandoverRefused) as refused:
            give(delivery, at=delivery.starts_at, access=access)

        assert refused.value.field == field
        assert SECRET not in refused.value.message
        assert not Handover.objects.exists()

    def test_refuses_what_is_not_paid(self) -> None:
        delivery = delivery_of(settlement_of(10_000))

        with pytest.raises(HandoverRefused, match="not paid yet"):
            give(delivery, at=delivery.starts_at)

    def test_refuses_what_is_over(self) -> None:
        delivery = running()

        with pytest.raises(HandoverRefused, match="are over"):
            give(delivery, at=delivery.ends_at, access=Access(endpoint="late"), version_seen=1)
        sweep_deliveries(now=delivery.ends_at)
        with pytest.raises(HandoverRefused, match="has ended"):
            give(delivery, at=delivery.ends_at, access=Access(endpoint="late"), version_seen=1)

    def test_knows_nothing_of_another_sellers_delivery(self) -> None:
        delivery, rival = paid_delivery(), SellerFactory()
        delivery.seller = rival

        with pytest.raises(Delivery.DoesNotExist):
            give(delivery, at=delivery.starts_at)

        assert not Handover.objects.exists()

    def test_a_late_one_sets_it_running_and_ends_the_time_missed(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + HALF_AN_HOUR)
        delivery.refresh_from_db()
        missed = Outage.objects.get()
        assert (delivery.status, missed.starts_at, missed.ends_at) == (
            Status.MISSED,
            delivery.starts_at,
            delivery.ends_at,
        )

        give(delivery, at=delivery.starts_at + timedelta(minutes=44, seconds=1))

        delivery.refresh_from_db()
        missed.refresh_from_db()
        assert (delivery.status, missed.n_minutes) == (Status.RUNNING, 45)


class TestReadHandover:
    def test_shows_the_newest_and_notes_who_saw_it_when(self) -> None:
        delivery = handed_over()
        reader = member(delivery.buyer)

        opened = read_handover(
            buyer=delivery.buyer, delivery_id=delivery.pk, read_by=reader, now=delivery.starts_at
        )

        assert opened.access == ACCESS
        read = HandoverRead.objects.get()
        assert (read.read_by, read.read_at, read.handover) == (reader, delivery.starts_at, opened.handover)

    def test_knows_nothing_of_another_buyers_delivery(self) -> None:
        delivery, rival = handed_over(), BuyerFactory()

        with pytest.raises(Delivery.DoesNotExist):
            read_handover(buyer=rival, delivery_id=delivery.pk, read_by=member(rival), now=delivery.starts_at)

        assert not HandoverRead.objects.exists()

    def test_has_nothing_before_the_hand_over(self) -> None:
        delivery = paid_delivery()

        with pytest.raises(NothingHandedOver):
            read_handover(
                buyer=delivery.buyer,
                delivery_id=delivery.pk,
                read_by=member(delivery.buyer),
                now=delivery.starts_at,
            )

    def test_shows_nothing_of_a_cancelled_delivery(self) -> None:
        delivery = handed_over()
        Delivery.objects.filter(pk=delivery.pk).update(status=Status.CANCELLED)

        with pytest.raises(NothingHandedOver):
            read_handover(
                buyer=delivery.buyer,
                delivery_id=delivery.pk,
                read_by=member(delivery.buyer),
                now=delivery.starts_at,
            )

    def test_what_was_seen_stays_on_record(self) -> None:
        delivery = handed_over()
        read_handover(
            buyer=delivery.buyer,
            delivery_id=delivery.pk,
            read_by=member(delivery.buyer),
            now=delivery.starts_at,
        )

        for change in (HandoverRead.objects.all().delete, lambda: HandoverRead.objects.update(read_at=None)):
            with (
                pytest.raises(IntegrityError, match="who saw a hand-over is on record"),
                transaction.atomic(),
            ):
                change()

    def test_the_back_office_knows_nothing_of_it(self) -> None:
        assert not {Handover, HandoverRead, Delivery, SshKey} & set(admin.site._registry)


class TestEncryption:
    def test_refuses_what_was_sealed_for_another_delivery(self) -> None:
        first, second = handed_over(), handed_over()
        Handover.objects.filter(delivery=first).update(sealed=Handover.objects.get(delivery=second).sealed)

        with pytest.raises(Unreadable, match="sealed for another"):
            read_handover(
                buyer=first.buyer, delivery_id=first.pk, read_by=member(first.buyer), now=first.starts_at
            )

    def test_refuses_what_was_tampered_with(self) -> None:
        handover = Handover.objects.get(delivery=handed_over())

        with pytest.raises(Unreadable, match="none of the keys"):
            open_sealed(handover.delivery_id, handover.sealed[:-6] + "AAAAA=")

    def test_keys_can_be_changed(self, settings: object) -> None:
        settings.HANDOVER_KEYS = ["old"]
        delivery = handed_over()
        sealed = Handover.objects.get().sealed

        settings.HANDOVER_KEYS = ["new", "old"]
        assert read_own_handover(seller=delivery.seller, delivery_id=delivery.pk) == ACCESS
        call_command("reseal_handovers")
        settings.HANDOVER_KEYS = ["new"]

        assert read_own_handover(seller=delivery.seller, delivery_id=delivery.pk) == ACCESS
        assert Handover.objects.get().sealed != sealed

    def test_a_missing_key_changes_nothing(self, settings: object) -> None:
        settings.HANDOVER_KEYS = ["old"]
        handed_over()
        sealed = Handover.objects.get().sealed
        settings.HANDOVER_KEYS = ["new"]

        with pytest.raises(CommandError, match="nothing was changed"):
            call_command("reseal_handovers")

        assert Handover.objects.get().sealed == sealed

    def test_the_database_takes_nothing_in_the_clear(self) -> None:
        handover = Handover.objects.filter(delivery=handed_over())

        with pytest.raises(IntegrityError, match="handover_never_in_the_clear"), transaction.atomic():
            handover.update(sealed=SECRET)


class TestMail:
    def test_tells_those_who_trade_where_to_look_and_no_secret(self) -> None:
        delivery = paid_delivery()
        trader = member(delivery.buyer)
        member(delivery.buyer, "viewer")
        give(delivery, at=delivery.starts_at)
        job = ProcrastinateJob.objects.filter(task_name=DELIVERY_NOTICE).latest("id")

        app.tasks[DELIVERY_NOTICE](**job.args)

        (message,) = [sent for sent in mail.outbox if "Access to award" in sent.subject]
        assert message.to == [trader.email]
        assert f"/deliveries/{delivery.pk}/" in message.body
        assert SECRET not in message.body
        assert ACCESS.endpoint not in message.body

    def test_sends_a_notice_once(self) -> None:
        delivery = paid_delivery()
        member(delivery.seller)
        notice = DeliveryNotice.objects.get(kind=DeliveryNotice.Kind.HANDOVER_DUE)

        assert send_delivery_notice(notice_id=notice.pk)
        assert not send_delivery_notice(notice_id=notice.pk)

        notice.refresh_from_db()
        assert notice.n_recipients == 1


class TestSshKeys:
    def test_go_with_what_is_won_from_then_on(self) -> None:
        buyer = BuyerFactory()
        key = add_ssh_key(organization=buyer, added_by=member(buyer), text=ED25519)

        delivery = delivery_of(settlement_of(10_000, buyer=buyer))

        assert list(delivery.ssh_keys.all()) == [key]
        assert (key.comment, key.type) == ("ada@laptop", "ssh-ed25519")

    def test_refuses_the_same_key_twice_whatever_its_comment(self) -> None:
        buyer = BuyerFactory()
        add_ssh_key(organization=buyer, added_by=member(buyer), text=ED25519)

        with pytest.raises(InvalidSshKey, match="here already, as “ada@laptop”"):
            add_ssh_key(organization=buyer, added_by=member(buyer), text=ED25519.replace("ada", "eve"))

        assert SshKey.objects.count() == 1

    def test_may_be_chosen_and_the_seller_is_told_once(self) -> None:
        delivery = paid_delivery()
        key = add_ssh_key(organization=delivery.buyer, added_by=member(delivery.buyer), text=ED25519)

        for _ in range(2):
            choose_ssh_keys(
                buyer=delivery.buyer, delivery_id=delivery.pk, key_ids=[key.pk], now=delivery.starts_at
            )

        assert list(delivery.ssh_keys.all()) == [key]
        assert DeliveryNotice.objects.filter(kind=DeliveryNotice.Kind.KEYS_CHANGED).count() == 1

    def test_another_organizations_key_cannot_be_chosen(self) -> None:
        delivery, rival = paid_delivery(), BuyerFactory()
        key = add_ssh_key(organization=rival, added_by=member(rival), text=ED25519)

        with pytest.raises(KeysRefused, match="choose again"):
            choose_ssh_keys(
                buyer=delivery.buyer, delivery_id=delivery.pk, key_ids=[key.pk], now=delivery.starts_at
            )

        assert not delivery.ssh_keys.exists()

    def test_cannot_be_chosen_once_it_is_over(self) -> None:
        delivery = running()

        with pytest.raises(KeysRefused, match="is over"):
            choose_ssh_keys(buyer=delivery.buyer, delivery_id=delivery.pk, key_ids=[], now=delivery.ends_at)

    def test_removing_one_tells_every_feed_once(self) -> None:
        buyer = BuyerFactory()
        key = add_ssh_key(organization=buyer, added_by=member(buyer), text=ED25519)
        deliveries = [delivery_of(settlement_of(10_000, buyer=buyer)) for _ in range(3)]

        with CaptureQueriesContext(connection) as captured:
            remove_ssh_key(organization=buyer, key_id=key.pk, now=deliveries[0].starts_at)

        updates = [each for each in captured if each["sql"].startswith('UPDATE "accounts_stream"')]
        assert len(updates) == 1 + len({delivery.seller_id for delivery in deliveries})
        told = StreamEvent.objects.filter(kind="delivery.keys_changed")
        assert told.filter(organization=buyer).count() == 3
        notices = DeliveryNotice.objects.filter(kind=DeliveryNotice.Kind.KEYS_CHANGED)
        assert notices.count() == 3

    def test_removing_one_takes_it_off_what_is_not_over(self) -> None:
        buyer = BuyerFactory()
        key = add_ssh_key(organization=buyer, added_by=member(buyer), text=ED25519)
        other = add_ssh_key(organization=buyer, added_by=member(buyer), text=OTHER_ED25519)
        delivery = delivery_of(settlement_of(10_000, buyer=buyer))

        remove_ssh_key(organization=buyer, key_id=key.pk, now=delivery.starts_at)

        assert list(delivery.ssh_keys.all()) == [other]
        with pytest.raises(SshKey.DoesNotExist):
            remove_ssh_key(organization=buyer, key_id=key.pk, now=delivery.starts_at)
