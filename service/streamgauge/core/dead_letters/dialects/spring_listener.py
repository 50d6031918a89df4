"""What the two dialects of Spring Kafka's listeners have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address
from streamgauge.core.dead_letters.headers import LONGEST_TEXT, read_topic
from streamgauge.core.dead_letters.integers import (
    MOST_OFFSET,
    MOST_PARTITION,
    read_big_endian,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.dead_letters.error_chain import Chain

_LISTENER: Final = "Listener method '"
_is_method = re.compile(r"[A-Za-z_$][\w$]*(?:\.[\w$]+)+", re.ASCII).fullmatch


def read_spring_address(which: Callable[[str], bytes | None], prefix: str) -> Address:
    """The address in these occurrences of the headers of this prefix, integers in binary."""
    return Address(
        read_topic(which(prefix + "topic")),
        read_big_endian(which(prefix + "partition"), MOST_PARTITION),
        read_big_endian(which(prefix + "offset"), MOST_OFFSET),
    )


def consumer_of(message: str | None, chain: Chain) -> str | None:
    """The listener's class and method, from the message or from the stack trace."""
    for text in (message, *(link.message for link in chain.links)):
        if text and text.startswith(_LISTENER):
            signature = text[len(_LISTENER) :].partition("(")[0]
            method = signature.rpartition(" ")[2]
            return method if len(method) <= LONGEST_TEXT and _is_method(method) else None
    return None
