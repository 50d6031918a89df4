"""Partitions in a real daemon: runs of those with new data, and checks of complete windows."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import httpx
import pytest

from .daemon import server_and_daemon

pytestmark = pytest.mark.timeout(240)  # servers are started, which takes long on a busy machine
DEFINITIONS = """
import dagster as dg
from streamgauge_dagster import Partitions, Presentation
from streamgauge_dagster.partition_definitions import partition_definitions
from streamgauge_dagster.partitioned import partitioned
from streamgauge_dagster.sensors import (
    Conditions, FollowedStream, observation_sensor, partition_trigger
)

EVERY = {"minimum_interval_seconds": 1, "default_status": dg.DefaultSensorStatus.RUNNING}


def stream(name, partitions):
    key = dg.AssetKey(["kafka", name])
    held = partitioned(partitions, key, [dg.AssetCheckKey(key, "fresh")])
    table = dg.asset(name=f"of_{name}", deps=[held.asset_key], partitions_def=held.definition)
    of_stream = dg.Definitions(
        assets=[dg.AssetSpec(key), table(lambda: None)],
        sensors=[
            observation_sensor(
                [FollowedStream(asset_key=key, partitions=held)],
                silent_after_seconds=900, name=f"{name}_observations", **EVERY,
            ),
            partition_trigger(
                key, held.asset_key, dg.AssetSelection.assets(f"of_{name}"),
                conditions=Conditions(), name=f"{name}_trigger", **EVERY,
            ),
        ],
    )
    return dg.Definitions.merge(
        of_stream, partition_definitions(held, key, name, Presentation())
    )


defs = dg.Definitions.merge(
    stream("orders", Partitions(kafka=3)),
    stream("clicks", Partitions(event_time="hourly", start="2026-01-31")),
)
"""


@pytest.fixture(scope="module")
def server():
    """A webserver; a daemon with the definitions runs beside it on the same instance."""
    with server_and_daemon(DEFINITIONS) as running:
        yield running


def report(server, name, sequence, began, ended, rows):
    """One observation over REST, of a gauge that has read everything."""
    total = sum(count for _, _, count in rows)
    metadata = {
        "records_total": total,
        "completeness": 1.0,
        "period_start": began.isoformat(),
        "period_end": ended.isoformat(),
        "sequence": sequence,
        "stream": name,
        "life": "a-life",
        "detail": {"positions": {"rows": rows}, "groups": [], "left_out": {}},
    }
    body = {"asset_key": ["kafka", name], "data_version": f"v{total}", "metadata": metadata}
    httpx.post(f"{server.base_url}/report_asset_observation/", json=body).raise_for_status()


def test_each_partition_with_new_data_is_run(server):
    """Of the topic, and of the hour; a window's check is stored, and no tick fails."""
    noon, minutes = datetime(2026, 1, 31, 12, tzinfo=UTC), timedelta(minutes=1)
    with dg.DagsterInstance.from_config(str(server.home)) as instance:

        def runs():
            """The partitions of all runs that are done well, the oldest first."""
            succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
            return [run.tags["dagster/partition"] for run in instance.get_runs(succeeded)][::-1]

        def until(*partitions):
            deadline = time.monotonic() + 120
            while set(runs()) != set(partitions) or len(runs()) != len(partitions):
                assert time.monotonic() < deadline, runs()
                time.sleep(0.5)

        report(server, "orders", 1, noon, noon + 5 * minutes, [[0, 9, 4], [1, 9, 2], [7, 1, 1]])
        report(server, "clicks", 1, noon + 5 * minutes, noon + 65 * minutes, [[0, 9, 4]])
        until("0", "1", "2026-01-31-12:00")
        report(server, "orders", 2, noon + 5 * minutes, noon + 9 * minutes, [[0, 9, 4], [1, 12, 5]])
        report(server, "clicks", 2, noon + 65 * minutes, noon + 125 * minutes, [[0, 9, 4]])
        until("0", "1", "2026-01-31-12:00", "1", "2026-01-31-13:00")
        key = dg.AssetCheckKey(dg.AssetKey(["kafka", "clicks_hourly"]), "fresh")
        rows = instance.event_log_storage.get_asset_check_execution_history(key, 10)
        assert [(row.partition, row.run_id) for row in rows] == [
            ("2026-01-31-13:00", ""),
            ("2026-01-31-12:00", ""),
        ]
        said = []
        for state in instance.all_instigator_state():
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=50):
                assert tick.error is None
                said.append(tick.skip_reason or "")
        assert any("but the topic has partition 7 too: raise partitions.kafka." in s for s in said)
