"""Which ids are hashed before they leave the job."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.personal_ids import hidden, holds_phone, is_personal_identifier

PHONE = "13800138000"
ID_CARD = "11010119000307007X"
UNION = "6205500000000000004"


@pytest.mark.parametrize(
    "value",
    [PHONE, f"+86{PHONE}", "138 0013 8000", "a@b.com", f"86{PHONE}@c.us", "whatsapp:+14155552671", f"tel:{PHONE}",
     f"false_86{PHONE}@c.us_3EB0", f"86{PHONE}:3@s.whatsapp.net", "sip:+14155552671@ex.com", f"viber:+86{PHONE}", f"wechat:{PHONE}",
     "Foo <foo@example.com>", "acct:foo@example.com", "foo%40example.com", f"tel:+86{PHONE};ext=1", f"wa_86{PHONE}", f"{PHONE}_20260302",
     f"{PHONE}@192.168.1.5", f"sip:{PHONE}@10.0.0.1", f"86{PHONE}@s", f"sms-{PHONE}", f"{PHONE}-20260302", f"tel{PHONE}", f"user{PHONE}",
     f"张三{PHONE}", f"{PHONE}张三", "zhang@qq.com-1", "c.zhang@qq.com.1", "zhang\u200b@qq.com", f"c-{PHONE}", f"{PHONE}-1", f"a{PHONE}f",
     "sms-138-0013-8000", "(138)0013-8000", "13800\u200b138000", "①③⑧⓪⓪①③⑧⓪⓪⓪", "sms+447911123456", "sms-+44 7911 123456", "+44 7911 123456",
     "00447911123456", f"550e8400-e29b-41d4-a716-446655440000-{PHONE}", f"c%2D{PHONE}", f"{PHONE}/2", f"86-{PHONE}", f"0086{PHONE}"],
)
def test_ids_that_are_a_phone_or_a_mail_address_are_personal(value: str) -> None:
    assert is_personal_identifier(value)


@pytest.mark.parametrize(
    "value",
    ["", "77", "c-8813", UNION, ID_CARD, "1772416800000", "wxid_abc", "a@b", "x" * 500, "1772416800", "c-12800138000",
     "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-a13800138000", "conv:550E8400-E29B-41D4-A716-F13800138000",
     "65f2a13800138000ab12cd34", "d41d8cd913800138000b204e9800998e", "1346543215432154321", "1380013800013800138", "order-6205500000000000004",
     "13800138000138", "1380013800", "20260302138001380001", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "V1StGXR8_Z5jdHi6B-myT", "20260302-1234-5678",
     "shop-151-20001234", "PO-2026-03-02-0001", "19:meeting_Mjk@thread.v2", "12345678901@chatroom", "@lin:matrix.org", "pkg@1.2.3",
     "2026-03-02T10:00:00+0800", "ab+12345678cd", "张三-8813", "会话20260302001"],
)
def test_other_ids_are_not_personal(value: str) -> None:
    assert not is_personal_identifier(value)


@pytest.mark.parametrize(
    "value",
    [f"false_86{PHONE}@c.us_3EB0", f"wa_{PHONE}", f"86{PHONE}@c.us", PHONE, f"86{PHONE}", f"sms-{PHONE}-1",
     f"{PHONE}@10.0.0.1", f"<{PHONE}.1@mail.example>", "+447911123456"],
)
def test_a_message_id_may_hold_a_phone(value: str) -> None:
    assert holds_phone(value)


@pytest.mark.parametrize(
    "value",
    ["<CAF1234@mail.gmail.com>", "m1", "550e8400-e29b-41d4-a716-446655440000", "", "<1772416800000.12.JavaMail@mail.example>", UNION,
     "1346543215432154321", "1772416800000", "3EB0C767D82B632A2E13"],
)
def test_other_message_ids_are_kept(value: str) -> None:
    assert not holds_phone(value)


@pytest.mark.parametrize("value", ["conv-0012345678", "T-0012345678-1", "20260302-0012345678", "agent.0012345678"])
def test_zeros_in_front_of_a_number_inside_an_id_make_no_phone(value: str) -> None:
    assert not is_personal_identifier(value)


def test_what_stands_in_for_an_id_depends_on_the_secret() -> None:
    assert hidden(PHONE, b"one") == hidden(PHONE, b"one") != hidden(PHONE, b"two")
    assert hidden(PHONE, b"one").startswith("h:") and PHONE not in hidden(PHONE, b"one")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_id_can_be_judged(value: str) -> None:
    assert is_personal_identifier(value) in (True, False)
    assert holds_phone(value) in (True, False)
