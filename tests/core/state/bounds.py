"""The greatest size that a state's counts can have, computed from limits and wire format."""

from __future__ import annotations

from itertools import count

from streamgauge.core.state.frame import CHECKSUM, HEAD, MARK
from streamgauge.core.state.halving import LEVELS
from streamgauge.core.state.limits import (
    ABSENT_TOPICS,
    AGED_GROUPS,
    CAUSES,
    COUNT,
    COUNTED_GROUPS,
    GUARANTEED_AGES,
    OFFSET,
    TEXT_UNITS,
)
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS
from streamgauge.core.state.text import BITS

CAPACITY = (TEXT_UNITS - len(MARK)) * BITS // 8 - HEAD - CHECKSUM
"""Bytes of a body that is not deflated in a text of full length."""

GROUPS = AGED_GROUPS + COUNTED_GROUPS
HISTOGRAMS = 1 + AGED_GROUPS
"""Of a stream's partition."""
DEATHS = 2
"""Histograms of a dead letter partition."""
KEY = 8
HOW_MANY = 1


def greatest_split_bits(ages):
    """The most bits that the splits of one histogram with so many ages can take.

    The levels are added up as if each could be the worst on its own.
    """
    return sum(_most_bits(ages, size // 2) for size in LEVELS)


def _most_bits(ages, nodes):
    """The greatest sum of bit lengths of so many numbers that amount to these ages.

    To be a bit longer a number must grow by 1, then again by 1 (to 2), by 2 (to 4), by 4 and so on.
    This never gets cheaper, so most bits come of giving every number its next bit before any gets
    one more.
    """
    bits = 0
    for longer in count():
        price = 2 ** max(0, longer - 1)
        bought = min(nodes, ages // price)
        bits, ages = bits + bought, ages - bought * price
        if bought < nodes:
            return bits
    raise AssertionError


def row(count, limit):
    """Bytes of a row of numbers below a limit."""
    return 1 + count * -(-(limit - 1).bit_length() // 8)


def maybe_row(count, limit):
    """Bytes of a row of numbers below a limit that may be unknown."""
    return row(count, limit + 1)


def histograms(count):
    """Bytes of so many histograms."""
    return (
        row(count, GUARANTEED_AGES * 2**63)
        + row(count, GUARANTEED_AGES)
        + -(-count * greatest_split_bits(GUARANTEED_AGES - 1) // 8)
    )


GREATEST = {
    "identity": 1 + 16 + 2 * KEY + row(4, OFFSET) + maybe_row(2, OFFSET),
    "counters": row(len(COUNTERS), COUNT),
    "named counts": sum(HOW_MANY + row(len(names), COUNT) for names in NAMED_COUNTS.values()),
    "ages": HOW_MANY + histograms(HISTOGRAMS),
    "groups": HOW_MANY + GROUPS * KEY + maybe_row(GROUPS, OFFSET) + row(GROUPS, OFFSET),
    "processed": HOW_MANY
    + AGED_GROUPS
    + maybe_row(AGED_GROUPS, OFFSET)
    + 2 * row(AGED_GROUPS, COUNT),
    "causes": row(1, COUNT) + HOW_MANY + CAUSES * KEY + row(CAUSES, COUNT) + CAUSES,
    "present lags": 0,
    "absent topics": HOW_MANY + ABSENT_TOPICS * KEY,
    "deaths": row(1, COUNT) + HOW_MANY + CAUSES * KEY + CAUSES + histograms(DEATHS),
}
"""Bytes of each section's content without any detail."""


def body(sections):
    """Bytes of a body; each section that is not left out has a tag and a length too."""
    return sum(3 + size for size in sections.values() if size)


GREATEST_OF_STREAM = body({**GREATEST, "deaths": 0})
"""Of a body with groups and arrival ages, and with causes as texts of format 3 could have them."""
GREATEST_OF_DEATHS = body({**GREATEST, "ages": HOW_MANY + 2, "groups": 0, "processed": 0})
"""Of a body with deaths; two empty rows are left of its arrival ages."""
