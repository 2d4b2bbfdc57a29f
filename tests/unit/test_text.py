"""Views of a text: matching copies with a way back, what was seen of HTML, courtesies, questions, languages."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.text import (
    asks,
    fold,
    is_closing_offer,
    is_courtesy,
    language,
    repair,
    strip_html,
    strip_quotes,
)


def test_a_word_with_a_hidden_character_folds_to_the_word_and_leads_back_to_all_of_it() -> None:
    folded = fold("来聊薇\u200b信")
    assert folded.text == "来聊薇信"
    assert folded.span(2, 4) == (2, 5)
    assert folded.original == "来聊薇\u200b信"


def test_separators_are_dropped_only_on_request() -> None:
    text = "扫 薇　信"
    assert fold(text).text == "扫 薇 信"
    folded = fold(text, ignore_separators=True)
    assert folded.text == "扫薇信"
    assert folded.span(1, 3) == (2, 5)
    assert fold("W.e-C_h a·t", ignore_separators=True).text == "wechat"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＳＭ", "sm"),
        ("Hello WORLD", "hello world"),
        ("Straße", "strasse"),
        ("❤\ufe0f好", "❤好"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("e\u0301", "é"),
        ("①②", "12"),
        ("so\u00adft", "soft"),
        ("大\u3164麻", "大麻"),
        ("，？！：", ",?!:"),
        ("", ""),
    ],
)
def test_folding_undoes_what_hides_a_word(text: str, expected: str) -> None:
    assert fold(text).text == expected


def test_a_character_that_folds_into_several_is_found_whole() -> None:
    folded = fold("㎏ e\u0301x ﬁ")
    assert folded.text == "kg éx fi"
    assert folded.span(0, 1) == folded.span(1, 2) == (0, 1)
    assert folded.span(3, 4) == (2, 4)
    assert folded.span(6, 8) == (6, 7)


def test_hangul_that_is_written_in_pieces_leads_back_to_all_pieces() -> None:
    text = "x" + unicodedata.normalize("NFD", "각") + "y"
    folded = fold(text)
    assert folded.text == "x각y"
    assert folded.span(1, 2) == (1, 4)


def test_an_empty_span_points_between_characters() -> None:
    folded = fold("a\u200bb")
    assert folded.span(1, 1) == (2, 2)
    assert folded.span(2, 2) == (3, 3)


TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(
        alphabet="aKﬁ㎏é\u0301\u200b\ufe0f 　.-_微信ＳＭ①각\u1100\u1161\u11a8ﾊﾞİß👨\u200d，\u3164\uff9e\ud800",
        max_size=30,
    ),
)


@settings(max_examples=800, deadline=None)
@given(TEXTS, st.booleans(), st.data())
def test_spans_of_a_fold_stay_in_bounds_and_in_order(text: str, ignore_separators: bool, data: st.DataObject) -> None:
    folded = fold(text, ignore_separators)
    assert len(folded.offsets) == len(folded.text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    first, last = folded.span(start, end)
    assert 0 <= first <= last <= len(text)
    if start < end:
        assert first < last
    for (a, b), (c, d) in zip(folded.offsets, folded.offsets[1:], strict=False):
        assert a < b and c < d and a <= c and b <= d


@settings(max_examples=800, deadline=None)
@given(TEXTS)
def test_the_piece_behind_a_character_folds_to_that_character(text: str) -> None:
    folded = fold(text)
    for character, (start, end) in zip(folded.text, folded.offsets, strict=True):
        assert character in fold(text[start:end]).text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("没有标签", "没有标签"),
        ("<p>您好&nbsp;&amp; 欢迎</p><p>请讲</p>", "您好 & 欢迎\n请讲"),
        ("一<br>二<br/>三", "一\n二\n三"),
        ("<style>p{color:red}</style><b>好</b>的<script>alert('坏')</script>", "好的"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<img src='x' onerror='alert(1)'>看图", "看图"),
        ("<!-- 内部 -->公开", "公开"),
        ("<head><title>题</title><body>文", "文"),
        ("&lt;b&gt;", "<b>"),
        ("我<3你", "我<3你"),
        ("<script>只有脚本", ""),
    ],
)
def test_html_becomes_the_text_that_is_seen(markup: str, expected: str) -> None:
    assert strip_html(markup) == expected


@pytest.mark.parametrize(
    "unit", ["<", "<a", "<a ", "<!--", "<!-- >", "</", "<![CDATA[", "<a b='", "<script>", "&#", "<?", "<p>", "<!x [>"]
)
@pytest.mark.timeout(30)
def test_hostile_markup_ends_soon(unit: str) -> None:
    assert len(strip_html(unit * (20_000 // len(unit)))) <= 20_000


@given(st.text(alphabet="<>/!-&;#'\"=abp scrit", max_size=60))
def test_any_markup_can_be_read(markup: str) -> None:
    assert isinstance(strip_html(markup), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> 抱歉让您久等了\n> 客服小李\n好的，收到", "好的，收到"),
        ("好的", "好的"),
        ("> 只有引用\n>还是", ""),
        ("  > 缩进\n嗯", "嗯"),
        ("a > b", "a > b"),
        ("＞ 引用\n答", "答"),
        (">_< 还没收到，我要投诉", ">_< 还没收到，我要投诉"),
        (">3天了还不发货\n> 好的", ">3天了还不发货"),
    ],
)
def test_quoted_lines_go(text: str, expected: str) -> None:
    assert strip_quotes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("好的", "好的"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeff开\x00头", "开头"),
        ("一\n二\t三", "一\n二\t三"),
    ],
)
def test_what_can_be_repaired_is_repaired(text: str, expected: str) -> None:
    assert repair(text) == expected


@settings(max_examples=500)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_repaired_text_always_encodes(text: str) -> None:
    repaired = repair(text)
    repaired.encode()
    assert "\x00" not in repaired and "\ufeff" not in repaired
    assert repair(repaired) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "Thank you so much!",
        "Thank you very much for your help!",
        "ok thx",
        "okay, got it",
        "OK👌",
        "bye",
        "no thanks",
        "好",
        "好的",
        "好的谢谢🙏",
        "好的，我知道了",
        "嗯嗯 谢谢亲",
        "收到",
        "拜拜",
        "谢谢啦～",
        "谢谢您的耐心解答",
        "謝謝",
        "没有了，谢谢",
        "没了 谢谢",
        "没有，谢谢",
        "不用了",
        "OK的",
        "ＯＫ",
        "好好好",
        "辛苦了",
        "🙏",
        "[OK]",
        "好的[微笑]",
        "好嘞~麻烦您了",
    ],
)
def test_a_closing_courtesy_is_one(text: str) -> None:
    assert is_courtesy(text)
    assert not asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "谢谢，那运费谁出？",
        "还没收到",
        "收到货了是坏的",
        "好像坏了",
        "好用",
        "不好",
        "亲",
        "在吗",
        "好的？",
        "好的谢谢😡",
        "😡",
        "...",
        "==",
        "1",
        "",
        " ",
        "你好",
        "您好",
        "没有收到",
        "ok la 退了吧",
        "thanks for nothing",
        "ok so where is it",
        "great, another week of waiting",
        "thankless",
        "okra",
        "谢谢" * 13,
        "好的" + "，谢谢您" * 8,
    ],
)
def test_what_says_more_is_no_courtesy(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize(
    "text",
    [
        "谢谢，那运费谁出？",
        "运费谁出",
        "要我现在取消订单吗？",
        "在吗",
        "在么",
        "人呢",
        "那运费呢",
        "好的，结果呢",
        "有人嘛",
        "什么时候发货",
        "几天到",
        "多少钱",
        "怎么退",
        "为什么都没人回",
        "能不能快点",
        "发货了没",
        "哪里看进度",
        "怎么还没发货呢",
        "帮我查一下",
        "我要退货",
        "请问有货没有",
        "還有貨嗎",
        "转人工",
        "shall I cancel it",
        "Could you check",
        "hi what time do you open",
        "thanks, when will it ship",
        "where's my order",
        "what’s going on",
        "can you help me 😊",
        "please cancel my order",
        "I want a refund",
        "is anyone there",
    ],
)
def test_questions_and_requests_ask(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "还没收到",
        "还没到呢",
        "正在为您处理呢",
        "不需要的呢",
        "您可以在订单里查到呢",
        "请稍等",
        "几乎没用过",
        "过几天再说",
        "没什么事了",
        "那么贵",
        "退款已到账",
        "我们会尽快处理",
        "已为您催促快递",
        "亲，您好",
        "please wait a moment",
        "Let me know when it arrives",
        "I received it yesterday",
        "https://shop.example/a?id=3",
        "",
    ],
)
def test_statements_do_not_ask(text: str) -> None:
    assert not asks(text)


def test_an_offer_of_more_help_is_a_question_of_its_own_kind() -> None:
    for text in ("请问还有其他可以帮您的吗？", "还有什么需要帮忙的吗", "Is there anything else I can help you with?"):
        assert asks(text)
        assert is_closing_offer(text)
    for text in ("要我现在取消订单吗？", "Shall I cancel it?", "好的"):
        assert not is_closing_offer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这个link怎么open不了，so weird", "zh"),
        ("AirPods2啥时候到货", "zh"),
        ("lol 那算了吧", "zh"),
        ("Docker：映像檔", "zh"),
        ("退Nike Air Max 270", "zh"),
        ("鲜の每日", "zh"),
        ("ㅋㅋ好的", "zh"),
        ("where is my parcel", "en"),
        ("thx 🙏", "en"),
        ("my order from 淘宝 never arrived", "en"),
        ("¯\\_(ツ)_/¯ lol", "en"),
        ("注文した商品がまだ届きません", "ja"),
        ("カメラ", "ja"),
        ("감사합니다", "ko"),
        ("привет", "und"),
        ("https://shop.example/a", "und"),
        ("[phone]", "und"),
        ("12:30", "und"),
        ("😊", "und"),
        ("", "und"),
    ],
)
def test_language_goes_by_script(text: str, expected: str) -> None:
    assert language(text) == expected


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_any_text_can_be_judged(text: str) -> None:
    assert is_courtesy(text) in (True, False)
    assert asks(text) in (True, False)
    assert is_closing_offer(text) in (True, False)
    assert language(text) in ("zh", "en", "ja", "ko", "und")


@pytest.mark.parametrize(
    "unit", ["谢", "好", "好的", "ok ", "k", "呢", "还", "什", "how ", "a", "[", "，", "能", "请问还有其他"]
)
@pytest.mark.timeout(30)
def test_long_repetitions_are_judged_soon(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    assert not is_courtesy(text)
    assert asks(text) in (True, False)
    assert is_closing_offer(text) in (True, False)
    assert not is_courtesy((unit * 24)[:23] + "x1")
