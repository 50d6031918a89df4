"""What the configuration asks of a stream, as the core wants to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.config.sharing import own_topics
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.gauge import DeadLetterTopic, StreamPolicy
from streamgauge.model import Level

if TYPE_CHECKING:
    from typing import Any

    from streamgauge.config.checks import Checks
    from streamgauge.config.kafka import Kafka
    from streamgauge.config.streams import Stream


def stream_policy(name: str, stream: Stream, kafka: Kafka) -> StreamPolicy:
    """What is measured of the stream, and how it is judged."""
    return StreamPolicy(
        name=name,
        topic=stream.topic,
        asset_key=tuple(stream.asset_key),
        groups=tuple(stream.groups),
        dead_letters=tuple(
            DeadLetterTopic(
                each.topic,
                tuple(each.asset_key),
                own_topics=own_topics(stream, each),
                left_to_others=each.sharing.left_to_others,
                takes_unknown=each.sharing.takes_unknown,
            )
            for each in stream.dead_letters
        ),
        window_ms=stream.window_ms,
        resolution_ms=kafka.fetch_max_wait_ms,
        checks=check_policies(stream.checks),
        poll_interval_ms=kafka.poll_interval_ms,
        status_for_ms=stream.status_for_ms,
    )


def check_policies(checks: Checks) -> dict[str, Policy]:
    """The policy of each check by name, the configuration laid over the check's default.

    A check that is switched off demands nothing.
    """
    return {check.name: _laid_over(check.default, getattr(checks, check.name)) for check in CHECKS}


def _laid_over(default: Policy, configured: Any) -> Policy:  # noqa: ANN401 - generic section
    if configured is None:
        return default
    if not configured.enabled:
        return Policy()
    keep_ms, on_no_data = configured.keep_failing_for_ms, configured.on_no_data
    return Policy(
        warn=_limit(default.warn, configured.warn),
        fail=_limit(default.fail, configured.fail),
        keep_failing_for_ms=default.keep_failing_for_ms if keep_ms is None else keep_ms,
        on_no_data=default.on_no_data if on_no_data is None else Level(on_no_data),
    )


def _limit(default: Limit | None, configured: Any) -> Limit | None:  # noqa: ANN401 - as above
    if configured is None:
        return default
    default = default or Limit()
    bounds = (configured.above, configured.below)
    above, below = (default.above, default.below) if bounds == (None, None) else bounds
    if above is None and below is None:
        return None
    return Limit(
        above=above,
        below=below,
        for_ms=default.for_ms if configured.for_ms is None else configured.for_ms,
    )
