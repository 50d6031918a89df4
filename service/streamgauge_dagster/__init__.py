"""What a Dagster project installs: definitions made from the sidecar's own configuration."""

from streamgauge_dagster.requirement import demand_dagster

demand_dagster()

from streamgauge_dagster.definitions import build_definitions  # noqa: E402 - needs that Dagster

__all__ = ["build_definitions"]
