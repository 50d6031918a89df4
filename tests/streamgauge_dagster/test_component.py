"""What the attributes of a `defs.yaml` give."""

import dagster as dg
import pytest

from streamgauge_dagster import build_definitions

from .defs_yaml import COMPONENT_WARNINGS, INLINE, checks_of, load_component, specs_of
from .reporting import LETTERS, ORDERS, STREAM

pytestmark = COMPONENT_WARNINGS
OF_DAGSTER = ("dagster/code_references", "dagster/component_origin")
"""Metadata that Dagster adds to what a component defines."""


def test_inline_and_file_give_the_same(config_file):
    """Whether the stream stands in the gauge's file or in `defs.yaml`, with all that is shown."""
    more = {
        "isolation_level": "read_uncommitted",
        "event_time": [{"pointer": "/occurredAt"}, "record"],
        "window": "30s",
        "checks": {"throughput": {"fail": {"below": 1}}, "fresh": {"enabled": False}},
    }
    path = config_file(
        orders=ORDERS | more, dagster={"base_url": "http://d", "report_every": "90s"}
    )
    inline = load_component(**INLINE, **more, report_every="90s")
    beside = load_component(files={"gauge.yaml": path.read_text()}, config="gauge.yaml")
    built = build_definitions(path, environ={})
    for defs in (inline, beside):
        assert checks_of(defs) == checks_of(built)
        specs, expected = specs_of(defs), specs_of(built)
        assert specs.keys() == expected.keys()
        for key, spec in specs.items():
            assert spec.description == expected[key].description
            own = {n: v for n, v in spec.metadata.items() if n not in OF_DAGSTER}
            assert own == expected[key].metadata
            assert spec.deps == expected[key].deps


def test_what_a_project_says_of_its_streams_is_shown():
    """Owners, links, lineage and the rest, on the stream and on its dead letters."""
    defs = load_component(
        **INLINE,
        group_name="kafka",
        owners=["team:platform", "ada@example.org"],
        tags={"tier": "gold"},
        kinds=["redpanda"],
        description="Every order that was placed.",
        upstream=["shop/checkout"],
        links={"runbook": "https://example.org/runbook", "traces": "https://example.org/traces"},
    )
    specs = specs_of(defs)
    stream, letters = specs[STREAM], specs[LETTERS]
    assert stream.description.startswith("Every order that was placed.\n\nKafka topic")
    assert [dep.asset_key for dep in stream.deps] == [dg.AssetKey(["shop", "checkout"])]
    assert [dep.asset_key for dep in letters.deps] == [STREAM]
    for spec in (stream, letters):
        assert spec.group_name == "kafka"
        assert set(spec.owners) == {"team:platform", "ada@example.org"}
        assert spec.kinds == {"redpanda"}
        assert spec.tags["tier"] == "gold"
        assert spec.metadata["runbook"] == dg.MetadataValue.url("https://example.org/runbook")


def test_chosen_streams_of_a_file(config_file):
    """The others are another component's."""
    text = config_file(orders=ORDERS, clicks={"topic": "clicks"}).read_text()
    keys = specs_of(
        load_component(files={"gauge.yaml": text}, config="gauge.yaml", streams=["clicks"])
    )
    assert keys.keys() == {dg.AssetKey(["kafka", "clicks"])}


def test_plain_assets_have_the_same_checks(instance, run):
    """They cannot be observed; executing a check repeats what was reported, which is nothing."""
    defs = load_component(**INLINE, observable=False)
    graph = defs.resolve_asset_graph()
    assert checks_of(defs) == checks_of(load_component(**INLINE))
    assert not graph.get(STREAM).is_observable
    assert graph.get(STREAM).is_external
    run(defs, checks=checks_of(defs))
    for key in checks_of(defs):
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert not record.evaluation.passed
        assert record.evaluation.severity is dg.AssetCheckSeverity.WARN


def test_a_broker_may_be_named_in_several_ways():
    """A single one, several as text or as a list."""
    others = {name: value for name, value in INLINE.items() if name != "bootstrap_servers"}
    for given, shown in [
        ({"broker": "a:9092"}, "a:9092"),
        ({"bootstrap_servers": "a:9092,b:9092"}, "a:9092, b:9092"),
        ({"bootstrap_servers": ["a:9092", "b:9092"]}, "a:9092, b:9092"),
    ]:
        specs = specs_of(load_component(**others, **given))
        assert specs[STREAM].metadata["bootstrap_servers"] == shown


def test_event_hubs_are_reached_by_their_kafka_endpoint():
    """What they are called is shown, and no secret stands anywhere."""
    others = {name: value for name, value in INLINE.items() if name != "bootstrap_servers"}
    for given, domain in [({}, "servicebus.windows.net"), ({"domain": "example.cn"}, "example.cn")]:
        hubs = {"namespace": "shop-events", **given}
        metadata = specs_of(load_component(**others, event_hubs=hubs))[STREAM].metadata
        assert metadata["bootstrap_servers"] == f"shop-events.{domain}:9093"
        assert metadata["dagster/uri"] == f"kafka://shop-events.{domain}:9093/orders.placed"
        assert metadata["security"] == "SASL_SSL, PLAIN"
        assert metadata["cluster"] == "Azure Event Hubs, namespace shop-events"
        assert not [text for text in metadata.values() if "ConnectionString" in str(text)]


def test_what_is_built_outside_of_dagster_is_downstream(config_file):
    """Of all streams of the component, by the key that it has elsewhere."""
    text = config_file(orders=ORDERS, clicks={"topic": "clicks"}).read_text()
    defs = load_component({"gauge.yaml": text}, config="gauge.yaml", downstream=["lake/visits"])
    visits = dg.AssetKey(["lake", "visits"])
    node = defs.resolve_asset_graph().get(visits)
    assert node.parent_keys == {STREAM, dg.AssetKey(["kafka", "clicks"])}
    assert (node.is_external, node.is_executable) == (True, False)
    assert specs_of(defs)[visits].description == (
        "Built on `kafka/clicks`, `kafka/orders_placed`, outside of Dagster."
    )


@pytest.mark.parametrize("observable", [True, False])
def test_named_checks_block(observable):
    """In both kinds of assets; the one that a sensor evaluates too. No other does."""
    named = {"blocking": ["no_dead_letters", "fresh", "gauge_reporting"]}
    graph = load_component(
        **INLINE, **named, observable=observable, sensors={}
    ).resolve_asset_graph()
    assert {
        key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking
    } == set(named["blocking"])
