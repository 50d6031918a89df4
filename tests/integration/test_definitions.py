"""A gauge and a webserver that has its definitions from the same streams."""

from __future__ import annotations

import dagster as dg
import pytest
import yaml

from streamgauge_dagster import build_definitions
from streamgauge_demo.parts.dagster_server import launch_dagster_server

from .gauge_process import asset_of, configuration, wait_until

pytestmark = pytest.mark.timeout(300)  # a webserver is started, which takes long on a busy machine


def test_a_gauge_finds_all_that_it_reports_defined(
    tmp_path, broker, create_topic, topic_name, gauge, producer
):
    """It misses only the stream that the definitions lack; executing repeats what it reported."""
    topic, letters, other = (topic_name(stem) for stem in ("orders", "orders-dlq", "other"))
    for name in (topic, letters, other):
        create_topic(name, 1, {})
    orders = {
        "topic": topic,
        "groups": [topic_name("fulfillment"), f"{topic_name('billing')}-*"],
        "dead_letters": [{"topic": letters}],
        "checks": {"throughput": {"warn": {"below": 1}}, "arrival_age": {"enabled": False}},
    }
    defined = tmp_path / "defined.yaml"
    defined.write_text(yaml.safe_dump(configuration(broker.bootstrap_servers, {"orders": orders})))
    text = (
        "from streamgauge_dagster import build_definitions\n"
        f"defs = build_definitions({str(defined)!r}, environ={{}})\n"
    )
    with launch_dagster_server(text) as server:
        config = configuration(
            broker.bootstrap_servers,
            {"orders": orders, "other": other},
            dagster={"base_url": server.base_url, "report_every": "1s"},
        )
        running = gauge(config)
        running.wait_seen()
        producer.send(topic, 7)
        running.wait_counted(7)
        key = asset_of(topic)
        wait_until(
            lambda: [
                told for told in server.observations(key) if told.metadata["records_total"] == 7
            ]
        )
        # two periods later the definitions were asked for, whichever stream was told first
        sequence = server.observations(key)[0].metadata["sequence"]
        wait_until(lambda: server.observations(key)[0].metadata["sequence"] > sequence + 1)
        missing = {line["asset"] for line in running.events("dagster_not_defined")}
        assert missing == {"/".join(asset_of(other))}
        defs = build_definitions(defined, environ={})
        checks = defs.resolve_asset_graph().asset_check_keys
        assert len(checks) == 3 + 2 + 2 * 6
        for check in checks:
            assert server.check_executions(check.asset_key.path, check.name, 1)
        with dg.DagsterInstance.from_config(str(server.home)) as instance:
            result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance
            )
        told = {each.asset_check_key: each for each in result.get_asset_check_evaluations()}
        assert told.keys() == checks
        assert all("replayed_from" in each.metadata for each in told.values())
        assert told[dg.AssetCheckKey(dg.AssetKey(key), "fresh")].passed
        repeated = next(each for each in server.observations(key) if each.run_id)
        assert repeated.metadata["records_total"] == 7
        newest = repeated.metadata["last_message_timestamp"]
        assert repeated.metadata["dagster/last_updated_timestamp"] == newest
    running.stop()
