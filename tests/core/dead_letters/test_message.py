"""Messages: equal causes become equal, different ones stay different, and no value comes out."""

from __future__ import annotations

import pytest

from streamgauge.core.dead_letters.message import LONGEST, mask, own_message, read_message

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        ("item.sku was null", "item.sku was null"),
        ("order 4711 rejected", "order <n> rejected"),
        ("order #4711 rejected", "order <n> rejected"),
        ("took 30000ms", "took <n>ms"),
        ("12.5% of -3 and 1,000.00", "<n>% of <n> and <n>"),
        ("0x1F and 1e5", "<n> and <n>e<n>"),
        ("card 4111 1111 1111 1111 declined", "card <n> declined"),
        ("card 4111-1111-1111-1111 declined", "card <n> declined"),
        ("caf\u00e9 \u0664\u0662", "caf\u00e9 <n>"),
        (
            "HikariPool-1 - Connection is not available",
            "HikariPool-<n> - Connection is not available",
        ),
        (f"no {UUID} here", "no <id> here"),
        ("a deadbeefcafebabe b", "a <id> b"),
        ("com.acme.Foo@1a2b3c4d failed", "com.acme.Foo@<id> failed"),
        ("record in batch failed @-0", "record in batch failed @<id>"),
        ("ask jane.doe@example.com.", "ask <email>."),
        ("ask jane@localhost", "ask <email>"),
        ("GET https://u:p@h/x?y=1 failed", "GET <url>"),
        ("at jdbc:mysql://h/x", "at <url>"),
        ("Connection to 10.0.0.1:5432 refused", "Connection to <ip> refused"),
        ("localhost/127.0.0.1:9092", "localhost/<ip>"),
        ("to 2001:db8::1 at", "to <ip> at"),
        ("since 2025-10-27T14:32:00.123Z it", "since <time> it"),
        ("since 2025-10-27 14:32:00 it", "since <time> it"),
        ("no /var/lib/jane.txt", "no <path>"),
        (r"no C:\Users\jane\x.txt", "no <path>"),
        ("within/between entries", "within/between entries"),
        ("entry 'jane' for key 'name'", "entry <text> for key <text>"),
        ('field "ssn" is odd', "field <text> is odd"),
        ("type `a.B<C>` is", "type <text> is"),
        ("b'secret' is", "b<text> is"),
        (
            "\u201csecret\u201d and \u2018secret\u2019 and \u00absecret\u00bb",
            "<text> and <text> and <text>",
        ),
        ("can't do users' bidding", "can't do users' bidding"),
        ("'it's quoted' here", "<text> here"),
        ('open "secret words', "open <text>"),
        ("open {secret words", "open <text>"),
        ("open [secret words", "open <text>"),
        ("topic [orders] is", "topic <text> is"),
        ("a [x [y] z] b", "a <text> b"),
        ('bad {"a": "}secret"} json', "bad <text> json"),
        ("<order><name>Jane</name></order> bad", "<text> bad"),
        ("if a < b", "if a < b"),
        ("Converting byte[] to data failed", "Converting byte[] to data failed"),
        ("Order(id=1, name=Jane Doe) bad", "Order<text> bad"),
        ("call f(g) now", "call f(g) now"),
        ("status=500 while, amount=12", "status=<text>, amount=<text>"),
        ("failed for payload=Jane Doe, Berlin", "failed for payload=<text>"),
        ("Invalid UUID string: not-a-uuid", "Invalid UUID string: <text>"),
        ("bad value: Jane Doe", "bad value: <text>"),
        ("Invalid password: hunter", "Invalid password: <text>"),
        ("password hunter is", "password <text> is"),
        ("client_secret xyzzy sent", "client_secret <text> sent"),
        ("accessToken xyzzy sent", "accessToken <text> sent"),
        ("private_key xyzzy sent", "private_key <text> sent"),
        ("credentials hunter sent", "credentials <text> sent"),
        ("passcode: hunter2", "passcode: <text>"),
        ("a   message\twith  blanks", "a message with blanks"),
        ("password for user is wrong", "password for user is wrong"),
        ("Bearer abcdef now", "Bearer <text> now"),
        ("session id is abcdef", "session id: <text>"),
        ("key AKIAIOSFODNN7EXAMPLE denied", "key <id> denied"),
        ("ghp_abcdefghijklmnop denied", "<id> denied"),
        ("sk_live_abcdefghijklmnop", "<id>"),
        ("abcdefghijklmnopqrstuvwx", "<id>"),
        ("wJalrXUtnFEMIKMDENGbPxRfiCYEXAMPLEKEY", "<id>"),
        ("xKjQmRtZpLw denied", "<id> denied"),
        ("k9X2m7Q4 and o7", "<id> and o<n>"),
        ("nul\0in\x1bside\u202e", "nul in side"),
        ("two\nlines\r\n\tmore", "two lines more"),
        (
            "SRMSG00103: Exception thrown when calling the method h3.App$Listener#orders",
            "SRMSG<n>: Exception thrown when calling the method h<n>.App$Listener#orders",
        ),
        (
            "class java.lang.String cannot be cast to class java.lang.Long",
            "class java.lang.String cannot be cast to class java.lang.Long",
        ),
        (
            "java.sql.SQLIntegrityConstraintViolationException: FunctionToDestinationBinder",
            "java.sql.SQLIntegrityConstraintViolationException: FunctionToDestinationBinder",
        ),
    ],
)
def test_masked(raw, masked):
    """Values go, words stay."""
    assert mask(raw) == masked


SECRETS = [
    JWT,
    "s3cr3tP4ssw0rd",
    "4111111111111111",
    "DE89370400440532013000",
    "jane.doe@example.com",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "d41d8cd98f00b204e9800998ecf8427e",
    "xoxb-123456789012-abcdefghijkl",
    UUID,
    "AbCdEfGhIjKlMnOpQrStUvWxYz",
]
BARE = ["{}", "got {} here", "{}, {}", "({})", "x:{}", "a/{}", "-{}-", "end {}."]
PLAIN_SECRETS = ["hunter", "correct horse battery staple", "Jane Doe", "geheim\u00e4\u00f6"]
QUOTING = [
    "password={}",
    "Password: {}",
    "passwd = {}; other",
    "client_secret={}",
    "x-api-key: {}",
    "Authorization: Bearer {}",
    "token={}, more",
    "access_token: {}",
    "Cookie: sid={}",
    "my pin is {}",
    "'{}' is bad",
    '"{}" is bad',
    "`{}` is bad",
    'no {{"name": "{}"}} here',
    "no {{name: {}}} here",
    "cut {{'name': '{}",
    "list [{}] bad",
    "Order(name={}) bad",
    "Customer{{name='{}'}} bad",
    "<name>{}</name> bad",
    "payload={} and on",
    "Payload: {} and on",
    "value: {} and on",
    "record value: {}",
    'at [Source: (String)"{{"name":"{}"}}"; line: 1, column: 2]',
    'Source: (String)"{}"[truncated 12 chars]; line: 1',
    "GenericMessage [payload={}, headers={{id=1}}]",
    "ConsumerRecord(topic = orders, partition = 0, key = k, value = {})",
    "Detail: Key (name)=({}) already exists.",
    "For input string: {}",
    "body: {}",
    "name={}&x=1",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", [*BARE, *QUOTING])
def test_what_looks_like_a_secret_never_comes_out(secret, around):
    """Wherever it stands: no eight characters of it."""
    masked = mask(around.format(secret, secret)) or ""
    assert not [at for at in range(len(secret) - 7) if secret[at : at + 8] in masked], masked


@pytest.mark.parametrize("secret", PLAIN_SECRETS)
@pytest.mark.parametrize("around", QUOTING)
def test_what_is_quoted_never_comes_out(secret, around):
    """Even if it is made of words."""
    masked = mask(around.format(secret)) or ""
    assert not [word for word in secret.split() if word in masked], masked


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 1 of jane@x.de", "order 22 of bob@y.com"),
        (f"no {UUID}", "no 00000000-0000-0000-0000-000000000000"),
        ("handler $1@abe1f7c failed", "handler $1@7cdcb3a9 failed"),
        ("payload=a b c", "payload={}"),
        ("at 2025-10-27T14:32:00Z", "at 2026-01-01 00:00:00"),
        ("card 4111 1111 1111 1111", "card 4111111111111111"),
        ("timed out after 5ms", "timed out after 30000ms"),
        ("no entry 'a'", "no entry 'it's'"),
    ],
)
def test_equal_causes_are_equal(one, other):
    """They differ in values alone."""
    assert mask(one) == mask(other)


def test_different_causes_are_different():
    """What is left of a message still tells them apart."""
    raw = ["item.sku was null", "item.id was null", "Read timed out", "calling A#b", "calling A#c"]
    assert len({mask(text) for text in raw}) == len(raw)


@pytest.mark.parametrize(
    "raw",
    ["word " * 5000, "w" * 100_000, "1 a " * 5000, "'a' " * 5000, "\ufffd" * 9000, "a=b," * 9000],
)
def test_bounded(raw):
    """Two hundred characters, and no half placeholder at the end."""
    masked = mask(raw) or ""
    assert len(masked) <= LONGEST
    assert masked.count("<") == masked.count(">")


def test_no_half_token_of_a_long_message():
    """Where a message is cut, the word there is left out."""
    assert mask("\u00e4" * 4090 + " AbCdEfGhIjKlMnOpQrStUvWxYz") == "\u00e4" * LONGEST
    assert "AbC" not in read_message(b" " * 8185 + b"AbCdEfGhIjKlMnOpQrStUvWxYz")


@pytest.mark.parametrize(
    ("raw", "own"),
    [
        ("Listener method 'void a.B.c(d.E)' threw exception; no stock", "no stock"),
        ("Listener method 'void a.B.c(d.E)' threw exception; ", ""),
        ("Listener failed; no stock", "no stock"),
        ("error occurred in message handler [a.B$1@abe1f7c]; no stock", "no stock"),
        ("Listener method 'x' threw exception; nested exception is a.B: no stock", "no stock"),
        ("Listener failed; Listener failed; no stock", "no stock"),
        ("no stock; Listener failed; x", "no stock; Listener failed; x"),
        ("Listener method without an end", "Listener method without an end"),
        ("nested exception is a.B", ""),
    ],
)
def test_own_message(raw, own):
    """What Spring puts in front is taken away."""
    assert own_message(raw) == own
