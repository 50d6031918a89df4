"""SmallRye Reactive Messaging: `dead-letter-*`, `delayed-retry-*`, integers in decimal.

Each hop puts its set in front of the others: the last one is the origin's. A set need not have all
headers; class and cause stand before its topic, so that those of the origin stand behind the topic
of the hop after it. What a method of the program threw is not in the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.decimal_address import read_decimal_address
from streamgauge.core.dead_letters.dialects.told import Told, later_hop
from streamgauge.core.dead_letters.error_chain import Chain, Link, read_class
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.headers import LONGEST_TEXT
from streamgauge.core.dead_letters.integers import (
    MOST_ATTEMPTS,
    plausible_attempts,
    plausible_ms,
    read_decimal,
)
from streamgauge.core.dead_letters.message import read_message
from streamgauge.core.event_time import YEAR_10000_MS

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIXES: Final = ("dead-letter-", "delayed-retry-")
COUNT: Final = "delayed-retry-count"
TIMESTAMP: Final = "delayed-retry-original-timestamp"

_method = re.compile(r"SRMSG[0-9]{5}: [\w ]{1,80} the method ([\w$.#]{1,255})\Z", re.ASCII).match


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return any(prefix + "topic" in headers for prefix in PREFIXES)


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    prefix = next(prefix for prefix in PREFIXES if prefix + "topic" in headers)
    places = headers.places(prefix + "topic")
    behind = places[-2] if len(places) > 1 else -1
    thrown = read_class(headers.last(prefix + "exception-class-name", behind))
    cause = read_class(headers.last(prefix + "cause-class-name", behind))
    message = read_message(headers.last(prefix + "reason", behind))
    # A cause is written where there is one; whether that has another is not.
    is_whole = headers.last(prefix + "cause-class-name", behind) is None
    chain = Chain((Link(thrown, None),), thrown, is_whole=True) if thrown and is_whole else Chain()
    method = message and _method(message[: 2 * LONGEST_TEXT])
    retries = read_decimal(headers.last(COUNT), MOST_ATTEMPTS)
    return Told(
        dialect=Dialect.SMALLRYE,
        origin=read_decimal_address(headers.last, prefix),
        original_timestamp=plausible_ms(read_decimal(headers.first(TIMESTAMP), YEAR_10000_MS)),
        previous_hop=later_hop(read_decimal_address, headers.first, prefix, len(places)),
        hops=len(places),
        consumer=method[1] if method else None,
        attempts=None if retries is None else plausible_attempts(retries + 1),
        failure=failure_of(
            chain,
            thrown=thrown,
            cause=cause,
            message=None if message in {thrown, cause} else message,
        ),
        failed_at=record.timestamp,
    )
