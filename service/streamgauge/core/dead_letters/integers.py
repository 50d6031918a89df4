"""Integers in headers: which of two encodings it is, the dialect says and not the bytes.

What is out of range, negative or not written as expected is unknown.
"""

from __future__ import annotations

import re
from typing import Final

from streamgauge.core.event_time import YEAR_10000_MS

MOST_OFFSET: Final = (1 << 63) - 1
MOST_PARTITION: Final = (1 << 31) - 1
MOST_ATTEMPTS: Final = (1 << 31) - 1

_digits = re.compile(rb"[0-9]{1,19}").fullmatch


def read_big_endian(value: bytes | None, most: int) -> int | None:
    """One to eight bytes, signed, most significant first."""
    if value is None or not 1 <= len(value) <= 8:
        return None
    return within(int.from_bytes(value, "big", signed=True), most)


def read_decimal(value: bytes | None, most: int) -> int | None:
    """Digits in ASCII."""
    return None if value is None or not _digits(value) else within(int(value), most)


def read_either(value: bytes | None, most: int) -> int | None:
    """Of a header of which nobody knows who writes it: digits, or an integer that is no text.

    Java's `ByteBuffer` writes 4 or 8 bytes, and no text begins with the zero that is their first.
    """
    if value is not None and len(value) in {4, 8} and value[0] == 0:
        return read_big_endian(value, most)
    return read_decimal(value, most)


def within(number: int, most: int) -> int | None:
    """The number, if it is one that counts something."""
    return number if 0 <= number <= most else None


def plausible_ms(ms: int | None) -> int | None:
    """A time after 1970 and before the year 10000; zero is how programs write "not set"."""
    return ms if ms is not None and 0 < ms < YEAR_10000_MS else None


def plausible_attempts(attempts: int | None) -> int | None:
    """What failed was tried at least once."""
    return attempts if attempts is not None and 1 <= attempts <= MOST_ATTEMPTS else None
