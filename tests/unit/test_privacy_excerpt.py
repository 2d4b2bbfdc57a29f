"""Excerpts of refused records: whatever a producer wrote them in, nothing personal stays."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.privacy import Masker
from udfs.privacy_excerpt import EXCERPT_BYTES, masked_excerpt

PHONE = "13800138000"
ID_CARD = "11010119000307007X"
INNER = {"text": f"我的电话{PHONE}，身份证{ID_CARD}，信箱foo@example.com"}


def excerpt(raw: bytes, limit: int = EXCERPT_BYTES) -> str:
    return masked_excerpt(raw, Masker(), limit).text


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(INNER).encode(),
        json.dumps({"content": json.dumps(INNER)}).encode(),
        json.dumps({"a": json.dumps({"b": json.dumps(INNER)})}).encode(),
        json.dumps({"content": json.dumps({"text": f"手机号码{PHONE}"})}).encode(),
        urlencode(INNER).encode(),
        ("payload=" + quote(json.dumps(INNER, ensure_ascii=False))).encode(),
        b"<p>&#49;&#51;&#56;00138000 foo&#64;example.com</p>",
        rb"{'text': '\xe6\x88\x91\xe7\x9a\x84\xe7\x94\xb5\xe8\xaf\x9d13800138000'}",
        rb"\346\210\221\347\232\204\347\224\265\350\257\23513800138000",
        b'{"conversation_id":"+44 7911 123456"}',
    ],
)
def test_nothing_personal_stays_in_any_notation(raw: bytes) -> None:
    told = excerpt(raw)
    for piece in (PHONE, ID_CARD, "foo@", "foo%40", "7911"):
        assert piece not in told


def test_an_excerpt_of_a_refused_record_is_masked_through_json_escapes() -> None:
    raw = rb'{"text":"\u7535\u8bdd13800138000\n13900139000 \ud83d\ude00 \ud83d","sent_at":1772416800000,"e":"\\u0031"'
    text = excerpt(raw)
    assert text == '{"text":"电话[phone]\\n[phone] 😀 \ufffd","sent_at":1772416800000,"e":"1"'


CUSTOMER = {
    "customer": {"id": "zhang_san88", "qq": "12345678", "wechat": "zhang_san88", "wx": "zhangsan", "weixin": "zhang-san", "qq_number": 12345678},
    "customer_id": "zhang_san88", "userId": 12345678, "phone": 13800138000, "foreign": "+44 7911 123456",
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("layers", [0, 1, 2])
def test_what_tells_a_customer_is_hidden_in_json_within_json(layers: int, indent: int | None) -> None:
    body = json.dumps(CUSTOMER, indent=indent)
    for _ in range(layers):
        body = json.dumps({"content": body})
    told = excerpt(body.encode())
    for piece in ("zhang", "12345678", PHONE, "7911"):
        assert piece not in told
    while layers:
        told, layers = json.loads(told.replace("\n", ""))["content"], layers - 1
    assert told.count("[qq]") == 2 and told.count("[wechat]") == 3 and told.count("[id]") == 4 and told.count("[phone]") == 1


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"text":"ok","phone": 13800138000,"cc":"dd"}', '{"text":"ok","phone": [phone],"cc":"dd"}'),
        ('{"a": "b, "phone": 13800138000, "customer_id": "zhang"}', '{"a": "b, "phone": [phone], "customer_id": "[id]"}'),
        (r'{"path":"C:\\","customer_id":"zhang"}', r'{"path":"C:\\","customer_id":"[id]"}'),
        (r'{"said":"\"hi\"","n":"+447911123456"}', r'{"said":"\"hi\"","n":"[id]"}'),
        ('{"sender":"customer","id":"m-1","name":"x"}', '{"sender":"customer","id":"m-1","name":"x"}'),
        ('{"customer":{"tags":[]},"id":"m-1"}', '{"customer":{"tags":[]},"id":"m-1"}'),
        ('{"source":"qq","conversation_id":"12345678"}', '{"source":"qq","conversation_id":"12345678"}'),
        ('{"text":"电话 13800138000"}', '{"text":"电话 [phone]"}'),
        ('{"customer_id":"","customer":null,"order":"c-8813"', '{"customer_id":"","customer":null,"order":"c-8813"'),
    ],
)
def test_strings_are_paired_from_left_to_right(raw: str, expected: str) -> None:
    assert excerpt(raw.encode()) == expected


def test_an_excerpt_decodes_what_is_not_utf8_and_drops_the_word_that_the_limit_cuts() -> None:
    assert excerpt(b"\xff\xfd ok") == "\ufffd\ufffd ok"
    for cut in range(1, len(PHONE)):
        raw = f"打给 {PHONE} 谢谢".encode()
        assert excerpt(raw, limit=len("打给 ".encode()) + cut) == "打给"
    assert excerpt("打给 138 0013 8000".encode(), limit=len("打给 138 0013 80".encode())) == "打给"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "gbk"):
        for word in ("打", "我", "碼", "手机"):
            raw = f'{{"text":"{word}13800138000谢谢，信箱john@example.com"}}'.encode(encoding)
            told = excerpt(raw)
            assert "13800138000" not in told and "john" not in told and "[phone]" in told, (encoding, word)
    big = b"ab " * 40_000
    assert len(excerpt(big)) <= EXCERPT_BYTES


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(min_value=0, max_value=220))
def test_no_bytes_make_an_excerpt_raise(raw: bytes, limit: int) -> None:
    excerpt(raw, limit).encode()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("raw", [b"\\" * 65_536, b"\\\\\\u12" * 8_000, b"%2" * 30_000, b"&#4" * 20_000, b'"' * 65_536, b'\\"' * 30_000, b'"customer":{' * 5_000])
def test_hostile_records_are_read_soon(raw: bytes) -> None:
    for _ in range(10):
        assert len(excerpt(raw)) <= EXCERPT_BYTES
