"""Addresses of what a person is told, under /notifications/."""

from django.urls import path

from notifications.views import inbox, preferences, webhooks

app_name = "notifications"
urlpatterns = [
    path("", inbox.notification_list, name="notification_list"),
    path("bell/", inbox.bell, name="bell"),
    path("read/", inbox.notifications_read, name="notifications_read"),
    path("<int:pk>/", inbox.notification_open, name="notification_open"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("webhooks/", webhooks.webhook_list, name="webhook_list"),
    path("webhooks/<int:pk>/", webhooks.webhook_detail, name="webhook_detail"),
    path("webhooks/<int:pk>/test/", webhooks.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/switch/", webhooks.webhook_switch, name="webhook_switch"),
    path("webhooks/<int:pk>/secret/", webhooks.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<int:pk>/remove/", webhooks.webhook_remove, name="webhook_remove"),
    path("webhooks/deliveries/<int:pk>/again/", webhooks.webhook_again, name="webhook_again"),
    path("unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
]
