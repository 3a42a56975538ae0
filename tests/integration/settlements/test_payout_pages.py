"""What sellers and finance see of payouts, and what they may do: who, when asked again who they are, and when not."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership, Organization
from settlements import ledger
from settlements.models import FeePolicy, SellerAccount, Transfer
from settlements.operations.transfer_decisions import hold_transfer, propose_transfers, reject_transfer
from settlements.operations.transfers import send_transfer
from settlements.queries.statements import month_of, next_month, statement_of
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import (
    PASSWORD,
    BuyerFactory,
    MarketFactory,
    MembershipFactory,
    SellerFactory,
    UserFactory,
)
from tests.integration.settlements.payout_steps import deliver, paid_settlement, set_up, transfer_ready
from tests.integration.settlements.steps import settlement_of
from tests.integration.settlements.test_api import client_of
from tests.integration.stripe_sandbox.steps import ALL_DETAILS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


def now() -> datetime:
    return datetime.now(UTC)


def url(name: str, *args: object) -> str:
    return reverse(f"settlements:{name}", args=args)


def member_of(organization: Organization, role: str = Membership.Role.OWNER) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=organization, role=role).user)
    return client


def finance_person() -> Client:
    client = Client()
    client.user = UserFactory(is_finance=True)
    client.force_login(client.user)
    return client


async def content_of(answer: StreamingHttpResponse) -> bytes:
    return b"".join([part async for part in answer])


def text_of(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def ada() -> Client:
    return finance_person()


@pytest.fixture
def ben() -> Client:
    return finance_person()


@pytest.fixture
def waiting(settings: Settings) -> Transfer:
    settings.TRANSFER_FOUR_EYES_CENTS = 9_500
    return deliver(paid_settlement(10_000)).transfers.get()


class TestSetup:
    def start(self, owner: Client) -> str:
        """Start at our page, follow to Stripe's; return the page that Stripe shows."""
        link = owner.post(url("payout_setup_start")).headers["location"]
        with httpx.Client() as browser:
            return str(httpx.URL(link).join(browser.get(link).headers["location"]))

    def test_from_nothing_over_half_way_to_done(self) -> None:
        seller = SellerFactory()
        owner = member_of(seller)
        assert "Not set up yet" in text_of(owner.get(url("payout_setup")))

        half = httpx.post(self.start(owner), data={"business_name": "Gridworks", "then": "leave"})
        page = text_of(owner.get(httpx.URL(half.headers["location"]).raw_path.decode(), follow=True))
        assert "Stripe needs more" in page
        assert "a bank account to pay to" in page
        assert "the name of the business" not in page

        httpx.post(self.start(owner), data=ALL_DETAILS)
        page = text_of(owner.get(url("payout_setup_return"), follow=True))
        assert "Payouts are set up" in page
        assert SellerAccount.objects.get().can_be_paid

    def test_twice_started_is_one_account(self) -> None:
        owner = member_of(SellerFactory())
        self.start(owner)
        first = SellerAccount.objects.get().stripe_id
        self.start(owner)
        assert SellerAccount.objects.get().stripe_id == first

    def test_an_old_link_leads_to_a_new_one(self) -> None:
        owner = member_of(SellerFactory())
        link = owner.post(url("payout_setup_start")).headers["location"]
        httpx.get(link)
        back = httpx.get(link).headers["location"]

        again = owner.get(httpx.URL(back).raw_path.decode())

        assert httpx.URL(back).path == url("payout_setup_again")
        assert "/setup/e/" in again.headers["location"]

    def test_only_owners_of_sellers_may(self) -> None:
        seller = SellerFactory()
        assert member_of(seller, Membership.Role.TRADER).post(url("payout_setup_start")).status_code == 403
        assert member_of(BuyerFactory()).post(url("payout_setup_start")).status_code == 404
        assert member_of(BuyerFactory()).get(url("payout_list")).status_code == 404
        assert Client().get(url("payout_list")).status_code == 302
        assert "An owner of" in text_of(member_of(seller, Membership.Role.VIEWER).get(url("payout_setup")))

    def test_a_failure_that_stripe_remembers_is_asked_anew(self, stripe_sandbox: SandboxServer) -> None:
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="error", phase="after", method="POST", path="/v1/accounts")
        )
        owner = member_of(SellerFactory())
        answer = owner.post(url("payout_setup_start"), follow=True)
        assert "Stripe did not answer" in text_of(answer)

        self.start(owner)

        assert SellerAccount.objects.get().stripe_id

    def test_says_so_when_stripe_does_not_answer(self, settings: Settings) -> None:
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"
        answer = member_of(SellerFactory()).post(url("payout_setup_start"), follow=True)
        assert "Stripe did not answer" in text_of(answer)


class TestSellerPages:
    def test_says_why_money_waits_and_then_that_it_is_paid(self) -> None:
        delivery = deliver(paid_settlement(10_000))
        transfer = delivery.transfers.get()
        member = member_of(delivery.seller, Membership.Role.VIEWER)
        page = text_of(member.get(url("payout_list")))
        assert "You cannot be paid yet" in page
        assert "payouts must be set up" in page
        assert "$95.00" in page

        set_up(delivery.seller)
        send_transfer(transfer_id=transfer.pk, now=now())

        page = text_of(member.get(url("payout_detail", transfer.pk)))
        assert "Paid" in page
        assert "Platform fee (5 %)" in page
        assert "tr_" in page

    def test_another_sellers_payout_is_as_good_as_none(self) -> None:
        transfer = deliver(paid_settlement(10_000)).transfers.get()
        assert member_of(SellerFactory()).get(url("payout_detail", transfer.pk)).status_code == 404

    def test_a_list_takes_as_many_queries_however_long_it_is(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        transfer = deliver(paid_settlement(10_000)).transfers.get()
        member = member_of(transfer.seller)
        member.get(url("payout_list"))
        with django_assert_num_queries(10):
            member.get(url("payout_list"))
        for number in range(2, 12):
            Transfer.objects.filter(pk=transfer.pk).update(amount_cents=9_500 - number)
            Transfer.objects.create(
                delivery=transfer.delivery,
                number=number,
                seller=transfer.seller,
                amount_cents=1,
                idempotency_key=f"8f0d4a3c-52f5-4c0c-a8b0-1a9c7b9c{number:04d}",
            )
        with django_assert_num_queries(10):
            member.get(url("payout_list"))


class TestStatement:
    def test_equals_the_ledger_to_the_cent(self) -> None:
        transfer = transfer_ready(10_001)
        send_transfer(transfer_id=transfer.pk, now=now())
        month = month_of(now())

        statement = statement_of(transfer.seller_id, month)

        assert [
            (line.title, line.gross_cents, line.fee_cents, line.net_cents) for line in statement.lines
        ] == [
            ("Sale", 10_001, 500, 9_501),
            ("Paid to you", -9_501, 0, -9_501),
        ]
        assert (statement.opening_cents, statement.closing_cents) == (0, 0)
        assert statement.totals == [("Sale", 10_001), ("Paid to you", -9_501), ("Platform fees", -500)]
        after = statement_of(transfer.seller_id, next_month(month))
        assert (after.opening_cents, after.lines, after.closing_cents) == (0, [], 0)

    def test_shows_what_is_held_and_what_is_owed(self) -> None:
        settlement = settlement_of(10_000)
        seller = settlement.lines.get().seller
        statement = statement_of(seller.pk, month_of(now()))
        assert (statement.closing_held_cents, statement.closing_owed_cents) == (9_500, 0)
        assert statement.closing_cents == -ledger.balance_cents(ledger.seller_reserve(seller.pk))

    def test_csv_is_the_page(self) -> None:
        transfer = transfer_ready()
        send_transfer(transfer_id=transfer.pk, now=now())
        member = member_of(transfer.seller, Membership.Role.VIEWER)
        today = now()

        page = text_of(member.get(url("statement", today.year, today.month)))
        answer = member.get(url("statement_export", today.year, today.month))

        assert isinstance(answer, StreamingHttpResponse)
        assert answer.is_async
        rows = list(csv.DictReader(io.StringIO(async_to_sync(content_of)(answer).decode())))
        assert [row["what"] for row in rows] == ["Opening balance", "Sale", "Paid to you", "Closing balance"]
        assert [row["net_usd"] for row in rows] == ["", "95.00", "-95.00", ""]
        assert [row["balance_usd"] for row in rows] == ["0.00", "95.00", "0.00", "0.00"]
        assert "Paid to you" in page

    @pytest.mark.parametrize("address", ["1999/12", "2026/13", "2026/0", "9999/1"])
    def test_no_other_months(self, address: str) -> None:
        assert member_of(SellerFactory()).get(f"/payouts/statements/{address}/").status_code == 404


class TestFinance:
    def decide(self, client: Client, action: str, *transfers: Transfer, follow: bool = True) -> object:
        """Choose on the list, confirm on the next page."""
        page = client.post(
            url("transfer_confirm"), {"transfer": [one.pk for one in transfers], "action": action}
        )
        assert page.status_code == 200, page.headers
        form = {"action": action, "shown": page.context["shown"]}
        return client.post(url("transfer_decide"), form, follow=follow)

    def test_pages_are_finances(self, waiting: Transfer) -> None:
        for page in (url("transfer_list"), url("transfer_detail", waiting.pk), url("fee_list")):
            assert Client().get(page).status_code == 302
            assert member_of(waiting.seller).get(page).status_code == 403
        assert member_of(waiting.seller).post(url("transfer_decide")).status_code == 403

    def test_approving_asks_for_the_password_and_goes_on_from_there(
        self, waiting: Transfer, ada: Client, ben: Client
    ) -> None:
        assert "Proposed" in text_of(self.decide(ada, "propose", waiting))

        asked = self.decide(ben, "approve", waiting)
        assert "Confirm it is you" in text_of(asked)
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING_APPROVAL
        address = asked.redirect_chain[-1][0]
        wrong = ben.post(address, {"password": "wrong"})
        assert "This is not your password" in text_of(wrong)
        done = ben.post(address, {"password": PASSWORD, "next": url("transfer_decide")}, follow=True)

        assert "Approved" in text_of(done)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.approved_by) == (Status.APPROVED, ben.user)

    def reauthenticate(self, client: Client) -> None:
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    def test_the_same_person_is_refused(self, waiting: Transfer, ada: Client) -> None:
        self.reauthenticate(ada)
        self.decide(ada, "propose", waiting)

        answer = self.decide(ada, "approve", waiting)

        assert "Another finance person must approve it" in text_of(answer)
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING_APPROVAL
        assert "You proposed it." in text_of(ada.get(url("transfer_detail", waiting.pk)))

    def test_a_form_shown_before_something_changed_has_no_effect(
        self, waiting: Transfer, ada: Client, ben: Client
    ) -> None:
        propose_transfers(shown_cents={waiting.pk: waiting.amount_cents}, by=ada.user)
        self.reauthenticate(ben)
        page = ben.post(url("transfer_confirm"), {"transfer": waiting.pk, "action": "approve"})
        reject_transfer(transfer_id=waiting.pk, reason="No.", by=ada.user)

        answer = ben.post(
            url("transfer_decide"), {"action": "approve", "shown": page.context["shown"]}, follow=True
        )

        assert "rejected by now" in text_of(answer)

    def test_many_are_approved_with_one_confirmation(
        self, waiting: Transfer, ada: Client, ben: Client, settings: Settings
    ) -> None:
        other = deliver(paid_settlement(20_000)).transfers.get()
        self.decide(ada, "propose", waiting, other)
        self.reauthenticate(ben)

        page = ben.post(url("transfer_confirm"), {"transfer": [waiting.pk, other.pk], "action": "approve"})
        assert "Approve 2 transfers, $285.00?" in text_of(page)
        self.decide(ben, "approve", waiting, other)

        assert set(Transfer.objects.values_list("status", flat=True)) == {Status.APPROVED}

    @pytest.mark.parametrize("shown", ["", "x", "1", "1:", f"{2**70}:1", "1:" + "9" * 40, "999999:1"])
    def test_forged_forms_do_nothing(self, waiting: Transfer, ada: Client, shown: str) -> None:
        answer = ada.post(url("transfer_decide"), {"action": "propose", "shown": shown}, follow=True)
        assert answer.status_code == 200
        waiting.refresh_from_db()
        assert waiting.proposed_by is None

    def test_a_rejection_says_why(self, waiting: Transfer, ada: Client) -> None:
        without = ada.post(url("transfer_reject", waiting.pk), {"reason": " "})
        assert without.status_code == 400
        assert "This field is required" in text_of(without)

        ada.post(url("transfer_reject", waiting.pk), {"reason": "The hours look wrong."})

        page = text_of(ada.get(url("transfer_detail", waiting.pk)))
        assert "The hours look wrong." in page
        seller = text_of(member_of(waiting.seller).get(url("payout_list")))
        assert "The hours look wrong." not in seller
        assert "The amount stays owed" in seller
        ada.post(url("transfer_reopen", waiting.pk))
        waiting.refresh_from_db()
        assert (waiting.status, waiting.proposed_by) == (Status.PENDING_APPROVAL, ada.user)

    def test_a_hold_is_placed_and_lifted(self, waiting: Transfer, ada: Client) -> None:
        ada.post(url("transfer_hold", waiting.pk), {"reason": "Looking into it."})
        assert "Held back: Looking into it." in text_of(
            member_of(waiting.seller).get(url("payout_detail", waiting.pk))
        )

        hold = waiting.delivery.transfer_holds.get()
        ada.post(url("transfer_hold_lift", hold.pk))

        hold.refresh_from_db()
        assert hold.lifted_by == ada.user

    def test_the_list_filters_and_shows_what_waits(self, waiting: Transfer, ada: Client) -> None:
        hold_transfer(transfer_id=waiting.pk, reason="Looking into it.", by=ada.user)
        page = text_of(ada.get(url("transfer_list")))
        assert "To propose" in page
        assert f"#{waiting.pk}" in page
        assert f"#{waiting.pk}" not in text_of(ada.get(url("transfer_list"), {"status": "paid"}))
        assert f"#{waiting.pk}" not in text_of(ada.get(url("transfer_list"), {"seller": "nobody"}))
        assert ada.get(url("transfer_list"), {"status": "nonsense"}).status_code == 200

    def test_the_list_takes_as_many_queries_however_long_it_is(
        self, waiting: Transfer, ada: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(13):
            ada.get(url("transfer_list"))
        deliver(paid_settlement(20_000))
        with django_assert_num_queries(13):
            ada.get(url("transfer_list"))


class TestFees:
    def form(self, **changes: object) -> dict[str, object]:
        begins = (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        return {"market": "", "bps": "7.5", "valid_from": begins, "note": "Spring"} | changes

    def test_preview_first_and_then_added(self, ada: Client) -> None:
        settlement_of(10_000)
        preview = ada.post(url("fee_list"), self.form())
        assert "$7.50" in text_of(preview)
        assert "$2.50" in text_of(preview)
        assert not FeePolicy.objects.exists()

        ada.post(url("fee_list"), self.form(confirm="yes"))

        policy = FeePolicy.objects.get()
        assert (policy.bps, policy.market, policy.added_by) == (750, None, ada.user)
        assert "7.5 %" in text_of(ada.get(url("fee_list")))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"bps": "101"}, "less than or equal to 100"),
            ({"bps": "-1"}, "greater than or equal to 0"),
            ({"bps": "1.234"}, "no more than 2 decimal places"),
            ({"bps": "1e400"}, "Enter a number"),
            ({"bps": ""}, "required"),
            ({"valid_from": "2020-01-01T00:00"}, "begins in the future"),
            ({"valid_from": "soon"}, "Write a day and a time"),
            ({"market": "999999"}, "valid choice"),
        ],
    )
    @pytest.mark.parametrize("confirm", [{}, {"confirm": "yes"}])
    def test_names_what_is_wrong_and_keeps_what_was_typed(
        self, ada: Client, changes: dict[str, str], message: str, confirm: dict[str, str]
    ) -> None:
        answer = ada.post(url("fee_list"), self.form(**changes, **confirm))
        assert answer.status_code == 400
        assert message in text_of(answer)
        assert 'value="Spring"' in text_of(answer)
        assert not FeePolicy.objects.exists()

    def test_two_versions_cannot_begin_at_once(self, ada: Client) -> None:
        market = MarketFactory()
        form = self.form(market=market.pk, confirm="yes")
        ada.post(url("fee_list"), form)
        assert "Another version begins at that very time" in text_of(ada.post(url("fee_list"), form))


class TestApi:
    def test_tells_a_sellers_payouts_and_nobody_elses(self) -> None:
        transfer = deliver(paid_settlement(10_000)).transfers.get()
        client = client_of(transfer.seller)

        (row,) = client.get("/api/v1/payouts/").json()["results"]

        assert (row["amount_cents"], row["sold_for_cents"], row["fee_cents"], row["fee_bps"]) == (
            9_500,
            10_000,
            500,
            500,
        )
        assert "payouts must be set up" in row["reason"]
        assert client.get(f"/api/v1/payouts/{transfer.pk}/").json() == row
        assert client_of(SellerFactory()).get(f"/api/v1/payouts/{transfer.pk}/").status_code == 404
        assert client.post("/api/v1/payouts/").status_code == 405
