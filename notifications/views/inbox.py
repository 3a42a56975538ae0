"""The bell in the top bar, and the page behind it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.access import login_needed
from accounts.middleware import MemberRequest
from notifications import queries
from notifications.forms import PlaceForm, ReadForm
from notifications.kinds import BY_NAME
from notifications.models import Notification
from notifications.operations.reading import read_all, read_notification
from notifications.wording import Said, put


@dataclass(frozen=True, slots=True)
class Line:
    """A notification as its list shows it."""

    notification: Notification
    said: Said
    kind_label: str


@require_GET
@login_needed
@never_cache
def notification_list(request: MemberRequest) -> HttpResponse:
    """What the person was told, newest first; with ?unread=1 only what is not read yet."""
    place = PlaceForm(request.GET)
    if not place.is_valid():
        raise Http404("no such page")
    unread_only = place.cleaned_data["unread"]
    rows, next_before = queries.page_of_notifications(
        request.user, request.organization, before=place.cleaned_data["before"], unread_only=unread_only
    )
    lines = [Line(row, put(row.event, row.data, n=row.n), BY_NAME[row.kind].label) for row in rows]
    context = {
        "lines": lines,
        "page": {"next_before": next_before},
        "unread_only": unread_only,
        "n_unread": queries.n_unread(request.user, request.organization),
        "at_most": queries.SHOWN_UNREAD_AT_MOST,
        "newest": rows[0].pk if rows else 0,
        "elsewhere": queries.elsewhere_unread(request.user, request.organization),
    }
    return render(request, "notifications/notification_list.html", context)


@require_GET
@never_cache
def bell(request: MemberRequest) -> HttpResponse:
    """The bell with its count, which a page asks for once it is there; nothing for somebody who has left."""
    if not request.user.is_authenticated:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    n_unread = queries.n_unread(request.user, request.organization)
    context = {"n_unread": n_unread, "at_most": queries.SHOWN_UNREAD_AT_MOST, "is_counted": True}
    return render(request, "components/bell.html", context)


@require_GET
@login_needed
@never_cache
def notification_open(request: MemberRequest, pk: int) -> HttpResponse:
    """Note that it is read, and lead to what it is about."""
    try:
        notification = read_notification(user=request.user, notification_id=pk, now=timezone.now())
    except Notification.DoesNotExist:
        raise Http404 from None
    return redirect(put(notification.event, notification.data, n=notification.n).path)


@require_POST
@login_needed
def notifications_read(request: MemberRequest) -> HttpResponse:
    """Note that all the page showed, and what is older, is read."""
    form = ReadForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, "Nothing was marked: the page did not say up to which notification. Try again."
        )
        return redirect("notifications:notification_list")
    n_read = read_all(
        user=request.user,
        organization=request.organization,
        up_to=form.cleaned_data["up_to"],
        now=timezone.now(),
    )
    messages.success(request, f"{n_read:,} marked as read." if n_read else "All of them were read already.")
    return redirect("notifications:notification_list")
