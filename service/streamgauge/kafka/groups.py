"""Which consumer groups exist, remembered so that a broker that has just started hides none.

A broker lists no groups, without an error, until it has loaded them, and none at all for a while
after a coordinator has moved. So a group is gone only when it has been missing for a minute from
every listing that all brokers answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.kafka.answers import ListedGroup

BELIEVED_GONE_AFTER_MS: Final = 60_000
FOLLOWED_PROTOCOL_TYPES: Final = frozenset({"consumer", "", "streams"})
"""Groups whose offsets can be followed; "" are groups that only commit."""
EMPTY_STATES: Final = frozenset({"Empty", "Dead"})
OCCUPIED_STATES: Final = frozenset(
    {
        "Stable",
        "PreparingRebalance",
        "CompletingRebalance",
        "Assigning",
        "Reconciling",
        "NotReady",
    }
)
"""Of groups of the old protocol, of KIP-848 and of streams (KIP-1071), while they have members."""
SHARE: Final = "share"
"""Share groups (KIP-932) have no committed offsets."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups there are, as far as the gauge may see them."""

    followed: frozenset[str]
    unsupported: frozenset[str]
    """Share groups: named so that nobody waits for their lag."""
    empty: frozenset[str] = frozenset()
    """Groups that had members and have none now; somebody who is no member may still commit."""
    occupied: frozenset[str] = frozenset()
    """Groups that have members. Of a group in neither it is not known: it never had any and may be
    used without, its coordinator is too old to tell (before 2.6), or was not heard this time."""


class GroupListing:
    """Takes in listings and tells which groups to believe in."""

    def __init__(self) -> None:
        self._protocol_types: dict[str, str] = {}
        self._missing_since_ms: dict[str, int] = {}

    def take_in(
        self, listed: Mapping[str, ListedGroup], *, complete: bool, now_ms: int
    ) -> Groups | None:
        """Take in one listing.

        Args:
            listed: The groups of all brokers that answered.
            complete: Whether all brokers answered without error.
            now_ms: When they did.

        Returns:
            None while no group has ever been listed: that is what a broker answers that has just
            started.
        """
        for group, told in listed.items():
            self._protocol_types[group] = told.protocol_type
            self._missing_since_ms.pop(group, None)
        if complete and listed:
            self._forget_those_long_missing(listed, now_ms)
        if not self._protocol_types:
            return None
        return Groups(
            followed=frozenset(
                group
                for group, kind in self._protocol_types.items()
                if kind in FOLLOWED_PROTOCOL_TYPES
            ),
            unsupported=frozenset(
                group for group, kind in self._protocol_types.items() if kind == SHARE
            ),
            empty=frozenset(
                group
                for group, told in listed.items()
                if told.state in EMPTY_STATES and told.protocol_type
            ),
            occupied=frozenset(
                group for group, told in listed.items() if told.state in OCCUPIED_STATES
            ),
        )

    def _forget_those_long_missing(self, listed: Mapping[str, ListedGroup], now_ms: int) -> None:
        for group in self._protocol_types.keys() - listed.keys():
            since_ms = self._missing_since_ms.setdefault(group, now_ms)
            if now_ms - since_ms >= BELIEVED_GONE_AFTER_MS:
                del self._protocol_types[group], self._missing_since_ms[group]
