"""What holds for every resource: keys, parameters, errors, pages of lists, expansion, metadata."""

import httpx
import pytest
import stripe

from settlements.stripe_sandbox.server import SandboxServer

from .steps import event_types, off_session, save_card


class TestAuthentication:
    @pytest.mark.parametrize("key", ["sk_live_1234567890abcdef", "pk_test_1234567890abcdef", "nonsense"])
    def test_refuses_what_is_no_secret_test_key(self, sandbox, key):
        client = stripe.StripeClient(key, base_addresses={"api": sandbox.base_url}, max_network_retries=0)

        with pytest.raises(stripe.AuthenticationError) as refusal:
            client.v1.customers.list()

        assert refusal.value.http_status == 401
        assert key not in str(refusal.value)

    def test_refuses_none(self, sandbox):
        answer = httpx.get(f"{sandbox.base_url}/v1/customers")

        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert answer.headers["www-authenticate"] == 'Basic realm="Stripe"'

    def test_takes_basic_credentials(self, sandbox):
        assert httpx.get(f"{sandbox.base_url}/v1/customers", auth=("sk_test_x", "")).status_code == 200

    def test_takes_only_its_own_key_where_one_is_set(self):
        with SandboxServer(api_key="sk_test_mine") as server:
            for key, status in (("sk_test_mine", 200), ("sk_test_other", 401)):
                assert httpx.get(f"{server.base_url}/v1/customers", auth=(key, "")).status_code == status


class TestHeaders:
    def test_request_id_and_version(self, client, wire):
        answer = wire.get("/v1/customers", headers={"Stripe-Version": "2024-06-20"})

        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["stripe-version"] == "2024-06-20"
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.customers.retrieve("cus_none")
        assert refusal.value.request_id.startswith("req_")

    def test_refuses_connected_accounts_aloud(self, client):
        with pytest.raises(stripe.InvalidRequestError, match="connected account"):
            client.v1.customers.list(options={"stripe_account": "acct_1"})


class TestParameters:
    @pytest.mark.parametrize(
        ("body", "code", "param"),
        [
            ("amount=500&currency=usd&colour=red", "parameter_unknown", "colour"),
            (
                "amount=500&currency=usd&automatic_payment_methods[enabled]=true"
                "&automatic_payment_methods[colour]=red",
                "parameter_unknown",
                "automatic_payment_methods[colour]",
            ),
            ("currency=usd", "parameter_missing", "amount"),
            (
                "amount=500&currency=usd&automatic_payment_methods[allow_redirects]=never",
                "parameter_missing",
                "automatic_payment_methods[enabled]",
            ),
            ("amount=5.5&currency=usd", "parameter_invalid_integer", "amount"),
            ("amount=&currency=usd", "parameter_invalid_empty", "amount"),
            ("amount=500&currency=usd&confirm=maybe", None, "confirm"),
            ("amount=500&currency=usd&metadata=x", None, "metadata"),
            ("amount=500&currency=usd&capture_method=never", None, "capture_method"),
            ("amount=500&currency=usd&expand=latest_charge", None, "expand"),
            ("amount[]=500&currency=usd", None, "amount"),
            (
                "amount=500&currency=usd&transfer_data[destination]=acct_1",
                "sandbox_unsupported",
                "transfer_data",
            ),
            ("amount=500&currency=eur", "sandbox_unsupported", "currency"),
            ("amount=500&currency=usd&customer=cus_none", "resource_missing", "customer"),
        ],
    )
    def test_refuses_what_stripe_would(self, client, wire, body, code, param):
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        answer = wire.post("/v1/payment_intents", content=body, headers=form)

        error = answer.json()["error"]
        assert answer.status_code == 400
        assert (error["type"], error.get("code"), error["param"]) == ("invalid_request_error", code, param)
        assert event_types(client) == []

    def test_unknown_objects_and_routes_are_404(self, client, wire):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payment_intents.retrieve("pi_none")
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")

        answer = wire.get("/v1/unicorns")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/unicorns)")


class TestMetadata:
    def test_merges_deletes_and_clears(self, client):
        customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})

        merged = client.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
        cleared = client.v1.customers.update(customer.id, {"metadata": ""})

        assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
        assert cleared.metadata.to_dict() == {}

    @pytest.mark.parametrize(
        "metadata",
        [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}],
        ids=["long key", "long value", "many keys"],
    )
    def test_keeps_stripes_bounds(self, client, metadata):
        with pytest.raises(stripe.InvalidRequestError, match="Metadata"):
            client.v1.customers.create({"metadata": metadata})

    def test_says_what_changed(self, client):
        customer = client.v1.customers.create({"name": "Ada"})
        client.v1.customers.update(customer.id, {"name": "Lin", "email": ""})

        event = client.v1.events.list({"type": "customer.updated"}).data[0]
        assert event.data.previous_attributes.to_dict() == {"name": "Ada"}
        assert event.data.object.name == "Lin"


class TestLists:
    def test_pages_forwards_and_backwards(self, client):
        ids = [client.v1.customers.create({"name": str(n)}).id for n in range(5)]
        newest_first = ids[::-1]

        first = client.v1.customers.list({"limit": 2})
        second = client.v1.customers.list({"limit": 2, "starting_after": first.data[-1].id})
        back = client.v1.customers.list({"limit": 2, "ending_before": newest_first[3]})

        assert [found.id for found in first.data] == newest_first[:2]
        assert first.has_more
        assert [found.id for found in second.data] == newest_first[2:4]
        assert [found.id for found in back.data] == newest_first[1:3]
        assert back.has_more
        assert [
            found.id for found in client.v1.customers.list({"limit": 2}).auto_paging_iter()
        ] == newest_first

    @pytest.mark.parametrize("limit", [0, 101])
    def test_refuses_a_limit_out_of_bounds(self, client, limit):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.customers.list({"limit": limit})
        assert (refusal.value.code, refusal.value.param) == ("parameter_invalid_integer", "limit")

    def test_refuses_a_cursor_from_elsewhere(self, client):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.customers.list({"starting_after": "cus_none"})
        assert (refusal.value.code, refusal.value.param) == ("resource_missing", "starting_after")

    def test_filters_by_creation(self, client, customer):
        assert len(client.v1.customers.list({"created": {"gte": customer.created}}).data) == 1
        assert client.v1.customers.list({"created": {"gt": customer.created}}).data == []
        assert client.v1.customers.list({"email": "nobody@example.com"}).data == []


class TestExpansion:
    def test_expands_nested_and_in_lists(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_visa")
        intent = client.v1.payment_intents.create(
            off_session(customer, method, expand=["customer", "payment_method"])
        )
        listed = client.v1.payment_intents.list(
            {"customer": customer.id, "expand": ["data.latest_charge.balance_transaction"]}
        )

        assert intent.customer.name == "Ada"
        assert intent.payment_method.card.last4 == "4242"
        assert listed.data[0].latest_charge.balance_transaction.fee == 388

    def test_refuses_what_cannot_be_expanded_and_undoes_the_call(self, client):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            client.v1.payment_intents.create({"amount": 500, "currency": "usd", "expand": ["amount"]})
        assert client.v1.payment_intents.list().data == []
