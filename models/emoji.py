"""Emoji that stand in for one another: a model's vocabulary has the common ones only, and 🤬 says to a reader what 😡 says.

Each family goes from the commonest to the rarest in chats; a sign that a vocabulary lacks is read as the first of its family that it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

FAMILIES: Final = (
    "😡😠🤬😤👿💢😾🖕",  # anger, and what people throw at one another
    "👎😡😒",
    "🤮🤢💩😒😡",  # disgust
    "😒🙄😑😐😶",
    "😐🙂🙃",  # in Chinese chats the cold shoulder, in English ones a smile: neither glad nor sad
    "😭😢😞😔😩😫😿😥😓😣😖💔☹🙁😟😕🥺😪",  # sadness
    "😱😨😰😧😦😭",  # fear
    "😊☺😀😃😄😁😆😺😸🤗😉😋😌😇",  # joy
    "😂🤣😹",
    "❤♥💕💖💗💓💞💘💝🧡💛💚💙💜🤍🖤🤎💟❣",
    "😍🥰😘😻😗😙😚🤩❤",
    "👍💪👊🤝👌🆗",
    "👏🙌👍",
    "🌹💐🌺🌸🌷🌼🌻❤",
    "🎉🎊🥳👏",
    "🙏🤲",
)

CODES: Final = {
    "微笑": "🙂", "撇嘴": "😒", "色": "😍", "发呆": "😐", "流泪": "😭", "害羞": "☺", "大哭": "😭", "尴尬": "😅", "发怒": "😡", "呲牙": "😁",
    "惊讶": "😮", "难过": "😞", "抓狂": "😫", "吐": "🤮", "偷笑": "😊", "愉快": "😊", "白眼": "🙄", "翻白眼": "🙄", "傲慢": "😤", "困": "😪",
    "惊恐": "😱", "恐惧": "😱", "憨笑": "😄", "悠闲": "😌", "咒骂": "🤬", "衰": "😣", "擦汗": "😓", "流汗": "😓", "汗": "😓", "鼓掌": "👏", "坏笑": "😏",
    "阴险": "😏", "奸笑": "😏", "鄙视": "😒", "委屈": "🥺", "快哭了": "🥺", "可怜": "🥺", "亲亲": "😘", "笑脸": "😊", "破涕为笑": "😂", "失望": "😞",
    "无语": "😑", "捂脸": "🤦", "打脸": "🤦", "皱眉": "😟", "加油": "💪", "天啊": "😱", "好的": "👌", "叹气": "😔", "苦涩": "😣", "裂开": "💔",
    "爱心": "❤", "心碎": "💔", "拥抱": "🤗", "强": "👍", "弱": "👎", "握手": "🤝", "抱拳": "🙏", "合十": "🙏", "拳头": "👊", "玫瑰": "🌹", "便便": "💩",
    "庆祝": "🎉", "再见": "👋", "泪": "😭", "怒": "😡", "怒骂": "🤬", "哈哈": "😄", "嘻嘻": "😁", "哼": "😤", "伤心": "💔", "悲伤": "😭", "赞": "👍",
    "心": "❤", "爱你": "😘", "可爱": "😊", "太开心": "😄", "笑cry": "😂", "允悲": "🤦", "给力": "👍", "威武": "👍", "作揖": "🙏", "抱抱": "🤗",
    "拜拜": "👋", "吃惊": "😮", "黑线": "😑", "good": "👍", "ok": "👌", "smile": "🙂", "angry": "😡", "sob": "😭", "thumbsup": "👍",
    "thumbsdown": "👎", "facepalm": "🤦", "speechless": "😑", "rose": "🌹", "heart": "❤", "brokenheart": "💔",
}  # fmt: skip
"""What chat programs write in brackets for a picture (WeChat, Taobao, Weibo), and the emoji that looks like it: [微笑] is 🙂."""

_CODE: Final = re.compile(r"\[([a-z\u4e00-\u9fff]{1,12})\]", re.IGNORECASE)


def decoded(text: str) -> str:
    """The text with emoji for the CODES in it; other brackets stay."""
    return _CODE.sub(lambda code: CODES.get(code[1].lower(), code[0]), text)


SKIN_COLOURS: Final = "🏻🏼🏽🏾🏿"


def stand_ins(knows: Callable[[str], bool]) -> dict[int, str]:
    """What to read instead of the emoji that a vocabulary lacks, for `str.translate`. A skin colour says nothing."""
    found = {ord(colour): "" for colour in SKIN_COLOURS}
    for family in FAMILIES:
        known = next(filter(knows, family), None)
        if known is not None:
            for sign in family:
                if ord(sign) not in found and not knows(sign):
                    found[ord(sign)] = known
    return found
