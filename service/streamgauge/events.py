"""The events that the service tells in its log: what each is called, means and asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class Event(StrEnum):
    """Stable names of log lines; each knows its level, its meaning and what to do about it."""

    level: str
    """Method of the logger that writes it: debug, info, warning, error or critical."""
    meaning: str
    """One sentence."""
    action: str
    """What a person on call does about it; empty where there is nothing to do."""

    def __new__(cls, name: str, level: str, meaning: str, action: str = "") -> Self:
        """A string that carries its row of the table."""
        event = str.__new__(cls, name)
        event._value_ = name
        event.level = level
        event.meaning = meaning
        event.action = action
        return event

    SERVICE_STARTED = (
        "service_started",
        "info",
        "The configuration was read and the service begins to work.",
    )
    SERVICE_STOPPING = (
        "service_stopping",
        "info",
        "The service was asked to stop: intake ends and the last reports go out.",
    )
    SERVICE_STOPPED = (
        "service_stopped",
        "info",
        "Everything is told and closed; the process ends.",
    )
    SERVICE_CUT_SHORT = (
        "service_cut_short",
        "warning",
        "A second signal, or the end of the grace period, ends the process before all was told.",
        "Lengthen `grace_period` if this was no second signal; the lines before say what was away.",
    )
    OTLP_VARIABLE = (
        "otlp_variable",
        "warning",
        "An `OTEL_*` variable is not followed to the letter; `fact` says what is done instead.",
        "Remove the variable, or do not rely on it.",
    )
    KAFKA_CLIENT_LIMITED = (
        "kafka_client_limited",
        "warning",
        "The installed Kafka client lacks something that records are read with.",
        "Do what the reason says.",
    )
    WEB_LISTENING = (
        "web_listening",
        "info",
        "Probes and the status document are served on this address.",
    )
    TOPIC_ABSENT = (
        "topic_absent",
        "warning",
        "A configured topic does not exist; the gauge waits for it and never creates it.",
        "Create the topic, or correct its name in the configuration.",
    )
    TOPIC_FORBIDDEN = (
        "topic_forbidden",
        "error",
        "The broker refuses the gauge a right on a topic.",
        "Grant READ and DESCRIBE on the topic; the gauge goes on by itself.",
    )
    KAFKA_UNREACHABLE = (
        "kafka_unreachable",
        "error",
        "No broker answers; the gauge is blind and goes on trying.",
        "Look at the brokers, `kafka.bootstrap_servers`, and the security settings.",
    )
    KAFKA_RECOVERED = ("kafka_recovered", "info", "Brokers answer again.")
    TOPIC_SEEN = ("topic_seen", "info", "A topic that was absent or refused can be read now.")
    TOPIC_RECREATED = (
        "topic_recreated",
        "warning",
        "A topic was deleted and created again: a new life begins and its totals start at zero.",
        "If nobody meant to recreate it, its former records are lost.",
    )
    PARTITIONS_ASSIGNED = (
        "partitions_assigned",
        "info",
        "Partitions of a topic are counted from the positions in the line on.",
    )
    LOG_TRUNCATED = (
        "log_truncated",
        "error",
        "A log ends before what was read of it: a new life begins and its totals start at zero.",
        "A broker has lost records (unclean leader election); find out which.",
    )
    RECORDS_LOST = (
        "records_lost",
        "error",
        "Retention deleted records before the gauge had read them; they are counted as lost.",
        "Lengthen the topic's retention, or find out why the gauge was behind.",
    )
    RECORDS_UNDECODABLE = (
        "records_undecodable",
        "warning",
        "A batch of records cannot be decoded; its offsets are passed and counted.",
        "Look at the producer and at the broker's disks.",
    )
    TAIL_STALLED = (
        "tail_stalled",
        "warning",
        "No fetch has been answered for too long; the gauge is blind about the partition.",
        "Look at the partition's leader if this does not end by itself.",
    )
    LEDGER_NOT_FILLED = (
        "ledger_not_filled",
        "warning",
        "After a start, not everything was read again in time that groups have still to pass.",
        "Nothing; until they have passed it, some of their ages are not known.",
    )
    GROUP_GONE = (
        "group_gone",
        "info",
        "A consumer group that a pattern had found is gone, and no longer watched.",
        "Nothing, if it was to go; if it comes back it is found again.",
    )
    GROUP_FORBIDDEN = (
        "group_forbidden",
        "error",
        "The broker refuses to describe a watched consumer group; its lag is unknown.",
        "Grant DESCRIBE on the group; the gauge goes on by itself.",
    )
    GROUP_UNANSWERED = (
        "group_unanswered",
        "warning",
        "Nobody tells committed offsets of a group, or the ends of the log; its lag is unknown.",
        "Look at the group's coordinator if this lasts.",
    )
    GROUP_SEEN = (
        "group_seen",
        "info",
        "The committed offsets of a group that was refused or unanswered are told again.",
    )
    GROUPS_BEYOND_LIMIT = (
        "groups_beyond_limit",
        "warning",
        "Patterns mean more groups than `limit`: `group` is not watched, nor any found after it.",
        "Make the patterns narrower.",
    )
    GROUP_UNSUPPORTED = (
        "group_unsupported",
        "warning",
        "A watched group has no committed offsets by its kind (a share group); lag is unknown.",
        "Remove the group from the configuration.",
    )
    STATE_RESTORED = (
        "state_restored",
        "info",
        "Counting goes on from the state that is stored in Kafka; the line has its sums.",
    )
    STATE_HELD_ELSEWHERE = (
        "state_held_elsewhere",
        "info",
        "Another process holds the group and counts; this one stands by and tells nothing.",
        "If that one is of another installation, give one of the two another `state_group`.",
    )
    STATE_NOT_STORED = (
        "state_not_stored",
        "error",
        "The state cannot be stored: what is counted is not told until it is.",
        "Look at the group's coordinator, and at the right READ on the group.",
    )
    STATE_STORED = ("state_stored", "info", "The state is stored again.")
    STATE_UNREADABLE = (
        "state_unreadable",
        "error",
        "What stands in a slot of the gauge's group is no state that it can go on from.",
        "If somebody else uses the group, set `state_group`; else a new life begins by itself.",
    )
    STATE_MISSING = (
        "state_missing",
        "error",
        "The stored state is gone: a new life begins where the last one was told to be.",
        "Find out who deleted the group or reset its offsets.",
    )
    STATE_UNKNOWN = (
        "state_unknown",
        "warning",
        "Nothing is stored and Dagster tells of no earlier life: counting begins at `start_from`.",
        "If this is no first start, find out who deleted the group.",
    )
    STATE_NOT_KEPT = (
        "state_not_kept",
        "warning",
        "The state cannot be kept in Kafka: every start of the process is a new life.",
        "Grant READ on the group that the reason names, and restart.",
    )
    CHECK_CHANGED = (
        "check_changed",
        "info",
        "A check says another level, `standing`, than `before`; a pass is no news at the start.",
        "Read the reason.",
    )
    WINDOW_CLOSED = ("window_closed", "debug", "A window of a stream ended; the line has its sums.")
    DAGSTER_UNAVAILABLE = (
        "dagster_unavailable",
        "warning",
        "Dagster does not accept reports for now; the next one that gets through covers the gap.",
        "Start or look at the Dagster webserver at `base_url`, or correct `dagster.base_url`.",
    )
    DAGSTER_RECOVERED = ("dagster_recovered", "info", "Dagster accepts reports again.")
    DAGSTER_MISCONFIGURED = (
        "dagster_misconfigured",
        "error",
        "Dagster answers that requests are wrong; repeating them cannot help.",
        "Correct `dagster.base_url` and the credentials in front of it.",
    )
    DAGSTER_NOT_DEFINED = (
        "dagster_not_defined",
        "warning",
        "Dagster has no asset or check of this key: what is reported is not shown anywhere.",
        "Load the component in the Dagster project, or correct the key; `nearest` is defined.",
    )
    OTLP_FAILING = (
        "otlp_failing",
        "warning",
        "The collector does not take metrics or spans; totals are cumulative, spans are dropped.",
        "Look at the collector and at the `OTEL_*` variables.",
    )
    OTLP_RECOVERED = ("otlp_recovered", "info", "The collector takes metrics and spans again.")
    LOG_SUPPRESSED = (
        "log_suppressed",
        "warning",
        "A library repeated itself; `count` lines of `logger` were left out (error if some were).",
        "Read the lines before it: they say what was repeated.",
    )
    CANNOT_START = (
        "cannot_start",
        "critical",
        "Something that the service needs to begin is not to be had; it ends with exit code 2.",
        "Do what the reason says.",
    )
    CRASHED = (
        "crashed",
        "critical",
        "The service met an error that it has no answer to, and ends.",
        "Report the line with its `exception`; the restarted service goes on from what is stored.",
    )


def write(log: FilteringBoundLogger, event: Event, **fields: object) -> None:
    """Write an event as one line of the log, at its level and with these fields."""
    getattr(log, event.level)(event.value, **fields)


def events_markdown() -> str:
    """The table of `docs/events.md`."""
    rows = [f"| `{e}` | {e.level} | {e.meaning} | {e.action or '-'} |" for e in Event]
    return "\n".join(["| event | level | meaning | what to do |", "|---|---|---|---|", *rows, ""])
