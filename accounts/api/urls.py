"""The API's description of itself, for people and for programs. Mounted under /api/v1/."""

from django.urls import path

from accounts.api.docs import api_docs
from accounts.api.schema import SchemaView

urlpatterns = [
    path("docs/", api_docs, name="api_docs"),
    path("schema/", SchemaView.as_view(), name="api_schema"),
]
