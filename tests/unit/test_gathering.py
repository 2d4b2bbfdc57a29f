"""A batch leaves the reading step by key group: nothing lost, nothing out of order, nothing in another's record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.key_groups import key_group_names
from udfs import gathering
from udfs.events import DEAD_LETTER_KEY
from udfs.gathering import entries, gather, is_dead_letter
from udfs.key_group import key_group_of

GROUPS = ["a", "b", "c"]
KEYS = st.sampled_from([f"t\x1fs\x1f{name}" for name in ("1", "2", "3", '"', "人")])


@given(st.lists(st.one_of(st.none(), KEYS), max_size=30), st.integers(1, 3))
def test_every_row_comes_out_once_in_its_group_and_in_the_order_of_its_conversation(
    keys: list[str | None], count: int
) -> None:
    values = [None if key is None else f"[{number}]" for number, key in enumerate(keys)]
    names, records = gather(keys, values, GROUPS[:count])
    assert len(names) == len(records) == len(keys)
    found: dict[str, list[list[int]]] = {}
    for name, record in zip(names, records, strict=True):
        assert (name is None) == (record is None)
        if name is not None and record is not None:
            for key, rows in entries(record):
                assert name == GROUPS[key_group_of(key, count)]
                found.setdefault(key, []).extend(rows)
    expected: dict[str, list[list[int]]] = {}
    for number, key in enumerate(keys):
        if key is not None:
            expected.setdefault(key, []).append([number])
    assert found == expected
    assert sum(name is not None for name in names) <= count


def test_dead_letters_of_a_partition_travel_together_and_none_is_lost() -> None:
    key = f"{DEAD_LETTER_KEY}topic0"
    letters = ['{"reason":"not_json","text":"[phone]"}', '{"reason":"empty_value"}']
    _, records = gather([key, "t\x1fs\x1f1", key], [letters[0], "[1]", letters[1]], ["only"])
    assert records[0] is not None and records[1:] == [None, None]
    (letter_key, found), (_, rows) = entries(records[0])
    assert is_dead_letter(letter_key)
    assert found == [{"reason": "not_json", "text": "[phone]"}, {"reason": "empty_value"}]
    assert rows == [[1]]


def test_a_record_that_has_grown_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_CHARACTERS", 8)
    rows = [f"[{number}]" for number in range(10, 20)]
    names, records = gather(["k"] * 10, rows, ["only"])
    together = [list(entries(record)) for record in records if record is not None]
    assert [row for record in together for _, found in record for row in found] == [[n] for n in range(10, 20)]
    assert [len(found) for record in together for _, found in record] == [3, 3, 3, 1]
    assert names == [None if record is None else "only" for record in records]


def test_a_conversation_stays_in_its_group_for_ever() -> None:
    assert [key_group_of(f"default\x1fshop\x1f{n}", 128) for n in range(4)] == [93, 75, 113, 103]
    assert key_group_names(4) == ["0", "9", "1", "2"]
