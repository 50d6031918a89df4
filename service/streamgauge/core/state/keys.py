"""Short keys that stand for names of any length: the first 8 bytes of SHA-256, as 16 hex digits.

Of a thousand names two share a key with a probability of 3 in 10**14.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final

REMEMBERED: Final = 1024
"""Groups are asked for with each partition and each commit: so many keys need not be made again."""


@lru_cache(maxsize=REMEMBERED)
def group_key(name: str) -> str:
    """The key of a consumer group: of its name in UTF-8."""
    return _key(name)


def topic_key(name: str) -> str:
    """The key of a topic: of its name in UTF-8."""
    return _key(name)


def cause_key(group: str, error_class: str, message: str) -> str:
    """The key of a cause: of its group, error class and masked message, joined by NULs."""
    return _key(f"{group}\0{error_class}\0{message}")


@lru_cache(maxsize=REMEMBERED)
def class_key(group: str, error_class: str) -> str:
    """The key of a cause that holds many messages: of its group and error class with a NUL."""
    return _key(f"{group}\0{error_class}")


def _key(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
