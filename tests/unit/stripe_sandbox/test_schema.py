import pytest
from stripe.params._customer_list_params import CustomerListParams
from stripe.params._customer_update_params import CustomerUpdateParams
from stripe.params._payment_intent_create_params import PaymentIntentCreateParams

from settlements.stripe_sandbox.app import ENDPOINTS
from settlements.stripe_sandbox.errors import StripeError
from settlements.stripe_sandbox.schema import check, fields_of

ORDER = {"amount": "500", "currency": "usd"}


class TestCheck:
    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ({"off_session": "true"}, {"off_session": True}),
            ({"off_session": "recurring"}, {"off_session": "recurring"}),
            ({"expand": {"1": "b", "0": "a", "10": "c"}}, {"expand": ["a", "b", "c"]}),
            ({"metadata": {"0": "x"}}, {"metadata": {"0": "x"}}),
        ],
    )
    def test_types_values(self, given, meant):
        assert check(ORDER | given, PaymentIntentCreateParams) == {"amount": 500, "currency": "usd"} | meant

    def test_an_interval_is_a_number_or_a_range(self):
        assert check({"created": "5"}, CustomerListParams) == {"created": 5}
        assert check({"created": {"gte": "5"}}, CustomerListParams) == {"created": {"gte": 5}}

    def test_an_empty_string_unsets_where_stripe_lets_it(self):
        assert check({"metadata": "", "address": ""}, CustomerUpdateParams) == {"metadata": "", "address": ""}

    @pytest.mark.parametrize("amount", ["5.0", "1e3", "٣", " 5", "+5", "--5", "9" * 20, "0x10"])
    def test_refuses_what_is_no_plain_integer(self, amount):
        with pytest.raises(StripeError) as refusal:
            check(ORDER | {"amount": amount}, PaymentIntentCreateParams)
        assert refusal.value.body["code"] == "parameter_invalid_integer"

    def test_names_every_unknown_parameter(self):
        with pytest.raises(StripeError, match="unknown parameters: x, y"):
            check(ORDER | {"x": "1", "y": "2"}, PaymentIntentCreateParams)


class TestEndpoints:
    @pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
    def test_honours_only_parameters_that_exist(self, endpoint):
        assert endpoint.supports <= fields_of(endpoint.params).keys()

    def test_are_distinct(self):
        routes = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS]
        assert len(set(routes)) == len(routes)
