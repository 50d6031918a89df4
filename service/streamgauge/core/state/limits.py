"""What bounds a partition's state, so that its text fits in a commit's metadata whatever happens.

With these limits all counts fit while no histogram holds more than `GUARANTEED_AGES` ages, for a
state has groups and arrival ages, or deaths, and not both (`validity.py`). The detail beside them
fits too, but for states that no real stream comes near (`detail.py`).
"""

from __future__ import annotations

from typing import Final

AGED_GROUPS: Final = 5
"""Consumer groups whose processed ages are kept."""
COUNTED_GROUPS: Final = 16
"""Consumer groups more, of which only the commits are kept."""
OTHER_LAGS: Final = 8
"""Groups with a present lag that are none of these."""
CAUSES: Final = 20
"""Causes of dead letters that are counted each; the rest is counted together."""
ABSENT_TOPICS: Final = 20
"""Dead letter topics of the stream that do not exist."""
CLASS_NAME_BYTES: Final = 64
"""UTF-8 bytes of a cause's class name."""

GUARANTEED_AGES: Final = 2**40
"""A histogram with fewer ages than this finds room: two years of a million records a minute."""
AGES: Final = 2**53
"""A histogram holds fewer ages than this: what a float counts exactly."""
COUNT: Final = 2**56
"""A count of records, bytes or dead letters is less than this."""
OFFSET: Final = 2**63
"""An offset, a time, a difference of offsets or a running number is less than this."""

TEXT_UNITS: Final = 4096
"""UTF-16 units of a commit's metadata: Kafka's default for `offset.metadata.max.bytes`."""
RESERVED_BYTES: Final = 128
"""What newer formats may add on top, so that this version can still carry it on."""
