"""Any bytes whatever are an event, a tick or a refusal with a name; nothing else ever comes out of reading."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.scorer import NullScorer
from tests.chat import T0
from tests.conversing import KEY, Talk
from udfs.events import DEAD_LETTER_KEY, split_key, unpack
from udfs.parsing import KINDS, MAX_ID, MAX_TEXT, NO_LIMIT, SENDERS, Refused, TimeLimits, parse
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader

REASONS = frozenset(  # that a record can be refused with; the reader's own faults are another, `reader_error`
    "empty_value not_utf8 not_json bad_id no_time bad_time time_without_zone time_implausible time_in_future unknown_kind unknown_visibility "
    "unknown_sender unknown_deleted unknown_automated too_long".split()
)
LIVE = TimeLimits()
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines are no fault
FIELDS = (
    "tenant source message_id conversation_id sent_at sender kind text visibility automated bot_mode format shop queue channel "
    "agent_id customer_id url lang attachments reply_to edited_at deleted schema_version"
).split()

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Cc", "Lo"]), max_size=5),
    st.sampled_from(
        [*KINDS, *SENDERS, "2026-03-02T02:00:00Z", "2026-03-02", T0, str(T0), "internal", "html", "", 2**63, -(2**63)]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
bases: dict[str, Any] = {
    "message_id": "m1",
    "conversation_id": "c1",
    "sent_at": T0,
    "sender": "customer",
    "text": "在吗",
}
events = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8).map(lambda fields: {**bases, **fields})
limits = st.sampled_from([TimeLimits(), TimeLimits(NO_LIMIT), TimeLimits(numeric_strings=True)])


def encode(value: Any) -> bytes:
    """JSON in the loosest sense that anybody sends: lone surrogates escaped, NaN and Infinity as words."""
    return json.dumps(value).encode()


def outcome(raw: bytes | None, how: TimeLimits = LIVE) -> dict[str, Any] | None:
    """The event of these bytes, checked against what `parse` promises; None for a tick or a refusal."""
    try:
        event = parse(raw, T0, how)
    except Refused as refused:
        assert refused.reason in REASONS and refused.detail
        return None
    if event is None:
        return None
    for name in ("tenant", "source", "message_id", "conversation_id"):
        assert isinstance(event[name], str) and 0 < len(event[name]) <= MAX_ID and "\x1f" not in event[name]
    assert isinstance(event["sent_at"], int) and event["sent_at"] <= T0 + how.future_ms
    assert event["sender"] in SENDERS and event["kind"] in KINDS - {"tick"}
    assert len(event["text"]) <= MAX_TEXT and "\x00" not in event["text"]
    event["text"].encode()
    return event


@settings(UNHURRIED, max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    outcome(raw)


@settings(UNHURRIED, max_examples=300)
@given(values.map(encode), limits)
def test_any_json_is_read_or_refused(raw: bytes, how: TimeLimits) -> None:
    outcome(raw, how)


@settings(UNHURRIED, max_examples=400)
@given(events.map(encode), limits)
def test_any_event_with_any_fields_is_read_or_refused(raw: bytes, how: TimeLimits) -> None:
    outcome(raw, how)


@settings(UNHURRIED, max_examples=300)
@given(events.map(encode), st.integers(0, 400), st.binary(max_size=3))
def test_a_damaged_event_is_read_or_refused(raw: bytes, at: int, damage: bytes) -> None:
    outcome(raw[: at % len(raw)] + damage + raw[at % len(raw) + len(damage) :])
    outcome(raw[: at % len(raw)])


@settings(UNHURRIED, max_examples=300)
@given(st.lists(events.map(encode) | st.binary(max_size=30) | st.none(), max_size=5))
def test_a_batch_of_anything_keeps_its_length_and_order_and_every_row_can_be_packed(bodies: list[bytes | None]) -> None:
    reader = Reader(NullScorer(), PhraseMatcher([]), Masker(), KEY, "conversation.messages")
    count = len(bodies)
    batch = reader.read(bodies, [0] * count, list(range(count)), [T0] * count)
    assert len(batch.keys) == len(batch.values) == count
    for body, key, value in zip(bodies, batch.keys, batch.values, strict=True):
        assert (key is None) == (value is None)
        if key is None or value is None:
            assert body is not None and orjson.loads(body)["kind"] == "tick"
        elif key.startswith(DEAD_LETTER_KEY):
            assert orjson.loads(value)["reason"] in REASONS
        else:
            assert len(split_key(key)) == 3 and len(unpack(value)) == 18


@settings(UNHURRIED, max_examples=150)
@given(st.lists(events.map(encode), max_size=6))
def test_whatever_is_read_can_be_heard_and_ends_in_published_sessions(bodies: list[bytes]) -> None:
    talk = Talk()
    for body in bodies:
        talk.hear(body, record_ms=T0)
    talk.advance(2**50)
    assert all(not state.sessions for state in talk.states().values())


@pytest.mark.parametrize("digits", [20, 400, 4_299, 4_300, 5_000])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("field", ["sent_at", "message_id", "text", "edited_at"])
def test_a_number_of_thousands_of_digits_is_read_or_refused_with_or_without_a_byte_order_mark(
    digits: int, sign: str, field: str
) -> None:
    raw = orjson.dumps({**bases, "kind": "edit", field: "@"}).replace(b'"@"', f"{sign}{'9' * digits}".encode())
    outcome(raw)
    outcome(b"\xef\xbb\xbf" + raw)


@pytest.mark.parametrize(
    ("reason", "raw"),
    [
        ("empty_value", None),
        ("not_utf8", b'{"text":"\xff"}'),
        ("not_json", b"{]"),
        ("bad_id", encode({**bases, "message_id": None})),
        ("no_time", encode({**bases, "sent_at": None})),
        ("bad_time", encode({**bases, "sent_at": "soon"})),
        ("time_without_zone", encode({**bases, "sent_at": "2026-03-02T02:00:00"})),
        ("time_implausible", encode({**bases, "sent_at": T0 // 1_000})),
        ("time_in_future", encode({**bases, "sent_at": T0 * 1_000})),
        ("unknown_kind", encode({**bases, "kind": "wave"})),
        ("unknown_visibility", encode({**bases, "visibility": "staff"})),
        ("unknown_sender", encode({**bases, "sender": "nobody"})),
        ("unknown_deleted", encode({**bases, "deleted": "perhaps"})),
        ("unknown_automated", encode({**bases, "sender": "agent", "automated": "perhaps"})),
        ("too_long", encode({**bases, "text": "x" * (MAX_TEXT + 1)})),
    ],
)
def test_every_reason_has_its_record(reason: str, raw: bytes | None) -> None:
    with pytest.raises(Refused) as refused:
        parse(raw, T0, TimeLimits())
    assert refused.value.reason == reason


def test_every_reason_is_shown_above() -> None:
    (mark,) = (m for m in test_every_reason_has_its_record.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]
    assert {reason for reason, _ in mark.args[1]} == REASONS
