import pytest
from rest_framework.test import APIClient

MEDIA_TYPE = "application/problem+json"


class TestShape:
    @pytest.mark.parametrize(
        ("name", "status", "kind", "errors"),
        [
            ("http404", 404, "not_found", []),
            ("denied", 403, "permission_denied", []),
            ("django", 422, "invalid", [{"field": "units", "code": "too_few", "message": "Too few."}]),
            (
                "limit",
                422,
                "limit_exceeded",
                [
                    {
                        "field": "limit",
                        "code": "limit_exceeded",
                        "message": "This needs $70.00 more of your bidding limit; $60.00 is free.",
                    }
                ],
            ),
            ("state", 409, "illegal_transition", []),
            (
                "refusal",
                422,
                "not_a_multiple",
                [{"field": "units", "code": "not_a_multiple", "message": "Not a multiple of 8."}],
            ),
            ("bug", 500, "server_error", []),
        ],
    )
    def test_is_one_for_every_error(self, client, name, status, kind, errors):
        answer = client.get(f"/api/v1/raise/{name}/")

        assert answer.status_code == status
        assert answer["Content-Type"] == MEDIA_TYPE
        problem = answer.json()
        assert set(problem) == {"type", "title", "status", "detail", "errors"}
        assert problem["type"] == f"urn:sparegrid:problem:{kind}"
        assert problem["status"] == status
        assert problem["errors"] == errors
        assert "secret" not in problem["detail"]
        assert "nobody expects" not in answer.content.decode()

    def test_names_nested_fields_with_dots(self, client):
        answer = client.post("/api/v1/echo/", {"lines": [{"units": 1}, {"units": 0}]})

        assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {
            ("text", "required"),
            ("lines.1.units", "min_value"),
        }

    def test_a_body_that_is_no_json_is_a_bad_request(self, client):
        answer = client.post("/api/v1/echo/", "{not json", content_type="application/json")

        assert (answer.status_code, answer.json()["type"]) == (400, "urn:sparegrid:problem:parse_error")

    def test_a_body_that_is_no_object_names_no_field(self, client):
        answer = client.post("/api/v1/echo/", ["a list"])

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == ""

    def test_a_form_is_an_unsupported_media_type(self, client):
        assert client.post("/api/v1/echo/", "text=a", content_type="text/plain").status_code == 415

    def test_a_wrong_method_says_so(self, client):
        answer = client.delete("/api/v1/echo/")

        assert (answer.status_code, answer.json()["type"]) == (
            405,
            "urn:sparegrid:problem:method_not_allowed",
        )
        assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"

    def test_an_unknown_address_of_the_api_is_a_problem_too(self, db):
        answer = APIClient().get("/api/v1/nonsense/")

        assert (answer.status_code, answer["Content-Type"]) == (404, MEDIA_TYPE)

    def test_an_unknown_page_stays_a_page(self, db):
        assert APIClient().get("/nonsense/")["Content-Type"].startswith("text/html")


class TestThrottle:
    def test_refuses_what_exceeds_the_minutes_share(self, client, settings):
        settings.API_REQUESTS_PER_MINUTE = 2

        statuses = [client.get("/api/v1/echo/").status_code for _ in range(4)]
        answer = client.get("/api/v1/echo/")

        # A minute may turn while this runs, so what must hold is that it refuses, and when to come back.
        assert 429 in statuses
        assert answer.status_code == 200 or 0 < int(answer["Retry-After"]) <= 60
