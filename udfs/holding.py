"""Whether a shop's line only puts a customer off: "==", "稍等，我查一下", "one moment please".

It is an answer by the published definitions, and ends the wait; platforms that refuse small talk as a reply don't count it, and a
supervisor wants to see who lives on it. "1" and "==" are how Chinese agents write "here" and "wait".
"""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 60
"""Characters. A longer line says something."""

_OPENING_ZH: Final = r"(?:好+(?:的|滴|哒|嘞)?|嗯+|恩+|亲+(?:爱的)?|您好|你好|在的?|收到|明白|可以的?|ok)"
_WAIT_ZH: Final = (
    r"(?:请|麻烦)?(?:您|你)?(?:先|再)?(?:稍等|稍候|稍后|稍微等|等一?下|等等|等会儿?|等我)"
    r"(?:一?下|片刻|一会儿?|[几一]?分钟|一小会儿?)?"
)
_LOOK_ZH: Final = (
    r"我?们?(?:这边|这里)?(?:这就|马上|先|去|来|正在)*(?:(?:帮|给|为|替)(?:您|你)?)?(?:去)?"
    r"(?:查[询看查]?|看看?|核[实对]|确认|问问?|咨询|了解|反馈)(?:一?下)?(?:仓库|物流|快递|情况|订单|同事|主管)?"
)
_LATER_ZH: Final = (
    r"(?:马上|稍后|一会儿?|待会儿?|(?:我(?:去|来|先)?)?(?:核实|查到?|反馈|汇报|请示|问|确认)(?:给|一?下)?(?:主管|仓库|同事|领导|物流|快递|财务|技术)?(?:后|之后|以后|再))"
    r"就?(?:给|跟|再)?(?:您|你)?(?:回复|答复|联系|回电|回(?=[您你]))(?:您|你)?"
)
_TAIL_ZH: Final = r"(?:哈|哦|噢|呢|啊|呀|哟|的|了|吧)*"
_ENGLISH: Final = (
    r"(?:(?:ok(?:ay)?|sure|hi|hello|no problem|certainly|of course|thanks|thank you)[,.! ]+)*"
    r"(?:(?:please )?(?:one|just a|just one|a) (?:moment|second|sec|minute|min)"
    r"|(?:please )?(?:hold on|hold|wait|bear with (?:me|us)|stand by)(?: (?:for )?(?:a|one) (?:moment|second|sec|minute|min|bit|while))?"
    r"|(?:please )?give me (?:a|one|a few) (?:moment|second|sec|minute|min)s?"
    r"|(?:let me|i'?ll|i will|allow me to|i'?m going to) (?:just |quickly )?(?:check|look|see|find out|have a look|look into|look up)"
    r"(?: (?:that|this|it|into (?:that|this|it)|with [a-z ]{3,20}))?(?: up)?(?: for you)?(?: (?:right )?now)?"
    r"|(?:let me|i'?ll|i will) (?:just )?(?:ask|check with|speak to|talk to|confirm(?: with)?)(?: (?:the|my|our|a) [a-z]{2,15})?"
    r"(?: and (?:reply|return|(?:get|come) back(?: to you)?))?|(?:i'?ll|i will) (?:get|come) (?:right )?back to you(?: shortly| soon)?"
    r"|(?:i'?m )?(?:just )?checking(?: (?:that|this|it))?(?: for you)?(?: now)?)(?:,? please)?"
)
# Every step is atomic (a look-ahead and its echo), so a line that is something else fails in linear time.
_holding: Final = re.compile(
    rf"\s*(?:=+|1|(?:(?=({_OPENING_ZH}[,，。~～! ！]*))\1)*(?:(?=((?:{_LATER_ZH}|{_WAIT_ZH}|{_LOOK_ZH}){_TAIL_ZH}[,，。.~～! ！]*))\2)+"
    rf"|(?:(?=({_ENGLISH}[,.!… ]*))\3){{1,3}})[.。!！~～…\s]*",
    re.IGNORECASE,
).fullmatch


def is_holding(text: str) -> bool:
    """Whether the whole line, in simplified Chinese or English, only asks the customer to wait."""
    return len(text) <= MOST and _holding(text) is not None
