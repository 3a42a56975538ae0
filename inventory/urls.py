"""The seller's addresses, under /sell/."""

from django.urls import path

from inventory import views

app_name = "inventory"
urlpatterns = [
    path("sites/", views.site_list, name="site_list"),
    path("sites/new/", views.site_create, name="site_create"),
    path("blocks/", views.block_list, name="block_list"),
    path("blocks/new/", views.block_create, name="block_create"),
    path("blocks/recurring/", views.block_pattern, name="block_pattern"),
    path("blocks/<int:pk>/", views.block_detail, name="block_detail"),
    path("blocks/<int:pk>/withdraw/", views.block_withdraw, name="block_withdraw"),
    path("import/", views.block_import, name="block_import"),
    path("import/template.csv", views.block_import_template, name="block_import_template"),
]
