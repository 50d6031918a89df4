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

BELIEVED_GONE_AFTER_MS: Final = 60_000
FOLLOWED_PROTOCOL_TYPES: Final = frozenset({"consumer", "", "streams"})
"""Groups whose offsets can be followed; "" are groups that only commit."""
SHARE: Final = "share"
"""Share groups (KIP-932) have no committed offsets."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups there are, as far as the gauge may see them."""

    followed: frozenset[str]
    unsupported: frozenset[str]
    """Share groups: named so that nobody waits for their lag."""


class GroupListing:
    """Takes in listings and tells which groups to believe in."""

    def __init__(self) -> None:
        self._protocol_types: dict[str, str] = {}
        self._missing_since_ms: dict[str, int] = {}

    def take_in(
        self, protocol_types: Mapping[str, str], *, complete: bool, now_ms: int
    ) -> Groups | None:
        """Take in one listing.

        Args:
            protocol_types: Protocol type by group, from all brokers that answered.
            complete: Whether all brokers answered without error.
            now_ms: When they did.

        Returns:
            None while no group has ever been listed: that is what a broker answers that has just
            started.
        """
        self._protocol_types.update(protocol_types)
        for group in protocol_types:
            self._missing_since_ms.pop(group, None)
        if complete and protocol_types:
            self._forget_those_long_missing(protocol_types, now_ms)
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
        )

    def _forget_those_long_missing(self, listed: Mapping[str, str], now_ms: int) -> None:
        for group in self._protocol_types.keys() - listed.keys():
            since_ms = self._missing_since_ms.setdefault(group, now_ms)
            if now_ms - since_ms >= BELIEVED_GONE_AFTER_MS:
                del self._protocol_types[group], self._missing_since_ms[group]
