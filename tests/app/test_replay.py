"""Recorded values are judged by the real rules, and the answer says when and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamgauge.app.replay import ReplayError, replay_file
from streamgauge.app.replay_text import MOST_TOLD, as_text, outcome
from streamgauge.config.loading import load

DOCS = Path(__file__).parents[2] / "docs"
LAG = "checks: {lag: {warn: {above: 10}, keep_failing_for: 0s}}\n"
AT_ONCE = "checks: {lag: {warn: {above: 10, for: 0s}, keep_failing_for: 0s}}\n"
CONFIG = """
kafka: {bootstrap_servers: 'k:1'}
streams:
  orders:
    topic: orders
    groups: [billing, "audit-*"]
    checks: {lag: {warn: {above: 5, for: 0s}, keep_failing_for: 0s}, fresh: {fail: {above: 2m}}}
"""


@pytest.fixture
def play(tmp_path):
    """Replay a text: `play(text, config_text, stream=, check=)` gives what is printed."""

    def play(text, config=None, *, stream=None, check=None, every_step=False):
        path = tmp_path / "values.yaml"
        path.write_text(text)
        loaded = None
        if config is not None:
            (tmp_path / "streamgauge.yaml").write_text(config)
            loaded = load(tmp_path / "streamgauge.yaml", {})
        judged, replayed = replay_file(str(path), loaded, stream, check)
        return as_text(judged, replayed, every_step=every_step).splitlines()

    return play


@pytest.fixture
def levels(play):
    """The second column of the table, step by step: letters of levels."""

    def levels(series):
        lines = play(f"{AT_ONCE}series: [{series}]", every_step=True)
        return "".join(line.split()[1][0] for line in lines[3:-1])

    return levels


def refused(play, *arguments, **named):
    """The sentence that is told instead of a table."""
    with pytest.raises(ReplayError) as raised:
        play(*arguments, **named)
    return str(raised.value).partition("values.yaml: ")[2]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("1 11 1", "pwp"),
        ("11", "w"),
        ("'1x3 11x2'", "pppww"),
        ("'5+5x4'", "ppww"),
        ("'20-5x3'", "wwp"),
        ("'_ ? none unknown nonex2'", "uuuuuu"),
        ("'1? 11?'", "uw"),
        ("'1?x2 1'", "uup"),
        ("[1, 11.5, none, '1e3', '-3', .5]", "pwuwpp"),
    ],
)
def test_values_are_written_in_short(levels, values, told):
    """Repetitions, ramps, nothing, blindness."""
    assert levels(f"{{every: 1s, values: {values}}}") == told


@pytest.mark.parametrize(
    "series",
    [
        "{at: 0s 1m 1h, values: 1 11 1}",
        "{at: [0, 60, 1h], values: [1, 11, 1]}",
        "{steps: [{at: 0s, value: 1}, {at: 1m, value: 11}, {at: 1h, value: 1}]}",
    ],
)
def test_times_may_be_given_one_by_one(play, series):
    """In one line, as a list, or step by step."""
    lines = play(f"{LAG}series: [{series}]")
    assert lines[0].startswith("lag: warn above 10 records for 5m; fail above 100,000 records")
    assert lines[1:3] == ["series", "  at  level  value    why"]
    assert lines[3].startswith("  0s  pass   1 to 11  lag is 1 records")


def test_the_table_tells_changes_and_how_long_each_level_lasted(play):
    """A step lasts until the next; the reason is that of the change."""
    checks = "checks: {throughput: {fail: {below: 5}, keep_failing_for: 10s}}\n"
    lines = play(
        f"{checks}start: 2026-01-31T22:00:00Z\n"
        "series: [{name: n, every: 10s, values: '9 8 4 none unknown 7?'}]"
    )
    assert lines == [
        "throughput: fail below 5 records/s; keep_failing_for 10s; on_no_data unknown",
        "n",
        "  at   level    value   why",
        "  0s   pass     8 to 9  throughput is 9 records/s",
        "  20s  fail     4       throughput is 4 records/s (limit 5 records/s)",
        "  30s  unknown  7       throughput had nothing to measure",
        "  in all: pass 20s, unknown 20s, fail 10s",
    ]


def test_a_status_is_told_by_name(play):
    """A number stands for it only in the series."""
    checks = "checks: {group_status: {warn: {above: LAGGING}, keep_failing_for: 0s}}\n"
    lines = play(f"{checks}series: [{{every: 1m, values: 1 2 3}}]")
    assert lines[0] == (
        "group_status: warn above LAGGING; fail above REWOUND; keep_failing_for 0s;"
        " on_no_data unknown"
    )
    assert lines[3].endswith("group_status is LAGGING")
    assert lines[4].endswith("group_status is REWOUND (limit LAGGING)")
    assert lines[5].endswith("group_status is STALLED (limit REWOUND)")


def test_blindness_is_told_since_it_began(play):
    """Not since the step that is judged."""
    lines = play(f"{LAG}series: [{{every: 1m, values: '1 ? ? 5?'}}]", every_step=True)
    assert all("blind since 2000-01-01T00:01:00Z" in line for line in lines[4:7])


def test_expectations_make_it_a_test(play):
    """Those that came true are named, those that did not are told with the reason."""
    told = play(
        f"{LAG}series:\n"
        "- {name: good, every: 10m, values: '1 11 11', expect: p p w}\n"
        "- {name: bad, every: 10m, values: '1 11 11?', expect: passx3}\n"
        "- {name: in part, steps: [{at: 0s, value: 1}, {at: 1s, value: 12, expect: w}]}\n"
    )
    assert told[1] == "ok      good"
    assert told[2] == "FAILED  bad"
    assert told[3].split() == ["at", "value", "expected", "told", "why"]
    assert told[4].split()[:4] == ["20m", "11?", "pass", "warn"]
    assert told[5:7] == ["FAILED  in part", "  at  value  expected  told  why"]
    assert told[7].split()[:4] == ["1s", "12", "warn", "pass"]


def test_endless_differences_are_counted(play, tmp_path):
    """The first of them are told."""
    series = "{every: 1s, values: 1x50, expect: failx50}"
    lines = play(f"{LAG}series: [{series}]")
    assert len(lines) == 3 + MOST_TOLD + 1
    assert lines[-1] == "  and 30 more"
    _, replayed = replay_file(str(tmp_path / "values.yaml"), None, None, None)
    assert outcome(replayed) == "0 passed, 1 failed"


@pytest.mark.parametrize(
    ("named", "begins"),
    [
        ({"check": "lag__billing"}, "lag__billing: warn above 5 records"),
        ({"stream": "orders", "check": "lag__audit__"}, "lag__audit__: warn above 5 records"),
        ({"check": "fresh"}, "fresh: warn above 300 s; fail above 120 s"),
    ],
)
def test_the_check_may_be_a_configured_one(play, named, begins):
    """With the limits that it has there."""
    assert play("series: [{every: 1s, values: 6}]", CONFIG, **named)[0].startswith(begins)


def test_the_file_says_of_what_the_values_are(play):
    """One check of that measure needs no name, and another measure is refused."""
    fresh = "checks: {fresh: {}}\nseries: [{every: 1s, values: 6}]"
    assert play(fresh, CONFIG)[0].startswith("fresh: ")
    told = refused(play, fresh, CONFIG, check="lag__billing")
    assert told == "the values are of fresh, but --check names lag__billing"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({}, "which check of orders is meant? name it with --check; known: "),
        ({"check": "lag"}, "no check of orders is named lag; "),
        ({"check": "lag__biling"},
         "no check of orders is named lag__biling; did you mean lag__billing?"),
        ({"stream": "order"}, "no stream is named order; did you mean orders?"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_told_with_the_nearest(play, named, told):
    """Or with all that there are."""
    assert refused(play, "series: [{every: 1s, values: 6}]", CONFIG, **named).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty: it needs at least checks: and series:"),
        ("series: [{every: 1s, values: 1}]", "which check is meant? write checks: into the file"),
        ("checks: {lag: {}}", "series: is missing: What was seen"),
        ("checks: {lag: {}, fresh: {}}\nseries: [{every: 1s, values: 1}]",
         "checks (line 1): must hold the one check that is replayed"),
        ("checks: {}\nseries: [{every: 1s, values: 1}]",
         "checks (line 1): must hold the one check that is replayed"),
        ("checks: {throughput: {}}\nseries: [{every: 1s, values: 1}]",
         "the check throughput has no limit, so it demands nothing: set one"),
        ("checks: {lag: {wan: {above: 1}}}\nseries: [{every: 1s, values: 1}]",
         "checks.lag.wan (line 1): unknown key; did you mean warn?"),
        (LAG + "series: [{every: 1s, vals: 1}]",
         "series[0].vals (line 2): unknown key; did you mean values?"),
        (LAG + "series: [{every: 1s}]",
         "series[0].values (line 2): is missing: write what was seen, here or as steps"),
        (LAG + "series: [{values: 1}]",
         "series[0].at (line 2): is missing: give the time of each value, or every in place of it"),
        (LAG + "series: [{every: 1s, at: 1s, values: 1}]",
         "series[0].at (line 2): stands beside every: give one of the two"),
        (LAG + "series: [{every: 1s, values: 10+1e999x3}]",
         'series[0].values (line 2): "10+1e999x3" leads to a number that is not finite'),
        (LAG + "series: [{every: 1s, values: 1e999 1}]",
         'series[0].values (line 2): "1e999" leads to a number that is not finite'),
        (LAG + "series: [{every: 1s, values: 0+1e304x100000}]",
         'series[0].values (line 2): "0+1e304x100000" leads to a number that is not finite'),
        (LAG + "series: [{every: 1s, values: [[]]}]",
         "series[0].values (line 2): must be values in a text or a list, not a list"),
        (LAG + "series: [{at: 1s 2s, values: 1}]",
         "series[0].at (line 2): has 2 entries, and there are 1 values"),
        (LAG + "series: [{every: 1s, values: 1, expect: p p}]",
         "series[0].expect (line 2): has 2 entries, and there are 1 values"),
        (LAG + "series: [{every: 1s, steps: [{at: 0s, value: 1}]}]",
         "series[0].every (line 2): has no place beside steps: keep one of the two forms"),
        (LAG + "series: [{every: 1s, values: twelve}]",
         'series[0].values (line 2): "twelve" is no value: write 12, 12x5 (five times)'),
        (LAG + "series: [{every: 1s, values: 1+2}]",
         'series[0].values (line 2): "1+2" does not say how often: write for example 1+2x3'),
        (LAG + "series: [{every: 1s, values: 1x0}]", "series[0].values (line 2): x0 is out of"),
        (LAG + "series: [{every: 1s, values: 1x100001}]", "series[0].values (line 2): x100001 is"),
        (LAG + "series: [{every: 1s, values: 1x99999 1x2}]",
         "series[0].values (line 2): are more than 100,000"),
        (LAG + "series: [{every: 1s, values: []}]", "series[0].values (line 2): holds no values"),
        (LAG + "series: [{every: 1s, values: [true]}]",
         "series[0].values (line 2): must be values in a text or a list, not true or false"),
        (LAG + "series: [{every: 1s, values: 1, expect: good}]",
         'series[0].expect (line 2): "good" is no level: write pass, '),
        (LAG + "series: [{at: soon, values: 1}]",
         'series[0].at (line 2): "soon" is not a duration: write 500ms'),
        (LAG + "series: [{steps: [{at: 0s, value: 1x2}]}]",
         'series[0].steps[0].value (line 2): "1x2" is more than one value'),
        (LAG + "series: [{steps: [{at: 0s, value: 1, expect: px2}]}]",
         'series[0].steps[0].expect (line 2): "px2" is more than one level'),
        (LAG + "start: now\nseries: [{every: 1s, values: 1}]",
         'start (line 2): "now" is not a time such as 2026-01-31T12:00:00Z'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(play, text, told):
    """Path, line, and what to write instead."""
    assert refused(play, text).startswith(told)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{every: 1s, values: ? 1}", "a ? stands where YAML takes it for more than text: put the"),
        ("every: 1s\n  values: ? 1", "a ? stands where YAML takes it for more than text: put the"),
        ("{every: 1s, values: 1 ?}", "a ? stands where YAML takes it for more than text: put the"),
        ("{every: 1s, values: [1?, 2]}", "a ? stands where YAML takes it for more than text: put"),
        ("{every: 1s, values: [1, ?x2]}", "a value with ? needs quotes, such as '12?'"),
    ],
)
def test_what_yaml_makes_of_a_question_mark_is_told(play, written, told):
    """It stands for a blind gauge here, and for a key in YAML."""
    with pytest.raises(ReplayError) as raised:
        play(f"{LAG}series:\n- {written}")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "series",
    [
        ["{every: 1s, values: 1x100000}"] * 3,
        ["{every: 1s, values: 1 1x99999}"] * 2 + ["{every: 1s, values: [1]}"],
        ["{every: 1s, values: 1x100000, expect: px100000}"] * 1000,
        ["{every: 1s, values: 1, expect: px100000}"] * 2 + ["{steps: [{at: 0s, value: 1}]}"],
    ],
)
def test_a_file_that_is_too_long_in_all_is_refused(play, series):
    """Before any of it is read, so that a small file does not fill the memory."""
    told = refused(play, f"{LAG}series: [{', '.join(series)}]")
    assert told == "series (line 2): hold more than 200,000 steps in all: split the file"


def test_the_page_shows_what_is_printed(play):
    """Each example of a file with the output that follows it."""
    page = (DOCS / "checks.md").read_text(encoding="utf-8")
    examples = re.findall(
        r"```yaml\n(.*?)```.*?```console\n\$ streamgauge checks --replay \w+.yaml\n(.*?)```",
        page,
        re.DOTALL,
    )
    assert len(examples) == 2
    for text, printed in examples:
        told = play(text)
        assert told == printed.splitlines()[: len(told)]
