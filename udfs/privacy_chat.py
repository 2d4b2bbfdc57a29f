"""WeChat and QQ ids, for text that `udfs.privacy` has folded to ASCII width. Only a word beside them tells them from other ids.

Between the word and the id may stand what people and JSON put there: `微信（abc_12345）`, `"qq": "12345678"`, a line's end.
"""

from __future__ import annotations

import re
from typing import Final

from udfs.privacy_patterns import Found

_BLANK: Final = r"[ \t\r\n]{0,2}"
_MARK: Final = r"[:\uff1a=(\uff08【「『“]|\\{0,15}[\"']|\[(?=\\{0,15}[\"'])|_"  # of JSON within JSON, too; [bank_card] is no id
_NO_PHONE: Final = r"(?!1[3-9][0-9][ .\-]?[0-9]{4}[ .\-]?[0-9]{4}(?![0-9]))"
_GROUPS: Final = (  # 1234 5678, which no more short groups follow, nor is it from 200-300元
    r"(?:[1-9][0-9]{2,3}(?:[ \-][0-9]{3,4}){1,2}|[1-9][0-9]{4}[ \-][0-9]{3,5})(?![ \-][0-9]{1,4}(?![0-9])|[ ]?[元块])"
)
_QQ: Final = re.compile(
    r"(?:(?<![a-z])qq|扣扣|(?:加我?|\+|我的?)q|(?<![a-z0-9])q(?=[ ]?[号群:\uff1a]))"
    rf"(?:{_BLANK}(?:号码|号|群|是|为|group|number|num|no\.?|id|is|加|{_MARK})){{0,6}}{_BLANK}"
    rf"{_NO_PHONE}(?P<id>{_GROUPS}(?![0-9a-z])|[1-9][0-9]{{4,10}}(?![0-9a-z]))"
    r"|(?<![0-9a-wyz.])(?<![^0-9]x)(?!1[3-9][0-9]{9}(?![0-9]))"
    r"(?P<before>[1-9][0-9]{4,10})(?=[ ]?[(\uff08]?(?:这?是)?我的?[ ]?(?:qq|扣扣))",
    re.IGNORECASE,
)
_WECHAT: Final = re.compile(
    r"(?P<internal>(?<![a-z0-9_])wxid_[a-z0-9]{6,24})"
    r"|(?:微信|[薇威]信|v信|加我?(?:[微薇威]|v(?![a-z]))|\+[ ]?v(?![a-z])"
    r"|(?<![a-z])(?:wechat|weixin|vx|wx)(?=id|no|num|account|[^a-z])|(?<![a-z])v(?=[:\uff1a]))"
    rf"(?P<link>(?:{_BLANK}(?:账号|帐号|号码|号|id|是|为|is|加|搜|no\.?|num(?:ber)?|account|{_MARK})){{0,6}}{_BLANK})"
    rf"(?:(?P<id>[a-z][a-z0-9_\-]{{5,}})|{_NO_PHONE}(?P<number>[1-9][0-9]{{4,11}})(?![0-9a-z]))",
    re.IGNORECASE,
)
_STRONG_LINK: Final = re.compile(r"号|id|no|num|account|[:\uff1a=]", re.IGNORECASE)
_SPLIT: Final = str.maketrans("", "", " -")


def find_qq(text: str) -> list[Found]:
    """QQ numbers: only behind or before a word that says so. A phone number behind it stays a phone."""
    matches = ((match, match.lastgroup or "") for match in _QQ.finditer(text))
    return [(*match.span(group), "qq", match[group].translate(_SPLIT)) for match, group in matches]


def find_wechat(text: str) -> list[Found]:
    """WeChat ids: only behind a word that says so. Plain letters need a link too (微信号abcdef, not 微信support), and no colon behind
    them on the next line: that is the name of another field."""
    found: list[Found] = []
    for match in _WECHAT.finditer(text):
        group = match.lastgroup or ""
        value, link = match[group], match["link"] or ""
        strong = group == "internal" or _STRONG_LINK.search(link) is not None
        if "\n" in link and text[match.end() : match.end() + 1] in (":", "\uff1a"):
            continue
        if strong or (group == "id" and not value.isalpha()):
            found.append((*match.span(group), "wechat", value.lower()))
    return found
