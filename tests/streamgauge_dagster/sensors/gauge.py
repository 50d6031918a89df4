"""A gauge that reports to a Dagster instance, and what its stream is called there."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from streamgauge_dagster.sensors import FollowedStream

STREAM = dg.AssetKey(["kafka", "orders_placed"])
LETTERS = dg.AssetKey(["kafka", "orders_placed_dlq"])
FRESH = dg.AssetCheckKey(STREAM, "fresh")
LAG = dg.AssetCheckKey(STREAM, "lag__billing")
REPORTING = dg.AssetCheckKey(STREAM, "gauge_reporting")
FOLLOWED = FollowedStream(asset_key=STREAM, dead_letters=(LETTERS,), checks=(FRESH, LAG))
VERSION = "dagster/data_version"
NOON = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


def group(lag, name="billing", bound="upper", time_lag_seconds=None):
    """A row of `detail.groups`."""
    return {
        "group": name,
        "status": "UNKNOWN",
        "lag": lag,
        "lag_bound": bound,
        "time_lag_seconds": time_lag_seconds,
        "time_lag_bound": "unknown" if time_lag_seconds is None else "exact",
        "as_of_ms": 1,
    }


class Gauge:
    """Reports as the gauge does: totals of a life that only grow, and a version that follows them.

    `total` and `sequence` are those of the last report.
    """

    def __init__(self, instance, life="a-life", key=STREAM, minute=0):
        self.life, self.total, self.sequence, self.minute = life, 0, 0, minute
        self._instance, self._key = instance, key

    def report(self, records=0, *, groups=(), again=False, **metadata):
        """Report so many new records; with `again` under the sequence of before."""
        self.total += records
        self.sequence += not again
        self.minute += not again
        self.send(records, groups=groups, **metadata)

    def send(self, records=0, *, groups=(), **metadata):
        """Send the last report, as it is."""
        name = "records" if self._key == STREAM else "dead_letters"
        end = NOON + timedelta(minutes=self.minute)
        letters = {"dead_letters": 0, "dead_letters_total": 0}
        told = letters | {
            name: records,
            f"{name}_total": self.total,
            "last_message_timestamp": (end - timedelta(seconds=10)).timestamp(),
            "period_start": _text(end - timedelta(minutes=1)),
            "period_end": _text(end),
            "sequence": self.sequence,
            "stream": "orders",
            "life": self.life,
            "detail": {"groups": list(groups), "left_out": {}},
        }
        known = [each["lag"] for each in groups if each["lag"] is not None]
        observation = dg.AssetObservation(
            self._key,
            description=f"{records} records in 1 m.",
            metadata=told | ({"lag": max(known)} if known else {}) | metadata,
            tags={VERSION: f"{self.life}-{self.total}"},
        )
        self._instance.report_runless_asset_event(observation)

    def judge(self, level="pass", key=FRESH, reason="as told"):
        """Report what a check says."""
        failed = level == "fail"
        self._instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=level == "pass",
                severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
                metadata={"reason": reason, "level": level, "stream": "orders", "unit": "records"},
            )
        )


def _text(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
