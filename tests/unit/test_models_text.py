"""What is left of a text for a model to read, and how a long one is encoded."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.text import readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("看这里https://shop.example/a?b=1，坏了", "看这里 ,坏了"),
        ("see www.shop.example/a now", "see now"),
        ("http：//item.shop.example/a 坏了", "坏了"),
        ("ＷＷＷ.shop.example/x 太差了", "太差了"),
        ("ｈｔｔｐｓ：／／shop.example/a", ""),
        ("退/换都行//太慢", "退/换都行//太慢"),
        ("电话[phone]打不通", "电话 打不通"),
        ("[id_card:9f3c]是我的", "是我的"),
        ("[微笑][Smile][doge]", "🙂🙂[doge]"),
        ("气死了[發怒] 好的[OK][捂脸]", "气死了😡 好的👌🤦"),
        ("[退货地址][a1][强][1]", "[退货地址][a1]👍[1]"),
        ("太\u200b差\ufeff了", "太差了"),
        ("ＯＫ　好", "OK 好"),
        ("啊啊啊啊啊啊啊!!!!!!!!", "啊啊啊!!!"),
        ("a\n\n b\t", "a b"),
        ("<p>很好用<br/>真的</p>&nbsp;", "很好用 真的"),
        ('<a href="https://shop.example/a">坏了</a>', "坏了"),
        ("I <3 you &amp; a<b &lt;3", "I <3 you & a<b <3"),
        ("if a<b and b>c", "if a<b and b>c"),
        ("<i love you> 价格<b 不行>", "<i love you> 价格<b 不行>"),
        ("&notify; &#9;差&#128545; &NBSP;x", "&notify; 差😡 x"),
        ("<html><head><title>Re</title></head><body class=x>bad</body></html>", "Re bad"),
        ("<!DOCTYPE html><main><section><article>bad</article></section></main>", "bad"),
        ("<!-- note -->bad<!--[if mso]>x<![endif]-->", "bad"),
        ("<script>alert('x')</script>bad<SCRIPT type='a'>y</script >", "bad"),
        ("<style>p{color:red}</style>bad<style>", "bad"),
        ('<label for="a">bad</label><button type="submit" disabled>ok</button>', "bad ok"),
        ("<input disabled>bad<td nowrap>bad</td><input checked readonly name=a>", "bad bad"),
        ("<o:p>bad</o:p><p  >bad</p >", "bad bad"),
        ("&lt;!-- a --&gt;bad &lt;td nowrap&gt;", "bad"),
        ("<!-- 差 <script> 坏 <s hidden agenda> <script kid>", "<!-- 差 坏 <s hidden agenda> <script kid>"),
        ("[圖片][語音][檔案]", ""),
        ("差&amp;lt;br&amp;gt;评 AT&T; &amp", "差 评 AT&T; &amp"),
    ],
)
def test_what_carries_no_sentiment_is_left_out(text: str, expected: str) -> None:
    assert readable(text, 1_000) == expected


@pytest.mark.parametrize(
    "unit", ["<", "<!--", "<!-- -", "<script>", "<script ", "<style></script>", "<td ", "<td nowrap ", "<td a=", "<td a =b ", "<!doctype ", "</", "<p", "< "]
)
def test_hostile_markup_is_read_in_linear_time(unit: str) -> None:
    """A hundredth of a second as it is; a square of the length would take minutes."""
    began = time.process_time()
    for text in (unit * (20_000 // len(unit)), unit + " " * 19_000, unit.rstrip() + " nowrap" * 2_500):
        readable(text, 1_000)
    assert time.process_time() - began < 1


def test_a_long_text_keeps_head_and_tail() -> None:
    text = "".join(chr(0xAC00 + at) for at in range(5_000))
    assert readable(text, 100) == text[:50] + text[-50:]


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=[])), st.integers(1, 50))
def test_any_text_comes_out_encodable_and_within_its_bound(text: str, limit: int) -> None:
    result = readable(text, limit)
    assert len(result) <= limit
    result.encode("utf-8")


def test_traditional_chinese_is_read_as_simplified() -> None:
    assert readable("客服態度太差了 什麼時候發貨", 100) == "客服态度太差了 什么时候发货"
    assert readable("simple", 100) == "simple"


PIECES = ["http", "ｈttps", "ftp", "://", "：//", "﹕／／", "www", "ＷＷw", "ⓦⓦⓦ", ".", "．", "…", "a", "坏", "，", " ", "。", "wwww", "&", "&amp;", "amp;", "lt;", "&lt;", "<", "br", ">", "＜", "&#8203;", "&#38;", "[圖片]", "[語", "<!--", "-->", "--", "<script", "</script>", "<td", "nowrap", "="]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("www… 太好笑")
@example("ⓦⓦⓦ.a.com 坏")
@example("http﹕//a.b/c 坏")
def test_a_text_that_was_cleaned_is_clean(text: str) -> None:
    """A model server cleans what its client has cleaned."""
    assert readable(readable(text, 1_000), 1_000) == readable(text, 1_000)
