"""Warns of assets and checks that are reported but not defined, for as long as reports go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.dagster.definitions import expected, nearest, not_defined
from streamgauge.dagster.outcome import Accepted
from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from structlog.typing import FilteringBoundLogger

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.dagster.client import DagsterClient
    from streamgauge.dagster.definitions import Expected
    from streamgauge.dagster.graphql import AssetKey
    from streamgauge.dagster.outcome import Outcome

LOOK_EVERY_SECONDS: Final = 60.0
"""How often Dagster is asked at most, unless something new is reported."""


class Preflight:
    """Each asset and check that is missing is told once, and again when it goes missing again."""

    def __init__(
        self, client: DagsterClient, log: FilteringBoundLogger, *, every_seconds: float
    ) -> None:
        self._client = client
        self._log = log
        self._every_seconds = max(every_seconds, LOOK_EVERY_SECONDS)
        self._asked: Expected = {}
        self._missing: set[tuple[AssetKey, str | None]] = set()
        self.asked_seconds: float | None = None
        """When Dagster last answered, on the event loop's clock."""

    def is_due(self, snapshots: Collection[Snapshot], now_seconds: float) -> bool:
        """Whether Dagster is to be asked now."""
        asked = self.asked_seconds
        old = asked is None or now_seconds - asked >= self._every_seconds
        return bool(snapshots) and (old or expected(snapshots) != self._asked)

    async def look(self, snapshots: Collection[Snapshot], now_seconds: float) -> Outcome:
        """Ask, and warn of what is newly missing."""
        wanted = expected(snapshots)
        self._asked, self.asked_seconds = wanted, now_seconds
        defined = await self._client.defined(wanted.keys())
        if not isinstance(defined, dict):
            self.asked_seconds = None  # nothing was learned: the lane asks again after a pause
            return defined
        missing = not_defined(wanted, defined)
        news = sorted(missing - self._missing, key=str)
        self._missing = missing
        try:
            if any(check is None for _, check in news):
                everything = await self._client.defined(None)
                defined = everything if isinstance(everything, dict) else defined
        finally:  # also when the look is cut short
            for asset_key, check in news:
                self._tell(asset_key, check, defined)
        return Accepted()

    def _tell(
        self,
        asset_key: AssetKey,
        check: str | None,
        defined: Mapping[AssetKey, frozenset[str] | None],
    ) -> None:
        fields = {} if check is None else {"check": check}
        similar = nearest(asset_key, check, defined)
        if similar is not None:
            fields["nearest"] = similar
        write(self._log, Event.DAGSTER_NOT_DEFINED, asset="/".join(asset_key), **fields)
