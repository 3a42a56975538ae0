"""The back office for people and organizations. Money is not edited here: limits have a page of their own."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Membership, Organization, User

# The same login as everywhere, with its lock-out and second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class MembershipInline(admin.TabularInline):
    """To look at only: whoever belongs to an organization reads its sealed bids, so its owners alone say who does."""

    model = Membership
    extra = 0
    fields = readonly_fields = ("user", "role", "created_at")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("email", "name", "is_active", "is_operator", "is_finance", "is_staff")
    list_filter = ("is_active", "is_operator", "is_finance", "is_staff")
    search_fields = ("email", "name")
    fields = (
        "email",
        "name",
        "is_active",
        "is_operator",
        "is_finance",
        "is_staff",
        "date_joined",
        "last_login",
    )
    # With another's address staff could have the password reset sent to themselves.
    readonly_fields = ("email", "date_joined", "last_login")
    ordering = ("email",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People sign up themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """What a person did stays attributable; deactivate instead."""
        return False


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "is_buyer", "is_seller", "created_at")
    list_filter = ("is_buyer", "is_seller")
    search_fields = ("name", "slug")
    readonly_fields = ("slug", "created_at")
    ordering = ("name",)
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An organization comes with a limit and a feed: accounts.operations.create_organization makes all three."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False
