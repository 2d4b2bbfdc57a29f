"""Emoji that a vocabulary lacks are read as others of their kind."""

from __future__ import annotations

from collections import Counter

from models.emoji import FAMILIES, stand_ins


def test_a_sign_that_is_unknown_is_read_as_the_first_of_its_family_that_is_known() -> None:
    table = stand_ins({"😡", "😭", "❤"}.__contains__)
    assert "🤬太慢💔🥰".translate(table) == "😡太慢😭❤"
    assert "太棒了👊".translate(stand_ins({"😡", "👍"}.__contains__)) == "太棒了👍"
    assert "😡🎮👍🏽".translate(table) == "😡🎮👍"  # no family, none known; a skin colour says nothing
    assert "行🙂".translate(stand_ins({"😊", "😐"}.__contains__)) == "行😐"  # no smile that means it


def test_a_sign_that_is_known_stays_and_no_family_repeats_one() -> None:
    assert not {ord(sign) for sign in "".join(FAMILIES)} & set(stand_ins(lambda sign: True))
    assert all(max(Counter(family).values()) == 1 for family in FAMILIES)
