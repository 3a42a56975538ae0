"""What a form saw, so that it changes nothing that somebody else changed meanwhile."""

import hashlib


def version_of(terms: object) -> str:
    """Return a text that two terms have in common exactly when they are the same."""
    return hashlib.sha256(repr(terms).encode()).hexdigest()[:16]
