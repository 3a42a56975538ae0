"""The back office for what may be listed. Facts come from the catalogue; only whether a type is on sale is edited."""

from django.contrib import admin
from django.http import HttpRequest

from inventory.models import ResourceType


@admin.register(ResourceType)
class ResourceTypeAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "kind", "maker", "node_units", "is_active")
    list_filter = ("kind", "maker", "is_active")
    list_editable = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("kind", "maker", "name")
    readonly_fields = (
        "slug",
        "name",
        "kind",
        "maker",
        "memory_gib",
        "node_units",
        "power_watts",
        "posted_price_ticks",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ResourceType | None = None) -> bool:
        return False
