"""New records of a stream, told as materializations too: Dagster's freshness policies see no other.

One goes out before the observation that says the same, under the same data version. So whatever an
acknowledged observation counts has been materialized, also before a restart; and no other one goes
out before that observation is acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamgauge.dagster.graphql import AnswerError, data_of
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Trouble, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from streamgauge.core.report import Report
    from streamgauge.dagster.client import DagsterClient
    from streamgauge.dagster.contact import Contact
    from streamgauge.dagster.graphql import AssetKey
    from streamgauge.dagster.reported_asset import Attempt, ReportedAsset

_LOOKED_AT: Final = 5
"""Newest materializations among which the gauge looks for its own; people report some too."""
_MATERIALIZATIONS: Final = """
query Materializations($key: AssetKeyInput!, $limit: Int!) {
  assetOrError(assetKey: $key) {
    ... on Asset { assetMaterializations(limit: $limit) { runId tags { key value } } }
  }
}
"""


class Materializations:
    """What of the streams that want it was told so.

    A materialization that is told twice starts what is downstream twice and makes a silent stream
    look fresh. So where it is not known what Dagster has, at the start and after an unclear answer,
    it is asked first; and where it does not say, none is told.
    """

    def __init__(
        self,
        client: DagsterClient,
        streams: Collection[str],
        contact: Contact,
        stored: Callable[[AssetKey], None],
    ) -> None:
        """Prepare, without connecting.

        Args:
            client: to tell and to ask with.
            streams: that want it.
            contact: is told of refusals, and of what was delivered.
            stored: is called when it becomes known that Dagster has a new one.
        """
        self._client = client
        self._streams = streams
        self._contact = contact
        self._stored = stored
        self._versions: dict[tuple[str, AssetKey], str] = {}
        """By stream and asset the data version that Dagster is known to have last."""

    def forget(self, stream: str) -> None:
        """Somebody else tells them now."""
        self._versions = {key: each for key, each in self._versions.items() if key[0] != stream}

    async def tell(self, asset: ReportedAsset, attempt: Attempt) -> Unavailable | Ambiguous | None:
        """What holds the observation up, because the materialization must come before it.

        One that is refused does not: reports go out even if nobody may materialize. Afterwards the
        attempt may be one that is not under way any more.
        """
        report = attempt.report
        key, version = (report.stream, report.asset_key), report.data_version
        of_stream = report.asset_key == attempt.snapshot.asset_key
        # what a life counts anew that is about to end was told before
        new = report.arrived and asset.ahead_of != report.life
        if report.stream not in self._streams or not of_stream or not new:
            return None
        known = self._versions.get(key)
        if known == version:
            return None
        if known is None:
            stored = await self._client.is_materialized(report.asset_key, version)
            if not asset.is_under_way(attempt):
                return None
            if isinstance(stored, Trouble):
                return self._hindrance(report, stored)
            if stored:
                asset.hold(attempt)
                self._know(report)
                return None
        return await self._report(asset, attempt)

    async def _report(
        self, asset: ReportedAsset, attempt: Attempt
    ) -> Unavailable | Ambiguous | None:
        report, may_be_stored = attempt.report, asset.holds
        self._versions.pop((report.stream, report.asset_key), None)
        asset.hold(attempt)
        outcome = await self._client.report_materialization(materialization(attempt.payload.body))
        if isinstance(outcome, Accepted):
            self._contact.delivered(0)
            if asset.is_under_way(attempt):
                self._know(report)
            return None
        if not isinstance(outcome, Ambiguous) and not may_be_stored:
            asset.release()
        return self._hindrance(report, outcome)

    def _know(self, report: Report) -> None:
        self._contact.permitted(_name(report))
        self._versions[report.stream, report.asset_key] = report.data_version
        self._stored(report.asset_key)

    def _hindrance(self, report: Report, trouble: Trouble) -> Unavailable | Ambiguous | None:
        if not isinstance(trouble, Misconfigured):
            return trouble
        self._contact.note("reports", _name(report), trouble)
        return None


def _name(report: Report) -> str:
    return f"materialization of {'/'.join(report.asset_key)} by {report.stream}"


def materialization(observation: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the materialization that belongs to an observation.

    It has no number, because Dagster would plot it a second time.
    """
    metadata = observation["metadata"]
    return {
        "asset_key": observation["asset_key"],
        "data_version": observation["data_version"],
        "description": observation["description"],
        "metadata": {label: metadata[label] for label in ("period_end", "stream", "life")},
    }


def materialized_question(asset_key: AssetKey) -> dict[str, Any]:
    """Body of the request; it also works for an asset that is not defined."""
    variables = {"key": {"path": list(asset_key)}, "limit": _LOOKED_AT}
    return {"query": _MATERIALIZATIONS, "variables": variables}


def read_materialized(content: bytes, data_version: str) -> bool:
    """Whether one of the newest materializations that no run made has this data version.

    Raises:
        AnswerError: with what Dagster says instead.
    """
    wanted = {"key": "dagster/data_version", "value": data_version}
    try:
        asset = data_of(content)["assetOrError"]
        return any(
            wanted in each["tags"]
            for each in asset.get("assetMaterializations", ())
            if not each["runId"]
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise AnswerError("its answer does not have the fields of materializations") from error
