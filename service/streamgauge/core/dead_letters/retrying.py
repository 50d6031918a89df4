"""Whether a record of a dead letter topic is being tried again, and not dead.

It is if one of these holds:

1. The topic is configured as one whose records are tried again.
2. Its name is that of a retry topic, `orders-retry`, `orders-retry-0` or `orders_retry_2000`, and
   nothing in it speaks of the dead; unless it is configured as one that is none.
3. Spring's retry dialect: the next attempt is due later than the record was written.
4. The record was passed on once and lies in the very topic it came from.
5. It has no dialect, and a header that programs write which put a record back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from streamgauge.core.dead_letters.dead_letter import Dialect

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.dialects.told import Told
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.core.dead_letters.rules import ReadingRules

_retry_name = re.compile(r"[-_.]retry(?:[-_]?[0-9]|[-_.]|$)", re.IGNORECASE).search
_dead_name = re.compile(
    r"(?:^|[-_.])(?:dlt|dlq|dead|fail|error|exhaust|park|poison|final)|(?:dlt|dlq|dead[-_.]?letters?)",
    re.IGNORECASE,
).search


def is_retrying(
    told: Told,
    headers: Headers,
    topic: str | None,
    timestamp: int | None,
    rules: ReadingRules,
) -> bool:
    """Ask the rules in their order.

    Args:
        told: What the record says.
        headers: Of the record.
        topic: Where the record lies; None if nobody knows.
        timestamp: The record's own, milliseconds since the epoch.
        rules: What is configured of the topic.
    """
    is_retry_topic = rules.is_retry_topic
    if is_retry_topic is None:
        is_retry_topic = topic is not None and is_retry_name(topic)
    if is_retry_topic:
        return True
    if told.due_at is not None and timestamp is not None and told.due_at > timestamp:
        return True
    if topic is not None and told.origin.topic == topic and told.hops == 1:
        return True
    return told.dialect is Dialect.UNCLASSIFIED and any(
        name in headers for name in rules.requeue_headers
    )


@lru_cache(maxsize=64)
def is_retry_name(topic: str) -> bool:
    """Whether a topic of this name holds records that are tried again."""
    return _retry_name(topic) is not None and _dead_name(topic) is None
