from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from settlements.stripe_sandbox.errors import StripeError
from settlements.stripe_sandbox.forms import decode

names = st.text(st.characters(exclude_characters="[]", codec="utf-8"), min_size=1, max_size=5)
leaves = st.text(st.characters(codec="utf-8"), max_size=5)
nested = st.recursive(
    leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=8
)


class TestDecode:
    @given(st.dictionaries(names, nested, max_size=4))
    def test_undoes_what_the_sdk_encodes(self, params):
        assert decode(urlencode(list(_api_encode(params)))) == params

    @pytest.mark.parametrize(
        ("encoded", "params"),
        [
            ("", {}),
            ("a=1&a=2", {"a": "2"}),
            ("expand[]=x&expand[]=y", {"expand": {"0": "x", "1": "y"}}),
            ("a[b][0][c]=1&a[b][1][c]=2", {"a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}}}),
            ("a=%F0%9F%92%B3+x", {"a": "💳 x"}),
            ("a=", {"a": ""}),
        ],
    )
    def test_reads_stripes_notation(self, encoded, params):
        assert decode(encoded) == params

    @pytest.mark.parametrize(
        "encoded",
        ["a[b=1", "[a]=1", "a]b=1", "a=1&a[b]=2", "a[b]=2&a=1", "a" + "[b]" * 10 + "=1", "a=%FF", "=1"],
    )
    def test_refuses_what_means_nothing(self, encoded):
        with pytest.raises(StripeError):
            decode(encoded)

    def test_refuses_a_flood_of_fields(self):
        with pytest.raises(StripeError):
            decode("&".join(f"a{n}=1" for n in range(1001)))
