"""Emoji that stand in for one another: a model's vocabulary has the common ones only, and 🤬 says to a reader what 😡 says.

Each family goes from the commonest to the rarest in chats; a sign that a vocabulary lacks is read as the first of its family that it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FAMILIES: Final = (
    "😡😠🤬😤👿💢😾🖕",  # anger, and what people throw at one another
    "👎😡😒",
    "🤮🤢💩😒😡",  # disgust
    "😒🙄😑😐😶",
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
"""🙂 and 🙃 have no family: in Chinese chats they are the cold shoulder, in English ones a smile."""

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
