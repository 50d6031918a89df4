"""Where configuration ends: it is turned into what each room wants, and goes no further."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from streamgauge import __version__
from streamgauge.app.sinks import Sinks
from streamgauge.app.stream import StreamSettings
from streamgauge.config.event_time import FirstSightingTime, HeaderTime, PointerTime
from streamgauge.config.policies import stream_policy
from streamgauge.config.settings import state_group
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import FirstSightingRule, HeaderRule, PointerRule, RecordRule
from streamgauge.core.first_sightings import PLACES, FirstSightings
from streamgauge.core.ledger import LedgerBudget
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.delivery import DagsterSink
from streamgauge.dagster.transport import DagsterAddress, ProxyUnusableError
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.fetching import DEAD_LETTERS_PER_POLL, Fetching
from streamgauge.kafka.tokens import ClientCredentials, TokenFile
from streamgauge.otlp.sink import OtlpSettings, OtlpSink
from streamgauge.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from streamgauge.config.kafka import Kafka
    from streamgauge.config.settings import Config
    from streamgauge.config.sinks import Otlp
    from streamgauge.config.streams import Stream
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.kafka.tokens import TokenSource
    from streamgauge.model import SinkHealth

MOST_PLACES: Final = 1 << 22
"""For trace ids, of all streams together: 64 MB."""


class CannotStartError(Exception):
    """A setting turns out to be unusable; the message says which, why and what to do."""


def connection(kafka: Kafka) -> Connection:
    """How the brokers are reached."""
    return Connection(
        bootstrap_servers=tuple(kafka.bootstrap_servers),
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=_revealed(kafka.sasl_password),
        token=_token_source(kafka),
        ssl_ca_file=kafka.ssl_ca_file,
        ssl_certificate_file=kafka.ssl_certificate_file,
        ssl_key_file=kafka.ssl_key_file,
        ssl_key_password=_revealed(kafka.ssl_key_password),
        ssl_check_hostname=kafka.ssl_check_hostname,
        client_id=kafka.client_id,
        request_timeout_ms=kafka.request_timeout_ms,
        metadata_max_age_ms=kafka.metadata_max_age_ms,
        connections_max_idle_ms=kafka.connections_max_idle_ms,
    )


def _token_source(kafka: Kafka) -> TokenSource | None:
    if kafka.oauth_token_file is not None:
        return TokenFile(kafka.oauth_token_file)
    if kafka.oauth_token_url is None or kafka.oauth_client_id is None:
        return None
    return ClientCredentials(
        kafka.oauth_token_url,
        kafka.oauth_client_id,
        _revealed(kafka.oauth_client_secret) or "",
        kafka.oauth_scope,
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def streams(config: Config) -> Iterator[tuple[StreamPolicy, StreamSettings]]:
    """What is measured of each stream, and how it is read."""
    kafka = config.kafka
    fetching = Fetching(
        min_bytes=kafka.fetch_min_bytes,
        max_wait_ms=kafka.fetch_max_wait_ms,
        check_crcs=kafka.check_crcs,
    )
    budget = LedgerBudget()
    sightings = first_sightings(config)
    for name, stream in config.streams.items():
        settings = StreamSettings(
            isolation_level=stream.isolation_level,
            start_from=stream.start_from,
            event_time=event_time_rules(stream),
            fetching=fetching,
            dead_letter_fetching=replace(
                fetching, min_bytes=1, records_per_poll=DEAD_LETTERS_PER_POLL
            ),
            poll_interval_ms=kafka.poll_interval_ms,
            state_group=state_group(name, stream),
            dead_letters=dead_letter_rules(stream),
            sightings=sightings,
            own_sightings=sightings.get(name),
            ledger_budget=budget,
        )
        yield stream_policy(name, stream, kafka), settings


def event_time_rules(stream: Stream) -> list[EventTimeRule]:
    """Where the event time of a stream's records is looked for, in order."""
    rules: list[EventTimeRule] = []
    for entry in stream.event_time:
        match entry:
            case HeaderTime():
                rules.append(HeaderRule(entry.header))
            case PointerTime():
                rules.append(PointerRule(entry.pointer))
            case FirstSightingTime():
                rules.append(FirstSightingRule(entry.first_sighting))
            case _:
                rules.append(RecordRule())
    return rules


def first_sightings(config: Config) -> dict[str, FirstSightings]:
    """Remembers the trace ids of each stream that others ask, or its own dead letters.

    The more streams there are of that kind, the smaller are their tables, so that all of them
    together stay within a limit.
    """
    asked = {name for name, stream in config.streams.items() if stream.dead_letters} | {
        entry.first_sighting
        for stream in config.streams.values()
        for entry in stream.event_time
        if isinstance(entry, FirstSightingTime)
    }
    share = MOST_PLACES >> (len(asked) - 1).bit_length()
    return {name: FirstSightings(min(PLACES, share)) for name in sorted(asked)}


def sinks(config: Config, now_ms: Callable[[], int]) -> Sinks:
    """The configured sinks, none of them started.

    Raises:
        CannotStartError: if the certificates for Dagster, or the proxy to it, cannot be used.
        OtlpConfigurationError: if an OTEL_* variable asks for something that cannot work.
    """

    def health() -> tuple[SinkHealth, ...]:
        return built.health()

    web = WebServer(
        config.web.host, config.web.port, streams=config.streams, sinks=health, now_ms=now_ms
    )
    built = Sinks(web, _otlp_sink(config.otlp), _dagster_sink(config, now_ms))
    return built


def _otlp_sink(otlp: Otlp | None) -> OtlpSink | None:
    if otlp is None:
        return None
    return OtlpSink(
        OtlpSettings(
            service_version=__version__,
            series_max=otlp.series_max,
            exemplars_per_series=otlp.exemplars_per_series,
            spans_per_second=otlp.spans_per_second,
        )
    )


def _dagster_sink(config: Config, now_ms: Callable[[], int]) -> DagsterSink | None:
    dagster = config.dagster
    if dagster is None:
        return None
    address = DagsterAddress(
        dagster.base_url,
        dagster.request_headers(),
        ca_file=dagster.ca_file,
        timeout_seconds=dagster.timeout_ms / 1000,
        rest_only=dagster.report_checks_by == "rest",
    )
    try:
        client = DagsterClient(address)
    except ProxyUnusableError as error:
        raise CannotStartError(str(error)) from error
    except OSError as error:
        raise CannotStartError(
            f"dagster.ca_file: {dagster.ca_file} cannot be used: {error}; name a file with "
            "certificates (PEM)"
        ) from error
    materialized = frozenset(
        name for name, each in config.streams.items() if each.report_materializations
    )
    return DagsterSink(
        client,
        report_every_ms=dagster.report_every_ms,
        clock=now_ms,
        materialized=materialized,
    )


def dead_letter_rules(stream: Stream) -> dict[str, ReadingRules]:
    """How the records of each dead letter topic of a stream are read, by topic.

    A record that names no origin has none in a topic that several streams list: whose it is could
    only be guessed.
    """
    return {
        each.topic: ReadingRules(
            source_topics=() if each.sharing.is_shared else each.source_topics,
            consumer_group=each.consumer_group,
            headers={field: name.lower() for field, name in each.headers if name is not None},
            is_retry_topic=each.retries,
            requeue_headers=tuple(name.lower() for name in each.requeue_headers),
        )
        for each in stream.dead_letters
    }
