"""The language of a text by its scripts: on a chat's short lines counting them beats a statistical detector."""

from __future__ import annotations

import re
from typing import Final

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
