"""Every address of the site, app by app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from auctions.views.board import board
from marketplace import guides

urlpatterns = [
    path("", board, name="board"),
    path("", include("marketplace.stylesheet")),
    path("", include("auctions.urls")),
    path("", include("accounts.urls")),
    path("notifications/", include("notifications.urls")),
    path("accounts/", include("allauth.urls")),
    path("guides/", guides.guide_list, name="guide_list"),
    path("guides/<slug:role>/", guides.guide, name="guide"),
    path("guides/images/<str:name>", guides.guide_image, name="guide_image"),
    path("admin/", admin.site.urls),
    path("sell/", include("inventory.urls")),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("notifications.api")),
    path("api/v1/", include("auctions.api.urls")),
    path("api/v1/", include("inventory.api")),
    path("api/v1/", include("settlements.api")),
    path("", include("settlements.urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", include("marketplace.styleguide")))

handler404 = "accounts.api.problems.page_not_found"
handler500 = "accounts.api.problems.server_error"
