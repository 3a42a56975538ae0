"""Pages by cursor: stable while rows come in, and as quick at the end as at the start."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Newest first, 50 rows a page, at most 200; ``next`` and ``previous`` are addresses to follow."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
