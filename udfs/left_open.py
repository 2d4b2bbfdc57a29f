"""What a line of the shop's leaves open: whether "ok, thanks" to it ends the talk, or is an answer after which there is something to do."""

from __future__ import annotations

import re
from enum import IntFlag
from typing import Final

from udfs.phrases import asks
from udfs.surveys import without_surveys

_sentences: Final = re.compile(r"[^。.!！?？\n]+[。.!！?？\n]*").findall

_offer: Final = re.compile(
    r"(?:还|還|其他|其它|别的|另外)[^。.!！?？]{0,8}(?:什么|什麼|其他|其它|别的|问题|問題|需要|疑问)"
    r"[^。.!！?？]{0,10}(?:帮|幫|吗|嗎|需要|服务|咨询|效劳|[?？])"
    r"|(?:anything|something) else|\bany (?:other|further|more) |(?:further|more) (?:help|assist|question)"
    r"|(?:can|may) i (?:help|assist)[^.!]{0,20} (?:else|further)",
    re.IGNORECASE,
).search
_how_many: Final = re.compile(r"[几幾]|多少|how (?:many|much)", re.IGNORECASE).search
_invitations: Final = re.compile(
    r"(?:(?:如果?|若|要是|以后|今后|后续|后期|之后|您|你)[^。.!！?？\n，,吗嗎\s]{0,6})?(?:有|遇到|遇见|遇見)(?:了|到|着)?"
    r"(?:任何|什么|什麼|啥|其他|其它|别的|不明白|不清楚|不懂|疑问|疑問|问题|問題|需要)[^。.!！?？\n]{0,14}"
    r"(?:随时|隨時|可以|欢迎|歡迎|请|請|尽管|直接|都可|再|记得|及时|就)[^。.!！?？\n]{0,8}"
    r"(?:联系|聯繫|找(?:我|小|客服|人)|咨询|諮詢|问(?!题)|問(?!題)|留言|反馈|反饋|戳|滴滴|呼叫|告诉|告訴)(?:我们|我們|我|小\w|客服)?"
    r"|(?:please )?\b(?:let (?:me|us) know|contact(?: me| us)?|reach out(?: to (?:me|us))?|message(?: me| us)?|get in touch|write(?: to)?(?: us)?|call(?: us)?)\b"
    r"[^.!?\n]{0,40}\b(?:if|should|in case|whenever|any ?time|again|in (?:the )?future)\b[^.!?\n]{0,80}"
    r"|\b(?:if|should|in case|whenever|any ?time) (?:you|there|anything)\b[^.!?\n]{0,80}?"
    r"\b(?:questions?|quer(?:y|ies)|concerns?|issues?|problems?|trouble|help|assist\w*|need|anything|doubts?)\b"
    r"|\b(?:feel free|(?:don'?t|do not|never) hesitate|happy to help|here to help|here for you)\b",
    re.IGNORECASE,
).sub
_indefinite: Final = re.compile(r"不(?:需要|用|必|会|會)[^，,。.!！?？\n]{0,8}(?:什么|什麼|啥|多少)")
# What the shop is about to do, and what it tells a customer to do elsewhere; what is answered in the chat is asked for.
_told_to_do: Final = re.compile(
    r"我(?:们|們)?(?:这边|這邊|这里)?(?:需要|要|想)(?=[^，,。.!！?？\n]{0,4}(?:为|為|帮|幫|给|給|替|向|跟|和|先|再|去))"
    r"|\bplease (?!confirm|provide|tell|specify|choose|advise|verify|share|dm\b|send (?:me|us|the|a|your)|give (?:me|us|your)|reply|answer|respond|describe|clarify|let (?:me|us)|state|include)",
    re.IGNORECASE,
)


class LeftOpen(IntFlag):
    """What a line of the shop's leaves open; where it is an offer and a survey, both."""

    NOTHING = 0
    QUESTION = 1
    OFFER = 2
    """Whether there is anything else, and nothing more: a bare no ends it."""
    SURVEY = 4
    """Whether the customer was served well, and nothing more: thanks, a yes or a rating ends it, and a no is a complaint."""


def leaves_open(text: str) -> LeftOpen:
    """What a line of the shop's leaves open, so that "ok" to it is an answer after which the shop has something to do.

    An invitation to come back ("有问题随时联系我们", "let us know if you have any questions") leaves nothing open, nor does what a
    customer is told to do or what the shop does ("please check your email", "我需要为您升级处理").
    """
    rest = without_surveys(text)
    if rest is None:
        return _asked_in(text)
    asked = _asked_in(rest)
    return asked if asked == LeftOpen.QUESTION else asked | LeftOpen.SURVEY


def _asked_in(text: str) -> LeftOpen:
    if not asks(text):
        return LeftOpen.NOTHING
    if not is_closing_offer(text):
        if ("?" in text or "？" in text) and "://" not in text and "www." not in text:
            return LeftOpen.QUESTION
        return LeftOpen.QUESTION if any(map(_wants_answer, _sentences(text))) else LeftOpen.NOTHING
    only = all(is_closing_offer(clause) or not _wants_answer(clause) for clause in _sentences(text))
    return LeftOpen.OFFER if only else LeftOpen.QUESTION


def _wants_answer(clause: str) -> bool:
    """Whether one sentence of the shop's asks for something that is told in the chat."""
    if not asks(clause):
        return False
    return "?" in clause or "？" in clause or asks(_told_to_do.sub(" ", _indefinite.sub(" ", _invitations(" ", clause))))


def is_closing_offer(text: str) -> bool:
    """Whether an agent asks if there is anything else: a question, but "没有了谢谢" to it leaves nobody waiting."""
    return _offer(text) is not None and _how_many(text) is None
