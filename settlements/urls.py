"""Addresses of what is owed and paid: the buyer's own, finance's, and Stripe's webhook."""

from django.urls import path

from settlements.views import cards, carried, collecting, desk, finance, links, own
from settlements.webhooks import stripe_webhook

app_name = "settlements"
urlpatterns = [
    path("settlements/", own.own_settlement_list, name="own_settlement_list"),
    path("settlements/<int:pk>/", own.own_settlement_detail, name="own_settlement_detail"),
    path("settlements/<int:pk>/pay/", own.pay, name="own_settlement_pay"),
    path("settlements/<int:pk>/return/", own.payment_return, name="own_settlement_return"),
    path("pay/<str:token>/", links.payment_link, name="payment_link"),
    path("payment-methods/", cards.payment_methods, name="payment_methods"),
    path("payment-methods/add/", cards.card_add, name="card_add"),
    path("payment-methods/return/", cards.card_return, name="card_return"),
    path("payment-methods/<int:pk>/default/", cards.card_default, name="card_default"),
    path("payment-methods/<int:pk>/remove/", cards.card_remove, name="card_remove"),
    path("finance/settlements/", finance.settlement_list, name="settlement_list"),
    path("finance/settlements/export.csv", finance.settlement_export, name="settlement_export"),
    path("finance/settlements/export-focus.csv", finance.settlement_focus, name="settlement_focus"),
    path("finance/settlements/assign/", desk.settlement_assign, name="settlement_assign"),
    path("finance/settlements/views/", desk.view_save, name="view_save"),
    path("finance/settlements/views/<int:pk>/remove/", desk.view_remove, name="view_remove"),
    path("finance/settlements/<int:pk>/notes/", desk.note_add, name="note_add"),
    path("finance/settlements/<int:pk>/", finance.settlement_detail, name="settlement_detail"),
    path("finance/settlements/<int:pk>/extend/", collecting.deadline_extend, name="deadline_extend"),
    path("finance/settlements/<int:pk>/retry/", collecting.settlement_retry, name="settlement_retry"),
    path("finance/settlements/<int:pk>/default/", collecting.settlement_default, name="settlement_default"),
    path("finance/carried/", carried.carried_list, name="carried_list"),
    path("stripe/webhook/", stripe_webhook, name="stripe_webhook"),
]
