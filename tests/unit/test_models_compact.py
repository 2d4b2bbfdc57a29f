"""Weights in eight bits: as exact as promised, and a file that lacks something is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.compact import COMPACT_FILE, read_compact, write_compact
from models.network import NetworkShape, make_network
from models.scorer import ModelError, load_scorer
from models.versions import scorer_version

TEXTS = ["太差，骗人", "什么时候发货", "love it, thanks", "坏了 broken", "please send my order"]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A network with random weights, as Hugging Face writes it."""
    torch.manual_seed(2)
    model, tokenizer = make_network(NetworkShape("new", layers=2, vocabulary=200, hidden=64, heads=4), TEXTS * 30, 32)
    model.save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(tmp_path / "plain")
    return tmp_path / "plain"


@pytest.fixture
def compact(plain: Path) -> Path:
    """The same in eight bits."""
    directory = plain.with_name("compact")
    directory.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (directory / name).write_bytes((plain / name).read_bytes())
    write_compact(load_file(plain / "model.safetensors"), directory)
    return directory


def test_a_number_is_off_by_half_a_step_at_most(plain: Path, compact: Path) -> None:
    state, unpacked = load_file(plain / "model.safetensors"), read_compact(compact / COMPACT_FILE)
    assert set(state) == set(unpacked)
    for name, tensor in state.items():
        step = tensor.abs().amax(dim=-1, keepdim=True) / 127 if tensor.ndim == 2 else tensor.abs() / 1_000
        assert torch.all((unpacked[name] - tensor).abs() <= step / 2 * 1.001 + 1e-6), name
    assert (compact / COMPACT_FILE).stat().st_size < 0.4 * (plain / "model.safetensors").stat().st_size


def test_a_compact_model_scores_like_the_one_it_was_made_from(plain: Path, compact: Path) -> None:
    one, other = load_scorer(str(plain), "cpu").score(TEXTS), load_scorer(str(compact), "cpu").score(TEXTS)
    for before, after in zip(one, other, strict=True):
        assert before is not None and after is not None
        assert after.score == pytest.approx(before.score, abs=0.02)
        assert after.tones == pytest.approx(before.tones, abs=0.02)
    assert scorer_version(str(compact)).startswith("compact@")


def test_a_damaged_file_is_refused(compact: Path) -> None:
    path = compact / COMPACT_FILE
    whole = load_file(path)
    scale = next(name for name in whole if name.endswith(".scale"))
    save_file({name: tensor for name, tensor in whole.items() if name != scale}, path)
    with pytest.raises(ModelError, match=f"has no {scale}"):
        load_scorer(str(compact), "cpu")
    matrix = scale.removesuffix(".scale")
    save_file({name: tensor for name, tensor in whole.items() if name not in (scale, matrix)}, path)
    with pytest.raises(ModelError, match=f"not a trained classifier: weights missing for .*{matrix}"):
        load_scorer(str(compact), "cpu")
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot read"):
        load_scorer(str(compact), "cpu")
