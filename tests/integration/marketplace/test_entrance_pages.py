"""The pages of allauth wear Sparegrid's shell and fields."""

import pytest


@pytest.mark.parametrize("name", ["login", "signup", "password/reset"])
class TestEntrancePages:
    def test_stand_in_the_shell(self, client, name):
        html = client.get(f"/accounts/{name}/").content.decode()
        assert 'class="topbar"' in html
        assert 'class="field__label"' in html
        assert 'class="button button--primary' in html

    def test_keep_the_policy_against_inline_code(self, client, name):
        policy = client.get(f"/accounts/{name}/")["Content-Security-Policy"]
        assert "unsafe" not in policy

    def test_point_at_each_field_that_is_wrong(self, client, name):
        page = client.post(f"/accounts/{name}/", {"email": "nobody", "login": "nobody"})
        html = page.content.decode()
        assert 'class="error-summary"' in html
        assert 'aria-invalid="true"' in html
