"""What of a message a sentiment model can read.

Training and scoring clean a text with the same function, so that the network never meets in service a form that it
never met in training. Links, privacy placeholders and invisible characters carry no sentiment; a text that holds
nothing else has no score.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from html.entities import html5

from opencc import OpenCC

from models.emoji import decoded

# Upper bound on what the patterns below look at, whatever a caller hands in; head and tail are kept.
MAX_RAW_CHARACTERS = 20_000

MOST_ROUNDS = 8
"""Of cleaning a text in which something like a tag or an entity is left; one without ends with the first."""

# A link ends at white space or at East Asian text, which often follows it without a blank. Its beginning may be in full width.
_LINK = re.compile(
    r"(?:(?:[hｈ][tｔ]{2}[pｐ][sｓ]?|[fｆ][tｔ][pｐ])[:：][/／]{2}|[wｗ]{3}[.．](?=\w))[^\s\u3000-\u9fff\uff00-\uffef]*", re.IGNORECASE
)

# What a masked or anonymised text holds in place of a value: [phone], [id_card:9f3c], [NAME], <EMAIL_ADDRESS>, [图片],
# [订单x]. The kinds are listed, because chat emoticons look alike: [Smile], [doge], [微笑].
_KIND = (
    "phone|phone_number|mobile|tel|e-?mail|email_address|mail|card|bank_card|credit_card|id_?card|passport|address|addr|"
    "ip|ip_address|wechat|qq|url|link|name|user|user_name|person|order|order_id|orderid|number|account|secret|token|"
    "location|date|time|image|picture|photo|video|voice|audio|file|attachment"
)
_PLACEHOLDER = re.compile(
    rf"[\[<](?i:{_KIND})(?:[:#_ -]?[0-9a-f]{{1,64}})?[\]>]|\[(?:图片|视频|语音|文件|档案|链接|[\u4e00-\u9fff]{{1,6}}x)\]"
)

# What HTML has left in a text that says nothing of its format: tags of known names, bare, with attributes that have a value, or with such
# as need none, and entities. <3, a<b c>d and <i love you> are none.
_TAG = re.compile(
    r"</?(?:a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|code|col|colgroup|dd|del|details|div|dl|dt|em|"
    r"fieldset|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|legend|li|link|main|meta|nav|"
    r"noscript|ol|optgroup|option|p|picture|pre|s|script|section|select|small|span|strike|strong|style|sub|summary|sup|table|tbody|td|"
    r"textarea|tfoot|th|thead|title|tr|u|ul|(?:m|o|st1|v|w):[a-z]{1,20})"
    r"(?:\s+(?:async|checked|compact|defer|disabled|hidden|multiple|noshade|nowrap|open|readonly|required|reversed|selected))*"
    r"(?:\s+[\w:-]{1,30}\s*=[^<>]{0,500})?\s*/?>"
    r"|<(?:!doctype|\?xml|!\[(?:end)?if)\b[^<>]{0,500}>",
    re.IGNORECASE,
)
_UNSEEN = (
    (re.compile("<!--"), re.compile("-->")),
    *((re.compile(rf"<{name}\b[^<>]*>", re.IGNORECASE), re.compile(rf"</{name}\s*>", re.IGNORECASE)) for name in ("script", "style")),
)
"""Beginning and end of what nobody sees between the tags: it goes with its content."""

_ENTITY = re.compile(r"&(?:amp;|#38;|#x26;)*(#[0-9]{1,6};|#x[0-9a-f]{1,5};|[a-z]{2,8};)", re.IGNORECASE)  # escaped twice, too

# Control and format characters (except blanks), variation selectors, fillers that render as nothing, what a broken
# decoder leaves behind, and lone surrogates, which no tokenizer accepts.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile(r"\s+")
_REPEATED = re.compile(r"(.)\1{3,}")
_SIMPLIFIED = OpenCC("t2s")


def readable(text: str, max_characters: int) -> str:
    """Return the part of `text` that a model can read, at most `max_characters` long; empty if there is nothing.

    HTML's tags, comments, scripts and entities go, compatibility forms are folded (NFKC), traditional Chinese becomes simplified, a chat
    program's [微笑] becomes the emoji that it is, a character repeated more than three times is kept three times, blanks are joined. A longer
    text keeps its head and its tail, because anger tends to come last.
    """
    text = cut(text, MAX_RAW_CHARACTERS)
    for _ in range(MOST_ROUNDS):
        before, text = text, _cleaned(text)
        if text == before or not ("<" in text or "&" in text):
            break
    return cut(text, max_characters)


def _cleaned(text: str) -> str:
    """The text after one round: what is gone may have stood within something else, as one tag within another."""
    text = _visible(text)
    # Links go before the folding, which turns the Chinese comma that ends one into a sign that could belong to it.
    text = _without_links(text)
    if not unicodedata.is_normalized("NFKC", text):
        text = _without_links(_visible(unicodedata.normalize("NFKC", text)))
    text = simplified(text)
    if "[" in text or "<" in text:
        text = decoded(_PLACEHOLDER.sub(" ", text))
    text = _REPEATED.sub(r"\1\1\1", text)
    return _BLANKS.sub(" ", text).strip()


def _visible(text: str) -> str:
    """The text without what nobody sees: HTML's tags, and characters that render as nothing; entities are what they stand for."""
    text = _INVISIBLE.sub("", text)
    if "&" in text:
        text = _INVISIBLE.sub("", _ENTITY.sub(_character, text))
    if "<" not in text:
        return text
    for begin, end in _UNSEEN:
        text = _without(text, begin, end)
    return _TAG.sub(" ", text)


def _without(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """The text without what stands between a beginning and the next end; where none comes, it stays. One pass, whatever the text."""
    parts, at = [], 0
    while (first := begin.search(text, at)) and (last := end.search(text, first.end())):
        parts.append(text[at : first.start()])
        at = last.end()
    return " ".join([*parts, text[at:]])


def _character(entity: re.Match[str]) -> str:
    """What an entity stands for; one that HTML doesn't know is no entity."""
    name = entity[1]
    return unescape(f"&{name}") if name[0] == "#" else html5.get(name) or html5.get(name.lower()) or entity[0]


def _without_links(text: str) -> str:
    lower = text.lower()
    if "//" in lower or "／" in lower or "www" in lower or "ｗ" in lower:
        return _LINK.sub(" ", text)
    return text


def simplified(text: str) -> str:
    """The text with traditional Chinese as simplified."""
    return text if text.isascii() else _SIMPLIFIED.convert(text)


def language_of(text: str) -> str:
    """The language that a text counts as: zh for one with Chinese characters, en for others."""
    return "zh" if any("\u4e00" <= sign <= "\u9fff" for sign in text) else "en"


def is_in(text: str, language: str) -> bool:
    """Whether a text is in a language, as `language_of` tells it; one without letters is in all."""
    return language_of(text) == language or not any(sign.isalpha() for sign in text)


def cut(text: str, limit: int) -> str:
    """The text, or the head and the tail of a longer one, `limit` characters together."""
    if len(text) <= limit:
        return text
    tail = limit // 2
    return f"{text[: limit - tail]}{text[-tail:]}" if tail else text[:limit]
