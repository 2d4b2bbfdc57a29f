"""Dropout that is drawn quickly: as much of it as torch's, repeatable, and only where it is asked for."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification

from models.quick_dropout import dropped, quick_dropout

UNITS = 200_003  # no multiple of eight


def network(share: float = 0.1) -> BertForSequenceClassification:
    sizes = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(**sizes, hidden_dropout_prob=share, attention_probs_dropout_prob=share)
    return BertForSequenceClassification(config)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_so_many_units_are_dropped_and_the_mean_stays(share: float, kind: torch.dtype) -> None:
    torch.manual_seed(3)
    found = dropped(torch.ones(UNITS, dtype=kind), share).float()
    assert found.eq(0).float().mean().item() == pytest.approx(share, abs=1 / 512 + 4 * (share * (1 - share) / UNITS) ** 0.5)
    assert found.mean().item() == pytest.approx(1.0, abs=0.02 if share < 0.9 else 0.05)
    assert len(found.unique()) == 2, "a unit is dropped, or as large as all the others"


def test_all_or_none_of_the_units_are_dropped() -> None:
    units = torch.randn(3, 5)
    assert torch.equal(dropped(units, 0.0), units)
    assert torch.equal(dropped(units, 1.0), torch.zeros(3, 5))


def test_each_of_eight_units_of_one_draw_is_dropped_as_often_and_by_itself() -> None:
    torch.manual_seed(4)
    gone = dropped(torch.ones(80_000, 8), 0.5).eq(0).float()
    assert torch.allclose(gone.mean(dim=0), torch.full((8,), 0.5), atol=0.01)
    alike = torch.corrcoef(gone.T) - torch.eye(8)
    assert alike.abs().max() < 0.02


def test_a_dropped_unit_learns_nothing_and_another_one_more() -> None:
    torch.manual_seed(5)
    units = torch.ones(1_000, requires_grad=True)
    found = dropped(units, 0.25)
    found.sum().backward()
    assert units.grad is not None and torch.equal(units.grad, found.detach())


def test_a_seed_fixes_what_is_dropped_and_a_kept_state_goes_on() -> None:
    torch.manual_seed(6)
    first = dropped(torch.ones(100), 0.5)
    state = torch.get_rng_state()
    second = dropped(torch.ones(100), 0.5)
    torch.manual_seed(6)
    assert torch.equal(dropped(torch.ones(100), 0.5), first)
    torch.set_rng_state(state)
    assert torch.equal(dropped(torch.ones(100), 0.5), second)


def test_all_of_a_network_s_dropout_is_drawn_so_while_it_lasts_and_only_in_training() -> None:
    model = network().train()
    attention = model.config._attn_implementation
    ids, mask = torch.arange(12).view(2, 6), torch.tensor([[1] * 6, [1, 1, 1, 1, 0, 0]])

    def random_draws() -> int:
        """Of torch's own kind: its profile names what was called."""
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            model(input_ids=ids, attention_mask=mask).logits.sum().backward()
        return sum(each.count for each in profile.key_averages() if each.key in ("aten::bernoulli_", "aten::native_dropout"))

    assert random_draws() > 0
    with quick_dropout(model):
        assert random_draws() == 0
        model.eval()
        sure = model(input_ids=ids, attention_mask=mask).logits
        assert torch.equal(sure, model(input_ids=ids, attention_mask=mask).logits)
        model.train()
    assert random_draws() > 0
    assert model.config._attn_implementation == attention
    model.eval()
    assert torch.allclose(sure, model(input_ids=ids, attention_mask=mask).logits, atol=1e-5), "another way to the same answers"


def test_what_is_asked_for_in_place_stays_torch_s() -> None:
    units = torch.ones(1_000)
    with quick_dropout(network()):
        assert functional.dropout(units, 0.5, True, True) is units
    assert units.eq(0).any()


def test_a_training_that_fails_leaves_torch_as_it_was() -> None:
    model = network()
    with pytest.raises(KeyError), quick_dropout(model):
        raise KeyError("x")
    torch.manual_seed(7)
    theirs = functional.dropout(torch.ones(1_000), 0.5)
    torch.manual_seed(7)
    assert not torch.equal(dropped(torch.ones(1_000), 0.5), theirs)
    assert model.config._attn_implementation != "eager"
