"""Payloads as they really come: times, ids, empty texts, notes, giants, and words that hide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.scorer import Score
from tests.chat import HOUR, MINUTE, T0, Chat
from tests.conversing import KEY, Talk, rules_with
from udfs.dead_letters import MAX_HEAD, READER_ERROR, TooManyDeadLetters
from udfs.events import FLAGS, SCORE, TEXT, Flag, unpack
from udfs.parsing import MAX_RECORD_BYTES, Refused, TimeLimits, parse, parse_time
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader
from udfs.rules import Phrases, RuleSet, load_rules

LIVE = TimeLimits()
BROKER_LIMIT = 1_048_576


class Gloom:
    """Finds every text it is given somewhat sad."""

    version = "gloom"

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        return [Score("negative", -0.5) if text.strip() else None for text in texts]


def read(event: dict[str, Any] | bytes, limits: TimeLimits = LIVE, record_ms: int = T0) -> dict[str, Any] | None:
    return parse(event if isinstance(event, bytes) else orjson.dumps(event), record_ms, limits)


def line(**fields: Any) -> dict[str, Any]:
    return {
        "message_id": "m1",
        "conversation_id": "c1",
        "sent_at": T0,
        "sender": "customer",
        "text": "尺码偏小",
        **fields,
    }


def reason(event: dict[str, Any] | bytes, limits: TimeLimits = LIVE) -> str:
    with pytest.raises(Refused) as refused:
        read(event, limits)
    assert refused.value.detail
    return refused.value.reason


def reader(**options: Any) -> Reader:
    return Reader(Gloom(), PhraseMatcher([]), Masker(), KEY, "conversation.messages", **options)


# --- Times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-02T02:00:00.000Z", T0),
        ("2026-03-02 02:00:00 UTC", T0),
        ("2026-03-02T02:00:00+0000", T0),
        ("2026-03-02T10:00:00+08:00", T0),
        ("2026-03-02 10:00:00+08", T0),
        ("2026-03-01 20:30:00-0530", T0),
        ("2026-03-01T21:00-05:00", T0),
        ("2026-03-02t02:00:00z", T0),
        (" 2026-03-02T02:00:00Z ", T0),
        ("2026-03-02T02:00:07.987654321Z", T0 + 7_987),
        ("2026-03-02T02:00:07.12345678Z", T0 + 7_123),
        ("2026-03-02T02:00:07.3Z", T0 + 7_300),
        ("2026-03-02T02:00:07,25Z", T0 + 7_250),
        ("2026-03-02T10:00:07,5+08:00", T0 + 7_500),
    ],
)
def test_every_common_way_to_write_a_time_is_the_same_instant(written: str, expected: int) -> None:
    assert parse_time(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-02T02:00:00", "time_without_zone"),
        ("2026-03-02T02:00", "time_without_zone"),
        ("2026-03-02", "time_without_zone"),
        ("2026-03-02T02:00:60Z", "bad_time"),
        ("2026-03-02T24:00:00Z", "bad_time"),
        ("2026-02-30T02:00:00Z", "bad_time"),
        ("0000-03-02T02:00:00Z", "bad_time"),
        ("2026-03-02T02:00:00+19:00", "bad_time"),
        ("2026-03-02T02:00:00.1234567890Z", "bad_time"),
        ("２０２６-03-02T02:00:00Z", "bad_time"),
        ("yesterday", "bad_time"),
        ("1772416800000", "bad_time"),
        ("", "no_time"),
        (None, "no_time"),
        (True, "bad_time"),
        (1772416800000.0, "bad_time"),
        ([T0], "bad_time"),
        ({"ms": T0}, "bad_time"),
        (1_772_416_800, "time_implausible"),
        (-1, "time_implausible"),
        (1_772_416_800_000_000, "time_in_future"),
        ("9999-12-31T23:59:59Z", "time_in_future"),
        ("1970-01-21T12:20:16Z", "time_implausible"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_by_name(written: Any, expected: str) -> None:
    assert reason(line(sent_at=written)) == expected


def test_seconds_for_milliseconds_are_refused_on_replay_topics_too() -> None:
    assert reason(line(sent_at=1_772_416_800), TimeLimits(oldest_accepted_ms=-1)) == "time_implausible"


def test_milliseconds_in_a_string_are_read_only_where_that_is_declared() -> None:
    event = read(line(sent_at=str(T0)), TimeLimits(numeric_strings=True))
    assert event is not None and event["sent_at"] == T0
    assert reason(line(sent_at="1772416800"), TimeLimits(numeric_strings=True)) == "bad_time"


@pytest.mark.parametrize(
    ("shift", "accepted"), [(5 * MINUTE, True), (5 * MINUTE + 1, False), (-8 * HOUR, True), (-8 * HOUR - 1, False)]
)
def test_a_clock_may_be_off_by_as_much_as_the_limits_say_and_no_more(shift: int, accepted: bool) -> None:
    if accepted:
        assert read(line(sent_at=T0 + shift)) is not None
    else:
        assert reason(line(sent_at=T0 + shift)) == ("time_in_future" if shift > 0 else "time_implausible")


# --- Ids -------------------------------------------------------------------------------------------------------------


def test_one_conversation_number_in_two_tenants_is_two_conversations() -> None:
    talk = Talk()
    talk.hear(line(tenant="t1", conversation_id="85"))
    talk.hear(line(tenant="t2", conversation_id="85", sent_at=T0 + 5_000, sender="agent", agent_id="X"))
    talk.hear(line(tenant="t2", conversation_id="85", message_id="m2", sent_at=T0 + 6_000))
    talk.hear(
        line(tenant="t1", conversation_id="85", message_id="m2", sent_at=T0 + 50_000, sender="agent", agent_id="A")
    )
    one, two = sorted(talk.advance(T0 + HOUR).sessions, key=lambda record: record["tenant"])
    assert talk.duplicates == []
    assert (one["reply_latencies_ms"], one["abandoned"]) == ([50_000], None)
    assert (two["reply_latencies_ms"], two["open_wait_ms"]) == ([], 30 * MINUTE)
    assert one["session_id"] != two["session_id"]


def test_the_same_message_id_in_another_conversation_is_no_repeat() -> None:
    talk = Talk().hear(line()).hear(line(conversation_id="c2")).hear(line(source="wechat"))
    assert talk.duplicates == [] and len(talk.states()) == 3


def test_a_number_and_its_digits_are_one_id() -> None:
    talk = Talk().hear(line(message_id=77, conversation_id=5)).hear(line(message_id="77", conversation_id="5"))
    assert len(talk.states()) == 1 and len(talk.duplicates) == 1


@pytest.mark.parametrize("field", ["message_id", "conversation_id", "tenant", "source"])
@pytest.mark.parametrize("value", ["a\x1fb", "a\nb", "x" * 201, 2**63, 1.5, True, ["m"], {"id": 1}, "\x85"])
def test_an_id_that_could_break_a_key_is_refused(field: str, value: Any) -> None:
    assert reason(line(**{field: value})) == "bad_id"


@pytest.mark.parametrize("field", ["message_id", "conversation_id"])
def test_a_record_without_its_ids_is_refused(field: str) -> None:
    assert reason({name: value for name, value in line().items() if name != field}) == "bad_id"
    assert reason(line(**{field: ""})) == reason(line(**{field: None})) == "bad_id"


def test_a_tenant_or_source_that_is_not_named_is_the_default() -> None:
    for value in (None, ""):
        event = read(line(tenant=value, source=value))
        assert event is not None and (event["tenant"], event["source"]) == ("default", "default")


def test_ids_that_are_phone_numbers_or_mails_leave_as_keyed_hashes() -> None:
    talk = Talk().hear(line(conversation_id="13800138000", agent_id="lin@example.com", message_id="+8613800138000"))
    (record,) = talk.advance(T0 + HOUR).sessions
    everything = orjson.dumps([talk.alerts, talk.sessions]).decode()
    assert "13800138000" not in everything and "lin@" not in everything
    assert record["conversation_id"].startswith("h:")


def test_ids_that_hold_a_phone_beside_other_signs_leave_as_keyed_hashes() -> None:
    talk = Talk(rules_with(phrases=["转人工"]))
    talk.hear(line(message_id="13800138000", conversation_id="sms-13800138000", shop="灯具店13800138000", queue="q13800138000", text="转人工"))
    (alert,) = talk.alerts
    assert "13800138000" not in orjson.dumps(alert).decode()
    assert alert["conversation_id"].startswith("h:") and alert["evidence"][0].startswith("h:")
    assert alert["shop"] == "灯具店[phone]" and alert["queue"].startswith("h:")


def test_ids_that_look_like_cards_stay_as_they_are_while_the_text_is_masked() -> None:
    talk = Talk(rules_with(phrases=["转人工"]))
    talk.hear(line(message_id="6205500000000000004", conversation_id="c-8813", text="转人工，我电话13800138000"))
    (alert,) = talk.alerts
    assert alert["evidence"] == ["6205500000000000004"] and alert["conversation_id"] == "c-8813"
    assert "13800138000" not in orjson.dumps(alert).decode()


def test_what_a_line_does_not_name_is_as_the_conversation_named_it_last() -> None:
    talk = Talk().hear(line()).hear(line(message_id="m2", sent_at=T0 + 1, shop="灯具店", channel="web"))
    talk.hear(line(message_id="m3", sent_at=T0 + 2)).hear(line(message_id="m4", sent_at=T0 + 3, queue="售后"))
    (record,) = talk.advance(T0 + HOUR).sessions
    assert (record["shop"], record["queue"], record["channel"], record["url"]) == ("灯具店", "售后", "web", None)


# --- Kinds -----------------------------------------------------------------------------------------------------------


def test_a_kind_that_is_not_given_is_a_message() -> None:
    for event in (line(), line(kind=None)):
        read_event = read(event)
        assert read_event is not None and read_event["kind"] == "message"


@pytest.mark.parametrize("kind", ["Message", "typing", 3, ["message"], {"a": 1}, True])
def test_a_kind_that_nobody_knows_is_refused(kind: Any) -> None:
    assert reason(line(kind=kind)) == "unknown_kind"


YES = [True, 1, 1.0, "true", "TRUE", " True ", "yes", "Y", "t", "On", "1"]
NO = [False, 0, 0.0, "false", "FALSE", "No", "n", "f", "F", "off", "0", " ", "", None, "null", "None", [], {}]
UNKNOWN = ["perhaps", "yes!", "2", 2, -1, 0.5, [0], {"a": 1}, "\u3000x"]


@pytest.mark.parametrize(("value", "kind"), [*((value, "delete") for value in YES), *((value, "message") for value in NO)])
def test_deleted_is_read_however_yes_and_no_are_written(value: Any, kind: str) -> None:
    event = read(line(deleted=value))
    assert event is not None and event["kind"] == kind


@pytest.mark.parametrize(("value", "human"), [*((value, False) for value in YES), *((value, True) for value in NO)])
def test_automated_is_read_however_yes_and_no_are_written(value: Any, human: bool) -> None:
    batch = reader().read([orjson.dumps(line(sender="agent", automated=value))], [0], [0], [T0])
    assert bool(unpack(batch.values[0] or "")[FLAGS] & Flag.HUMAN) is human


@pytest.mark.parametrize("value", UNKNOWN)
def test_a_word_that_is_neither_yes_nor_no_is_refused_by_name(value: Any) -> None:
    assert reason(line(deleted=value)) == "unknown_deleted"
    assert reason(line(sender="agent", automated=value)) == "unknown_automated"
    assert read(line(automated=value)) is not None, "on a customer's line it says nothing, and his line is not lost"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((value, "message") for value in (*NO, "never", "Never", "not edited", -1, "-1", -0.5, "0.0", "0000-00-00 00:00:00", "1970-01-01T00:00:00Z")),
        *((value, "edit") for value in (T0, str(T0), "2026-03-02T02:00:00Z", 1_772_416_800, "yesterday at 5", True, {"$date": T0})),
    ],
)
def test_edited_at_makes_an_edit_where_it_tells_a_time(value: Any, kind: str) -> None:
    event = read(line(edited_at=value))
    assert event is not None and event["kind"] == kind


@pytest.mark.parametrize("mode", ["assist", "ASSIST", " Assist "])
def test_a_persons_use_of_a_bot_is_known_in_any_case(mode: str) -> None:
    batch = reader().read([orjson.dumps(line(sender="bot", bot_mode=mode))], [0], [0], [T0])
    assert unpack(batch.values[0] or "")[FLAGS] & Flag.HUMAN


@pytest.mark.parametrize("sender", ["user", "Customer", None, 0, ["customer"]])
def test_a_sender_that_nobody_knows_is_refused(sender: Any) -> None:
    assert reason(line(sender=sender)) == "unknown_sender"


def test_an_event_without_a_sender_comes_from_the_system() -> None:
    event = read({"message_id": "m1", "conversation_id": "c1", "sent_at": T0, "kind": "resolve"})
    assert event is not None and event["sender"] == "system"


def test_a_tick_is_nothing_but_a_tick() -> None:
    assert read(b'{"kind":"tick"}') is None
    talk = Talk().hear(b'{"kind":"tick"}')
    assert talk.dead == [] and talk.packed == {}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"edited_at": T0}, "edit"),
        ({"edited_at": "2026-03-02T02:00:00Z"}, "edit"),
        ({"deleted": True}, "delete"),
        ({"deleted": 1, "edited_at": T0}, "delete"),
        ({"deleted": "true"}, "delete"),
        ({"deleted": "false"}, "message"),
        ({"deleted": False, "edited_at": None}, "message"),
        ({"deleted": None}, "message"),
        ({"deleted": 0, "edited_at": 0}, "message"),
    ],
)
def test_a_message_with_a_mark_of_change_is_that_change(fields: dict[str, Any], kind: str) -> None:
    event = read(line(**fields))
    assert event is not None and event["kind"] == kind


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"deleted_at": T0 - MINUTE, "edited_at": T0 - 2 * MINUTE}, T0 - MINUTE),
        ({"deleted_at": "2026-03-02T01:58:00Z"}, T0 - 2 * MINUTE),
        ({"edited_at": T0 - MINUTE}, T0 - MINUTE),
        ({"deleted_at": None}, T0),
        ({"deleted_at": "soon"}, T0),
        ({"sent_at": T0 + MINUTE}, T0 + MINUTE),
        ({"sent_at": "2026-03-01T02:00:00Z"}, T0),
    ],
)
def test_a_deletions_time_is_its_own_or_else_the_records(fields: dict[str, Any], expected: int) -> None:
    for mark in ({"deleted": True}, {"kind": "delete"}):
        event = read(line(**{"sent_at": T0 - HOUR, **mark, **fields}))
        assert event is not None and (event["kind"], event["sent_at"]) == ("delete", expected)


def test_a_deletion_is_no_way_around_what_a_time_must_be() -> None:
    assert reason(line(deleted=True, sent_at=None)) == "no_time"
    assert reason(line(deleted=True, sent_at=1_772_416_800)) == "time_implausible"
    in_a_file = read(line(deleted=True, sent_at=T0 - HOUR), TimeLimits(-1, recorded=False), T0)
    assert in_a_file is not None and in_a_file["sent_at"] == T0 - HOUR


def test_a_deletion_with_the_messages_date_ends_its_promise_long_after() -> None:
    talk = Talk(rules_with(promised_return=900))
    chat = Chat().customer(0, "查下单").agent(10, "稍等，我查一下").customer(20, "好的")
    for event in chat.events:
        talk.advance(event["sent_at"]).hear(event)
    talk.advance(T0 + 10 * MINUTE).hear({**chat.events[1], "text": "", "deleted": True}, record_ms=T0 + 10 * MINUTE)
    talk.advance(T0 + 100 * HOUR)
    assert talk.late == [] and talk.alerts == []


def test_an_edits_time_is_that_of_the_edit_where_it_can_be_read() -> None:
    old = T0 - 20 * HOUR
    event = read(line(sent_at=old, edited_at=T0 - MINUTE))
    assert event is not None and event["sent_at"] == T0 - MINUTE
    event = read(line(sent_at=T0 - HOUR, edited_at=1_772_416_800))
    assert event is not None and event["sent_at"] == T0 - HOUR
    assert reason(line(sent_at=old, edited_at="just now")) == "time_implausible"


# --- Text ------------------------------------------------------------------------------------------------------------


def test_a_picture_without_words_waits_for_an_answer_and_has_no_mood() -> None:
    chat = Chat().customer(0, "", attachments=[{"type": "image"}]).agent(40, "看到了，给您补一件")
    chat.events[0]["text"] = None
    (record,) = Talk(scorer=Gloom()).say(chat.events).sessions
    assert (record["reply_latencies_ms"], record["customer_messages"], record["turns"]) == ([40_000], 1, 2)
    assert (record["sentiment"]["scored"], record["sentiment"]["mean"]) == (0, None)


def test_the_same_message_with_its_picture_later_is_no_second_message() -> None:
    picture = [{"type": "image"}]
    talk = Talk().say([line(text="", attachments=picture), line(text="您看", attachments=picture)])
    assert (talk.sessions[0]["messages"], talk.sessions[0]["duplicates"]) == (1, 1)


@pytest.mark.parametrize("text", ["", None, "   ", "\n\t", "\u3000"])
def test_a_line_with_nothing_in_it_is_counted_and_waits_for_nothing(text: str | None) -> None:
    (record,) = Talk(scorer=Gloom()).say([line(text=text)]).sessions
    assert (record["messages"], record["customer_messages"], record["turns"]) == (1, 1, 0)
    assert (record["abandoned"], record["open_wait_ms"], record["sentiment"]["scored"]) == (None, None, 0)


def test_a_system_line_with_a_picture_waits_for_nothing() -> None:
    (record,) = Talk().say(Chat().system(0, "", attachments=[{"type": "image"}]).events).sessions
    assert (record["turns"], record["abandoned"]) == (0, None)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'"a\ud83db"', "a\ufffdb"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"a\u0000b"', "ab"),
        (b'"a\x00b"', "ab"),
        (b'"a\x01b"', "a\x01b"),
        (b'"one\ntwo"', "one\ntwo"),
        (rb'"\ufeffhello"', "hello"),
        (b"12315", "12315"),
        (b"true", "True"),
        (b'["a",1]', '["a",1]'),
        (b"null", ""),
    ],
)
def test_what_can_be_repaired_is_repaired_because_a_dropped_line_would_drop_its_wait(raw: bytes, text: str) -> None:
    body = orjson.dumps(line(text="@")).replace(b'"@"', raw)
    for framed in (body, b"\xef\xbb\xbf" + body, body + b"\x00\n"):
        event = read(framed)
        assert event is not None and event["text"] == text


def test_a_family_of_emoji_keeps_its_joiners() -> None:
    event = read(line(text="👨‍👩‍👧"))
    assert event is not None and event["text"] == "👨‍👩‍👧"


def test_html_is_stripped_where_the_message_says_that_it_is_html() -> None:
    rows = reader().read(
        [orjson.dumps(line(text="<p>太<b>小</b>了</p>", format="html")), orjson.dumps(line(text="1 < 2 <b>"))],
        [0, 0],
        [0, 1],
        [T0, T0],
    )
    assert [unpack(value or "")[TEXT] for value in rows.values] == ["太小了", "1 < 2 <b>"]


def test_what_has_no_text_has_no_score_and_the_others_keep_their_places() -> None:
    texts = ["坏了", "", "又坏了", " ", "还坏"]
    bodies = [orjson.dumps(line(message_id=f"m{at}", text=text)) for at, text in enumerate(texts)]
    batch = reader().read(bodies, [0] * 5, list(range(5)), [T0] * 5)
    assert [unpack(value or "")[SCORE] for value in batch.values] == [-50, None, -50, None, -50]
    assert (batch.events, batch.scored, batch.dead_letters) == (5, 3, 0)


# --- Notes -----------------------------------------------------------------------------------------------------------


def test_a_note_answers_nothing_is_no_turn_and_no_rule_for_customers_sees_it() -> None:
    rules = rules_with(slow_reply=60, monologue=2, phrases=["难缠"])
    chat = Chat().customer(0, "可以换吗？").note(10, "这人真难缠").note(20, "难缠得很").note(30, "难缠")
    talk = Talk(rules).say(chat.agent(90, "可以").events)
    (record,) = talk.sessions
    assert (record["reply_latencies_ms"], record["turns"], record["agent_messages"]) == ([90_000], 2, 1)
    assert {alert["rule"] for alert in talk.alerts} == {"slow_reply"}
    assert "难缠" not in orjson.dumps([talk.alerts, talk.sessions]).decode()


@pytest.mark.parametrize("visibility", ["internal", "private", "Note"])
def test_what_is_said_to_be_among_colleagues_is_treated_as_a_note(visibility: str) -> None:
    (record,) = Talk().say([line(visibility=visibility)]).sessions
    assert (record["turns"], record["customer_messages"]) == (0, 0)


def test_visibility_null_is_public() -> None:
    (record,) = Talk().say([line(visibility=None)]).sessions
    assert record["customer_messages"] == 1


# --- Dead letters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, "empty_value"),
        (b"", "empty_value"),
        (b" \n", "empty_value"),
        (b"\xef\xbb\xbf", "empty_value"),
        (b"\x00\x00", "empty_value"),
        (b"\xff\xfe{\x00", "not_utf8"),
        (b'{"text":"\xc3\x28"}', "not_utf8"),
        (b"{", "not_json"),
        (b"hello", "not_json"),
        (b"null", "not_json"),
        (b"[]", "not_json"),
        (b'"text"', "not_json"),
        (b'{"text": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[" * 100_000 + b"]" * 100_000, "not_json"),
        (b'{"text":' * 20_000 + b"1" + b"}" * 20_000, "not_json"),
        (b'{"text":"' + b"A" * 3_000_000 + b'"}', "too_long"),
    ],
)
def test_what_is_no_event_becomes_a_dead_letter_that_fits_the_broker(body: bytes | None, expected: str) -> None:
    batch = reader().read([body], [3], [41], [T0])
    letter = orjson.loads(batch.values[0] or "")
    assert (letter["reason"], letter["partition"], letter["offset"], letter["timestamp"]) == (expected, 3, 41, T0)
    assert letter["size"] == len(body or b"") and len(letter["sha256"]) == 64
    assert letter["truncated"] is (len(body or b"") > MAX_HEAD)
    assert len(batch.values[0] or "") < BROKER_LIMIT


def test_a_text_or_a_record_that_is_too_long_is_refused() -> None:
    assert read(line(text="长" * 20_000)) is not None
    assert reason(line(text="长" * 20_001)) == "too_long"
    assert reason(line(note="x" * MAX_RECORD_BYTES)) == "too_long"


def test_a_bad_record_leaves_its_neighbours_in_their_places() -> None:
    bodies = [orjson.dumps(line()), b"{", b'{"kind":"tick"}', orjson.dumps(line(message_id="m2"))]
    batch = reader().read(bodies, [0] * 4, [0, 1, 2, 3], [T0] * 4)
    assert [value is not None for value in batch.values] == [True, True, False, True]
    assert (batch.events, batch.dead_letters) == (2, 1)


def test_dead_letters_are_masked_however_the_digits_were_written() -> None:
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in "13800138000").encode()
    for body in (b'{"text":"13800138000"', b'{"text":"' + escaped + b'"'):
        letter = orjson.loads(reader().read([body], [0], [0], [T0]).values[0] or "")
        assert "13800138000" not in letter["head"] and "text" in letter["head"]


def test_too_many_dead_letters_stop_the_job_by_name() -> None:
    reading = reader(dead_letter_limit=0.5)
    good = [orjson.dumps(line())] * 5_000
    reading.read(good, [0] * 5_000, [0] * 5_000, [T0] * 5_000)
    reading.read([b"{"] * 5_000, [0] * 5_000, [0] * 5_000, [T0] * 5_000)
    with pytest.raises(TooManyDeadLetters, match="dead_letter_limit"):
        reading.read([b"{"], [0], [0], [T0])


def test_ticks_do_not_hide_that_a_producer_is_broken() -> None:
    reading = reader(dead_letter_limit=0.5)
    bodies = ([b'{"kind":"tick"}'] * 4 + [b"{"] * 3) * 3_333
    with pytest.raises(TooManyDeadLetters, match="100%"):
        for _ in range(2):
            reading.read(bodies, [0] * len(bodies), [0] * len(bodies), [T0] * len(bodies))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://crm.example/c?phone=%2B8613800138000&mail=john%40example.com", "https://crm.example/c?phone=[phone]&mail=[email]"),
        ("https://chat.example/whatsapp%3A%2B8613800138000", "https://chat.example/whatsapp:[phone]"),
        ("https://crm.example/to?next=https%3A%2F%2Fa.example%2F%3Fp%3D%252B8613800138000", "https://crm.example/to?next=https://a.example/?p=[phone]"),
        ("https://crm.example/c/%E5%94%AE%E5%90%8E", "https://crm.example/c/%E5%94%AE%E5%90%8E"),
        ("https://crm.example/c?n=%CA%DB&ip=10.1.2.3&a=x%26y", "https://crm.example/c?n=%CA%DB&ip=[ip]&a=x%26y"),
        ("https://crm.example/c?phone=%2B86+138+0013+8000&q=1", "https://crm.example/c?phone=[phone]&q=1"),
        ("https://crm.example/c?p=13800138000%31&m=a%40b.com", "https://crm.example/c?p=[phone]1&m=[email]"),
    ],
)  # fmt: skip
def test_personal_data_in_an_address_are_masked_however_they_are_escaped(url: str, told: str) -> None:
    talk = Talk(rules_with(phrases=["投诉"]))
    talk.hear(line(text="我要投诉", url=url))
    assert talk.alerts[0]["url"] == told


def test_an_id_with_a_wide_at_sign_is_an_address_all_the_same() -> None:
    talk = Talk(rules_with(phrases=["投诉"]))
    talk.hear(line(text="我要投诉", conversation_id="john＠example.com"))
    assert talk.alerts[0]["conversation_id"].startswith("h:")


def test_a_limit_of_nothing_never_stops_the_job() -> None:
    batch = reader(dead_letter_limit=0).read([b"{"] * 10_001, [0] * 10_001, [0] * 10_001, [T0] * 10_001)
    assert batch.dead_letters == 10_001


@pytest.mark.parametrize(
    "field", ["agent_id", "shop", "queue", "channel", "url", "reply_to", "edited_at", "format", "bot_mode", "attachments", "lang"]
)
@pytest.mark.parametrize("value", [b"[" * 300 + b"]" * 300, b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"a":1}', rb'"\ud800"', b"1e300", b"true", rb'"\u0000"'])
def test_an_optional_field_of_any_shape_stops_nothing(field: str, value: bytes) -> None:
    for kind in ("message", "edit"):
        body = orjson.dumps(line(kind=kind, **{field: "@"})).replace(b'"@"', value)
        batch = reader().read([body], [0], [0], [T0])
        assert (batch.events, batch.dead_letters) == (1, 0)


@pytest.mark.parametrize("field", ["visibility", "kind", "deleted", "automated", "sender", "text", "sent_at", "tenant"])
@pytest.mark.parametrize("depth", [200, 500, 990, 1_023, 2_000])
def test_a_field_that_is_nested_deeply_is_read_or_refused_by_name(field: str, depth: int) -> None:
    body = orjson.dumps(line(**{field: "@", "edited_at": T0})).replace(b'"@"', b"[" * depth + b"]" * depth)
    batch = reader().read([body], [0], [0], [T0])
    assert batch.reader_errors == 0 and batch.values[0]


# --- Faults of our own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["parse", "strip_html"])
@pytest.mark.parametrize("error", [AssertionError, ValueError, RecursionError, KeyError])
def test_a_record_at_which_the_reader_fails_is_a_dead_letter_and_its_text_is_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str, error: type[Exception]
) -> None:
    def fail(*args: Any) -> Any:
        if "13800138000" in str(args):
            raise error("13800138000 is the secret")
        return parse(*args) if place == "parse" else "一"

    monkeypatch.setattr(f"udfs.reading.{place}", fail)
    texts = ("<b>一", "<i>13800138000", "<i>13800138000")
    bodies = [orjson.dumps(line(message_id=f"m{number}", format="html", text=text)) for number, text in enumerate(texts)]
    batch = reader().read(bodies, [0] * 3, [4, 5, 6], [T0] * 3)
    assert (batch.events, batch.dead_letters, batch.reader_errors) == (1, 2, 2)
    letter = orjson.loads(batch.values[1] or "")
    assert (letter["reason"], letter["offset"]) == (READER_ERROR, 5)
    assert letter["detail"].startswith(f"{error.__name__} at test_cases_payloads.py:")
    assert "13800138000" not in (batch.values[1] or "") + caplog.text
    assert [record.levelname for record in caplog.records] == ["ERROR"] and "offset 5" in caplog.text


def test_a_dead_letter_that_cannot_be_masked_holds_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise ValueError

    monkeypatch.setattr("udfs.dead_letters.masked_excerpt", fail)
    letter = orjson.loads(reader().read([b"13800138000"], [0], [0], [T0]).values[0] or "")
    assert (letter["reason"], letter["head"], letter["size"]) == ("not_json", "", 11)


def test_a_machine_without_memory_is_no_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("udfs.reading.parse", fail)
    with pytest.raises(MemoryError):
        reader().read([b"{}"], [0], [0], [T0])


@pytest.mark.parametrize("text", ["价格<![好的", "Hi <![foo]> there", "<![13800138000 call", "&#" + "9" * 5_000, "&#x" + "9" * 5_000])
def test_no_markup_stops_the_job_or_costs_a_line(text: str) -> None:
    bodies = [orjson.dumps(line(text=text, format=form)) for form in ("html", None)] + [text.encode()]
    batch = reader().read(bodies, [0] * 3, [0] * 3, [T0] * 3)
    assert (batch.events, batch.dead_letters, batch.reader_errors) == (2, 1, 0)
    assert "13800138000" not in str(batch.values)


# --- Words -----------------------------------------------------------------------------------------------------------


def hits(text: str, **fields: Any) -> list[str]:
    rule = {
        "id": "words",
        "kind": "phrases",
        "phrases": ["微信", "大麻", "去死", "ass", "SM", "sex", "sexy", "加我V", "you're an idiot", "shut up", "別煩我"],
        "allow": ["大麻烦", "死胡同", "去死胡同"],
        **fields,
    }
    rules = RuleSet.model_validate({"schema_version": 1, "rules": [rule]})
    return [phrase for _, phrase in PhraseMatcher(rules.phrase_rules()).find(text, "agent")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("咱们微\u200b信说", ["微信"]),
        ("咱们微　信说", ["微信"]),
        ("咱们微·信说", ["微信"]),
        ("加我V13800138000", ["加我v"]),
        ("加我VIP群", []),
        ("玩ＳＭ吗", ["sm"]),
        ("你去死", ["去死"]),
        ("what an ass!", ["ass"]),
        ("you’re an idiot", ["you're an idiot"]),
        ("shut  \n up", ["shut up"]),
        ("别烦我", ["别烦我"]),
        ("such a sexy lamp", ["sexy"]),
        ("这可是个大麻烦", []),
        ("巷子里去死胡同了", []),
        ("my assistant will call", []),
        ("smart lamps, no smoking", []),
    ],
)
def test_words_are_found_where_they_hide_and_not_inside_innocent_ones(text: str, found: list[str]) -> None:
    assert hits(text) == found


def test_separators_are_skipped_only_where_the_rule_says_so() -> None:
    assert hits("加微 信", ignore_separators=False) == []
    assert hits("加微\u200b信", ignore_separators=False) == ["微信"]


def shipped_hits(text: str, sender: str) -> list[str]:
    rules = load_rules(Path("conf/rules.yaml"))
    return [phrase for _, phrase in PhraseMatcher(rules.phrase_rules()).find(text, sender)]


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ("agent", "谨防私下 转账"),
        ("agent", "温馨提示：请勿 私下 转账，谨防受骗"),
        ("agent", "平台禁止 加 我 微 信"),
        ("agent", "请 勿 加 我 微 信"),
        ("agent", "请勿相信线下 交易"),
        ("agent", "平台禁 止加我微信"),
        ("agent", "不 要 加 我 微 信"),
        ("agent", "不要 加我微信"),
        ("agent", "别·加·我·微·信"),
        ("agent", "never 加 我 微 信"),
        ("customer", "不 投诉"),
        ("customer", "不 投 诉"),
        ("customer", "不会 投诉你们的"),
        ("customer", "不用催 单了"),
        ("customer", "取消，协议我看了"),
        ("customer", "取消 协议"),
    ],
)
def test_what_takes_a_phrase_back_does_so_where_it_is_pulled_apart(sender: str, text: str) -> None:
    assert shipped_hits(text, sender) == []


@pytest.mark.parametrize(
    ("sender", "text", "found"),
    [
        ("agent", "谨防私下转账。私下 转账给我", "私下转账"),
        ("agent", "请勿担心，加 我 微 信", "加我微信"),
        ("agent", "请勿担心亲 可以给您优惠哦亲 加 我 微 信", "加我微信"),
        ("customer", "不，投诉！", "投诉"),
        ("customer", "不，投 诉！", "投诉"),
        ("customer", "我要投 诉", "投诉"),
        ("customer", "不投诉才怪，我要 投 诉", "投诉"),
    ],
)
def test_what_is_pulled_apart_is_found_where_nothing_takes_it_back(sender: str, text: str, found: str) -> None:
    assert shipped_hits(text, sender) == [found]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["不 投诉", "不投 诉", "投 诉", "不用催 单", "请勿 加 我 微 信", "不 会 投 诉"])
def test_a_message_that_repeats_what_is_taken_back_is_read_soon(unit: str) -> None:
    for sender in ("agent", "customer"):
        shipped_hits(unit * (20_000 // len(unit)), sender)


def test_a_rule_for_agents_does_not_listen_to_customers() -> None:
    rule = Phrases(id="words", kind="phrases", sender="agent", phrases=["微信"])
    assert PhraseMatcher([rule]).find("加微信", "customer") == []
    assert PhraseMatcher([rule]).find("加微信", "agent") == [["words", "微信"]]


def test_traditional_chinese_is_read_as_simplified() -> None:
    talk = Talk(rules_with(phrases=["投诉", "爱买不买"], slow_reply=60))
    talk.hear(line(text="我要投訴你們"))
    talk.hear(line(message_id="m2", conversation_id="c2", sender="agent", text="愛買不買"))
    assert [alert["observed"]["value"] for alert in talk.alerts] == ["投诉", "爱买不买"]
    thanked = Chat().customer(0, "可以退嗎？").agent(10, "已經退款").customer(20, "謝謝您的協助")
    assert Talk(rules_with(slow_reply=60)).say(thanked.events).alerts == []


def test_rules_read_the_end_of_a_long_text_but_not_what_is_quoted() -> None:
    talk = Talk(rules_with(phrases=["投诉到"]))
    talk.hear(line(text="请帮我看看这个订单。" * 300 + "再不处理我就投诉到消协"))
    talk.hear(line(message_id="m2", conversation_id="c2", text="> 我要投诉到底\n> 客服\n好的，收到"))
    assert [alert["conversation_id"] for alert in talk.alerts] == ["c1"]


def test_a_name_can_tell_a_terminal_nothing() -> None:
    chat = Chat().customer(0, "在吗？", agent_id="Ann\x1b[2J\x07\nFAKE critical", shop="s\x001", url="https://desk.example/c\x1b[2J")
    (alert, *_) = Talk(rules_with(slow_reply=60)).say(chat.events).alerts
    assert all(sign.isprintable() for sign in orjson.dumps(alert).decode() + alert["summary"] + str(alert["url"]) + str(alert["shop"]))


def test_a_rule_means_words_and_not_the_signs_of_the_mask() -> None:
    talk = Talk(rules_with(phrases=["phone", "email", "qq"]))
    talk.hear(line(text="改成13800138000，或者 a@b.com"))
    assert talk.alerts == []
    talk.hear(line(message_id="m2", text="my phone is broken"))
    assert [alert["rule"] for alert in talk.alerts] == ["phrases"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"edited_at": "0001-01-01T00:00:00Z"}, "message"),
        ({"edited_at": {}}, "message"),
        ({"edited_at": "null"}, "message"),
        ({"deleted": []}, "message"),
        ({"deleted": "no"}, "message"),
        ({"kind": ""}, "message"),
        ({"deleted": True}, "delete"),
        ({"edited_at": T0}, "edit"),
    ],
)
def test_what_producers_send_for_nothing_is_nothing(fields: dict[str, Any], kind: str) -> None:
    event = read(line(**fields))
    assert event is not None and event["kind"] == kind


def test_a_sender_that_is_blank_is_the_system_s_for_what_is_no_message() -> None:
    event = read(line(kind="resolve", sender=""))
    assert event is not None and event["sender"] == "system"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("Public", "public"), (" EXTERNAL ", "public"), (False, "public"), ("false", "public"), ([], "public"), ("private", "internal"), (True, "internal")],
)
def test_a_visibility_is_read_however_it_is_written(word: Any, meant: str) -> None:
    event = read(line(visibility=word))
    assert event is not None and event["visibility"] == meant


def test_markup_is_known_by_other_names_for_it() -> None:
    for name in ("HTML", "text/html"):
        talk = Talk(rules_with(phrases=["我要投诉"]))
        talk.hear(line(text="<p>我要<b>投</b>诉</p>", format=name))
        assert [alert["rule"] for alert in talk.alerts] == ["phrases"]


def test_a_time_beyond_2100_is_a_dead_letter_on_a_replay_topic_as_well() -> None:
    """Its record's own time may be as far away: an alert of it could not be written down."""
    with pytest.raises(Refused) as refused:
        read(line(sent_at=T0 * 1_000), TimeLimits(oldest_accepted_ms=-1, future_ms=2**60), T0 * 1_000)
    assert refused.value.reason == "time_in_future"
