"""Where Stripe tells us of events: verify, store, answer. What an event means is a job's to work out."""

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from settlements.operations.events import store_event
from settlements.stripe_facts import WebhookRefused
from settlements.stripe_gateway import verified_event

logger = logging.getLogger(__name__)


@csrf_exempt  # Stripe sends no cookie: it is known by its signature
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Store a signed event once. 400 for a bad or old signature; 200 for one stored now or before."""
    try:
        event = verified_event(request.body, request.headers.get("Stripe-Signature", ""))
    except WebhookRefused as problem:
        logger.warning("webhook refused: %s", problem)
        return JsonResponse({"error": str(problem)}, status=400)
    is_new = store_event(event)
    return JsonResponse({"stored": is_new})
