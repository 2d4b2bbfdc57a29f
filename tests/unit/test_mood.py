"""What a session keeps of its messages' mood and tone, and what of a text a model gets to read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from jobs.text_lines import as_in_the_job
from models.scorer import Score
from tests.chat import Chat
from tests.conversing import Talk

PRAISE = Score("positive", 0.8)


class Listening:
    """Says the same of every text, and remembers what it was asked."""

    version = "listening"

    def __init__(self, score: Score = PRAISE) -> None:
        self.asked: list[str] = []
        self._score = score

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        self.asked += texts
        return [self._score] * len(texts)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("> 非常抱歉，给您造成困扰\n> 客服\n好的，收到", "好的，收到"),
        ("「客服: 亲，垃圾请自己带走」\n- - - - -\n好", "好"),
        ("> 只有引用", "  只有引用"),
        ("好的\n\n-----原始邮件-----\n发件人: a@b.com\n亲，垃圾请自己带走", "好的"),
        ("Thanks\n\nOn Mon, 2 Mar 2026 at 10:00, Support <a@b.com>\nwrote:\n\nYou are rubbish.", "Thanks"),
        ("我的电话13800138000", "我的电话[phone]"),
        ("这是 > 3天了", "这是 > 3天了"),
        ("很\x00好\ufeff", "很好"),
    ],
)
def test_a_model_reads_what_the_writer_wrote_himself_in_the_job_and_outside(text: str, own: str) -> None:
    model = Listening()
    Talk(scorer=model).say(Chat().customer(0, text).events)
    assert model.asked == [own] == [as_in_the_job()(text)]


def test_praise_counts_half_where_nobody_has_answered_two_calls() -> None:
    chat = Chat().customer(0, "你好").customer(60, "在吗").customer(120, "服务真好").agent(130, "在").customer(140, "好")
    (session,) = Talk(scorer=Listening()).say(chat.events).sessions
    assert session["sentiment"]["mean"] == pytest.approx((0.8 + 0.8 + 0.4 + 0.8) / 4)
    cross = Talk(scorer=Listening(Score("negative", -0.8))).say(chat.events).sessions[0]
    assert cross["sentiment"]["mean"] == -0.8


def test_praise_that_is_typed_in_one_go_is_meant() -> None:
    chat = Chat().agent(0, "收到货了吗").customer(10, "质量特别好").customer(13, "穿着很舒服").customer(17, "颜色也很正").customer(25, "很喜欢")
    (session,) = Talk(scorer=Listening()).say(chat.events).sessions
    assert session["sentiment"]["mean"] == pytest.approx(0.8)


def test_tones_are_counted_for_the_customer_and_for_agents() -> None:
    chat = Chat().customer(0, "你好").note(5, "烦").customer(10, "在吗").agent(30, "在").bot(35, "欢迎")
    (session,) = Talk(scorer=Listening(Score("neutral", 0.0, (0.5, 0.1, 0.9, 0.49)))).say(chat.events).sessions
    assert session["tone"] == {
        "customer": {"polite": 2, "angry": 0, "anxious": 2, "abusive": 0},
        "agent": {"polite": 1, "angry": 0, "anxious": 1, "abusive": 0},
    }


def test_a_message_that_the_model_is_not_sure_of_is_not_counted_as_negative_but_its_score_counts() -> None:
    chat = Chat().customer(0, "你好").agent(5, "在").customer(10, "在吗")
    for label, negative in (("unknown", 0), ("negative", 2)):
        (session,) = Talk(scorer=Listening(Score(label, -0.4))).say(chat.events).sessions
        assert (session["sentiment"]["mean"], session["sentiment"]["scored"], session["sentiment"]["negative"]) == (-0.4, 2, negative)


def test_a_model_reads_only_what_something_is_made_of() -> None:
    model = Listening()
    chat = Chat().customer(0, "客户").agent(5, "客服").bot(6, "草稿", bot_mode="assist")
    chat.note(7, "便条").bot(8, "机器人").agent(9, "自动", automated=True).system(10, "系统").customer(11, "内部", visibility="internal")
    (session,) = Talk(scorer=model).say(chat.event(12, "edit", message_id="m1", sender="customer", text="改").events).sessions
    assert model.asked == ["客户", "客服", "草稿"]
    assert session["sentiment"]["scored"] == 1


def test_a_model_without_tones_tells_none() -> None:
    assert Talk(scorer=Listening()).say(Chat().customer(0, "你好").events).sessions[0]["tone"] is None
