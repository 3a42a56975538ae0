"""Forms and buttons of what people and programs are told."""

from __future__ import annotations

from notifications.forms import EndpointForm
from notifications.operations.endpoints import terms_of_endpoint
from tests.integration.forms.table.rows import WORDS, Filled, Pressed, any_of, one

FORMS = [
    Filled(
        "notifications:webhook_list",
        "buyer",
        "",
        lambda scene: one(EndpointForm()),
        lambda scene: {"url": "https://hooks.example.com/two", "name": WORDS, "events": ["bid.won"]},
        wrong={"url": ("soon", "http://127.0.0.1/", "ftp://example.com/", "https://user:pw@example.com/")},
    ),
    Filled(
        "notifications:webhook_detail",
        "buyer",
        "endpoint.pk",
        lambda scene: one(EndpointForm(endpoint=scene.endpoint)),
        lambda scene: {
            "url": "https://hooks.example.com/two",
            "name": WORDS,
            "events": ["bid.won"],
            "version": terms_of_endpoint(scene.endpoint).version,
        },
        wrong={"url": ("soon", "http://127.0.0.1/")},
        is_like="notifications:webhook_list",
    ),
]

PRESSED = [
    Pressed("notifications:notifications_read", "buyer", "", any_of("up_to")),
    Pressed("notifications:unsubscribe", "visitor", "forged_key"),
    Pressed("notifications:webhook_again", "buyer", "nobody"),
    Pressed("notifications:webhook_remove", "buyer", "nobody"),
    Pressed("notifications:webhook_rotate", "buyer", "nobody"),
    Pressed("notifications:webhook_switch", "buyer", "nobody"),
    Pressed("notifications:webhook_test", "buyer", "nobody"),
]
