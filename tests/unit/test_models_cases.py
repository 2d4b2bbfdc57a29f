"""What real reports say that sentiment scorers get wrong, put to the shipped models."""

from __future__ import annotations

import pytest

from models.near_copies import identity
from models.scorer import SHIPPED, Score, Scorer, load_scorer
from models.service_lines import service_lines

SURE = 0.7
"""With so much confidence a model that reads one message must not call irony praise."""

IRONY = (
    "呵呵，三天没人理，你们服务真好",
    "这就是你们说的24小时发货？",
    "真厉害，一个退款能拖半个月",
    "wow, only four hours on hold today",
    "Great, another week of waiting. Thanks a lot.",
    "Lovely, my parcel is lost again. Thank you so much.",
    "Love how you ignore my emails",
    "Nice, charged twice. Great job guys",
    "thanks so much for losing my bag",
    "Perfect. Just perfect. Another delay.",
    "谢谢你们让我错过了婚礼",
    "好棒哦，退款又被驳回了",
    "太好了，又要等一个星期，谢谢啊",
)


@pytest.fixture(scope="module", params=[f"{name} {precision}" for name in SHIPPED for precision in ("fp32", "int8")])
def scorer(request: pytest.FixtureRequest) -> Scorer:
    """Both models, in the precision that changes least and in the one that changes most, whatever this machine would choose."""
    name, precision = request.param.split()
    return load_scorer(name, "cpu", precision)


def read(scorer: Scorer, text: str) -> Score:
    (score,) = scorer.score([text])
    assert score is not None
    return score


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Not bad at all", "neutral positive"),
        ("Everything arrived fine, no issues, no complaints", "positive"),
        ("Not my worst order ever, but the worst this month", "negative"),
        ("I never enjoyed being passed around like this", "negative"),
        ("不是不满意，是非常不满意", "negative"),
        ("这次没让我失望", "positive"),
        ("我不高兴", "negative"),
        ("不难看", "neutral positive"),
        ("没有不满意的地方", "neutral positive"),
        ("质量没问题，物流也没掉链子", "neutral positive"),
        ("no problem, thank you", "neutral positive"),
        ("一点也不贵，就是不耐用", "negative"),
    ],
)
def test_a_negated_word_is_not_the_word(scorer: Scorer, text: str, labels: str) -> None:
    assert read(scorer, text).label in labels.split()


def test_a_feeling_that_is_denied_is_heard(scorer: Scorer) -> None:
    assert read(scorer, "I can't say I'm happy with the answer").label == "negative"


@pytest.mark.parametrize(
    "text",
    [
        "有个问题想问一下",
        "这个问题怎么解决",
        "I have a problem with logging in, which menu is it under?",
        "how do i make a complaint form copy",
        "投诉电话是多少",
    ],
)
def test_a_problem_is_the_topic_of_a_service_chat_and_not_its_mood(scorer: Scorer, text: str) -> None:
    assert read(scorer, text).score > -SURE


@pytest.mark.parametrize("text", [*IRONY, "Thanks for nothing!", "好的🙂"])
def test_irony_is_negative_or_at_least_not_praise(scorer: Scorer, text: str) -> None:
    score = read(scorer, text)
    assert score.label != "positive" or score.confidence < SURE


@pytest.mark.parametrize(
    "text",
    [
        "真的太好了，谢谢你们",
        "This is great, thanks a lot for waiting with me!",
        "Great, that was fast. Thanks a lot!",
        "Love how fast you fixed it",
        "thanks so much for finding my bag",
        "太好了，明天就到，谢谢啊",
        "谢谢，好的😊",
    ],
)
def test_honest_praise_is_still_praise(scorer: Scorer, text: str) -> None:
    assert read(scorer, text).label == "positive"


def test_the_irony_that_is_asked_about_was_not_learnt_from() -> None:
    learnt = {identity(line.text) for line in service_lines()}
    assert [text for text in IRONY if identity(text) in learnt] == []


@pytest.mark.parametrize(
    "text",
    [
        "是我不好，我的包裹大概也嫌弃我，别人的都到了，我只敢小声问一句",
        "求求你们了，再不发货我真的要急哭了",
        "我给你们磕头了，能不能快点发货",
    ],
)
def test_a_rant_that_begs_is_not_positive(scorer: Scorer, text: str) -> None:
    assert read(scorer, text).label == "negative"


@pytest.mark.parametrize("text", ["==", "1", "等等", "稍等", "嗯", "ok"])
def test_a_holding_reply_is_neutral_and_not_rude(scorer: Scorer, text: str) -> None:
    score = read(scorer, text)
    assert score.label == "neutral"
    assert not score.tones or score.tones[3] < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "非常抱歉给您添麻烦了，这边马上为您核实",
        "请您耐心等待，我们会在48小时内回复您",
        "We sincerely apologise for the inconvenience and are looking into it",
    ],
)
def test_an_agents_politeness_formula_is_not_a_bad_mood(scorer: Scorer, text: str) -> None:
    assert read(scorer, text).label != "negative"


CALM = (
    "我想了解一下这款商品的尺寸、颜色和发货时间，还有保修的政策。",
    "您好，请问这个颜色还有货吗，我想买一件送朋友。",
    "请问你们店的营业时间是什么，周末可以自提吗？",
    "我上周买了一件衣服，收到后发现尺码偏大，想换一件小一号的。",
    "Could you tell me which sizes you have and when the next delivery comes in? ",
)


@pytest.mark.parametrize("ending", ["再不处理我就投诉到12315", "你们太过分了", "垃圾"])
@pytest.mark.parametrize("calm", CALM)
def test_anger_at_the_end_of_a_long_calm_text_is_heard(scorer: Scorer, calm: str, ending: str) -> None:
    assert read(scorer, calm * 100 + ending).label == "negative"


@pytest.mark.parametrize("calm", CALM[:3])
def test_thanks_at_the_end_of_a_long_text_do_not_make_it_praise(scorer: Scorer, calm: str) -> None:
    thanked, before = read(scorer, f"{calm * 100}谢谢，麻烦了").score, read(scorer, calm * 100).score
    assert thanked - before > -0.2  # nor do they make it a complaint
    assert thanked < max(before, 0.0) + 0.2


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("这个coupon怎么use不了，so annoying", "negative"),
        ("iPhone15什么时候发", "neutral"),
        ("客服reply得好快，love it", "positive"),
        ("wait了三天还没ship，太过分了", "negative"),
        ("ok la 退了吧", "neutral"),
    ],
)
def test_two_languages_in_one_line(scorer: Scorer, text: str, label: str) -> None:
    assert read(scorer, text).label == label


@pytest.mark.parametrize(
    ("traditional", "label"),
    [("客服態度太差了，我要投訴", "negative"), ("什麼時候發貨", "neutral"), ("非常滿意，謝謝", "positive")],
)
def test_traditional_chinese_is_read_as_simplified_is(scorer: Scorer, traditional: str, label: str) -> None:
    assert read(scorer, traditional).label == label


@pytest.mark.parametrize("sign", "😡😠🤬😤😭😢😞😔😩👎💔🖕")
def test_a_face_that_is_cross_or_sad_is_never_praise(scorer: Scorer, sign: str) -> None:
    assert read(scorer, sign).score < -0.1


@pytest.mark.parametrize("sign", "😊😀😁👍🏻👏❤️💕😍🥰🎉💐".replace("🏻", "").replace("\ufe0f", ""))
def test_a_face_that_is_glad_is_never_anger(scorer: Scorer, sign: str) -> None:
    assert read(scorer, sign).score > 0


@pytest.mark.parametrize(("text", "label"), [("😡😡😡", "negative"), ("👍", "positive"), ("谢谢❤️", "positive")])
def test_emoji_alone_say_something(scorer: Scorer, text: str, label: str) -> None:
    assert read(scorer, text).label == label


def test_what_holds_nothing_to_read_has_no_score_and_leaves_the_others_in_order(scorer: Scorer) -> None:
    scores = scorer.score(["差评", "", "谢谢", "\u200b", "https://shop.example/a"])
    assert [score and score.label for score in scores] == ["negative", None, "positive", None, None]
