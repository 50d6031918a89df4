"""A check's policy (what is demanded, frozen) and the measure that it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from streamgauge.core.wording import number
from streamgauge.model import LagBound, Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import Blind


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on a measured value; at least one of `above` and `below` is given."""

    above: float | None = None
    """Breached by a value greater than this."""
    below: float | None = None
    """Breached by a value less than this."""
    for_ms: int = 0
    """How long the breach must last before it counts."""

    def breached_by(self, value: float, bound: LagBound) -> float | None:
        """The bound that the value breaches for sure, None if it breaches none.

        Args:
            value: what was measured.
            bound: how it is to be read: what is at least so much is not below anything for sure,
                and what is at most so much not above.
        """
        if self.above is not None and value > self.above and bound is not LagBound.UPPER:
            return self.above
        if self.below is not None and value < self.below and bound is not LagBound.LOWER:
            return self.below
        return None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a check demands."""

    warn: Limit | None = None
    fail: Limit | None = None
    keep_failing_for_ms: int = 0
    """How long a level is kept after the last breach of its limit."""
    on_no_data: Level = Level.UNKNOWN
    """What is said when nothing was there to measure (not when the gauge was blind)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one evaluation measured.

    A value may be there although the gauge is partly blind: then it can breach a limit, but it
    cannot pass. Without a value, `blind` tells the unknown from "nothing was there to measure".
    """

    text: str
    """What is so, as the beginning of a sentence: "the lag of fulfillment is 12 records"."""
    value: float | None = None
    blind: Blind | None = None


class Judges(Enum):
    """What of a stream a check judges, each with a verdict of its own."""

    TOPIC = "topic"
    GROUPS = "groups"
    DEAD_LETTER_TOPICS = "dead_letter_topics"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one verdict is about, and the Dagster asset that it stands on."""

    asset_key: tuple[str, ...]
    name: str
    """Of the topic or the consumer group, or the pattern of groups."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named rule: what it measures, in which unit, and what it demands if nobody says."""

    name: str
    judges: Judges
    unit: str
    description: str
    default: Policy
    measure: Callable[[Snapshot, Subject], Measure]
    partly_blind: LagBound = LagBound.LOWER
    """How a value is to be read that was measured while the gauge was partly blind."""
    names: tuple[str, ...] = ()
    """What the values 0, 1, 2 and so on are called, where they stand for something."""

    def amount(self, value: float | None) -> str:
        """A value or a limit as people read it: `12 records`, `STALLED`."""
        if value in range(len(self.names)):
            return self.names[int(value or 0)]
        return f"{number(value)} {self.unit}"


def check_name(check: str, group: str | None) -> str:
    """The stable name under which a check is told: `<measure>` or `<measure>__<group>`."""
    return check if group is None else f"{check}__{re.sub(r'[^A-Za-z0-9_]', '_', group)}"


def blind_about(snapshot: Snapshot, what: str) -> Blind | None:
    """What the gauge cannot vouch for about `what`, None if it sees."""
    return next((blind for blind in snapshot.blind if blind.what == what), None)
