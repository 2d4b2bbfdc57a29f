"""What the reader of a message sees of it, and what of that its writer wrote himself: no markup, no quotations."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from udfs.mail_quotes import without_quoted_mail
from udfs.text import visible

_BLOCKS: Final = frozenset(
    ("blockquote", "br", "div", "dd", "dt", *(f"h{n}" for n in range(1, 7)), "hr", "li", "ol", "p", "pre", "tr", "ul")
)
_UNSEEN: Final = frozenset(("script", "style", "title"))
_PICTURE: Final = re.compile(r"<(?:img|picture|video|audio)\b", re.IGNORECASE).search
_UNCLOSED: Final = re.compile(r"<[/!?A-Za-z][^<>]*(?=<|\Z)")
_MAX_UNCLOSED: Final = 20
# A character's number: with eight digits it is none, and the standard parser raises on one of thousands.
_LONG_NUMBER: Final = re.compile(r"&#(?=[0-9]{8})0*([0-9]*)")
_NO_CHARACTER: Final = "9999999"
_BLANKS: Final = re.compile(r"[^\S\n]+")
_BLANK_LINES: Final = re.compile(r" ?\n[ \n]*")

_QUOTED: Final = re.compile(r"\s*[>＞](?![\d_.<‹＜=﹏ω口△▽])").match
# As WeChat quotes: 「who: what」, a row of dashes, and then the answer.
_QUOTED_ABOVE: Final = re.compile(r"\s*「.{0,4000}?」[^\S\n]*\n[^\S\n]*(?:[-—–─][^\S\n]*){3,}\n", re.DOTALL).match

_NO_SIGNS: Final = {ord(">"): " ", ord("＞"): " "}


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
    if "&#" in text:
        text = _LONG_NUMBER.sub(lambda number: f"&#{number[1] if len(number[1]) < 8 else _NO_CHARACTER}", text)
    reader.feed(text)
    reader.close()
    seen = _BLANKS.sub(" ", "".join(reader.pieces))
    return _BLANK_LINES.sub("\n", seen).strip()


def strip_quotes(text: str) -> str:
    """The lines that the writer wrote: quoted ones (`> …`, or 「…」 above a row of dashes) go, and the mail that he answers, so that rules don't
    charge him with the other side's.

    A face (`>_<`) or a number (`>3天`) is no quote, nor is a message that would be nothing but quoted: a sign before each line must not
    get it past the rules.
    """
    above = _QUOTED_ABOVE(text) if "「" in text else None
    if above is not None and visible(text[above.end() :]):
        text = text[above.end() :]
    text = without_quoted_mail(text)
    if ">" not in text and "＞" not in text:
        return text
    own = "\n".join(line for line in text.split("\n") if not _QUOTED(line)).strip()
    return own if visible(own) else text.translate(_NO_SIGNS)


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

    def parse_html_declaration(self, i: int) -> int:
        """A section (`<![…`) is out of sight up to its end, and text where it has none, for then somebody has written it so. The standard
        parser raises on one whose first word it doesn't know, and with the text in the exception's."""
        if not self.rawdata.startswith("<![", i):
            return super().parse_html_declaration(i)
        close = "]]>" if self.rawdata.startswith("<![CDATA[", i) else ">"
        end = self.rawdata.find(close, i + 3)
        if end < 0:
            self.handle_data("<![")
            return i + 3
        return end + len(close)

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
