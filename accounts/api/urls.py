"""The API's description of itself. Mounted under /api/v1/."""

from django.urls import path

from accounts.api.schema import SchemaView

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
]
