"""A gauge that knows nothing of Dagster, whose status a Dagster job fetches and reports."""

import dagster as dg

from streamgauge_dagster import StreamHealthResource, build_definitions, fetch_status, status_job

from .gauge_process import configuration, wait_until

STREAM = dg.AssetKey(["kafka", "orders"])


def test_a_job_reports_what_a_gauge_counts(broker, gauge, producer, topic_name):
    """All records with their offsets, under the checks that are defined of its file."""
    topic = topic_name()
    truth = producer.send(topic, 30).by_partition()
    stream = {"topic": topic, "asset_key": list(STREAM.path), "start_from": "earliest"}
    config = configuration(broker.bootstrap_servers, {"orders": stream})
    process = gauge(config)
    process.wait_ready()
    wait_until(lambda: process.stream().get("totals", {}).get("records") == 30)
    url = f"{process.url}/status"
    answers = []

    @dg.op
    def ask(context: dg.OpExecutionContext):
        answers.append(StreamHealthResource().read(context, STREAM, checks=["fresh"]))

    asking = dg.JobDefinition(graph_def=dg.GraphDefinition("asking", node_defs=[ask]))
    with dg.DagsterInstance.ephemeral() as instance:
        assert status_job(url).execute_in_process(instance=instance).success
        (record,) = instance.fetch_observations(STREAM, limit=5).records
        assert asking.execute_in_process(instance=instance).success
    assert record.asset_observation.metadata["records_total"].value == 30
    assert {p: at for p, at in answers[0].positions.items() if at} == truth
    graph = build_definitions(config, environ={}).resolve_asset_graph()
    told = fetch_status(url).streams["orders"].checks
    assert {key.name for key in graph.asset_check_keys} == told.keys()
    assert answers[0].checks["fresh"].level is told["fresh"].level
