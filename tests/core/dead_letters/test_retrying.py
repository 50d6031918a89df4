"""Which topics hold records that are being tried again, by their names."""

import pytest

from streamgauge.core.dead_letters.retrying import is_retry_name


@pytest.mark.parametrize(
    "topic",
    ["orders-retry", "orders-retry-0", "orders-retry-1000", "orders_retry_2000", "orders.retry.5m"],
)
def test_names_of_retry_topics(topic):
    """As Spring, SmallRye and people call them."""
    assert is_retry_name(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "orders",
        "retrying",
        "orders-dlt",
        "orders-retry-dlt",
        "orders-retry-dlq-v2",
        "orders.retry.dlq.v1",
        "orders-retry-failed",
        "orders-retry-parking-lot",
        "orders-retry-exhausted",
        "orders-retry-deadletter-1",
        "orders-retry-errors",
        "dlq.orders-retry",
        "orders_retry_dead",
    ],
)
def test_names_of_topics_in_which_records_stay(topic):
    """A dead letter that is missed is the worse error."""
    assert not is_retry_name(topic)
