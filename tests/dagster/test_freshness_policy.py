"""Dagster's own freshness policy judges a stream by what the gauge materializes, by that alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from streamgauge_demo.parts.dagster_server import launch_dagster_server

from .waiting import until_answered

pytestmark = pytest.mark.timeout(240)  # starts a webserver, which takes long on a busy machine

WINDOW = timedelta(minutes=10)
DEFINITIONS = """
import dagster as dg

@dg.multi_asset_check(specs=[dg.AssetCheckSpec("lag__billing", asset=KEY)], can_subset=True)
def replay():
    yield from ()

defs = dg.Definitions(assets=[dg.AssetSpec(KEY)], asset_checks=[replay])
"""
EXECUTED = """
query($keys: [AssetKeyInput!]!) { assetNodes(assetKeys: $keys) { assetChecksOrError {
  ... on AssetChecks { checks { executionForLatestMaterialization { status } } } } } }
"""


async def freshness(home, key, ahead=timedelta(0)):
    """What Dagster says of the asset, or will say after so long, if a record is due in `WINDOW`."""
    policy = dg.FreshnessPolicy.time_window(fail_window=WINDOW)
    graph = dg.Definitions([dg.AssetSpec(key, freshness_policy=policy)]).resolve_asset_graph()
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        freeze_time(datetime.now(UTC) + ahead),
    ):
        context = LoadingContextForTest(instance)
        node = graph.get(dg.AssetKey(key))
        found = await TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(context, node)
    return found.value


async def test_freshness_policy_and_checks_agree_with_what_the_gauge_tells(run, maker):
    """Unknown by observations, fresh by new records, stale without any; its checks count."""
    definitions = f"KEY = {list(maker.asset_key)!r}\n{DEFINITIONS}"
    server = await asyncio.to_thread(launch_dagster_server, definitions)
    with server:
        key = maker.asset_key
        sink = run(server.base_url, 300, materialized=frozenset({maker.stream}))
        sink.publish(maker.snapshot(0, after_ms=1_000, verdicts=(maker.verdict(),)))
        await until_answered(lambda: server.observations(key))
        assert await freshness(server.home, key) == "UNKNOWN"

        sink.publish(maker.snapshot(7, after_ms=2_000, verdicts=(maker.verdict(),)))
        await until_answered(lambda: server.observations(key)[0].metadata["records_total"] == 7)
        assert await freshness(server.home, key) == "PASS"
        assert await freshness(server.home, key, WINDOW) == "FAIL"
        await sink.flush(10.0)

        variables = {"keys": [{"path": list(key)}]}
        (node,) = server.graphql(EXECUTED, variables)["assetNodes"]
        (check,) = node["assetChecksOrError"]["checks"]
        assert check["executionForLatestMaterialization"]["status"] == "SUCCEEDED"
