"""Personal data is masked before a text leaves the job: for Redis, Kafka, logs and pagers alike.

Masked are mainland mobile numbers, identity cards of 18, bank cards, e-mail and IP addresses, and WeChat and QQ ids
where a word announces them. Out of scope for now, and therefore left as written: passports, postal addresses, names,
landlines, foreign phone numbers inside a text, identity numbers of 15 digits, and numbers that are spelt in words.

The original is never changed. What stands in for a value is a token like `[phone]`, which matches nothing itself, so
masking twice is masking once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote

from udfs.privacy_chat import find_qq, find_wechat
from udfs.privacy_fold import hides, narrow, offsets, revealed
from udfs.privacy_numbers import find_numbers, has_long_number
from udfs.privacy_patterns import Found, find_ipv4, find_ipv6, find_mails
from udfs.text import repair

_NOTHING: Final = ()
_new: Final = tuple.__new__  # half the price of the named constructor, and most texts come out as they went in

# Ordinary text holds no digit, no '@' and no word that announces a WeChat or QQ id: one scan tells. The words are in lower case, and
# looked for in a copy in lower case.
_trace: Final = re.compile(r"[\d@＠qQ扣微薇威vVwW①-⑨⓪❶-❾➀-➈]").search
_trace_ascii: Final = re.compile("[0-9@]").search
_announces: Final = re.compile("[qQ扣微薇威vVwW]").search
_announces_closely: Final = re.compile(
    "[微薇威]|扣扣|qq|[加我的+] ?[qv]|v[:：信x]|wx|q ?[号號群:：]|wechat|weixin"
).search
_dotted: Final = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]").search


class Span(NamedTuple):
    """Where something personal stood: `start` and `end` are offsets into the original text."""

    start: int
    end: int
    kind: str


class Masked(NamedTuple):
    """A text that may leave the job, and what was taken out of it, from left to right and without overlap."""

    text: str
    spans: tuple[Span, ...]


_link: Final = re.compile(r"https?://[!-~]{4,2000}", re.IGNORECASE).finditer


class Masker:
    """Masks texts."""

    def mask(self, text: str, whole_links: bool = True) -> Masked:
        """`text` with a token like `[phone]` for each find. Never raises; linear in the length of the text.

        whole_links: a link with something personal behind its percent signs is one find; else only what stands in it unescaped.
        """
        if text.isascii():
            plain, lower = text, text.lower()
            announced = (
                "wx" in lower or "vx" in lower or "qq" in lower or "wechat" in lower or "weixin" in lower
                or ("+" in lower and ("+v" in lower or "+q" in lower or "+ v" in lower))
            )
            if not announced and _trace_ascii(text) is None:
                return _new(Masked, (text, _NOTHING))
        elif _trace(text) is None:
            return _new(Masked, (text, _NOTHING))
        else:
            if hides(text):
                return _masked(text, _found_behind(text, whole_links))
            plain = narrow(text)
            announced = _announced(plain)
        return _masked(text, _found(plain, announced, whole_links))


def _found(plain: str, announced: bool, whole_links: bool = True) -> list[Found]:
    """What is personal in a narrow text. announced: whether a word in it announces a WeChat or QQ id."""
    finders: list[Callable[[str], list[Found]]] = []
    if whole_links and "%" in plain and "://" in plain:
        finders.append(_find_links)
    if "@" in plain:
        finders.append(find_mails)
    if announced:
        finders += find_qq, find_wechat
    if "::" in plain or plain.count(":") > 6:
        finders.append(find_ipv6)
    if _dotted(plain) is not None:
        finders.append(find_ipv4)
    if has_long_number(plain):
        finders.append(find_numbers)
    found: list[Found] = []
    for finder in finders:
        fresh = finder(plain)
        if fresh:
            found += fresh
            if finder is not finders[-1]:
                plain = _blank(plain, fresh)
    return found


def _announced(plain: str) -> bool:
    return _announces(plain) is not None and _announces_closely(plain.lower()) is not None


def _found_behind(text: str, whole_links: bool) -> list[Found]:
    """What is personal in a text with characters that nobody sees or digits of other kinds (①③⑧, 1️⃣): without them, then as it is."""
    shown = revealed(text)
    found = _found(shown, _announced(shown), whole_links)
    if found:
        places = offsets(text)
        found = [(places[start], places[end], kind, value) for start, end, kind, value in found]
        text = _blank(text, sorted(found))
    plain = narrow(text)
    return found + _found(plain, _announced(plain), whole_links)


def _find_links(plain: str) -> list[Found]:
    """Links in which more that is personal stands behind percent signs than without them."""
    found: list[Found] = []
    for link in _link(plain):
        address = link.group()
        if "%" in address and max(len(_found(view, False, False)) for view in decoded_views(address)) > len(_found(address, False, False)):
            found.append((*link.span(), "link", address))
    return found


def decoded_views(address: str) -> list[str]:
    """An address as it reads behind its percent signs, twice in a link inside a link, and with a plus for each blank."""
    return [repair(unquote(unquote(view))) for view in dict.fromkeys((address, address.replace("+", " ")))]


def _masked(text: str, found: list[Found]) -> Masked:
    if not found:
        return _new(Masked, (text, _NOTHING))
    if len(found) > 1:
        found.sort()
    at = 0
    pieces: list[str] = []
    spans: list[Span] = []
    for start, end, kind, _ in found:
        pieces += text[at:start], "[", kind, "]"
        spans.append(Span(start, end, kind))
        at = end
    pieces.append(text[at:])
    return Masked("".join(pieces), tuple(spans))


def _blank(plain: str, found: list[Found]) -> str:
    """Overwrites finds by brackets of the same length: the next finder sees what it would see in the masked text."""
    pieces, at = [], 0
    for start, end, _, _ in found:
        pieces.append(plain[at:start])
        pieces.append("[" + "]" * (end - start - 1))
        at = end
    pieces.append(plain[at:])
    return "".join(pieces)
