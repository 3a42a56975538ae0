"""Whole numbers in what a browser sends beside what people type: ids, versions, pages."""

MOST = 2**63 - 1
MOST_DIGITS = len(str(MOST))
"""Python refuses to read thousands of digits, and the database more than its big integers hold."""


def whole_number(text: object) -> int | None:
    """Return the number that ``text`` writes in ASCII digits, None where it writes none or one above ``MOST``."""
    digits = str(text)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
        return None
    return number if (number := int(digits)) <= MOST else None
