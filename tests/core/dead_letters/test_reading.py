"""Dead letters of real frameworks are understood, and what they do not say stays unknown."""

from __future__ import annotations

import re

import pytest

from streamgauge.core.dead_letters.dead_letter import Address, Dialect, Kind
from streamgauge.core.dead_letters.failure import WRAPPERS
from streamgauge.core.dead_letters.headers import MOST_AT_EITHER_END
from streamgauge.core.dead_letters.reading import has_dialect, read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules

from .corpora import MS, letter, real_letters

FIELDS = {
    "original_topic": "original_topic",
    "original_partition": "original_partition",
    "original_offset": "original_offset",
    "original_timestamp": "original_timestamp",
    "consumer_group": "consumer_group",
    "attempts": "attempts",
    "root_cause_class": "root_cause_class",
    "hops": "hops",
}
"""Field of the letter by name in the corpora."""
DIALECTS = {
    "arroyo": {Dialect.ARROYO},
    "json-envelope": {Dialect.JSON_ENVELOPE},
    "kafka-connect": {Dialect.CONNECT, Dialect.UNCLASSIFIED},
    "kafka-streams": {Dialect.STREAMS},
    "smallrye": {Dialect.SMALLRYE},
    "spring-cloud-stream": {Dialect.SPRING_CLOUD_STREAM},
    "spring-kafka-4.1.1": {Dialect.SPRING, Dialect.SPRING_RETRY},
}


def real():
    """All of them as parameters."""
    return [
        pytest.param(name.rpartition("-")[0], record, fields, id=name)
        for name, record, fields in real_letters()
    ]


def thrown_class(record, fields):
    """What was thrown; where that is a wrapper, the first class of the stack trace that is none."""
    thrown = fields["expected"]["exception_class"]
    if thrown not in WRAPPERS:
        return thrown
    trace = next(
        (value.decode() for name, value in record.headers if "stacktrace" in name and value), thrown
    )
    chain = re.findall(r"^(?:Caused by: )?([\w.$]+)(?::|$)", trace, re.MULTILINE)
    return next((name for name in chain if name not in WRAPPERS), chain[-1])


@pytest.mark.parametrize(("corpus", "record", "fields"), real())
def test_real_letter(corpus, record, fields):
    """What the record says is read; all else is unknown or, if told, as the scenario knows it."""
    said = read_dead_letter(record, record.topic)
    expected, readable = fields["expected"], fields["readable"]
    assert (
        said.dialect in DIALECTS[fields["framework"]] if fields["framework"] in DIALECTS else True
    )
    for name, field in FIELDS.items():
        if name in expected:
            told = getattr(said, field)
            known = expected[name]
            assert told == known or (told is None and name not in readable), (name, told, known)
    told, known = said.error_class, thrown_class(record, fields)
    assert told == known or (told is None and "exception_class" not in readable)
    assert said.retrying is not expected.get("dead", True)
    if "previous_hop_topic" in expected and said.previous_hop is not None:
        assert said.previous_hop.topic == expected["previous_hop_topic"]


def test_every_corpus_is_there():
    """No record is passed over."""
    assert len(real_letters()) == 56


LISTENER = "org.springframework.kafka.listener"
SPRING = {
    "kafka_dlt-original-topic": "orders",
    "kafka_dlt-original-partition": b"\0\0\0\2",
    "kafka_dlt-original-offset": 4711,
    "kafka_dlt-original-timestamp": MS,
}
ERROR = {
    "kafka_dlt-exception-fqcn": f"{LISTENER}.ListenerExecutionFailedException",
    "kafka_dlt-exception-cause-fqcn": "com.acme.OrderException",
    "kafka_dlt-exception-message": "Listener method 'void a.B.c(x.Y)' threw exception; no stock",
}
GROUP = {"kafka_dlt-original-consumer-group": "billing"}
HOP = {**SPRING, "kafka_dlt-original-topic": "orders.dlt", **GROUP}
CONNECT = {
    "__connect.errors.topic": "orders",
    "__connect.errors.partition": "1",
    "__connect.errors.offset": "7",
    "__connect.errors.connector.name": "jdbc",
}
STREAMS = {"__streams.errors.exception": "a.B", "__streams.errors.topic": "orders"}
SHARE = {
    "__dlq.errors.topic": "orders",
    "__dlq.errors.partition": "1",
    "__dlq.errors.offset": "7",
    "__dlq.errors.group": "share",
    "__dlq.errors.delivery.count": "5",
    "__dlq.errors.message": "gave up on 12",
}
SMALLRYE = {
    "dead-letter-exception-class-name": "a.B",
    "dead-letter-reason": "no stock",
    "dead-letter-topic": "orders",
    "dead-letter-partition": "0",
    "dead-letter-offset": "5",
}
NOT_AN_ID = "orders-placed-shipping"
RETRY = {
    "kafka_original-topic": "orders",
    "retry_topic-attempts": b"\0\0\0\2",
    "retry_topic-backoff-timestamp": (MS - 500).to_bytes(6, "big"),
}
ENVELOPE = b'{"failureMetadata":{%b},"originalEvent":{}}'


def two(first, then):
    """The headers of one hop and those of the next."""
    return [*first.items(), *then.items()]


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({**ERROR, **SPRING, **GROUP}, {"error_class": "com.acme.OrderException", "hops": 1}),
        ({**ERROR, **SPRING, **GROUP}, {"consumer": "a.B.c", "message": "no stock"}),
        ({k.upper(): v for k, v in SPRING.items()}, {"original_offset": 4711}),
        # an error behind the last address: of a later hop
        ({**SPRING, **GROUP, **ERROR}, {"error_class": None, "hops": None, "message": None}),
        # before 2.8 (no group, no cause) errors stood behind
        ({**SPRING, "kafka_dlt-exception-fqcn": "a.B"}, {"error_class": "a.B", "hops": 1}),
        (
            two({**SPRING, **GROUP}, {**ERROR, **HOP}),
            {"original_topic": "orders", "hops": 2, "error_class": None, "attempts": None},
        ),
        (
            two({**ERROR, **SPRING, **GROUP}, HOP),
            {"hops": 2, "previous_hop": ("orders.dlt", 2, 4711), "message": "no stock"},
        ),
        (
            two({"kafka_deliveryAttempt": b"\0\0\0\3", **SPRING}, HOP),
            {"attempts": None, "hops": 2},
        ),
        ({"kafka_deliveryAttempt": b"\0\0\0\3", **SPRING}, {"attempts": 3}),
        ({"kafka_deliveryAttempt": b"\0\0\0\0", **SPRING}, {"attempts": None}),
        ({**SPRING, "kafka_dlt-original-offset": -1}, {"original_offset": None}),
        ({**SPRING, "kafka_dlt-original-offset": b""}, {"original_offset": None}),
        ({**SPRING, "kafka_dlt-original-offset": b"\0" * 9}, {"original_offset": None}),
        (
            {**SPRING, "kafka_dlt-original-offset": b"\x7f" + b"\xff" * 7},
            {"original_offset": 2**63 - 1},
        ),
        ({**SPRING, "kafka_dlt-original-partition": 2**31}, {"original_partition": None}),
        ({**SPRING, "kafka_dlt-original-timestamp": 0}, {"original_timestamp": None}),
        (
            {**SPRING, "kafka_dlt-original-topic": None},
            {"original_topic": None, "hops": 1},
        ),
        ({**SPRING, "kafka_dlt-original-topic": ""}, {"original_topic": None}),
        ({**SPRING, "kafka_dlt-original-topic": "a b"}, {"original_topic": None}),
        ({**SPRING, "kafka_dlt-original-topic": b"\xff"}, {"original_topic": None}),
        (GROUP, {"dialect": "unclassified", "consumer_group": None}),
        (RETRY, {"dialect": "spring-retry", "attempts": 1, "hops": 1, "retrying": False}),
        ({**RETRY, "retry_topic-backoff-timestamp": MS + 1000}, {"retrying": True}),
        (
            two({"retry_topic-original-timestamp": (MS - 9).to_bytes(6, "big")}, RETRY),
            {"original_timestamp": MS - 9},
        ),
        (
            {"x-original-topic": "a", "x-exception-fqcn": "b.C", "x-exception-message": None},
            {"dialect": "spring-cloud-stream", "error_class": "b.C", "root_cause_class": None},
        ),
        ({"x-original-topic": "a"}, {"dialect": "unclassified", "original_topic": None}),
        (CONNECT, {"consumer_group": "connect-jdbc", "consumer": "jdbc", "failed_at": None}),
        (CONNECT, {"original_timestamp": MS, "original_partition": 1, "hops": 1}),
        (
            two(CONNECT, {**CONNECT, "__connect.errors.topic": "orders.dlq"}),
            {"original_topic": "orders", "previous_hop": ("orders.dlq", 1, 7), "hops": 2},
        ),
        ({**CONNECT, "__connect.errors.connector.name": None}, {"consumer_group": None}),
        ({**CONNECT, "__connect.errors.offset": "\u0667"}, {"original_offset": None}),
        ({**CONNECT, "__connect.errors.offset": "9" * 19}, {"original_offset": None}),
        ({**CONNECT, "__connect.errors.offset": 7}, {"original_offset": None}),
        ({**CONNECT, "__connect.errors.stage": "VALUE_CONVERTER"}, {"kind": Kind.POISON}),
        (STREAMS, {"dialect": "streams", "original_timestamp": MS, "hops": 1}),
        (
            {**STREAMS, "__streams.errors.topic": None, "__streams.errors.offset": "-1"},
            {"original_topic": None, "original_offset": None, "original_timestamp": None},
        ),
        (SHARE, {"dialect": "share-group", "attempts": 5, "consumer_group": "share"}),
        (SHARE, {"original_offset": 7, "message": "gave up on <n>", "failed_at": MS}),
        ({"_dlq.errors.topic": "a", "_dlq.errors.offset": "3"}, {"original_offset": 3}),
        ({**SHARE, "__dlq.errors.topic": "Kg8v2Qe5RXuW1nQ0a7bTzA"}, {"original_topic": None}),
        (
            {**SHARE, "__dlq.errors.topic": "orders-placed-shipping"},
            {"original_topic": "orders-placed-shipping"},
        ),
        (SMALLRYE, {"error_class": "a.B", "root_cause_class": "a.B", "message": "no stock"}),
        ({**SMALLRYE, "dead-letter-reason": "a.B"}, {"message": None, "error_class": "a.B"}),
        ({**SMALLRYE, "dead-letter-cause-class-name": "c.D"}, {"root_cause_class": None}),
        # the newer hop has a cause, the origin's has none
        (
            two(
                {
                    "dead-letter-cause-class-name": "new.Cause",
                    **SMALLRYE,
                    "dead-letter-topic": "dlq",
                },
                SMALLRYE,
            ),
            {"original_topic": "orders", "root_cause_class": "a.B", "previous_hop": ("dlq", 0, 5)},
        ),
        ({**SMALLRYE, "delayed-retry-count": "2"}, {"attempts": 3}),
        (
            {"original_partition": "3", "original_offset": "9"},
            {"dialect": "arroyo", "original_topic": None, "original_offset": 9, "hops": 1},
        ),
        (
            [
                *(("original_partition", "3"), ("original_offset", "9")),
                *(("original_partition", "0"), ("original_offset", "1")),
            ],
            {"original_offset": 9, "previous_hop": (None, 0, 1), "hops": 2},
        ),
        ({"original_offset": "9"}, {"dialect": "unclassified", "original_offset": None}),
        ({"dlq-original-topic": "a", "dlq-original-offset": "1"}, {"dialect": "unclassified"}),
        # one framework's dead letter that failed again in another: hops before are not known
        ({**CONNECT, **SPRING}, {"dialect": "spring", "hops": None, "original_offset": 4711}),
        ({"retry-count": "1"}, {"dialect": "unclassified", "retrying": True, "attempts": None}),
        ({}, {"dialect": "unclassified", "failed_at": None, "hops": None, "retrying": False}),
    ],
)
def test_dialect(headers, told):
    """What each header says."""
    said = read_dead_letter(letter(headers), "orders.dlq")
    assert {name: getattr(said, name) for name in told} == told


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ('"originalPartition":"2","originalOffset":"7"', {"original_offset": 7}),
        ('"originalPartition":2.0,"originalOffset":7.5', {"original_offset": None}),
        ('"attemptCount":true', {"attempts": None}),
        ('"attemptCount":-1', {"attempts": None}),
        ('"originalOffset":1e300', {"original_offset": None}),
        ('"originalOffset":18446744073709551615', {"original_offset": None}),
        ('"lastError":null', {"error_class": None, "message": None}),
        ('"lastError":"com.a.B"', {"error_class": "com.a.B", "message": None}),
        ('"lastError":"gave up: x"', {"error_class": None, "message": "gave up: x"}),
        ('"lastError":"Payment: no"', {"error_class": None, "message": "Payment: no"}),
        ('"lastError":{"class":"a.B"}', {"error_class": None, "message": None}),
        ('"lastError":"NullPointerException: order 7"', {"message": "order <n>"}),
        (
            '"lastError":"a.B: no; nested exception is c.TimeoutException: 3 s"',
            {"error_class": "a.B", "root_cause_class": "c.TimeoutException", "kind": Kind.OUTAGE},
        ),
        ('"lastAttemptAt":1761575520000', {"failed_at": 1761575520000}),
        ('"lastAttemptAt":"2025-10-27T16:32:00.123456789+02:00"', {"failed_at": 1761575520123}),
        ('"lastAttemptAt":"yesterday"', {"failed_at": None}),
        ('"consumer":"a b"', {"consumer": None}),
    ],
)
def test_json_envelope(metadata, told):
    """Numbers may be texts; what is neither is unknown."""
    said = read_dead_letter(letter(value=ENVELOPE % metadata.encode()), "orders.dlq")
    assert said.dialect is Dialect.JSON_ENVELOPE
    assert {name: getattr(said, name) for name in told} == told


@pytest.mark.parametrize(
    ("value", "dialect"),
    [
        (b'\xef\xbb\xbf {"failureMetadata":{"attemptCount":2}}', Dialect.JSON_ENVELOPE),
        (rb'{"failureMetadata":"{\"attemptCount\":2}"}', Dialect.JSON_ENVELOPE),
        (b'{"failureMetadata":"none"}', Dialect.UNCLASSIFIED),
        (b'["failureMetadata"]', Dialect.UNCLASSIFIED),
        (b'{"failureMetadata":{"attemptCount":2}', Dialect.UNCLASSIFIED),
        (b'{"a":' * 100_000 + b'"failureMetadata"', Dialect.UNCLASSIFIED),
        (b'{"failureMetadata":{}}' + b" " * (1 << 20), Dialect.UNCLASSIFIED),
        (None, Dialect.UNCLASSIFIED),
        (b"", Dialect.UNCLASSIFIED),
    ],
)
def test_what_is_an_envelope(value, dialect):
    """An object with metadata, of at most 1 MB."""
    said = read_dead_letter(letter(value=value), "orders.dlq")
    assert (said.dialect, said.attempts) == (
        dialect,
        2 if value and b"attemptCount" in value and dialect is Dialect.JSON_ENVELOPE else None,
    )


RENAMED = ReadingRules(
    headers={
        "original_topic": "x-topic",
        "original_partition": "x-partition",
        "original_offset": "x-offset",
        "original_timestamp": "x-ts",
        "error_class": "x-fqcn",
        "cause_class": "x-cause",
        "message": "x-message",
        "attempts": "retry-count",
        "stacktrace": "x-trace",
    }
)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"X-Topic": "orders", "x-partition": b"\0\0\0\1"}, {"original_partition": 1, "hops": 1}),
        ({"x-topic": "orders", "x-partition": "1"}, {"original_partition": 1}),
        ({"x-offset": 48}, {"original_offset": 48}),
        ({"x-offset": "12345678"}, {"original_offset": 12345678}),
        ({"x-offset": "abc"}, {"original_offset": None, "dialect": "configured"}),
        ({"x-ts": MS}, {"original_timestamp": MS}),
        ({"x-ts": (MS).to_bytes(6, "big")}, {"original_timestamp": MS}),
        ({"x-ts": str(MS)}, {"original_timestamp": MS}),
        ({"x-ts": "2025-10-27T14:32:00Z"}, {"original_timestamp": 1761575520000}),
        (
            {
                "x-fqcn": "org.springframework.kafka.listener.ListenerExecutionFailedException",
                "x-cause": "a.B",
                "x-message": "Listener failed; no stock",
            },
            {"error_class": "a.B", "message": "no stock", "root_cause_class": None},
        ),
        ({"x-fqcn": "ValueError"}, {"error_class": "ValueError", "failed_at": MS}),
        ({"x-message": "a.BException: no stock"}, {"error_class": "a.BException"}),
        ({"x-message": "no stock"}, {"error_class": None, "message": "no stock"}),
        (
            {"x-trace": 'Traceback (most recent call last):\n  File "a.py"\nKeyError: no\n'},
            {"error_class": "KeyError", "root_cause_class": "KeyError", "message": "no"},
        ),
        ({"retry-count": "2"}, {"dialect": "unclassified", "attempts": 2, "retrying": True}),
        ({"retry-count": "2", "x-fqcn": "a.B"}, {"attempts": 2, "retrying": False}),
        # passed on, with one error for two addresses: of which hop nobody knows
        (
            [("x-topic", "a"), ("x-topic", "b"), ("x-fqcn", "a.B")],
            {"original_topic": "a", "previous_hop": ("b", None, None), "error_class": None},
        ),
        ({**SMALLRYE, "retry-count": "4"}, {"dialect": "smallrye", "attempts": 4}),
        ({**CONNECT, "x-topic": "other"}, {"original_topic": "orders"}),
    ],
)
def test_configured_headers(headers, told):
    """They speak by themselves, and fill in what another dialect leaves open."""
    said = read_dead_letter(letter(headers), "orders.dlq", RENAMED)
    assert {name: getattr(said, name) for name in told} == told


@pytest.mark.parametrize(
    ("headers", "rules", "told"),
    [
        ({}, ReadingRules(source_topics=("a",)), {"original_topic": "a", "original_offset": None}),
        ({}, ReadingRules(source_topics=("a", "b")), {"original_topic": None}),
        (CONNECT, ReadingRules(source_topics=("a",)), {"original_topic": "orders"}),
        (
            {**STREAMS, "__streams.errors.topic": None},
            ReadingRules(source_topics=("a",)),
            {"original_topic": None},
        ),
        (CONNECT, ReadingRules(consumer_group="mine"), {"consumer_group": "mine"}),
        ({**SPRING, **GROUP}, ReadingRules(consumer_group="mine"), {"consumer_group": "billing"}),
        ({}, ReadingRules(consumer_group="mine"), {"consumer_group": "mine"}),
        (CONNECT, ReadingRules(is_retry_topic=True), {"retrying": True}),
        ({"x-again": "1"}, ReadingRules(requeue_headers=("x-again",)), {"retrying": True}),
        ({"retries": "1"}, ReadingRules(requeue_headers=()), {"retrying": False}),
    ],
)
def test_configuration_fills_in(headers, rules, told):
    """But says nothing against the record."""
    said = read_dead_letter(letter(headers), "orders.dlq", rules)
    assert {name: getattr(said, name) for name in told} == told


@pytest.mark.parametrize(
    ("headers", "failed_at", "original_timestamp"),
    [(CONNECT, MS, None), (STREAMS, MS, None), ({}, MS, None), (SPRING, MS, MS)],
)
def test_log_append_time(headers, failed_at, original_timestamp):
    """The broker's clock says when it was written, and nothing of its origin."""
    said = read_dead_letter(letter(headers, timestamp_type=1), "orders.dlq")
    assert (said.failed_at, said.original_timestamp) == (failed_at, original_timestamp)


@pytest.mark.parametrize("timestamp", [-1, None, 0, 2**62])
@pytest.mark.parametrize("headers", [CONNECT, SPRING, SHARE, RETRY, {}])
def test_no_timestamp(timestamp, headers):
    """A time that is none is unknown."""
    said = read_dead_letter(letter(headers, timestamp=timestamp), "orders.dlq")
    assert said.failed_at is None
    assert headers is SPRING or said.original_timestamp is None


def test_share_group_clock_that_knows_no_epoch():
    """Milliseconds since some start are no time of failure."""
    assert read_dead_letter(letter(SHARE, timestamp=86_400_000), None).failed_at is None


def test_requeued_into_its_own_topic():
    """Passed on once, to where it came from."""
    assert read_dead_letter(letter(SPRING), "orders").retrying
    assert not read_dead_letter(letter(SPRING), None).retrying
    assert not read_dead_letter(letter(two(SPRING, HOP)), "orders").retrying


def test_only_the_ends_of_many_headers_are_read():
    """What lies between is not: the first and the last are those that count."""
    noise = [("n", "")] * MOST_AT_EITHER_END
    ends = [("original_offset", "1"), *noise, *noise, ("original_partition", "2")]
    said = read_dead_letter(letter(ends), None)
    assert (said.original_partition, said.original_offset) == (2, 1)
    middle = [*noise, ("original_offset", "1"), ("original_partition", "2"), *noise]
    assert read_dead_letter(letter(middle), None).dialect is Dialect.UNCLASSIFIED


@pytest.mark.parametrize(
    ("headers", "speaks"),
    [
        (SPRING, True),
        (RETRY, True),
        (CONNECT, True),
        (STREAMS, True),
        (SHARE, True),
        (SMALLRYE, True),
        ({"X-Retry-Count": "1"}, True),
        (GROUP, False),
        ({"content-type": "a"}, False),
        ({}, False),
    ],
)
def test_has_dialect(headers, speaks):
    """Headers alone, whatever the value is."""
    assert has_dialect(letter(headers).headers) is speaks


def test_address_is_whole():
    """The origin of a letter leads to one record."""
    assert read_dead_letter(letter(SPRING), None).origin == Address("orders", 2, 4711)
