"""The command line: `run`, `explain`, `dead-letters`, `checks`, `state` and `schema`."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import click
import orjson

from streamgauge import __version__

# the commands import what they need: `explain` in a pipe must not wait for the whole service
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import TypeVar

    from streamgauge.app.letter_groups import By
    from streamgauge.config.kafka import Kafka
    from streamgauge.config.settings import Config
    from streamgauge.core.explain import LineRecord
    from streamgauge.model import Record

    AnswerT = TypeVar("AnswerT")
    Told = dict[str, object]

_CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False),
    help="The configuration file; STREAMGAUGE_* variables overlay it.",
)
_SERVERS = click.option(
    "--bootstrap-servers",
    "servers",
    metavar="HOST:PORT,...",
    help="Instead of --config: brokers that ask for neither TLS nor a login.",
)
CANNOT_START = 2
"""Exit code when the configuration does not allow a start, or Kafka not what was asked."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one line that `explain` reads."""
MOST_LAST = 10_000
DEFAULT_LAST = 10
"""Records of a topic that `explain` tells of."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="streamgauge")
def main() -> None:
    """Event age, lag and dead letters of Kafka streams, told to OTLP and Dagster."""


@main.command()
@_CONFIG
def run(path: str | None) -> None:
    """Watch the configured streams until SIGTERM or SIGINT."""
    from streamgauge import log
    from streamgauge.app.run import run as run_service

    config = _load(path)
    log.configure(level=config.log.level, line_format=config.log.format)
    sys.exit(run_service(config))


@main.command()
@_CONFIG
@_SERVERS
@click.option("--dlq", is_flag=True, help="The records are those of a dead letter topic.")
@click.option("--topic", metavar="TOPIC", help="Read the records from this topic in Kafka.")
@click.option(
    "--last",
    type=click.IntRange(1, MOST_LAST),
    metavar="N",
    help=f"How many of the topic, the newest over all its partitions.  [default: {DEFAULT_LAST}]",
)
@click.argument("records", type=click.File("rb"), required=False)
def explain(  # noqa: PLR0913 - what may be said
    path: str | None,
    servers: str | None,
    records: BinaryIO | None,
    topic: str | None,
    last: int | None,
    *,
    dlq: bool,
) -> None:
    """Print what the gauge understands of each record, one JSON object a line.

    The records are those in RECORDS (- for standard input), one a line, as `kcat -J` writes them
    or with key, value and header values in base64; a line that is no record gets an object with
    `error`, and the exit code is then 1. Or they are the newest ones of a TOPIC, told with their
    address, the newest last; nothing is written to Kafka for that.

    A record is read as a dead letter with --dlq, if the configuration names its topic as one, or if
    its headers are those of a framework that writes dead letters.
    """
    if topic is not None and records is None:
        _demand_topic_name(topic)
        _explain_topic(topic, last or DEFAULT_LAST, _brokers(path, servers), dlq=dlq)
    if topic is not None or records is None:
        _refuse("give either RECORDS or --topic TOPIC")
    if last is not None or servers is not None:
        _refuse("--last and --bootstrap-servers read from Kafka: give --topic TOPIC too")
    config = None if path is None else _load(path, with_secrets=False)
    _explain_lines(records, _teller(config, dlq=dlq))


def _explain_lines(records: BinaryIO, tell: Callable[[Record, str | None], Told]) -> NoReturn:
    from streamgauge.core.explain import LineError

    failed = False
    for number, line in enumerate(_lines(records), start=1):
        if not line.strip():
            continue
        try:
            record = _record(line)
            told = tell(record, record.topic)
        except LineError as error:
            failed = True
            click.echo(f"{records.name}, line {number}: {error}", err=True)
            nothing = dict.fromkeys(("event_time", "event_time_source", "trace", "dead_letter"))
            told = {**nothing, "error": f"line {number}: {error}"}
        _write_line(told)
    sys.exit(1 if failed else 0)


def _explain_topic(
    topic: str, last: int, brokers: tuple[Kafka, Config | None], *, dlq: bool
) -> NoReturn:
    from streamgauge.app.last_records import last_records
    from streamgauge.app.settings import connection
    from streamgauge.app.topic_rules import TopicRules, topic_rules

    kafka, config = brokers
    rules = TopicRules() if config is None else topic_rules(config, topic)
    tell = _teller(config, dlq=dlq)
    told, undecodable = _asked(
        last_records(
            connection(kafka),
            topic,
            rules.isolation_level,
            last,
            lambda record: tell(record, topic),
        )
    )
    for each in told:
        _write_line(each)
    if not told:
        click.echo(f"topic {topic} holds no records", err=True)
    if undecodable:
        click.echo(f"records that cannot be decoded, and are not told: {undecodable:,}", err=True)
    sys.exit(1 if undecodable else 0)


def _write_line(told: Told) -> None:
    sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()  # whoever reads a pipe waits for this line, or has left


def _teller(config: Config | None, *, dlq: bool) -> Callable[[Record, str | None], Told]:
    """What tells of one record, by the topic it is of."""
    from streamgauge.core.dead_letters.rules import ReadingRules
    from streamgauge.core.event_time import DEFAULT_EVENT_TIME
    from streamgauge.core.explain import explain as explain_record

    always = ReadingRules() if dlq else None
    if config is None:
        return lambda record, topic: explain_record(record, DEFAULT_EVENT_TIME, always, topic)
    from streamgauge.app.topic_rules import topic_rules

    rules_of = cache(lambda topic: topic_rules(config, topic))

    def tell(record: Record, topic: str | None) -> Told:
        rules = rules_of(topic)
        return explain_record(record, rules.event_time, rules.dead_letters or always, topic)

    return tell


@main.command("dead-letters")
@_CONFIG
@_SERVERS
@click.option("--topic", metavar="TOPIC", required=True, help="The dead letter topic.")
@click.option(
    "--since",
    metavar="DURATION",
    help="Begin at the first record stamped so long ago or later, such as 1h; else at the start.",
)
@click.option(
    "--by",
    type=click.Choice(["cause", "group", "class", "origin"]),
    default="cause",
    show_default=True,
    help="What to count by: a cause is a consumer group, an error class and a message.",
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Read at most so many records, the last ones.",
)
@click.option("--json", "as_json", is_flag=True, help="For scripts: one JSON object.")
def dead_letters(  # noqa: PLR0913 - what may be said
    *,
    path: str | None,
    servers: str | None,
    topic: str,
    since: str | None,
    by: By,
    most: int,
    as_json: bool,
) -> None:
    """Print why the records of a dead letter topic have failed, counted by cause.

    Each cause is told with what it would take (`poison` fails however often it is tried, `outage`
    would have been processed at another time), with its first and its last record as
    partition@offset, and with a command that prints the last one. Messages are masked. Nothing is
    written to Kafka.

    Kafka Connect and Kafka Streams stamp a dead letter with the time of the record that failed:
    with --since, and in the times that are told, it counts as being of that time.
    """
    from streamgauge.app import dead_letters_text
    from streamgauge.app.dead_letters_command import look as look_at_letters
    from streamgauge.app.settings import connection
    from streamgauge.app.topic_rules import TopicRules, topic_rules
    from streamgauge.kafka.clock import wall_clock_ms

    _demand_topic_name(topic)
    since_ms = None if since is None else wall_clock_ms() - _duration_ms("--since", since)
    kafka, config = _brokers(path, servers)
    rules = TopicRules() if config is None else topic_rules(config, topic)
    if config is not None and rules.dead_letters is None:
        told = "is no dead letter topic of the configuration: all its records are taken for some"
        click.echo(f"{topic} {told}", err=True)
    found = _asked(
        look_at_letters(connection(kafka), topic, rules, since_ms=since_ms, by=by, most=most)
    )
    if as_json:
        as_object = dead_letters_text.as_json(found)
        click.echo(orjson.dumps(as_object, option=orjson.OPT_INDENT_2))
    else:
        click.echo(dead_letters_text.as_text(found))


@main.command()
@click.option(
    "--replay",
    "paths",
    metavar="FILE",
    multiple=True,
    required=True,
    help="Values over time, as docs/checks.md describes; may be given several times.",
)
@_CONFIG
@click.option("--stream", metavar="NAME", help="Whose check of the configuration; else the only.")
@click.option("--check", metavar="NAME", help="Which, for example lag__fulfillment; else the only.")
@click.option("--steps", is_flag=True, help="Print every step, not only changes of the level.")
def checks(
    paths: tuple[str, ...], path: str | None, stream: str | None, check: str | None, *, steps: bool
) -> None:
    """Print what a check says to recorded values: to choose a limit, or to test one.

    The check is the one in FILE or, with --config, one of a configuration. Where FILE says what is
    expected, the exit code is 1 if anything else is told.
    """
    from streamgauge.app import replay_text
    from streamgauge.app.replay import ReplayError, replay_file

    if path is None and (stream or check):
        _refuse("--stream and --check name a check of a configuration: give --config FILE too")
    config = None if path is None else _load(path, with_secrets=False)
    replayed = []
    for each in paths:
        try:
            judged, series = replay_file(each, config, stream, check)
        except ReplayError as error:
            _refuse(str(error))
        click.echo(replay_text.as_text(judged, series, every_step=steps))
        replayed += series
    if any(each.is_test for each in replayed):
        click.echo(replay_text.outcome(replayed))
    sys.exit(1 if any(each.failed for each in replayed) else 0)


@main.group(invoke_without_command=True)
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="For scripts: one JSON object.")
@click.pass_context
def state(context: click.Context, path: str | None, *, as_json: bool) -> None:
    """Print what is stored of every stream in Kafka; `state reset` has it forgotten."""
    if context.invoked_subcommand is not None:
        context.obj = path
        return
    from streamgauge.app import state_text
    from streamgauge.app.state_command import look

    seen = _asked(look(_load(path)))
    if as_json:
        click.echo(orjson.dumps(state_text.as_json(seen), option=orjson.OPT_INDENT_2))
    else:
        click.echo(state_text.as_text(seen))


@state.command()
@_CONFIG
@click.option("--stream", "only", metavar="NAME", help="One stream only; else all of them.")
@click.option("--yes", is_flag=True, help="Forget without asking.")
@click.pass_context
def reset(context: click.Context, path: str | None, only: str | None, *, yes: bool) -> None:
    """Forget what is stored, so that the next start begins a new life at `start_from`.

    The gauges of the stream must have been stopped.
    """
    from streamgauge.app import state_text
    from streamgauge.app.state_command import forget, look_to_forget

    config = _load(path or context.obj)
    seen = _asked(look_to_forget(config, only))
    for each in seen:
        click.echo(state_text.what_is_forgotten(each))
    seen = [each for each in seen if each.stored.remembered]
    if not seen:
        return
    if not yes:
        click.confirm("Forget?", abort=True)
    _asked(forget(config, seen))
    for each in seen:
        click.echo(state_text.what_comes_now(each))


@main.command()
@click.option(
    "--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True
)
def schema(form: str) -> None:
    """Print what a configuration may hold, as JSON schema or as the documentation's text."""
    from streamgauge.config import json_schema, markdown

    if form == "markdown":
        click.echo(markdown(), nl=False)
    else:
        click.echo(orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2))


def _load(path: str | None, *, with_secrets: bool = True) -> Config:
    from streamgauge.config.errors import ConfigError
    from streamgauge.config.loading import load

    if path is None:
        _refuse("no configuration: name one with --config FILE")
    try:
        return load(path, os.environ, with_secrets=with_secrets)
    except ConfigError as error:
        _refuse(str(error))


def _brokers(path: str | None, servers: str | None) -> tuple[Kafka, Config | None]:
    """How Kafka is reached, and the configuration if there is one."""
    if servers is None:
        if path is None:
            _refuse("where is Kafka? name it with --bootstrap-servers HOST:PORT or --config FILE")
        config = _load(path)
        return config.kafka, config
    if path is not None:
        _refuse("--config says where Kafka is: leave out --bootstrap-servers")
    from pydantic import ValidationError

    from streamgauge.config.kafka import Kafka
    from streamgauge.config.sentences import told

    values = {"bootstrap_servers": servers}
    try:
        return Kafka.model_validate(values), None
    except ValidationError as error:
        _refuse(f"--bootstrap-servers: {told(error, values, Kafka)[0].text}")


def _demand_topic_name(topic: str) -> None:
    from streamgauge.config.values import topic as read_topic
    from streamgauge.config.written import WrittenError

    try:
        read_topic(topic)
    except WrittenError as error:
        _refuse(f"--topic: {error}")


def _duration_ms(option: str, text: str) -> int:
    from streamgauge.config.durations import parse_duration
    from streamgauge.config.written import WrittenError

    try:
        return parse_duration(text)
    except WrittenError as error:
        _refuse(f"{option}: {error}")


def _asked(question: Coroutine[object, object, AnswerT]) -> AnswerT:
    """The brokers' answer; what goes wrong is told here, and not by libraries as well."""
    from streamgauge import log
    from streamgauge.app.state_command import StateCommandError
    from streamgauge.kafka.errors import KafkaAccessError

    log.configure(level="critical", line_format="console")
    try:
        return asyncio.run(question)
    except (StateCommandError, KafkaAccessError) as error:
        _refuse("; ".join(line.strip() for line in str(error).splitlines()))


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(CANNOT_START)


def _lines(records: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long only its beginning."""
    while line := records.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = records.readline(LONGEST_LINE + 1)
        yield line


def _record(line: bytes) -> LineRecord:
    from streamgauge.core.explain import LineError, parse_line

    if len(line) > LONGEST_LINE:
        raise LineError(f"longer than {LONGEST_LINE:,} bytes")
    return parse_line(line)
