"""Sellers' accounts: made through the API, onboarded on the hosted page, good for transfers once that is done."""

import httpx
import pytest
import stripe

from settlements.stripe_sandbox.server import SandboxServer

from .steps import ALL_DETAILS, control, events_of, pay, seller_account

CONTROLLER = {
    "stripe_dashboard": {"type": "express"},
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "stripe",
}


def new_account(client: stripe.StripeClient) -> stripe.Account:
    return client.v1.accounts.create(
        {
            "controller": CONTROLLER,
            "country": "US",
            "email": "ada@gridworks.example",
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {"organization": "7"},
        }
    )


def new_link(client: stripe.StripeClient, account_id: str) -> str:
    return client.v1.account_links.create(
        {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": "http://127.0.0.1:1/refresh",
            "return_url": "http://127.0.0.1:1/return",
        }
    ).url


def visit(browser: httpx.Client, url: str) -> str:
    """Follow a link as a browser does; return the page it leads to."""
    return browser.get(url).headers["location"]


class TestAccounts:
    def test_a_new_account_may_do_nothing_and_says_what_is_due(self, client: stripe.StripeClient) -> None:
        account = new_account(client)

        assert not account.payouts_enabled
        assert not account.details_submitted
        assert account.capabilities.transfers == "inactive"
        assert "external_account" in account.requirements.currently_due
        assert account.to_dict()["controller"]["stripe_dashboard"] == {"type": "express"}

    def test_metadata_merges_and_accounts_are_listed(self, client: stripe.StripeClient) -> None:
        account = new_account(client)

        changed = client.v1.accounts.update(account.id, {"metadata": {"tier": "gold"}})

        assert changed.metadata.to_dict() == {"organization": "7", "tier": "gold"}
        assert [found.id for found in client.v1.accounts.list().data] == [account.id]
        assert events_of(client, account.id) == ["account.updated"]

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"type": "custom"}, "controller[stripe_dashboard][type]"),
            ({"type": "express", "country": "DE"}, "country"),
            ({"type": "express", "capabilities": {"card_payments": {"requested": True}}}, None),
            ({"type": "express", "busines_type": "company"}, "busines_type"),
        ],
    )
    def test_other_accounts_and_unknown_parameters_are_refused(
        self, client: stripe.StripeClient, params: dict[str, object], param: str | None
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.accounts.create(params)  # type: ignore[arg-type]

        assert refusal.value.param == (param or "capabilities[card_payments]")


class TestOnboarding:
    def test_all_details_enable_payouts(self, client: stripe.StripeClient, browser: httpx.Client) -> None:
        account = new_account(client)
        page = visit(browser, new_link(client, account.id))

        done = browser.post(page, data=ALL_DETAILS)

        assert done.headers["location"] == "http://127.0.0.1:1/return"
        account = client.v1.accounts.retrieve(account.id)
        assert account.payouts_enabled
        assert account.details_submitted
        assert account.capabilities.transfers == "active"
        assert account.requirements.currently_due == []

    def test_left_half_way_the_rest_stays_due(
        self, client: stripe.StripeClient, browser: httpx.Client
    ) -> None:
        account = new_account(client)
        page = visit(browser, new_link(client, account.id))

        browser.post(page, data={"business_name": "Gridworks", "then": "leave"})

        account = client.v1.accounts.retrieve(account.id)
        assert not account.payouts_enabled
        assert "business_profile.name" not in account.requirements.currently_due
        assert "external_account" in account.requirements.currently_due
        (event,) = client.v1.events.list({"type": "account.updated"}).data
        assert event.account == account.id

    def test_submitting_with_gaps_names_them_and_keeps_what_was_typed(
        self, client: stripe.StripeClient, browser: httpx.Client
    ) -> None:
        page = visit(browser, new_link(client, new_account(client).id))

        answer = browser.post(page, data=ALL_DETAILS | {"last_name": ""})

        assert answer.status_code == 400
        assert "Still missing: Representative’s last name." in answer.text
        assert 'value="Gridworks"' in answer.text

    def test_a_real_account_number_is_not_taken(
        self, client: stripe.StripeClient, browser: httpx.Client
    ) -> None:
        page = visit(browser, new_link(client, new_account(client).id))

        answer = browser.post(page, data=ALL_DETAILS | {"account_number": "12345678"})

        assert answer.status_code == 400
        assert "Only the test account number" in answer.text

    def test_a_link_is_good_once(self, client: stripe.StripeClient, browser: httpx.Client) -> None:
        link = new_link(client, new_account(client).id)
        visit(browser, link)

        assert visit(browser, link) == "http://127.0.0.1:1/refresh"

    def test_a_link_expires(
        self, client: stripe.StripeClient, browser: httpx.Client, sandbox: SandboxServer
    ) -> None:
        link = new_link(client, new_account(client).id)
        control(sandbox, "clock", {"seconds": 301})

        assert visit(browser, link) == "http://127.0.0.1:1/refresh"

    def test_an_express_account_has_no_update_link(self, client: stripe.StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.account_links.create(
                {
                    "account": new_account(client).id,
                    "type": "account_update",
                    "refresh_url": "http://127.0.0.1:1/refresh",
                    "return_url": "http://127.0.0.1:1/return",
                }
            )
        assert refusal.value.param == "type"

    def test_stripe_may_stop_payouts_later(self, client: stripe.StripeClient, sandbox: SandboxServer) -> None:
        account_id = seller_account(client, sandbox)

        control(sandbox, f"accounts/{account_id}/disable")
        stopped = client.v1.accounts.retrieve(account_id)
        control(sandbox, f"accounts/{account_id}/enable")

        assert (stopped.payouts_enabled, stopped.capabilities.transfers) == (False, "inactive")
        assert stopped.requirements.currently_due == ["verification.document"]
        assert client.v1.accounts.retrieve(account_id).payouts_enabled


class TestTransfers:
    def test_from_a_charge_it_draws_on_pending_funds(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        charge = pay(client, 10_000)
        account_id = seller_account(client, sandbox)

        transfer = client.v1.transfers.create(
            {
                "amount": 9_000,
                "currency": "usd",
                "destination": account_id,
                "source_transaction": charge.id,
                "metadata": {"transfer": "1"},
                "expand": ["balance_transaction"],
            }
        )

        booked = transfer.to_dict()["balance_transaction"]
        assert (booked["type"], booked["net"], booked["status"]) == ("transfer", -9_000, "pending")
        assert balance(client) == (0, 10_000 - 320 - 9_000)
        assert events_of(client, transfer.id) == ["transfer.created"]
        assert [found.id for found in client.v1.transfers.list({"destination": account_id}).data] == [
            transfer.id
        ]

    def test_from_the_balance_it_waits_for_available_funds(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        pay(client, 10_000)
        params = {"amount": 9_000, "currency": "usd", "destination": seller_account(client, sandbox)}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create(params)  # type: ignore[arg-type]
        assert refusal.value.code == "balance_insufficient"

        control(sandbox, "clock", {"seconds": 2 * 86_400})

        client.v1.transfers.create(params)  # type: ignore[arg-type]
        assert balance(client) == (680, 0)

    def test_never_more_than_the_charge(self, client: stripe.StripeClient, sandbox: SandboxServer) -> None:
        charge = pay(client, 10_000)
        params = {
            "currency": "usd",
            "destination": seller_account(client, sandbox),
            "source_transaction": charge.id,
        }
        client.v1.transfers.create(params | {"amount": 6_000})  # type: ignore[arg-type]

        with pytest.raises(stripe.InvalidRequestError, match=r"\$40\.00 left"):
            client.v1.transfers.create(params | {"amount": 4_001})  # type: ignore[arg-type]

    def test_an_account_that_is_not_onboarded_gets_nothing(self, client: stripe.StripeClient) -> None:
        charge = pay(client, 10_000)

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create(
                {
                    "amount": 100,
                    "currency": "usd",
                    "destination": new_account(client).id,
                    "source_transaction": charge.id,
                }
            )
        assert refusal.value.code == "insufficient_capabilities_for_transfer"

    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"amount": 0}, "amount"),
            ({"amount": 100_000_000}, "amount"),
            ({"amount": 2**63}, None),
            ({"currency": "eur"}, "currency"),
            ({"destination": "acct_unknown"}, "destination"),
            ({"source_transaction": "ch_unknown"}, "source_transaction"),
        ],
    )
    def test_impossible_ones_name_the_parameter(
        self,
        client: stripe.StripeClient,
        sandbox: SandboxServer,
        change: dict[str, object],
        param: str | None,
    ) -> None:
        params = {"amount": 100, "currency": "usd", "destination": seller_account(client, sandbox)}

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create(params | change)  # type: ignore[arg-type]

        assert refusal.value.param == (param or "amount")

    def test_reversed_in_parts_and_no_further(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        transfer = client.v1.transfers.create(
            {
                "amount": 9_000,
                "currency": "usd",
                "destination": seller_account(client, sandbox),
                "source_transaction": pay(client, 10_000).id,
            }
        )

        client.v1.transfers.reversals.create(transfer.id, {"amount": 4_000})
        client.v1.transfers.reversals.create(transfer.id)

        taken_back = client.v1.transfers.retrieve(transfer.id)
        assert (taken_back.amount_reversed, taken_back.reversed) == (9_000, True)
        assert [one.amount for one in client.v1.transfers.reversals.list(transfer.id).data] == [5_000, 4_000]
        assert balance(client) == (0, 10_000 - 320)
        with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
            client.v1.transfers.reversals.create(transfer.id)


class TestPayouts:
    def test_a_payout_leaves_the_balance_and_arrives(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        pay(client, 10_000)
        control(sandbox, "clock", {"seconds": 2 * 86_400})
        payout = client.v1.payouts.create({"amount": 5_000, "currency": "usd"})
        assert balance(client) == (10_000 - 320 - 5_000, 0)

        control(sandbox, "clock", {"seconds": 2 * 86_400})

        assert client.v1.payouts.retrieve(payout.id).status == "paid"
        assert events_of(client, payout.id) == ["payout.created", "payout.paid"]

    def test_never_more_than_is_available(self, client: stripe.StripeClient) -> None:
        pay(client, 10_000)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payouts.create({"amount": 1, "currency": "usd"})
        assert refusal.value.code == "balance_insufficient"

    def test_one_that_the_bank_sends_back_returns_to_the_balance(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        pay(client, 10_000)
        control(sandbox, "clock", {"seconds": 2 * 86_400})
        payout = client.v1.payouts.create({"amount": 5_000, "currency": "usd"})

        control(sandbox, f"payouts/{payout.id}/fail")

        failed = client.v1.payouts.retrieve(payout.id)
        assert (failed.status, failed.failure_code) == ("failed", "account_closed")
        assert balance(client) == (10_000 - 320, 0)

    def test_an_automatic_payout_says_what_is_in_it(
        self, client: stripe.StripeClient, sandbox: SandboxServer
    ) -> None:
        pay(client, 10_000)
        control(sandbox, "clock", {"seconds": 2 * 86_400})
        pay(client, 7_000)

        payout_id = control(sandbox, "payouts")["id"]

        within = client.v1.balance_transactions.list({"payout": payout_id}).data
        assert [(one.type, one.net) for one in within] == [("payout", -9_680), ("charge", 9_680)]
        assert client.v1.payouts.retrieve(payout_id).automatic

    def test_a_manual_payout_does_not(self, client: stripe.StripeClient, sandbox: SandboxServer) -> None:
        pay(client, 10_000)
        control(sandbox, "clock", {"seconds": 2 * 86_400})
        payout = client.v1.payouts.create({"amount": 5_000, "currency": "usd"})

        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.balance_transactions.list({"payout": payout.id})
        assert refusal.value.param == "payout"


class TestClock:
    def test_it_moves_forward_and_stays_moved(self, sandbox: SandboxServer) -> None:
        before = control(sandbox, "clock", {"seconds": 0})["now"]

        moved = control(sandbox, "clock", {"seconds": 3600})

        assert moved["ahead_s"] == 3600
        assert moved["now"] >= before + 3600

    @pytest.mark.parametrize("seconds", [-1, 1.5, "1", None, 10**12])
    def test_it_never_goes_back(self, sandbox: SandboxServer, seconds: object) -> None:
        answer = httpx.post(f"{sandbox.base_url}/_sandbox/clock", json={"seconds": seconds})
        assert answer.status_code == 400
        assert "seconds" in answer.json()["error"]


def balance(client: stripe.StripeClient) -> tuple[int, int]:
    """Return what is available and what is pending, cents."""
    found = client.v1.balance.retrieve()
    return found.available[0].amount, found.pending[0].amount
