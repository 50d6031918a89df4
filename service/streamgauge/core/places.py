"""Which consumer groups have a place for their processed ages in the state of a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.keys import group_key
from streamgauge.core.state.limits import AGED_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.core.state.partition_state import PartitionState


class Places:
    """First come, first served, but that some are reserved for groups that may come later.

    A place is never freed within a life, whether or not its group is still watched: what was told
    of it must not shrink.

    Args:
        state: that counting goes on from; its groups that have ages keep their places.
        reserved: names of groups for which places are reserved.
    """

    __slots__ = ("_held", "_takers")

    def __init__(self, state: PartitionState | None, reserved: Iterable[str]) -> None:
        groups = {} if state is None else state.groups
        self._held = frozenset(key for key, group in groups.items() if group.processed is not None)
        self._takers: dict[str, None] = {}
        self.reserve(reserved)

    @property
    def takers(self) -> tuple[str, ...]:
        """Names of the groups that may take a free place, the reserved ones first."""
        return tuple(self._takers)

    def reserve(self, names: Iterable[str]) -> None:
        """As long as there are places: who has one keeps it."""
        for name in names:
            self.take(name)

    def has(self, name: str) -> bool:
        """Whether the group has a place."""
        return name in self._takers or group_key(name) in self._held

    def take(self, name: str) -> bool:
        """Whether the group has a place now: if it had none, it takes one if there is."""
        if self.has(name):
            return True
        if len(self._held) + len(self._takers) >= AGED_GROUPS:
            return False
        self._takers[name] = None
        return True
