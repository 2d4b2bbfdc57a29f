"""What is seen of HTML, and what of a message its writer wrote himself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.markup import strip_html, strip_quotes


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
        ("价格<![好的", "价格<![好的"),
        ("Hi <![foo]> there", "Hi there"),
        ("<![13800138000 call", "<![13800138000 call"),
        ("<![ if]>一<![endif]>", "一"),
        ("<![if !supportLists]>1<![endif]>", "1"),
        ("<![CDATA[x > y]]>一", "一"),
        ("<![temp[x]]>一", "一"),
        ("<![", "<!["),
        ("&#" + "9" * 5_000 + ";一", "\ufffd一"),
        ("&#" + "0" * 5_000 + "65;", "A"),
        ("&#00000065;", "A"),
        ("<a b='&#" + "9" * 5_000 + "'>一", "一"),
    ],
)
def test_html_becomes_the_text_that_is_seen(markup: str, expected: str) -> None:
    assert strip_html(markup) == expected


@pytest.mark.parametrize(
    "unit", ["<", "<a", "<a ", "<!--", "<!-- >", "</", "<![CDATA[", "<![", "<![if", "<![x]>", "<![CDATA[-->", "&#0000000", "<a b='", "<script>", "&#", "<?", "<p>", "<!x [>"]
)
@pytest.mark.timeout(30)
def test_hostile_markup_ends_soon(unit: str) -> None:
    assert len(strip_html(unit * (20_000 // len(unit)))) <= 20_000


@given(st.text(alphabet="<>/!-&;#'\"=abp scrit[]?好", max_size=60))
def test_any_markup_can_be_read(markup: str) -> None:
    assert isinstance(strip_html(markup), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> 抱歉让您久等了\n> 客服小李\n好的，收到", "好的，收到"),
        ("好的", "好的"),
        ("> 只有引用\n>还是", "  只有引用\n 还是"),
        (">>我要投诉", "  我要投诉"),
        ("「加我微信」\n-----\n", "「加我微信」\n-----\n"),
        ("> \u200b", "  \u200b"),
        ("  > 缩进\n嗯", "嗯"),
        ("a > b", "a > b"),
        ("＞ 引用\n答", "答"),
        (">_< 还没收到，我要投诉", ">_< 还没收到，我要投诉"),
        (">3天了还不发货\n> 好的", ">3天了还不发货"),
    ],
)
def test_quoted_lines_go(text: str, expected: str) -> None:
    assert strip_quotes(text) == expected
