"""A configuration as the gauge has it, and what a gauge and runs write to a Dagster instance."""

from uuid import uuid4

import dagster as dg
from dagster._core.events import AssetObservationData, DagsterEvent, DagsterEventType

STREAM = dg.AssetKey(["kafka", "orders_placed"])
LETTERS = dg.AssetKey(["kafka", "orders_placed_dlq"])
FRESH = dg.AssetCheckKey(STREAM, "fresh")
ORDERS = {
    "topic": "orders.placed",
    "groups": ["fulfillment", "billing-*"],
    "dead_letters": [{"topic": "orders.placed.dlq"}],
}
VERSION = "dagster/data_version"
CHECKS_OF_DEAD_LETTERS = ("no_dead_letters", "dead_letter_share", "no_new_cause")
"""Of a dead letter topic."""


def checks_of_groups(*groups):
    """The names of the checks of these groups or patterns, as they are shown: `b__` for `b-*`."""
    checks = ("data_loss", "group_status", "time_lag", "lag", "processed_age", "forecast")
    return {f"{check}__{group}" for check in checks for group in groups}


class Reports:
    """What is written to one instance."""

    def __init__(self, instance):
        self._instance = instance

    def observation(self, version="v1", key=STREAM, description=None, **metadata):
        """An observation that a gauge reports."""
        observation = _observation(version, key, description, metadata)
        self._instance.report_runless_asset_event(observation)

    def evaluation(self, level="pass", key=FRESH, reason="as told", **metadata):
        """An evaluation that a gauge reports."""
        self._instance.report_runless_asset_event(_evaluation(level, key, reason, metadata))

    def observation_of_a_run(self, version="of a run", key=STREAM, **metadata):
        """An observation that a run made."""
        data = AssetObservationData(_observation(version, key, None, metadata))
        self._of_a_run(DagsterEventType.ASSET_OBSERVATION, data)

    def evaluation_of_a_run(self, level="pass", key=FRESH):
        """An evaluation that a run made."""
        data = _evaluation(level, key, "of a run", {})
        self._of_a_run(DagsterEventType.ASSET_CHECK_EVALUATION, data)

    def _of_a_run(self, kind, data):
        event = DagsterEvent(kind.value, "a_job", event_specific_data=data)
        self._instance.report_dagster_event(event, run_id=str(uuid4()))


def _observation(version, key, description, metadata):
    tags = {VERSION: version} if version else {}
    return dg.AssetObservation(key, description=description, metadata=metadata, tags=tags)


def _evaluation(level, key, reason, metadata):
    severity = dg.AssetCheckSeverity.ERROR if level == "fail" else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=level == "pass",
        severity=severity,
        metadata={"reason": reason, "level": level} | metadata,
    )
