"""What the demo sets up: names of topics and groups, and what the gauge is told to demand."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from streamgauge_demo.parts.broker_contract import Kind

WINDOW_SECONDS: Final = 5
REPORT_EVERY_SECONDS: Final = 10
KEEP_FAILING_SECONDS: Final = 5
LAG_WARN: Final = 50
LAG_FAIL: Final = 100
POLL_SECONDS: Final = 0.5
FETCH_WAIT_SECONDS: Final = 0.05
GRACE_SECONDS: Final = 10
"""How long the gauge may take to end."""
EXPORT_SECONDS: Final = 0.5
"""How often metrics are exported."""
SAMPLED_SHARE: Final = 0.5
SPANS_PER_SECOND: Final = 200
"""More than the story ever has, so that each sampled order has its span."""

STREAM: Final = "orders"


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called on the broker.

    Attributes:
        topic: the orders.
        dead_letters: what was given up.
        fulfillment: consumer group of the service that is well.
        billing: consumer group of the service that falls behind.
        state: consumer group in which the gauge keeps what it counts.
    """

    topic: str = "orders.placed"
    dead_letters: str = "orders.placed.dlq"
    fulfillment: str = "fulfillment"
    billing: str = "billing"
    state: str = "streamgauge.orders"

    @property
    def groups(self) -> dict[str, str]:
        """Consumer groups by service."""
        return {"fulfillment": self.fulfillment, "billing": self.billing}

    @property
    def topics(self) -> tuple[str, str]:
        """Both topics."""
        return self.topic, self.dead_letters

    def as_json(self) -> dict[str, str]:
        """The names as a JSON object."""
        return asdict(self)


def names_for(kind: Kind) -> Names:
    """Plain names on a broker of our own; ones that nobody else has on a broker that was given."""
    if kind != "given":
        return Names()
    mark = f"streamgauge-demo-{uuid.uuid4().hex[:8]}"
    return Names(**{field: f"{mark}.{name}" for field, name in Names().as_json().items()})


def asset_key(topic: str) -> list[str]:
    """The Dagster asset of a topic: the rule of docs/configuration.md, `asset_key`."""
    return ["kafka", _word(topic)]


def lag_check(group: str) -> str:
    """The name of a group's lag check: the rule of docs/dagster.md."""
    return f"lag__{_word(group)}"


def checks(names: Names) -> dict[str, list[str]]:
    """The checks of each topic's asset."""
    lags = [lag_check(group) for group in names.groups.values()]
    return {names.topic: ["fresh", "arrival_age", *lags], names.dead_letters: ["no_dead_letters"]}


def _word(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)


def gauge_configuration(bootstrap_servers: str, dagster_url: str, names: Names) -> dict[str, Any]:
    """The gauge's own YAML file, as a mapping; Dagster's definitions are made from it too."""
    keep = {"keep_failing_for": f"{KEEP_FAILING_SECONDS}s"}
    return {
        "kafka": {
            "bootstrap_servers": bootstrap_servers,
            "poll_interval": f"{POLL_SECONDS * 1_000:.0f}ms",
            "fetch_max_wait": f"{FETCH_WAIT_SECONDS * 1_000:.0f}ms",
        },
        "dagster": {"base_url": dagster_url, "report_every": f"{REPORT_EVERY_SECONDS}s"},
        "otlp": {"spans_per_second": SPANS_PER_SECOND},
        "web": {"listen": "127.0.0.1:0"},
        "grace_period": f"{GRACE_SECONDS}s",
        "streams": {
            STREAM: {
                "topic": names.topic,
                "start_from": "earliest",
                "state_group": names.state,
                "groups": list(names.groups.values()),
                "dead_letters": [{"topic": names.dead_letters}],
                "window": f"{WINDOW_SECONDS}s",
                "checks": {
                    "no_dead_letters": keep,
                    "dead_letter_share": keep,
                    "no_new_cause": keep,
                    "group_status": keep,
                    "time_lag": keep,
                    "processed_age": keep,
                    "forecast": keep,
                    "lag": {
                        "warn": {"above": LAG_WARN, "for": "0s"},
                        "fail": {"above": LAG_FAIL, "for": "0s"},
                        **keep,
                    },
                },
            }
        },
    }


def telemetry_variables(endpoint: str) -> dict[str, str]:
    """The `OTEL_*` variables of every program, with short periods."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": f"{EXPORT_SECONDS * 1_000:.0f}",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(SAMPLED_SHARE),
    }
