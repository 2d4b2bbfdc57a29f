"""Languages, by their scripts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.language import language
from udfs.left_open import LeftOpen, leaves_open
from udfs.phrases import asks, is_courtesy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这个link怎么open不了，so weird", "zh"),
        ("AirPods2啥时候到货", "zh"),
        ("lol 那算了吧", "zh"),
        ("Docker：映像檔", "zh"),
        ("退Nike Air Max 270", "zh"),
        ("鲜の每日", "zh"),
        ("ㅋㅋ好的", "zh"),
        ("where is my parcel", "en"),
        ("thx 🙏", "en"),
        ("my order from 淘宝 never arrived", "en"),
        ("¯\\_(ツ)_/¯ lol", "en"),
        ("注文した商品がまだ届きません", "ja"),
        ("カメラ", "ja"),
        ("감사합니다", "ko"),
        ("привет", "und"),
        ("https://shop.example/a", "und"),
        ("[phone]", "und"),
        ("12:30", "und"),
        ("😊", "und"),
        ("", "und"),
    ],
)
def test_language_goes_by_script(text: str, expected: str) -> None:
    assert language(text) == expected


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_any_text_can_be_judged(text: str) -> None:
    assert is_courtesy(text) in (True, False)
    assert asks(text) in (True, False)
    assert leaves_open(text) in LeftOpen
    assert language(text) in ("zh", "en", "ja", "ko", "und")


@pytest.mark.parametrize(
    "unit", ["谢", "好", "好的", "ok ", "k", "呢", "还", "什", "how ", "a", "[", "，", "能", "请问还有其他"]
)
@pytest.mark.timeout(30)
def test_long_repetitions_are_judged_soon(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    assert not is_courtesy(text)
    assert asks(text) in (True, False)
    assert leaves_open(text) in LeftOpen
    assert not is_courtesy((unit * 24)[:23] + "x1")
