"""What anyone may download once a window has cleared: its book and its clearing, as bytes."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import Self

from django.db import models
from django.db.models.functions import Now

from auctions.models.markets import Window


class WindowRecord(models.Model):
    """A cleared window's book and clearing in format 1, canonical and with pseudonyms; never changed.

    The book is what the engine cleared, byte for byte; the clearing what its command prints for it.
    """

    window = models.OneToOneField(Window, on_delete=models.PROTECT, primary_key=True, related_name="record")
    book_gzip = models.BinaryField()
    clearing_gzip = models.BinaryField()
    clearing_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"record of {self.window}"

    @classmethod
    def of(cls, window: Window, *, book: bytes, clearing: bytes) -> Self:
        return cls(
            window=window,
            book_gzip=gzip.compress(book, mtime=0),
            clearing_gzip=gzip.compress(clearing, mtime=0),
            clearing_sha256=sha256(clearing).hexdigest(),
        )

    @property
    def book(self) -> bytes:
        return gzip.decompress(self.book_gzip)

    @property
    def clearing(self) -> bytes:
        return gzip.decompress(self.clearing_gzip)
