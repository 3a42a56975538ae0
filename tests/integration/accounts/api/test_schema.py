import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient


def api_handlers(resolver: URLResolver, prefix: str = "", name: str = "post"):
    """Yield every handler of ``name`` under /api/ with its address."""
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from api_handlers(entry, address, name)
        elif isinstance(entry, URLPattern) and address.startswith("api/"):
            actions = getattr(entry.callback, "actions", None) or {name: name}
            view = getattr(entry.callback, "cls", None)
            if view is not None and name in actions and hasattr(view, actions[name]):
                yield address, getattr(view, actions[name])


class TestEveryPost:
    def test_honours_an_idempotency_key(self):
        handlers = dict(api_handlers(get_resolver("marketplace.urls")))

        assert "api/v1/blocks/" in handlers
        assert [
            address for address, post in handlers.items() if not getattr(post, "is_idempotent", False)
        ] == []


@pytest.mark.django_db
class TestSchema:
    @pytest.fixture
    def schema(self):
        return APIClient().get("/api/v1/schema/", headers={"Accept": "application/json"}).json()

    def test_is_open_and_describes_keys(self, schema):
        assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"

    def test_every_operation_may_answer_with_a_problem(self, schema):
        for operations in schema["paths"].values():
            for operation in operations.values():
                assert "application/problem+json" in operation["responses"]["default"]["content"]

    def test_every_post_takes_an_idempotency_key(self, schema):
        posts = [operations["post"] for operations in schema["paths"].values() if "post" in operations]

        assert posts
        assert all("Idempotency-Key" in [p["name"] for p in post["parameters"]] for post in posts)
