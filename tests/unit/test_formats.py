"""Foreign files become the canonical events that one gets by reading them by hand."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from jobs.produce import packed
from udfs.formats import FormatError, open_messages, read_canonical, read_jddc, read_twcs
from udfs.formats.reading import MAX_REFUSED_KEPT

FIXTURES = Path(__file__).parent.parent / "fixtures"
TWCS_HEADER = "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n"

OCT_31_22_08_27 = 1_509_487_707_000
NOV_01_00_00_05 = 1_509_494_405_000
NOV_01_08_30_00 = 1_509_525_000_000


def test_tweets_come_out_in_the_order_of_time_though_the_file_is_not():
    reading = read_twcs(FIXTURES / "twcs_indexed")
    assert [(event["message_id"], event["sent_at"]) for event in reading] == [
        ("12", OCT_31_22_08_27),
        ("11", OCT_31_22_08_27 + 140_000),
        ("10", OCT_31_22_08_27 + 198_000),
        ("21", NOV_01_00_00_05),
        ("22", NOV_01_00_00_05),
        ("40", NOV_01_08_30_00),
    ]
    assert reading.count == 6
    assert not reading.synthetic_timing


def test_the_first_tweet_of_a_thread_names_the_conversation_even_if_it_is_missing():
    conversations = {event["message_id"]: event["conversation_id"] for event in read_twcs(FIXTURES / "twcs_indexed")}
    assert conversations == {"12": "12", "11": "12", "10": "12", "21": "20", "22": "20", "40": "40"}


def test_a_tweet_becomes_exactly_these_fields():
    customer, company = list(read_twcs(FIXTURES / "twcs_indexed"))[:2]
    shared = {"tenant": "default", "source": "twcs", "kind": "message", "visibility": "public", "channel": "twitter"}
    assert customer == {
        **shared,
        "message_id": "12",
        "conversation_id": "12",
        "sent_at": OCT_31_22_08_27,
        "sender": "customer",
        "customer_id": "900",
        "shop": "LampShopCare",
        "text": "@LampShopCare my lamp came in two pieces",
    }
    assert company == {
        **shared,
        "message_id": "11",
        "conversation_id": "12",
        "sent_at": OCT_31_22_08_27 + 140_000,
        "sender": "agent",
        "agent_id": "LampShopCare",
        "customer_id": "900",
        "shop": "LampShopCare",
        "reply_to": "12",
        "text": "@900 Sorry, which lamp?\nSend us the order & we look",
    }


def test_escaped_characters_of_tweets_are_restored():
    assert list(read_twcs(FIXTURES / "twcs_indexed"))[2]["text"] == "@LampShopCare the tall one & its shade"


def test_a_thread_without_a_company_has_no_shop():
    assert "shop" not in list(read_twcs(FIXTURES / "twcs_indexed"))[-1]


def test_broken_tweets_are_counted_with_their_line_and_reason():
    reading = read_twcs(FIXTURES / "twcs_indexed")
    assert reading.refused_count == 4
    assert [line for line, _ in reading.refused] == [7, 9, 10, 11]
    reasons = [reason for _, reason in reading.refused]
    assert "cut off" in reasons[0]
    assert "created_at" in reasons[1]
    assert "inbound" in reasons[2]
    assert "twice" in reasons[3]


def test_tweets_without_an_index_column_are_read_the_same():
    reading = read_twcs(FIXTURES / "twcs_plain.csv")
    assert [(event["message_id"], event["conversation_id"], event["sender"]) for event in reading] == [
        ("1", "1", "customer"),
        ("2", "1", "agent"),
    ]
    assert reading.refused == []


def test_a_circle_of_replies_ends(tmp_path: Path):
    file = tmp_path / "twcs.csv"
    line = "{},u,True,Fri Dec 01 08:00:0{} +0000 2017,hi,,{}\n"
    file.write_text(TWCS_HEADER + line.format(1, 1, 2) + line.format(2, 2, 3) + line.format(3, 3, 2))
    assert [event["conversation_id"] for event in read_twcs(file)] == ["2", "2", "2"]


def test_the_account_of_refused_records_is_bounded(tmp_path: Path):
    file = tmp_path / "twcs.csv"
    file.write_text(TWCS_HEADER + "x,y\n" * (MAX_REFUSED_KEPT + 5))
    reading = read_twcs(file)
    assert reading.refused_count == MAX_REFUSED_KEPT + 5
    assert len(reading.refused) == MAX_REFUSED_KEPT


def test_reading_stops_at_its_limit_and_says_so():
    reading = read_twcs(FIXTURES / "twcs_indexed", limit=2)
    assert reading.count == 2
    assert "stopped after 2 records" in reading.notes[0]


def test_a_csv_without_the_columns_is_refused_with_their_names(tmp_path: Path):
    file = tmp_path / "twcs.csv"
    file.write_text("tweet_id,text\n1,hi\n")
    with pytest.raises(FormatError, match=r"twcs\.csv:1: no column author_id, created_at, in_response"):
        read_twcs(file)


def test_jddc_lines_keep_their_order_and_sides():
    reading = read_jddc(FIXTURES / "jddc_tabs", start_ms=1_000_000_000_000)
    talk = {}
    for event in reading:
        talk.setdefault(event["conversation_id"], []).append((event["message_id"], event["sender"], event["text"]))
    assert talk == {
        "s-one": [
            ("1", "customer", "水壶漏水怎么办"),
            ("2", "agent", "您好\t请问订单号是多少"),
            ("3", "customer", "[数字x]"),
        ],
        "s-two": [("4", "customer", "这个有现货吗"), ("7", "agent", "有的，今天发")],
    }


def test_a_jddc_line_becomes_exactly_these_fields():
    first = next(iter(read_jddc(FIXTURES / "jddc_tabs", start_ms=1_000_000_000_000)))
    assert first == {
        "tenant": "default",
        "source": "jddc",
        "message_id": "1",
        "conversation_id": "s-one",
        "customer_id": "u-1",
        "sent_at": 1_000_000_000_000,
        "sender": "customer",
        "text": "水壶漏水怎么办",
        "kind": "message",
        "visibility": "public",
        "lang": "zh",
    }


def test_a_jddc_sku_is_the_product():
    products = {event["message_id"]: event.get("product_id") for event in read_jddc(FIXTURES / "jddc_tabs")}
    assert products == {"1": None, "2": None, "3": None, "4": "550011", "7": "550011"}


def test_broken_jddc_lines_are_counted_with_their_line_and_reason():
    reading = read_jddc(FIXTURES / "jddc_tabs")
    assert reading.refused == [(5, "waiter_send is neither 0 nor 1"), (6, "3 columns instead of 7")]


def test_jddc_times_are_made_up_and_the_reading_says_so():
    reading = read_jddc(FIXTURES / "jddc_tabs")
    assert reading.synthetic_timing
    assert any("synthetic" in note for note in reading.notes)


def test_jddc_times_rise_within_a_session_and_hang_on_the_seed_only():
    first, again, other = (list(read_jddc(FIXTURES / "jddc_tabs", seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert [event["sent_at"] for event in first] != [event["sent_at"] for event in other]
    times = [event["sent_at"] for event in first if event["conversation_id"] == "s-one"]
    assert times == sorted(set(times))
    assert times[-1] - times[0] < 2 * 20 * 60_000


def test_jddc_with_commas_and_a_header_is_read_too():
    reading = open_messages(FIXTURES / "jddc_commas.txt")
    assert reading.format == "jddc"
    assert [(event["message_id"], event["text"]) for event in reading] == [
        ("2", "你好，想问下,这个杯子多大"),
        ("3", "500毫升"),
    ]


def test_canonical_lines_are_sorted_by_time_and_ticks_left_out():
    reading = read_canonical(FIXTURES / "messages.jsonl")
    assert [(event["message_id"], event["sent_at"]) for event in reading] == [
        ("1", 1_772_416_800_000),
        ("m2", 1_772_416_830_000),
        ("m3", 1_772_416_830_500),
    ]
    assert reading.count == 3
    assert reading.notes == ["lines were not in the order of time and have been sorted", "1 ticks left out"]
    assert list(reading) == list(reading)


def test_canonical_lines_of_equal_time_keep_their_order(tmp_path: Path):
    file = tmp_path / "day.jsonl"
    event = {"conversation_id": "c", "sender": "customer", "text": "x"}
    order = [("a", 1_772_416_800_005), ("b", 1_772_416_800_001), ("c", 1_772_416_800_005), ("d", 1_772_416_800_001)]
    file.write_bytes(b"\n".join(orjson.dumps({**event, "message_id": name, "sent_at": at}) for name, at in order))
    assert [event["message_id"] for event in read_canonical(file)] == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"{", "not_json"),
        (b"[1]", "not_json"),
        (b'{"conversation_id":"c","sent_at":1772416800000,"sender":"agent"}', "bad_id"),
        (b'{"message_id":"m","conversation_id":"c","sender":"agent"}', "no_time"),
        (b'{"message_id":"m","conversation_id":"c","sent_at":"2026-03-02T10:00:00","sender":"agent"}', "without_zone"),
        (b'{"message_id":"m","conversation_id":"c","sent_at":1772416800000000,"sender":"agent"}', "time_in_future"),
        (b'{"message_id":"m","conversation_id":"c","sent_at":1772416800000,"sender":"robot"}', "unknown_sender"),
    ],
)
def test_a_bad_canonical_line_is_an_error_with_file_line_and_remedy(tmp_path: Path, line: bytes, named: str):
    file = tmp_path / "day.jsonl"
    good = b'{"message_id":"m","conversation_id":"c","sent_at":1772416800000,"sender":"agent"}\n'
    file.write_bytes(good + line + b"\n")
    with pytest.raises(FormatError, match=rf"day\.jsonl:2: .*{named}.*correct the line"):
        read_canonical(file)


@pytest.mark.parametrize("field", ["visibility", "note", "edited_at", "attachments"])
@pytest.mark.parametrize("depth", [300, 480, 600, 1_000, 5_000])
def test_a_line_that_is_nested_deeply_can_be_written_again_or_is_an_error_with_its_number(tmp_path: Path, field: str, depth: int):
    file = tmp_path / "deep.jsonl"
    line = b'{"message_id":"m1","conversation_id":"c1","sent_at":1772416800000,"sender":"customer","text":"hi","@":'.replace(b"@", field.encode())
    file.write_bytes(line + b"[" * depth + b"]" * depth + b"}\n")
    try:
        assert all(packed(event) for event in open_messages(file))
    except FormatError as error:
        assert str(error).startswith(f"{file}:1: ") and (depth > 500 or field == "visibility")


@pytest.mark.parametrize(
    ("path", "name", "count"),
    [
        ("twcs_indexed", "twcs", 6),
        ("twcs_indexed/twcs.csv", "twcs", 6),
        ("twcs_plain.csv", "twcs", 2),
        ("jddc_tabs", "jddc", 5),
        ("jddc_tabs/chat_0.1per.txt", "jddc", 5),
        ("messages.jsonl", "canonical", 3),
    ],
)
def test_the_format_is_found_by_looking_into_the_file(path: str, name: str, count: int):
    reading = open_messages(FIXTURES / path)
    assert (reading.format, reading.count, len(list(reading))) == (name, count, count)


def test_an_unknown_file_is_refused_with_what_is_readable(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("dear diary\n")
    with pytest.raises(FormatError, match=r"notes\.txt:1: not a known format; readable are JSON lines"):
        open_messages(file)


def test_a_missing_file_and_an_empty_folder_say_what_to_give(tmp_path: Path):
    with pytest.raises(FormatError, match="no such file"):
        open_messages(tmp_path / "nowhere.csv")
    with pytest.raises(FormatError, match="give the path of the file itself"):
        open_messages(tmp_path)


def test_the_only_jsonl_of_a_folder_is_taken(tmp_path: Path):
    (tmp_path / "monday.jsonl").write_bytes((FIXTURES / "messages.jsonl").read_bytes())
    assert open_messages(tmp_path).count == 3


def test_a_file_in_another_encoding_is_refused_and_a_damaged_byte_is_not(tmp_path: Path) -> None:
    rows = "".join(f"s{at}\tu1\t0\t0\t0\t请问什么时候发货，我要投诉\n" for at in range(40))
    (tmp_path / "chat.txt").write_bytes(rows.encode("gbk"))
    with pytest.raises(FormatError, match="is not UTF-8; save it as UTF-8"):
        read_jddc(tmp_path / "chat.txt")
    (tmp_path / "chat.txt").write_bytes(rows.encode() + b"s99\tu1\t0\t0\t0\t\xff\xfe\n")
    assert read_jddc(tmp_path / "chat.txt").count == 41
