"""Addresses about organizations; logging in and out is allauth's, under /accounts/."""

from django.urls import path

from accounts.views import limits, organizations

app_name = "accounts"
urlpatterns = [
    path("organization/", organizations.organization, name="organization"),
    path("organization/new/", organizations.organization_create, name="organization_create"),
    path("organization/switch/", organizations.switch_organization, name="switch_organization"),
    path("organization/keys/", organizations.api_key_create, name="api_key_create"),
    path("organization/keys/<int:pk>/revoke/", organizations.api_key_revoke, name="api_key_revoke"),
    path("finance/limits/", limits.limit_list, name="limit_list"),
    path("finance/limits/<int:pk>/", limits.limit_edit, name="limit_edit"),
]
