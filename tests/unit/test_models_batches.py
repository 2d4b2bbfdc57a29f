"""Which texts go through the network together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.batches import batches_by_length


@given(st.lists(st.integers(2, 48), max_size=300), st.integers(1, 64), st.integers(0, 500), st.integers(1, 1_000))
def test_batches_hold_every_text_once_shortest_first_and_pad_for_less_than_another_pass(
    lengths: list[int], most: int, pass_tokens: int, most_tokens: int
) -> None:
    batches = batches_by_length(lengths, most, pass_tokens, most_tokens)
    in_turn = [at for batch in batches for at in batch]
    assert sorted(in_turn) == list(range(len(lengths)))
    assert [lengths[at] for at in in_turn] == sorted(lengths)
    for batch in batches:
        assert 0 < len(batch) <= most
        of_batch = [lengths[at] for at in batch]
        assert max(of_batch) * len(batch) - sum(of_batch) <= pass_tokens
        assert len(batch) == 1 or max(of_batch) * len(batch) <= most_tokens
    for batch, following in pairwise(batches):
        longer = [lengths[at] for at in [*batch, following[0]]]
        whole = max(longer) * len(longer)
        assert len(batch) == most or whole > most_tokens or whole - sum(longer) > pass_tokens


def test_a_few_texts_of_different_lengths_are_not_all_padded_to_the_longest() -> None:
    lengths = [8, 40, 9, 10, 44, 8]
    assert batches_by_length(lengths, 64, 15, 1_000) == [[0, 5, 2, 3], [1, 4]]
    assert batches_by_length(lengths, 64, 10_000, 1_000) == [[0, 5, 2, 3, 1, 4]]
    assert batches_by_length([], 64, 15, 1_000) == []


def test_a_pass_takes_so_many_tokens_and_a_text_of_more_goes_alone() -> None:
    assert batches_by_length([10] * 7, 64, 15, 30) == [[0, 1, 2], [3, 4, 5], [6]]
    assert batches_by_length([40, 10, 50], 64, 100, 30) == [[1], [0], [2]]
