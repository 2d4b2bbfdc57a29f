"""What is seen of HTML, and what of a message its writer wrote himself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.markup import strip_html, strip_quotes
from udfs.text import visible


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


ANSWERED = "亲，垃圾请自己带走，别加我微信"


@pytest.mark.parametrize(
    "announced",
    [
        "-----Original Message-----\nFrom: Support\nSent: Monday",
        "-----原始邮件-----\n发件人: 客服",
        "------------------ 原始邮件 ------------------\n发件人: \"客服\" <kf@shop.example>;\n发送时间: 2026年3月2日",
        "------------------&nbsp;原始郵件&nbsp;------------------".replace("&nbsp;", "\xa0"),
        "---------- Forwarded message ---------",
        "From: Support <support@shop.example>\nSent: Monday, March 2, 2026 10:00\nTo: Ann\nSubject: RE: order",
        "________________________________\nFrom: Support\nDate: Monday",
        "*From:* Support\n*Sent:* Monday",
        "From: Support\n\nTo: Ann\n\nSubject: RE: order",
        "发件人：客服\r\n收件人：王女士\r\n主题：回复",
        "寄件者: 客服\n日期: 週一",
        "On Mon, Mar 2, 2026 at 10:00 AM Support <support@shop.example> wrote:",
        "On Mon, Mar 2, 2026 at 10:00 AM Support\n<support@shop.example>\nwrote:",
        "At 2026-03-02 10:00:00, \"Support\" <support@shop.example> wrote:",
        "在 2026年3月2日，10:00，客服 <kf@shop.example> 写道：",
        "客服 <kf@shop.example> 于2026年3月2日周一 10:00写道：",
        "客服 於 2026年3月2日 週一 10:00 寫道：",
    ],
)
def test_the_mail_that_is_answered_goes(announced: str) -> None:
    for own in ("好的，收到", "Thanks, got it.\n\nAnn", "好的\n=="):
        assert strip_quotes(f"{own}\n\n{announced}\n\n{ANSWERED}") == own
        assert strip_quotes(f"{own}\n{announced}") == own
    alone = f"{announced}\n{ANSWERED}"
    assert strip_quotes(alone).endswith(ANSWERED), "what is nothing but quoted must not get past the rules"


@pytest.mark.parametrize(
    "text",
    [
        "帮我改一下\n发件人：张三\n收件人：李四\n再不处理我就投诉",
        "From: Beijing\nTo: Shanghai",
        "我的订单\n主题: 红色\n日期: 明天",
        "我看到\n在评论里有人写道：\n质量差",
        "He told me\non the phone what you wrote:\nnothing",
        "地址\n-----\n北京",
        "from: me\nI want a refund",
        "一句\n原始邮件在哪\n二句",
    ],
)
def test_what_only_looks_like_a_mails_header_stays(text: str) -> None:
    assert strip_quotes(text) == text


def test_what_is_written_between_or_below_quoted_lines_stays() -> None:
    announced = "On Mon, Mar 2, 2026 at 10:00 AM Support\n<s@shop.example> wrote:"
    assert strip_quotes(f"{announced}\n> 亲\n> 在的\n我要投诉") == "我要投诉"
    assert strip_quotes(f"Hi\n{announced}\n\n> 亲\n不行\n> 在的\n我要投诉") == "Hi\n\n不行\n我要投诉"


@pytest.mark.parametrize(
    "unit",
    ["On 1 wrote:\n", "from:\n", "from:\nsent", "\n", "-----原始邮件", "From: a\nTo: b\n", "在1 写道\n", "于 ", "on 1\n", "from ", "wrote ", "on 1 wrote:\n>\n"],
)
@pytest.mark.timeout(20)
def test_quotations_of_any_length_are_told_soon(unit: str) -> None:
    for ending in ("", "\nwrote:", " " * 9_000 + "写道："):
        assert len(strip_quotes(unit * (20_000 // len(unit)) + ending)) <= 30_000


@given(st.text(alphabet="\n\n>: 1Onwrtefm发件人在写道：-", max_size=80))
def test_of_what_is_seen_something_is_left(text: str) -> None:
    assert visible(strip_quotes(text)) or not visible(text.strip(">"))
