"""Addresses of what a person is told, under /notifications/."""

from django.urls import path

from notifications.views import inbox, preferences

app_name = "notifications"
urlpatterns = [
    path("", inbox.notification_list, name="notification_list"),
    path("bell/", inbox.bell, name="bell"),
    path("read/", inbox.notifications_read, name="notifications_read"),
    path("<int:pk>/", inbox.notification_open, name="notification_open"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
]
