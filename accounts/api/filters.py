"""Filters that addresses of the API take."""

from django import forms
from django_filters import rest_framework as filters


class IdFilter(filters.NumberFilter):
    """The id of a row. It is read as a whole number, never as a decimal: ``-1e999999`` is one, and makes a process
    write out a million digits for minutes before it finds no row."""

    field_class = forms.IntegerField
