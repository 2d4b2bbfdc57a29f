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
     "Foo <foo@example.com>", "acct:foo@example.com", "foo%40example.com", f"tel:+86{PHONE};ext=1", f"wa_86{PHONE}", f"{PHONE}_20260302"],
)
def test_ids_that_are_a_phone_or_a_mail_address_are_personal(value: str) -> None:
    assert is_personal_identifier(value)


@pytest.mark.parametrize(
    "value",
    ["", "77", "c-8813", UNION, ID_CARD, "1772416800000", f"c-{PHONE}", f"{PHONE}-1", "wxid_abc", "a@b", "x" * 500],
)
def test_other_ids_are_not_personal(value: str) -> None:
    assert not is_personal_identifier(value)


@pytest.mark.parametrize("value", [f"false_86{PHONE}@c.us_3EB0", f"wa_{PHONE}", f"86{PHONE}@c.us"])
def test_a_message_id_may_hold_a_phone(value: str) -> None:
    assert holds_phone(value)


@pytest.mark.parametrize("value", ["<CAF1234@mail.gmail.com>", PHONE, "m1", "550e8400-e29b-41d4-a716-446655440000", ""])
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
