"""Which assets and checks a configuration gives, and how they are described."""

import dagster as dg
import pytest

from streamgauge.config import load
from streamgauge.config.policies import stream_policy
from streamgauge.core.gauge import StreamGauge
from streamgauge_dagster import Presentation, build_definitions

from .reporting import CHECKS_OF_DEAD_LETTERS, FRESH, LETTERS, ORDERS, STREAM, checks_of_groups

MANY = {
    "orders": ORDERS,
    "two.topics": {
        "topic": "clicks",
        "asset_key": ["web", "clicks"],
        "dead_letters": [
            {"topic": "shared.dlq", "asset_key": ["web", "dead_clicks"]},
            {"topic": "clicks-broken"},
        ],
        "groups": ["a b/ü", "*"],
        "checks": {"throughput": {"fail": {"below": 1}}, "arrival_age": {"enabled": False}},
    },
    "bare": {
        "topic": "bare",
        "dead_letters": [{"topic": "shared.dlq"}],
        "checks": {"no_dead_letters": {"enabled": False}, "throughput": {"keep_failing_for": "1m"}},
    },
}
"""Streams of every kind."""


def specs_of(defs):
    """The specs of the assets by key."""
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def checks_of(defs):
    """The specs of the checks by key."""
    graph = defs.resolve_asset_graph()
    return {key: graph.get_check_spec(key) for key in graph.asset_check_keys}


def test_checks_are_those_that_a_gauge_reports(config_file):
    """Asset and name of each verdict of a gauge that has seen nothing yet."""
    path = config_file(**MANY)
    config = load(path, {}, with_secrets=False)
    told = set()
    for name, stream in config.streams.items():
        policy = stream_policy(name, stream, config.kafka)
        for verdict in StreamGauge(policy, "life", 0).tick(0).snapshot.verdicts:
            told.add(dg.AssetCheckKey(dg.AssetKey(verdict.asset_key), verdict.check))
    assert checks_of(build_definitions(path, environ={})).keys() == told


def test_names_are_as_documented(build):
    """One check for each group or pattern; what is switched off or has no limit is none."""
    names = {(key.asset_key.to_user_string(), key.name) for key in checks_of(build(**MANY))}
    assert names == {
        ("kafka/orders_placed", "fresh"),
        ("kafka/orders_placed", "arrival_age"),
        *(("kafka/orders_placed", name) for name in checks_of_groups("fulfillment", "billing__")),
        *(("kafka/orders_placed_dlq", name) for name in CHECKS_OF_DEAD_LETTERS),
        ("web/clicks", "fresh"),
        *(("web/clicks", name) for name in checks_of_groups("a_b__", "_")),
        ("web/clicks", "throughput"),
        *(("web/dead_clicks", name) for name in CHECKS_OF_DEAD_LETTERS),
        *(("kafka/clicks_broken", name) for name in CHECKS_OF_DEAD_LETTERS),
        ("kafka/bare", "fresh"),
        ("kafka/bare", "arrival_age"),
        ("kafka/shared_dlq", "dead_letter_share"),
        ("kafka/shared_dlq", "no_new_cause"),
    }


def test_assets_can_be_observed_and_dead_letters_are_downstream(build):
    """Several dead letter topics of a stream, and one topic of two streams under two keys."""
    graph = build(**MANY).resolve_asset_graph()
    assert {key for key in graph.get_all_asset_keys() if graph.get(key).is_observable} == {
        STREAM,
        LETTERS,
        dg.AssetKey(["web", "clicks"]),
        dg.AssetKey(["web", "dead_clicks"]),
        dg.AssetKey(["kafka", "clicks_broken"]),
        dg.AssetKey(["kafka", "bare"]),
        dg.AssetKey(["kafka", "shared_dlq"]),
    }
    clicks = dg.AssetKey(["web", "clicks"])
    downstream = {dg.AssetKey(["web", "dead_clicks"]), dg.AssetKey(["kafka", "clicks_broken"])}
    assert graph.get(clicks).child_keys == downstream
    assert graph.get(dg.AssetKey(["kafka", "shared_dlq"])).parent_keys == {
        dg.AssetKey(["kafka", "bare"])
    }
    assert not graph.get(clicks).parent_keys


def test_a_stream_says_what_it_is(build):
    """Where it lies, how it is read, and what stands in no metadata."""
    entries = [{"header": "event-time"}, {"pointer": "/occurredAt"}, "record"]
    secure = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "the-user",
        "sasl_password_file": "no/such/file",
    }
    stream = ORDERS | {"event_time": entries, "window": "30s"}
    specs = specs_of(build(kafka=secure, orders=stream))
    assert specs[STREAM].metadata == {
        "dagster/uri": "kafka://broker-1:9092,broker-2:9092/orders.placed",
        "topic": "orders.placed",
        "bootstrap_servers": "broker-1:9092, broker-2:9092",
        "isolation_level": "read_committed",
        "silent_after_seconds": 900.0,
        "window": "30s",
        "event_time": "header event-time, else /occurredAt in the value, else timestamp of the "
        "record",
        "consumer_groups": "fulfillment, billing-*",
        "security": "SASL_SSL, PLAIN",
    }
    assert specs[LETTERS].metadata == {
        "dagster/uri": "kafka://broker-1:9092,broker-2:9092/orders.placed.dlq",
        "topic": "orders.placed.dlq",
        "bootstrap_servers": "broker-1:9092, broker-2:9092",
        "isolation_level": "read_committed",
        "silent_after_seconds": 900.0,
        "window": "30s",
        "security": "SASL_SSL, PLAIN",
    }
    for spec in specs.values():
        assert spec.kinds == {"kafka", "streaming"}
        assert spec.group_name == "streams"
        assert spec.tags["streamgauge/stream"] == "orders"


def test_a_name_that_is_too_long_for_a_tag_is_cut(build):
    """Streams may have names of 100 characters, tags 63."""
    (spec,) = specs_of(build(**{"x" * 100: {"topic": "t"}})).values()
    assert spec.tags["streamgauge/stream"] == "x" * 63


@pytest.mark.parametrize(("dagster", "period"), [(None, "5m"), ({"report_every": "90s"}, "1m30s")])
def test_descriptions_tell_numbers_and_limits(build, dagster, period):
    """The first line stands alone in the graph; without the section the default period counts."""
    address = dagster and {"base_url": "http://localhost:3000", **dagster}
    specs = specs_of(build(dagster=address))
    lines = specs[STREAM].description.splitlines()
    assert lines[0] == (
        f"Kafka topic `orders.placed`, measured by streamgauge and reported every {period}."
    )
    assert "- `lag`: records that the worst consumer group has still to read" in lines
    assert "| `fresh` | above 5m | above 15m |" in lines
    assert (
        "| `lag__billing__` | above 10,000 records for 5m | above 100,000 records for 2m |" in lines
    )
    assert "| `group_status__fulfillment` | above OK | above REWOUND |" in lines
    assert "| `forecast__fulfillment` | below 2m for 30s | - |" in lines
    lines = specs[LETTERS].description.splitlines()
    assert lines[0].startswith("Dead letters of `orders.placed` on Kafka topic `orders.placed.dlq`")
    assert "| `no_dead_letters` | - | above 0 dead letters |" in lines


def test_a_description_says_nothing_of_what_is_not_there(build):
    """Neither of groups and dead letters, nor a table without rows."""
    off = {name: {"enabled": False} for name in ("fresh", "arrival_age")}
    (spec,) = specs_of(build(bare={"topic": "bare", "checks": off})).values()
    assert "lag" not in spec.description
    assert "dead" not in spec.description
    assert "|" not in spec.description
    assert spec.metadata["consumer_groups"] == "none"


def test_checks_tell_their_limits_in_words(build):
    """With the group, how long a level is kept, and what no data means."""
    checks = {
        "fresh": {"warn": {"above": "1500ms"}, "on_no_data": "fail"},
        "throughput": {"warn": {"below": 0.5, "for": "10m"}},
    }
    told = checks_of(build(orders=ORDERS | {"checks": checks}))
    assert told[FRESH].description == (
        "Silence of the stream: time since its newest record arrived.\n\n"
        "- **warns** above 1s500ms\n"
        "- **fails** above 15m\n"
        "- says fail when there was nothing to measure\n\n"
        "Executing it repeats what the gauge reported last."
    )
    lag = told[dg.AssetCheckKey(STREAM, "lag__billing__")].description
    assert "Consumer groups: the worst of `billing-*`." in lag
    assert "- **fails** above 100,000 records for 2m\n- keeps a level for 2m after its last" in lag
    lag = told[dg.AssetCheckKey(STREAM, "lag__fulfillment")].description
    assert "Consumer group: `fulfillment`." in lag
    floor = told[dg.AssetCheckKey(STREAM, "throughput")].description
    assert "- **warns** below 0.5 records/s for 10m\n- says unknown" in floor


def test_variables_overlay_the_file_as_in_the_gauge(config_file):
    """Those that are given; and the group of assets has the name that is given."""
    variables = {"STREAMGAUGE_STREAMS__ORDERS__TOPIC": "orders.v2"}
    defs = build_definitions(
        config_file(), environ=variables, presentation=Presentation(group_name="kafka")
    )
    specs = specs_of(defs)
    assert {spec.group_name for spec in specs.values()} == {"kafka"}
    assert dg.AssetKey(["kafka", "orders_v2"]) in specs


def test_several_files_go_together(build):
    """As the definitions of one code location."""
    first, second = build(), build(clicks={"topic": "clicks"})
    merged = dg.Definitions.merge(first, second)
    job = merged.resolve_implicit_global_asset_job_def()
    assert len(job.asset_layer.asset_graph.get_all_asset_keys()) == 3
