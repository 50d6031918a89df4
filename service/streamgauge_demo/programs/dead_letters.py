"""Dead letters as others write them: Spring Kafka's headers, and the JSON envelope.

Spring Kafka 4.1's `DeadLetterPublishingRecoverer` adds `kafka_dlt-*` headers, numbers big-endian in
4 or 8 bytes, and leaves key, value and the other headers as they were. The envelope holds the event
and what is known of the failure in one JSON value.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

ATTEMPTS: Final = 3
"""How often an order is tried before it is given up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order could not be processed.

    Attributes:
        error_class: as Java names it, with its package.
        message: for people.
        group: the consumer group that failed.
        failed_ms: when, milliseconds since the epoch.
    """

    error_class: str
    message: str
    group: str
    failed_ms: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What goes to the dead letter topic."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def spring(record: ConsumerRecord[bytes, bytes], failure: Failure) -> DeadLetter:
    """Give the dead letter that Spring Kafka would publish."""
    listener = f"void com.example.{failure.group}.OrderListener.onOrder(com.example.Order)"
    message = f"Listener method '{listener}' threw exception; {failure.message}"
    wrapper = "org.springframework.kafka.listener.ListenerExecutionFailedException"
    stacktrace = (
        f"{wrapper}: {message}\n"
        "\tat org.springframework.kafka.listener.KafkaMessageListenerContainer$ListenerConsumer"
        ".decorateException(KafkaMessageListenerContainer.java:3241)\n"
        f"Caused by: {failure.error_class}: {failure.message}\n"
        f"\tat com.example.{failure.group}.OrderListener.onOrder(OrderListener.java:41)\n"
    )
    kind = "LogAppendTime" if record.timestamp_type == 1 else "CreateTime"
    added = {
        "original-topic": record.topic.encode(),
        "original-partition": struct.pack(">i", record.partition),
        "original-offset": struct.pack(">q", record.offset),
        "original-timestamp": struct.pack(">q", record.timestamp),
        "original-timestamp-type": kind.encode(),
        "original-consumer-group": failure.group.encode(),
        "exception-fqcn": wrapper.encode(),
        "exception-cause-fqcn": failure.error_class.encode(),
        "exception-message": message.encode(),
        "exception-stacktrace": stacktrace.encode(),
    }
    headers = [(f"kafka_dlt-{name}", value) for name, value in added.items()]
    attempt = ("kafka_deliveryAttempt", struct.pack(">i", ATTEMPTS))
    return DeadLetter(record.key, record.value, [*record.headers, attempt, *headers])


def json_envelope(record: ConsumerRecord[bytes, bytes], failure: Failure) -> DeadLetter:
    """Give the envelope around the event; the record's headers stay as they were."""
    simple_class = failure.error_class.rpartition(".")[2]
    envelope = {
        "originalEvent": json.loads(record.value or b"null"),
        "failureMetadata": {
            "consumer": f"{failure.group}-service",
            "consumerGroup": failure.group,
            "attemptCount": ATTEMPTS,
            "lastError": f"{simple_class}: {failure.message}",
            "lastAttemptAt": datetime.fromtimestamp(failure.failed_ms / 1_000, UTC).isoformat(),
            "originalTopic": record.topic,
            "originalPartition": record.partition,
            "originalOffset": record.offset,
        },
    }
    return DeadLetter(record.key, json.dumps(envelope).encode(), list(record.headers))
