"""An account of what is written to keep state: how much, how often, and what found no place."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from streamgauge.core.snapshot import Keeping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.core.keeping import Place
    from streamgauge.core.state.codec import Encoded
    from streamgauge.core.state.totals import OfTotals

RATE_MS: Final = 60_000
"""Over how long bytes per second are told."""


class Written:
    """What one process has written into the slots of one group."""

    def __init__(self, group: str, now_ms: int) -> None:
        self._group = group
        self._begun_ms = now_ms
        self._stored_ms: int | None = None
        self._stored_bytes = 0
        self._recent: deque[tuple[int, int]] = deque()
        self._units: dict[Place, int] = {}
        self._detail: dict[Place, dict[str, int]] = {}
        self._groups: dict[Place, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def made(self, place: Place, of: OfTotals) -> None:
        """A state was made from totals; its tables may have had no place for some groups."""
        self._groups[place] = (of.groups_without_place, of.groups_without_ages)

    def encoded(self, place: Place, encoded: Encoded) -> None:
        """A state became text, perhaps without some of its detail."""
        self._units[place] = len(encoded.text)  # none of its characters is a surrogate
        out = encoded.left_out
        self._detail[place] = {"present_lags": out.present_lags, "class_names": out.class_names}

    def stored(self, size_bytes: int, now_ms: int) -> None:
        """A commit was acknowledged."""
        self._stored_ms = now_ms
        self._stored_bytes += size_bytes
        self._recent.append((now_ms, size_bytes))
        self._forget(now_ms)

    def view(self, now_ms: int) -> Keeping:
        """The account as it is told."""
        self._forget(now_ms)
        span_ms = min(RATE_MS, now_ms - self._begun_ms)
        recent = sum(size for _, size in self._recent)
        return Keeping(
            group=self._group,
            reason=None,
            stored_ms=self._stored_ms,
            stored_bytes=self._stored_bytes,
            bytes_per_second=1000 * recent / span_ms if span_ms > 0 else None,
            largest_units=max(self._units.values(), default=None),
            left_out=self._left_out(),
        )

    def _forget(self, now_ms: int) -> None:
        """What lies ahead too: the clock was set back."""
        recent = self._recent
        while recent and not now_ms - RATE_MS < recent[0][0] <= now_ms:
            recent.popleft()

    def _left_out(self) -> Mapping[str, int]:
        """How much of each kind; kinds of which nothing is left out are absent."""
        without = self._groups.values()
        kinds = {
            "groups": len({name for groups, _ in without for name in groups}),
            "processed_ages": len({name for _, ages in without for name in ages}),
        }
        for detail in self._detail.values():
            for kind, count in detail.items():
                kinds[kind] = kinds.get(kind, 0) + count
        return {kind: count for kind, count in kinds.items() if count}
