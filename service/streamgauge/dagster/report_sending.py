"""One report on its way to Dagster: first it is cleared up which one it is, then it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamgauge.dagster.graphql import LastReported
from streamgauge.dagster.outcome import Accepted, Trouble, Unavailable
from streamgauge.dagster.resumed import resumed_report

if TYPE_CHECKING:
    from streamgauge.dagster.client import DagsterClient
    from streamgauge.dagster.contact import Contact
    from streamgauge.dagster.graphql import AssetKey
    from streamgauge.dagster.materializations import Materializations
    from streamgauge.dagster.outcome import Outcome
    from streamgauge.dagster.reported_asset import ReportedAsset


class ReportSending:
    """While it waits for an answer its asset may be withdrawn; then nothing more goes out."""

    def __init__(
        self, client: DagsterClient, contact: Contact, materializations: Materializations
    ) -> None:
        self._client = client
        self._contact = contact
        self._materializations = materializations

    async def send(self, asset_key: AssetKey, asset: ReportedAsset) -> Outcome:
        """What became of the next report.

        Accepted is also that Dagster has answered and there is nothing to be told any more.
        """
        cleared = await self._clear_up(asset_key, asset)
        if cleared is not None:
            return cleared
        attempt = asset.begin(_now_seconds())
        trouble = await self._materializations.tell(asset, attempt)
        if trouble is not None:
            asset.settle(attempt, Unavailable(trouble.reason))  # the observation did not go out
            return trouble
        if not asset.is_under_way(attempt):
            return Accepted()
        outcome = await self._client.report_observation(attempt.payload.body)
        asset.settle(attempt, outcome)
        if isinstance(outcome, Accepted):
            self._contact.delivered(attempt.payload.left_out)
        return outcome

    async def _clear_up(self, asset_key: AssetKey, asset: ReportedAsset) -> Outcome | None:
        """What ends the matter, None if a report is to be told and all is known that it needs."""
        doubt = asset.life_in_doubt
        if doubt is not None:
            last = await self._client.last_reported(asset_key, asset.stream, doubt)
            if isinstance(last, LastReported) and asset.confirm(last):
                self._contact.delivered(0)
                return Accepted()
            if isinstance(last, Unavailable):
                return last
        following = asset.next_life
        if following is not None and asset.follows:
            last = await self._client.last_reported(asset_key, asset.stream, following[0])
            if asset.next_life != following:
                return last if isinstance(last, Trouble) else Accepted()
            if isinstance(last, Trouble) and asset.waits_for_an_answer(last):
                return last
            asset.resume(
                resumed_report(last, asset_key) if isinstance(last, LastReported) else None
            )
        return None if following is not None else Accepted()


def _now_seconds() -> float:
    return asyncio.get_running_loop().time()
