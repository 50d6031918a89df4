"""What is told of attributes that cannot be: what it is, where it stands and what to do."""

import pytest

from .defs_yaml import COMPONENT_WARNINGS, refused_component
from .reporting import ORDERS

pytestmark = COMPONENT_WARNINGS
OF_ORDERS = {
    "topic": "orders.placed",
    "bootstrap_servers": "broker:9092",
    "dead_letters": [{"topic": "orders.placed.dlq"}],
}
SAME_SENSOR = "its sensor would have the name of that of sensors.freshness_triggers[0]"
ONE_OF = "give one of broker, bootstrap_servers and event_hubs"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, "topic: is missing: name a topic, or the gauge's file with config"),
        (
            {"topic": "", "broker": "a:1"},
            "topic: is empty: name a topic, or the gauge's file with config",
        ),
        (
            OF_ORDERS | {"dead_letters": [{"topic": ""}]},
            "dead_letters[0].topic: is empty: give a topic name",
        ),
        (
            {"config": "a.yaml", "topic": "a"},
            "topic: stands in the file that config names; remove it here",
        ),
        (
            {"config": "a.yaml", "window": "1m"},
            "window: stands in the file that config names; remove it here",
        ),
        ({"topic": "a"}, f"bootstrap_servers: is missing: {ONE_OF}"),
        (
            {"topic": "a", "broker": "a:1", "event_hubs": {"namespace": "n"}},
            f"event_hubs: stands beside broker: {ONE_OF}",
        ),
        (
            {"topic": "a", "broker": "a:1", "streams": ["a"]},
            "streams: chooses streams of a file: name the file with config",
        ),
        (
            {"topic": "a", "broker": "a"},
            'broker: "a" is not host:port: write for example kafka-1:9092',
        ),
        (
            {"topic": "a", "event_hubs": {"namespace": "sb://a.servicebus.windows.net"}},
            'event_hubs.namespace: "sb://a.servicebus.windows.net" is no name of a namespace: ',
        ),
        (
            {"topic": "a", "event_hubs": {"namespace": "a", "domain": "a b"}},
            'event_hubs.domain: "a b" is no domain: write for example servicebus.windows.net',
        ),
        (
            {"topic": "a", "broker": "a:1", "kafka": {"bootstrap_servers": "b:1"}},
            "kafka.bootstrap_servers: is told by broker already; remove it here",
        ),
        (
            {"topic": "a", "broker": "a:1", "kafka": {"sasl_password": "x"}},
            "kafka.sasl_password: must not stand in the file: set STREAMGAUGE_KAFKA__SASL_",
        ),
        (
            {"topic": "a", "broker": "a:1", "kafka": {"security_protocol": "SASL_SSL"}},
            "kafka.sasl_mechanism: is missing: SASL_SSL needs it",
        ),
        (
            {"topic": "a", "broker": "a:1", "name": ""},
            "name: is empty: give the name of a stream, or leave it out",
        ),
        (
            {"topic": "_a", "broker": "a:1"},
            'name: "_a" is no name for a stream: up to 100 letters and digits, with single . _ - ',
        ),
        (
            OF_ORDERS | {"checks": {"lagg": {}}},
            "checks.lagg: unknown key; did you mean lag?",
        ),
        (OF_ORDERS | {"groups": ["a", "a"]}, "groups[1]: stands in the list already: remove it"),
        (
            OF_ORDERS | {"report_every": "5 min"},
            'report_every: "5 min" is not a duration: write 500ms, 5s, 1m, 1h30m, 1d or a number ',
        ),
        (
            OF_ORDERS | {"asset_key": "kafka/a b"},
            'asset_key: Dagster cannot define "a b": use the characters A-Z a-z 0-9 _ . -',
        ),
        (
            OF_ORDERS | {"silent_after_seconds": -1},
            "silent_after_seconds: is -1: give 0 or more",
        ),
        (
            OF_ORDERS | {"links": {"runbook": "wiki/orders"}},
            'links.runbook: "wiki/orders" is no address: write one that begins with http:// or ',
        ),
        (
            OF_ORDERS | {"links": {"traces": "https://me:secret@traces.example.org/"}},
            "links.traces: must hold no user name or password: everybody can read it in Dagster",
        ),
        (
            OF_ORDERS | {"links": {"traces": "https://a_token@traces.example.org/"}},
            "links.traces: must hold no user name or password: everybody can read it in Dagster",
        ),
        (
            OF_ORDERS | {"links": {"topic": "https://example.org/"}},
            "links.topic: the assets have an entry of that name already: choose another name",
        ),
        (
            OF_ORDERS | {"upstream": ["kafka/orders_placed_dlq"]},
            "upstream: kafka/orders_placed_dlq is one of these streams' own assets: remove it",
        ),
        (
            OF_ORDERS | {"downstream": ["a"], "upstream": ["a"]},
            "downstream: a stands in upstream too: remove one of the two",
        ),
        (
            OF_ORDERS | {"blocking": ["fesh"]},
            'blocking: no check is named "fesh"; did you mean fresh?',
        ),
        (
            OF_ORDERS | {"blocking": ["gauge_reporting"]},
            'blocking: no check is named "gauge_reporting"; there are ',
        ),
    ],
)
def test_what_is_wrong_is_told(attributes, told):
    """By the attribute that it stands in."""
    (problem,) = refused_component(**attributes)
    assert problem.startswith(told)


def trigger(**settings):
    """Attributes with one freshness trigger."""
    return {"freshness_triggers": [{"target": "orders_table"} | settings]}


@pytest.mark.parametrize(
    ("sensors", "told"),
    [
        (
            trigger(checks=["fesh"]),
            'freshness_triggers[0].checks: no check of the stream is named "fesh"; did you mean',
        ),
        (
            trigger(min_messages=0),
            "freshness_triggers[0]: min_messages is 0: give 1 or more",
        ),
        (
            trigger(target="kafka/orders_placed"),
            "freshness_triggers[0].target: is the stream itself, which nothing can run: name what ",
        ),
        (
            trigger(stream="order"),
            'freshness_triggers[0].stream: no stream is named "order"; there are orders.placed',
        ),
        (
            {"freshness_triggers": 2 * trigger()["freshness_triggers"]},
            "freshness_triggers[1].target: stands in the list already: remove it",
        ),
        (
            {"freshness_triggers": [{"target": "t"}, {"target": "t", "stream": "orders.placed"}]},
            "freshness_triggers[1].target: stands in the list already: remove it",
        ),
        (
            {"freshness_triggers": [{"target": "t-a"}, {"target": "t_a"}]},
            f"freshness_triggers[1].target: {SAME_SENSOR}, kafka__orders_placed_triggers_t_a: ",
        ),
        ({"name": "my sensors"}, 'name: "my sensors" is no name: write up to 200 of A-Z a-z 0-9 _'),
        (
            {"alert": {"url_variable": "https://example.org"}},
            'alert.url_variable: "https://example.org" is no name of an environment variable',
        ),
        (
            {"alert": {"url_variable": "A", "levels": []}},
            "alert.levels: is empty: name at least one of fail, unknown and warn",
        ),
        (
            {"poll": {}, "observations": True},
            "observations: has nothing to tell again: a poll is typed already; remove one of the ",
        ),
        ({"poll": {"every_seconds": 0}}, "poll.every_seconds: is 0: give 1 or more"),
        (
            {"poll": {"answer_within_seconds": 60}},
            "poll.answer_within_seconds: is 60: give more than 0, at most 50",
        ),
        (
            {"poll": {}} | trigger(checks=["fresh"]),
            'freshness_triggers[0].checks: no check of the stream is named "fresh"; there are ',
        ),
    ],
)
def test_what_is_wrong_with_sensors_is_told(sensors, told):
    """With the place in the list."""
    (problem,) = refused_component(**OF_ORDERS, sensors=sensors)
    assert problem.startswith(f"sensors.{told}")


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"streams": ["order"]}, 'streams: no stream is named "order"; did you mean orders?'),
        ({"streams": []}, "streams: is empty: name at least one, or leave it out for all"),
        (
            {"sensors": trigger()},
            "sensors.freshness_triggers[0].stream: is missing: name one of clicks, orders",
        ),
    ],
)
def test_what_a_file_does_not_have_is_told(config_file, attributes, told):
    """Rather than giving nothing, or something else."""
    text = config_file(orders=ORDERS, clicks={"topic": "clicks"}).read_text()
    problems = refused_component({"gauge.yaml": text}, config="gauge.yaml", **attributes)
    assert problems == (told,)


def test_a_file_that_is_not_there_is_named():
    """With its whole path, for it is relative to the folder of the `defs.yaml`."""
    (told,) = refused_component(config="missing.yaml")
    assert told.startswith("/")
    assert told.endswith("/missing.yaml: cannot be read: No such file or directory")
