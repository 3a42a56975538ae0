"""The seller's addresses, under /sell/."""

from django.urls import path

from inventory.views import blocks as views
from inventory.views import drafts

app_name = "inventory"
urlpatterns = [
    path("sites/", views.site_list, name="site_list"),
    path("sites/new/", views.site_create, name="site_create"),
    path("blocks/", views.block_list, name="block_list"),
    path("blocks/new/", views.block_create, name="block_create"),
    path("blocks/drafts/new/", drafts.draft_begin, name="block_draft_begin"),
    path("blocks/drafts/<int:pk>/review/", drafts.draft_review, name="block_draft_review"),
    path("blocks/drafts/<int:pk>/discard/", drafts.draft_discard, name="block_draft_discard"),
    path("blocks/drafts/<int:pk>/<slug:step>/", drafts.draft_step, name="block_draft_step"),
    path("blocks/recurring/", views.block_pattern, name="block_pattern"),
    path("blocks/<int:pk>/", views.block_detail, name="block_detail"),
    path("blocks/<int:pk>/withdraw/", views.block_withdraw, name="block_withdraw"),
    path("import/", views.block_import, name="block_import"),
    path("import/template.csv", views.block_import_template, name="block_import_template"),
]
