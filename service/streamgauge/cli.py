"""The command line: `run`, `explain`, `checks`, `state` and `schema`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import click
import orjson

from streamgauge import __version__

# the commands import what they need: `explain` in a pipe must not wait for the whole service
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import TypeVar

    from streamgauge.config.settings import Config
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.core.explain import LineRecord

    AnswerT = TypeVar("AnswerT")

_CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False),
    help="The configuration file; STREAMGAUGE_* variables overlay it.",
)
CANNOT_START = 2
"""Exit code when the configuration does not allow a start, or Kafka not what was asked."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one line that `explain` reads."""


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
@click.option("--dlq", is_flag=True, help="The records are those of a dead letter topic.")
@click.argument("records", type=click.File("rb"))
def explain(path: str | None, records: BinaryIO, *, dlq: bool) -> None:
    """Print what the gauge understands of each record in RECORDS (- for standard input).

    RECORDS holds one record a line, as `kcat -J` writes them or with key, value and header values
    in base64. For each line one JSON object is printed. A line that is no record gets an object
    with `error`, and the exit code is then 1.
    """
    from streamgauge.core.explain import LineError
    from streamgauge.core.explain import explain as explain_record

    rules = _event_time_rules(path)
    if dlq:
        click.echo("dead letters are not yet understood: dead_letter stays null", err=True)
    failed = False
    for number, line in enumerate(_lines(records), start=1):
        if not line.strip():
            continue
        try:
            record = _record(line)
            told = explain_record(record, rules(record.topic))
        except LineError as error:
            failed = True
            click.echo(f"{records.name}, line {number}: {error}", err=True)
            nothing = dict.fromkeys(("event_time", "event_time_source", "trace", "dead_letter"))
            told = {**nothing, "error": f"line {number}: {error}"}
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()  # whoever reads a pipe waits for this line, or has left
    sys.exit(1 if failed else 0)


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


def _asked(question: Coroutine[object, object, AnswerT]) -> AnswerT:
    """The brokers' answer; what goes wrong is told here, and not by libraries as well."""
    from streamgauge import log
    from streamgauge.app.state_command import StateCommandError

    log.configure(level="critical", line_format="console")
    try:
        return asyncio.run(question)
    except StateCommandError as error:
        _refuse(str(error))


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


def _event_time_rules(path: str | None) -> Callable[[str | None], Sequence[EventTimeRule]]:
    """How the event time of a record is found, by the topic it is of."""
    from streamgauge.core.event_time import DEFAULT_EVENT_TIME

    if path is None:
        return lambda _: DEFAULT_EVENT_TIME
    from streamgauge.app.settings import event_time_rules

    streams = _load(path, with_secrets=False).streams.values()
    by_topic = {
        topic: event_time_rules(stream)
        for stream in streams
        for topic in (stream.topic, *(each.topic for each in stream.dead_letters))
    }
    only = event_time_rules(next(iter(streams))) if len(streams) == 1 else DEFAULT_EVENT_TIME
    return lambda topic: by_topic.get(topic or "", only)
