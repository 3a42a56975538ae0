"""Addresses of what is owed and paid: the buyer's own, finance's, and Stripe's webhook."""

from django.urls import path

from settlements.views import (
    cards,
    carried,
    collecting,
    deliveries,
    desk,
    finance,
    handovers,
    links,
    outages,
    own,
    ssh_keys,
)
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
    path("deliveries/<int:pk>/", deliveries.own_delivery, name="own_delivery"),
    path("deliveries/<int:pk>/access/", deliveries.own_delivery_access, name="own_delivery_access"),
    path("deliveries/<int:pk>/keys/", deliveries.own_delivery_keys, name="own_delivery_keys"),
    path("deliveries/<int:pk>/outages/", deliveries.outage_report, name="outage_report"),
    path("outages/<int:pk>/withdraw/", deliveries.outage_withdraw, name="outage_withdraw"),
    path("organization/ssh-keys/", ssh_keys.ssh_key_list, name="ssh_key_list"),
    path("organization/ssh-keys/<int:pk>/remove/", ssh_keys.ssh_key_remove, name="ssh_key_remove"),
    path("sell/deliveries/", handovers.sale_delivery_list, name="sale_delivery_list"),
    path("sell/deliveries/<int:pk>/", handovers.sale_delivery, name="sale_delivery"),
    path("sell/deliveries/<int:pk>/keys.pub", handovers.sale_delivery_keys, name="sale_delivery_keys"),
    path("sell/outages/<int:pk>/answer/", handovers.outage_answer, name="outage_answer"),
    path("finance/outages/", outages.outage_list, name="outage_list"),
    path("finance/outages/<int:pk>/", outages.outage_detail, name="outage_detail"),
    path("stripe/webhook/", stripe_webhook, name="stripe_webhook"),
]
