"""Addresses about organizations; logging in and out is allauth's, under /accounts/."""

from django.urls import path

from accounts.views import limits, members, organizations

app_name = "accounts"
urlpatterns = [
    path("organization/", organizations.organization, name="organization"),
    path("organization/new/", organizations.organization_create, name="organization_create"),
    path("organization/switch/", organizations.switch_organization, name="switch_organization"),
    path("organization/keys/", organizations.api_key_create, name="api_key_create"),
    path("organization/keys/<int:pk>/revoke/", organizations.api_key_revoke, name="api_key_revoke"),
    path("organization/members/", members.member_add, name="member_add"),
    path("organization/members/<int:pk>/role/", members.member_role, name="member_role"),
    path("organization/members/<int:pk>/remove/", members.member_remove, name="member_remove"),
    path("finance/limits/", limits.limit_list, name="limit_list"),
    path("finance/limits/<int:pk>/", limits.limit_edit, name="limit_edit"),
    path("finance/limits/changes/<int:pk>/approve/", limits.credit_approve, name="credit_approve"),
    path("finance/limits/changes/<int:pk>/refuse/", limits.credit_refuse, name="credit_refuse"),
]
