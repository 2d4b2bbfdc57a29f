"""Whether a shop's line only puts a customer off: "==", "稍等，我查一下", "one moment please".

It is an answer by the published definitions, and ends the wait; platforms that refuse small talk as a reply don't count it, and a
supervisor wants to see who lives on it. "1" and "==" are how Chinese agents write "here" and "wait".
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from udfs.folding import fold

MOST: Final = 80
"""Characters. A longer line says something."""

_SEPARATOR: Final = r"[,，、;；。.~～!！…\s]*"
_OPENING_ZH: Final = (
    r"(?:好+(?:的|滴|哒|嘞)?|嗯+|恩+|亲+(?:爱的)?|您好|你好|在的?|收到|明白了?|可以的?|ok|抱歉|不好意思|谢谢(?:您|你)?)"
)
_WAIT_ZH: Final = (
    r"(?:请|麻烦)?(?:您|你)?(?:先|再|耐心)*(?:稍等|稍候|稍后|稍微等|等一?下|等等|等会儿?|等我|等待|给我)"
    r"(?:一?下|片刻|一会儿?|[几一两0-9]{0,2}(?:分钟|秒)|一小会儿?)?"
)
_VERB_ZH: Final = r"(?:查[询看查]?|看看?|核[实对]|确认|问问?|咨询|了解|反馈)"
_OBJECT_ZH: Final = r"(?:给|到)?(?:仓库|物流|快递|情况|订单|同事|主管|技术|财务|领导)?(?:的?(?:情况|物流|信息))?"
# What is being done, or about to be: with 了 behind it, it is done, and 了解 alone is "understood".
_LOOK_ZH: Final = (
    rf"(?:(?:我们?|这边|这里|这就|马上|正在|先|去|来|(?:帮|给|为|替)(?:您|你))+{_VERB_ZH}(?:一?下)?{_OBJECT_ZH}"
    rf"|(?:查[询看查]?|看|核实|问)一?下{_OBJECT_ZH})(?!了|的|吧)"
)
_LATER_ZH: Final = (
    r"(?:马上|稍后|一会儿?|待会儿?|(?:我(?:去|来|先)?)?(?:核实|查到?|反馈|汇报|请示|问|确认)(?:给|一?下)?(?:主管|仓库|同事|领导|物流|快递|财务|技术)?(?:后|之后|以后|再))"
    r"就?(?:给|跟|再)?(?:您|你)?(?:回复|答复|联系|回电|回(?=[您你]))(?:您|你)?"
)
_TAIL_ZH: Final = r"(?:哈|哦|噢|呢|啊|呀|哟|哒|亲|[, ]?谢谢(?:您|你)?)*"
_SPAN: Final = r"(?:moment|second|sec|minute|min)"
_WILL: Final = r"(?:let me|allow me to|(?:i|we)(?:'?ll| will)|i(?:'?m| am) going to)"
_THAT: Final = r"(?:that|this|it|your order|into (?:that|this|it)|with [a-z]{2,10}(?: [a-z]{2,12})?|(?:the|my|our|a) [a-z]{2,15})"
_ENGLISH: Final = (
    rf"(?:(?:please )?(?:one|just (?:a|one)) {_SPAN}"
    rf"|(?:please )?(?:hold on|hang on|wait|bear with (?:me|us)|stand by)(?: (?:for )?(?:a|one|a few) (?:{_SPAN}|bit|while)s?)?|please hold"
    rf"|(?:please )?(?:give|allow) (?:me|us) (?:a|one|a few|a couple of|[0-9]{{1,2}}) {_SPAN}s?"
    rf"|{_WILL} (?:just |quickly )?(?:check|look(?: up)?|see|find out|have a look|pull up|ask|speak to|talk to|confirm)(?: {_THAT})?"
    r"|(?:(?:i|we)(?:'?ll| will)) (?:get|come) (?:right )?back to you(?: shortly| soon| asap)?"
    r"|(?:i(?:'?m| am) )?(?:just )?checking(?: (?:that|this|it))?)"
    r"(?: up)?(?: for you)?(?: (?:right )?now)?(?: and (?:reply|return|(?:get|come) back(?: to you)?(?: shortly| soon)?))?(?:,? (?:please|pls|thanks|thank you))?"
)
_OPENING_EN: Final = r"(?:ok(?:ay)?|sure|hi|hello|no problem|certainly|of course|thanks|thank you|sorry)"
# Every step is atomic (a look-ahead and its echo), so a line that is something else fails in linear time.
_asks_to_wait: Final = re.compile(
    rf"(?:=+|(?:(?=({_OPENING_ZH}{_SEPARATOR}))\1)*(?:(?=((?:{_LATER_ZH}|{_WAIT_ZH}|{_LOOK_ZH}){_TAIL_ZH}{_SEPARATOR}))\2)+"
    rf"|(?:(?=({_OPENING_EN}[,.!\s]+))\3)*(?:(?=({_ENGLISH}{_SEPARATOR}))\4){{1,3}})",
).fullmatch
# What stands at the end and adds nothing: signs that are no letter, digit or punctuation, and faces in brackets.
_FACES: Final = re.compile(r"(?:\[[^\[\]]{1,6}\]|[^\w\s=,，、;；。.~～!！…'’?？()（）\[\]:：/%+-])+$")


class Holding(IntEnum):
    """Whether, and how, a line only puts off."""

    NO = 0
    SIGN = 1
    """"1": somebody is there."""
    PROMISE = 2
    """The customer is to wait, and somebody to come back."""


def holding(text: str) -> Holding:
    """What a whole line, in simplified Chinese or English, is."""
    if len(text) > MOST:
        return Holding.NO
    said = _FACES.sub("", fold(text).replace("’", "'").strip()).strip()
    if said.rstrip(".。") == "1":
        return Holding.SIGN
    return Holding.PROMISE if _asks_to_wait(said) else Holding.NO
