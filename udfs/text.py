"""Text as written, and the views of it that rules and measures read. No view ever changes the original.

`fold` makes a matching copy, because a zero-width character or a full-width letter is enough to get a word past a
filter; its offset map leads a hit back to the original. `language` counts scripts: on a chat's short lines that beats a
statistical detector. `is_courtesy` and `asks` live in `udfs.phrases` with their word lists.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Final

from udfs.phrases import asks, is_closing_offer, is_courtesy

__all__ = [
    "Folded",
    "asks",
    "fold",
    "is_closing_offer",
    "is_courtesy",
    "language",
    "repair",
    "shows_picture",
    "strip_html",
    "strip_quotes",
    "visible",
]

# Characters that nobody sees: formats (Cf), variation selectors, joiners, fillers.
_INVISIBLE_CHARACTERS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE: Final = re.compile(f"[{_INVISIBLE_CHARACTERS}]")
_VISIBLE: Final = re.compile(rf"[^\s{_INVISIBLE_CHARACTERS}]").search
_SEPARATORS: Final = re.compile(r"[\s._\-·•‧∙・‐-―−~*/\\|,，。、]")
_COMMON_WIDE: Final = ("，", ","), ("？", "?"), ("！", "!"), ("：", ":"), ("’", "'"), ("‘", "'")
_BLANK_RUN: Final = re.compile(r"\s\s+|[^\S ]")

_BLOCKS: Final = frozenset(
    ("blockquote", "br", "div", "dd", "dt", *(f"h{n}" for n in range(1, 7)), "hr", "li", "ol", "p", "pre", "tr", "ul")
)
_UNSEEN: Final = frozenset(("script", "style", "title"))
_PICTURE: Final = re.compile(r"<(?:img|picture|video|audio)\b", re.IGNORECASE).search
_UNCLOSED: Final = re.compile(r"<[/!?A-Za-z][^<>]*(?=<|\Z)")
_MAX_UNCLOSED: Final = 20
_BLANKS: Final = re.compile(r"[^\S\n]+")
_BLANK_LINES: Final = re.compile(r" ?\n[ \n]*")

_QUOTED: Final = re.compile(r"\s*[>＞](?![\d_.<‹＜=﹏ω口△▽])").match
# As WeChat quotes: 「who: what」, a row of dashes, and then the answer.
_QUOTED_ABOVE: Final = re.compile(r"\s*「.{0,4000}?」[^\S\n]*\n[^\S\n]*(?:[-—–─][^\S\n]*){3,}\n", re.DOTALL).match
_BROKEN: Final = re.compile("[\ud800-\udfff\x00\ufeff]").search
_PAIR_OR_LONE: Final = re.compile("[\ud800-\udfff]+")

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA: Final = re.compile(
    "[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d]"
)
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_KANA_OR_HANGUL: Final = re.compile("[\u1100-\u11ff\u3041-\u318e\u31f0-\u31ff\uac00-\ud7a3\uff66-\uff9d]")
_JAMO: Final = re.compile("[\u1100-\u11ff\u3131-\u318e]")
_OTHER: Final = re.compile("[\u0370-\u1cff]")  # Greek, Cyrillic, Hebrew, Arabic, Indic, Thai and neighbours
_LATIN_WORD: Final = re.compile("[A-Za-z\u00c0-\u024fＡ-Ｚａ-ｚ]+")
_NOT_WORDS: Final = re.compile(r"https?://[!-~]+|www\.[!-~]+|@[!-~]+|\[[a-z_]{2,9}\]")


class Folded:
    """A matching copy. `text` is what rules match; `span` leads offsets of a hit back to the original."""

    __slots__ = ("_offsets", "original", "text")

    def __init__(self, original: str, text: str, one_to_one: bool) -> None:
        self.original = original
        self.text = text
        self._offsets: list[tuple[int, int]] | None = None
        if not one_to_one:
            self._offsets = []

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """For each character of `text`, the piece of the original that it stands for. Built when first asked for."""
        if self._offsets is None:
            return [(i, i + 1) for i in range(len(self.text))]
        if not self._offsets and self.text:
            self._offsets = _align(self.original, self.text)
        return self._offsets

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into `text` as offsets into the original; a character that was folded into several is taken whole."""
        if self._offsets is None:
            return start, end
        offsets = self.offsets
        if start >= end:
            at = offsets[start][0] if start < len(offsets) else len(self.original)
            return at, at
        return offsets[start][0], offsets[end - 1][1]


def fold(text: str, ignore_separators: bool = False) -> Folded:
    """A copy for matching: NFKC, case folded, invisible characters dropped, straight apostrophes, single blanks; separators dropped,
    too, where a rule says so.

    `ignore_separators` is for words that are pulled apart, as in `微 信` or `w.e.i`. It also joins honest neighbours,
    so it is each rule's own choice.
    """
    if text.isascii():
        copy, one_to_one = text.lower(), True
    else:
        copy, one_to_one = _common(text), True
        if _INVISIBLE.search(copy) is not None:
            copy, one_to_one = _INVISIBLE.sub("", copy), False
        if not unicodedata.is_normalized("NFKC", copy):
            copy, one_to_one = unicodedata.normalize("NFKC", copy), False
        length = len(copy)
        copy = copy.casefold()
        one_to_one = one_to_one and length == len(copy)  # case folding only ever lengthens
    if _BLANK_RUN.search(copy) is not None:
        length = len(copy)
        copy = _BLANK_RUN.sub(" ", copy)
        one_to_one = one_to_one and length == len(copy)
    if ignore_separators:
        length = len(copy)
        copy = _SEPARATORS.sub("", copy)
        one_to_one = one_to_one and length == len(copy)
    return Folded(text, copy, one_to_one)


def repair(text: str) -> str:
    """Text that every UTF-8 encoder takes: surrogate pairs are joined, lone ones U+FFFD, NUL and BOM go."""
    if text.isprintable() or _BROKEN(text) is None:
        return text
    text = _PAIR_OR_LONE.sub(lambda m: m[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), text)
    return text.replace("\x00", "").replace("\ufeff", "")


def visible(text: str) -> bool:
    """Whether the text shows anything: blanks and characters that nobody sees don't."""
    return _VISIBLE(text) is not None


def shows_picture(html: str) -> bool:
    """Whether the HTML holds a picture, a film or a sound."""
    return _PICTURE(html) is not None


def strip_html(text: str) -> str:
    """The text that a reader of the HTML would see: no markup, scripts or styles, a new line for each block, `> ` before the lines of
    a quotation."""
    if "<" not in text and "&" not in text:
        return text
    reader = _Reader()
    unclosed = len(_UNCLOSED.findall(text)) + text.count("<!") - min(text.count("<!"), text.count("-->"))
    if unclosed > _MAX_UNCLOSED:  # no HTML, and the standard parser is quadratic in tags that don't end
        text = re.sub(r"<[^<>]{0,2000}>|<", " ", text)
    reader.feed(text)
    reader.close()
    seen = _BLANKS.sub(" ", "".join(reader.pieces))
    return _BLANK_LINES.sub("\n", seen).strip()


def strip_quotes(text: str) -> str:
    """The lines that the writer wrote: quoted ones (`> …`, or 「…」 above a row of dashes) go, so that rules don't charge him with the other
    side's.

    A face (`>_<`) or a number (`>3天`) is no quote.
    """
    above = _QUOTED_ABOVE(text) if "「" in text else None
    if above is not None:
        text = text[above.end() :]
    if ">" not in text and "＞" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not _QUOTED(line)).strip()


def language(text: str) -> str:
    """`zh`, `en`, `ja`, `ko` or `und` by counting scripts. Latin script counts as English, links as nothing."""
    if "://" in text or "@" in text or "[" in text or "www." in text:
        text = _NOT_WORDS.sub(" ", text)
    if text.isascii():
        return "en" if _LATIN_WORD.search(text) else "und"
    if _LATIN_WORD.search(text) is None and _KANA_OR_HANGUL.search(text) is None:
        return "zh" if _HAN.search(text) else "und"
    words = _LATIN_WORD.findall(text)
    han, kana, hangul = len(_HAN.findall(text)), len(_KANA.findall(text)), len(_HANGUL.findall(text))
    if not han:
        hangul += len(_JAMO.findall(text))  # beside Chinese they are laughter
    if hangul and hangul >= han and hangul * 2 >= len(words):
        return "ko"
    # One kana among Han is decoration (鲜の每日), one alone a face (ツ).
    if kana > 1 and kana * 4 >= han and kana * 2 >= len(words):
        return "ja"
    if han:
        # A Han character weighs as much as two words, and names of goods (Nike Air Max) don't make a line English.
        return "zh" if han * 2 >= sum(1 for word in words if word[0].islower()) else "en"
    if words:
        return "und" if len(_OTHER.findall(text)) > len(words) else "en"
    return "und"


class _Reader(HTMLParser):
    """Collects what is seen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0
        self._quoted = 0
        self._begins = True  # a line

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self._quoted += tag == "blockquote"
            self._end_line()
        elif tag == "td":
            self.pieces.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self._end_line()
            if tag == "blockquote":
                self._quoted = max(0, self._quoted - 1)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._quoted and not data.isspace():
            data = data.replace("\n", " ")
            if self._begins:
                self.pieces.append("> ")
                self._begins = False
        self.pieces.append(data)

    def _end_line(self) -> None:
        self.pieces.append("\n")
        self._begins = True


def _common(text: str) -> str:
    """The text with the usual wide signs narrow and apostrophes straight: the normaliser's slow path isn't worth a comma."""
    for wide, narrow in _COMMON_WIDE:
        text = text.replace(wide, narrow)
    return text


def _align(original: str, text: str) -> list[tuple[int, int]]:
    """Where each character of a fold comes from: the original is cut where folding can't reach across, then folded."""
    offsets: list[tuple[int, int]] = []
    i, n, at = 0, len(original), 0
    while i < n and at < len(text):
        if _INVISIBLE.match(original, i):
            i += 1
            continue
        j = last = i + 1
        while j < n and (_INVISIBLE.match(original, j) or _leans(original[j])):
            j += 1
            if not _INVISIBLE.match(original, j - 1):
                last = j
        piece = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _common(original[i:last]))).casefold()
        piece = _BLANK_RUN.sub(" ", piece)
        for character in piece:
            if at < len(text) and text[at] == character:  # else a separator that was left out
                offsets.append((i, last))
                at += 1
        i = last
    return offsets


def _leans(character: str) -> bool:
    """Whether a character may combine with the one before it: marks, and the vowels and finals of Hangul syllables."""
    if character.isascii():
        return False
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1161" <= first <= "\u11ff"
