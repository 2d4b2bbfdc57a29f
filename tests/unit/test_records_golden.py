"""Every record that leaves the job, and the state that a savepoint keeps, field by field as consumers know them.

A change that makes one of these tests fail is a change of the contract: bump the schema version, or the state's with a
migration, and only then write the files anew with `python -m tests.unit.test_records_golden`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.satisfaction import FEATURES, SatisfactionModel, features_of, load_satisfaction
from models.scorer import Score
from tests.chat import HOUR, MINUTE, SECOND, T0, Chat
from tests.conversing import Talk
from udfs.conversation import Conversation
from udfs.events import conversation_key
from udfs.quality import SHOWN
from udfs.rules import RuleSet

GOLDEN = Path(__file__).parent.parent / "golden"
END = T0 + 30 * HOUR
RULES = RuleSet.model_validate(
    {
        "schema_version": 1,
        "rules": [
            {"id": "slow_reply", "kind": "slow_reply", "limit_seconds": 60},
            {"id": "silence", "kind": "silence", "limit_seconds": 120, "severity": "error"},
            {"id": "abandonment", "kind": "abandonment"},
            {"id": "monologue", "kind": "monologue", "count": 3, "severity": "info"},
            {"id": "off_platform", "kind": "phrases", "phrases": ["加我微信"], "severity": "critical", "about": "Contact outside."},
        ],
    }
)

MOOD = RuleSet.model_validate(
    {
        "schema_version": 1,
        "rules": [
            *RULES.model_dump()["rules"],
            {"id": "mood", "kind": "sentiment_shift", "drop": 0.5, "min_scored": 3, "severity": "error"},
        ],
    }
)
"""The rules, and one of a kind whose alerts states up to version 3 kept otherwise."""


class Faces:
    """Reads moods off a text's last character."""

    version = "faces"

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        found = {"！": Score("negative", -0.75), "～": Score("positive", 0.5)}
        return [found.get(text[-1:], Score("neutral", 0.0)) for text in texts]


def chat() -> Chat:
    place = {"shop": "灯具店", "queue": "售后", "channel": "web", "url": "https://desk.example/c/85"}
    chat = Chat(conversation="85").customer(0, "你好～", customer_id="u-7", **place).bot(1, "欢迎光临")
    chat.customer(10, "灯不亮！").agent(95, "您加我微信说", **place).customer(110, "为什么？").note(115, "态度不好")
    chat.agent(130, "寄回来吧", agent_id="B").customer(150, "邮费谁出！").event(160, "reaction", sender="customer")
    chat.customer(0, "你好～", message_id="m1")
    return chat


def played(satisfaction: SatisfactionModel | None = None) -> Talk:
    """A session with replies, a slow one, words, a repeat, a late line, and a customer left alone."""
    talk = Talk(RULES, scorer=Faces())
    talk.context = replace(talk.context, satisfaction=satisfaction)
    for event in chat().events:
        talk.advance(event["sent_at"] - 1)
        talk.hear(event)
    talk.advance(T0 + 20 * MINUTE)
    talk.hear(Chat(conversation="85").agent(60, "在的，我电话13800138000", message_id="m99", shop="灯具店").events[0])
    talk.hear(
        b'{"conversation_id":"85","text":"\xe6\x88\x91\xe7\x9a\x84\xe7\x94\xb5\xe8\xaf\x9d13800138000"}', record_ms=T0
    )
    return talk.advance(END)


def under_way() -> Talk:
    """A conversation whose state holds a session that is over but not published, a head, a tail and open alerts."""
    talk = Talk(MOOD, scorer=Faces())
    *events, repeat = chat().events
    for event in events:
        talk.advance(event["sent_at"] - 1)
        talk.hear(event)
    talk.hear(Chat(T0 - 40 * MINUTE, conversation="85").customer(0, "上次的事呢？", message_id="m0").events[0])
    talk.advance(T0 + 5 * MINUTE + 20 * SECOND)
    talk.hear(repeat)
    # Out of order, which makes the state settle what it can.
    return talk.hear(Chat(conversation="85").event(155, "csat", message_id="m10", score=2).events[0])


KEY = conversation_key("t1", "default", "85")


def records() -> dict[str, Any]:
    """Name of the golden file → what it holds."""
    talk = played()
    (session,), (late,), (dead,), (duplicate,) = talk.sessions, talk.late, talk.dead, talk.duplicates
    (rated,) = played(load_satisfaction("default")).sessions
    slow = [alert for alert in talk.alerts if alert["rule"] == "slow_reply"]
    words = [alert for alert in talk.alerts if alert["rule"] == "off_platform"]
    return {
        "session": session,
        "session_rated": rated,
        "alert_firing": slow[0],
        "alert_resolved": slow[1],
        "alert_phrase_resolved": words[-1],
        "late": late,
        "dead_letter": dead,
        "duplicate": duplicate,
    }


NAMES = ("session", "session_rated", "alert_firing", "alert_resolved", "alert_phrase_resolved", "late", "dead_letter", "duplicate")


def stored(name: str) -> Any:
    return orjson.loads((GOLDEN / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_what_its_consumers_know(name: str) -> None:
    record, known = records()[name], stored(name)
    assert record == known
    assert list(record) == list(known)
    assert record["schema_version"] == 1


def test_a_rated_session_tells_what_its_satisfaction_is_made_of() -> None:
    """And is for the rest the record that it would be without a rating."""
    rated, plain = stored("session_rated"), stored("session")
    model = load_satisfaction("default")
    assert model is not None
    values, found = features_of(rated), model.rate(features_of(rated))
    told = rated["satisfaction"]["contributions"]
    assert [list(each) for each in told] == [["feature", "value", "points"]] * SHOWN
    assert {each["feature"] for each in told} <= set(FEATURES)
    # The largest come first, each with what the session's own number is and by how much it moves the score.
    assert [abs(each["points"]) for each in told] == sorted((abs(each["points"]) for each in told), reverse=True)
    assert {each["feature"]: each["value"] for each in told} == {each["feature"]: round(values[each["feature"]] or 0, 4) for each in told}
    assert [(each["feature"], each["points"]) for each in told] == [(each.feature, round(each.points, 4)) for each in found.contributions[:SHOWN]]
    assert sum(rated["satisfaction"]["probabilities"].values()) == pytest.approx(1, abs=3e-4)
    assert rated | {"satisfaction": None, "quality": None} == plain


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "v3_mood", "v4_unnumbered", "v4", "v5"])
def test_a_state_of_this_or_an_earlier_version_goes_on_to_the_same_sessions_and_alerts(name: str) -> None:
    golden = stored(f"state_{name}")
    assert golden["packed"].startswith(f"[{name[1]},")
    talk = Talk(MOOD, scorer=Faces())
    talk.packed, talk.watermark = {KEY: golden["packed"]}, golden["watermark"]
    talk.advance(END)
    assert talk.sessions == golden["sessions"]
    assert talk.alerts == golden["alerts"]


def test_the_stored_state_holds_something_of_every_kind() -> None:
    state = Conversation.unpack(stored("state_v5")["packed"])
    assert state.done and state.head is not None and state.live and state.tail.size and state.told and state.places.known
    assert state.head.replies.wait is not None and state.live[-1].replies.wait is not None and state.ids.latest and state.repeats
    assert state.places.last >= 0 and all(entry.severity and entry.shop is not None for entry in state.told)
    assert {hit.kind for hit in state.live[-1].findings.hits} == {"phrases", "sentiment_shift"} and all(e.kind for e in state.told)


def test_a_state_survives_being_packed_and_unpacked() -> None:
    packed = stored("state_v5")["packed"]
    assert Conversation.unpack(packed).pack() == packed
    assert under_way().packed[KEY] == packed


def test_no_state_is_a_conversation_never_heard_of() -> None:
    assert Conversation.unpack(None) == Conversation()


def test_a_state_of_a_later_release_is_refused_with_a_remedy() -> None:
    packed = stored("state_v5")["packed"].replace("[5,", "[6,", 1)
    with pytest.raises(ValueError, match="start the job from a savepoint of the same release"):
        Conversation.unpack(packed)


def test_no_phone_number_and_no_secret_of_a_customer_is_in_any_record() -> None:
    everything = orjson.dumps(records()).decode()
    assert "13800138000" not in everything and "u-7" not in everything


def test_identifiers_are_the_same_in_every_run_and_release() -> None:
    session, fired = stored("session"), stored("alert_firing")
    assert session["session_id"] == records()["session"]["session_id"]
    assert len(session["session_id"]) == len(fired["alert_id"]) == 32
    assert fired["alert_id"] == stored("alert_resolved")["alert_id"]


def write_golden() -> None:
    """Write the files anew: what is written from then on is the contract."""
    GOLDEN.mkdir(exist_ok=True)
    talk = under_way()
    packed, watermark, known = talk.packed[KEY], talk.watermark, len(talk.alerts)
    assert talk.sessions == []
    talk.advance(END)
    state = {"packed": packed, "watermark": watermark, "sessions": talk.sessions, "alerts": talk.alerts[known:]}
    for name, value in {**records(), "state_v5": state}.items():
        (GOLDEN / f"{name}.json").write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    write_golden()
