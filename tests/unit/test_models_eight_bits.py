"""The forward pass in eight bits and in bf16: near that in single precision, and the same in any batch."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification
from transformers.activations import ACT2FN

from models import eight_bits
from models.eight_bits import Matrix
from models.lean_bert import Dense, LeanBert, Packed
from models.loading import placed
from models.scorer import ModelError

SHAPE = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}


@pytest.fixture(params=["gelu", "relu"])
def model(request: pytest.FixtureRequest) -> BertForSequenceClassification:
    torch.manual_seed(7)
    config = BertConfig(
        **SHAPE,
        vocab_size=200,
        max_position_embeddings=40,
        num_labels=7,
        hidden_act=request.param,
        initializer_range=0.2,
    )
    return BertForSequenceClassification(config).train(False)


def batch(lengths: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of texts of these lengths; the same ids for the same place."""
    torch.manual_seed(1)
    ids = torch.randint(1, 200, (len(lengths), 30))[:, : max(lengths)]
    mask = (torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]).long()
    return ids * mask, mask


def test_its_answer_is_near_that_in_single_precision(model: BertForSequenceClassification) -> None:
    ids, mask = batch((30, 12, 7, 3))
    with torch.inference_mode():
        exact, near = model(input_ids=ids, attention_mask=mask).logits, LeanBert(model, Matrix)(ids, mask)
    assert near.shape == exact.shape
    assert (near - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_it_does_not_depend_on_what_else_is_in_the_batch(model: BertForSequenceClassification) -> None:
    ids, mask = batch((30, 12, 7, 3))
    eight = LeanBert(model, Matrix)
    with torch.inference_mode():
        together = eight(ids, mask)
        for at, length in enumerate((30, 12, 7, 3)):
            alone = eight(ids[at : at + 1, :length], mask[at : at + 1, :length])
            torch.testing.assert_close(alone[0], together[at], atol=0.02, rtol=0.02)


def test_a_large_number_in_one_token_does_not_blur_the_others() -> None:
    """One range for all tokens would leave a token of small numbers a step or two."""
    torch.manual_seed(3)
    layer = nn.Linear(32, 16)
    matrix = Matrix(layer)
    values = torch.stack([torch.randn(32) * 100, torch.randn(32) * 0.01, torch.zeros(32)])
    with torch.inference_mode():
        torch.testing.assert_close(matrix(values)[1:], layer(values)[1:], atol=1e-3, rtol=0.05)


def test_several_layers_of_one_input_are_one_product() -> None:
    torch.manual_seed(3)
    first, second = nn.Linear(32, 16), nn.Linear(32, 8)
    values = torch.randn(5, 32)
    with torch.inference_mode():
        both = Matrix(first, second)(values)
        torch.testing.assert_close(both, torch.cat([Matrix(first)(values), Matrix(second)(values)], dim=1))


def wrong(layer: nn.Linear, values: torch.Tensor) -> float:
    """By how much the product is off at most, in shares of the largest number that comes out."""
    with torch.inference_mode():
        exact = layer(values)
        return float((Matrix(layer)(values) - exact).abs().max() / exact.abs().max())


def test_a_machine_with_sums_of_four_products_has_eight_bits_for_what_goes_in_and_another_seven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(3)
    layer, values = nn.Linear(256, 64), torch.randn(50, 256)
    largest, off = [eight_bits.largest_input()], [wrong(layer, values)]
    for unit in ("avx512_vnni", "avx_vnni", "amx_int8", "avx2"):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda unit=unit: {unit: True})
        largest.append(eight_bits.largest_input())
        off.append(wrong(layer, values))
    here, *others = largest
    assert others == [127, 127, 127, 63]
    # Eight bits are nearer where the machine has room for their sums, and overflow where it hasn't.
    assert (off[1] < off[-1]) == (here == 127)
    assert off[0] == min(off) < 0.02
    assert off[-1] < 0.02


def test_nothing_overflows_on_a_cpu_that_adds_two_products_in_16_bits() -> None:
    """All numbers as large as they can be, computed as a CPU with AVX2 alone does; oneDNN reads its limit once."""
    program = (
        "import torch\n"
        "from torch import nn\n"
        "from models import eight_bits\n"
        "eight_bits.largest_input = lambda: eight_bits.SEVEN_BITS\n"
        "layer = nn.Linear(256, 64)\n"
        "nn.init.ones_(layer.weight); nn.init.zeros_(layer.bias)\n"
        "with torch.inference_mode(): print(*eight_bits.Matrix(layer)(torch.ones(5, 256)).unique().tolist())\n"
    )
    for limit in ("AVX2", "AVX512_CORE"):
        environment = os.environ | {"ONEDNN_MAX_CPU_ISA": limit}
        found = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
        assert [float(each) for each in found.stdout.split()] == pytest.approx([256.0], abs=0.01)


def test_a_machine_without_the_product_computes_in_another_precision(
    model: BertForSequenceClassification, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert placed(model, "cpu", "int8")[2] == "int8"
    monkeypatch.setattr(eight_bits, "ENGINE", "none")
    assert placed(model, "cpu", "auto")[2] in ("bf16", "fp32")
    with pytest.raises(ModelError, match="precision is int8: it needs a BERT on a CPU"):
        placed(model, "cpu", "int8")


LENGTHS = ((30, 12, 7, 3), (30, 30), (25, 3), (9, 9), (16, 15), (1,))
"""Of texts in a batch: with padding and without; attention's sixteens are filled up, begun, and full."""


def test_a_lean_pass_in_the_networks_own_precision_is_the_networks(model: BertForSequenceClassification) -> None:
    lean = LeanBert(model, Dense)
    with torch.inference_mode():
        for lengths in LENGTHS:
            ids, mask = batch(lengths)
            torch.testing.assert_close(
                lean(ids, mask), model(input_ids=ids, attention_mask=mask).logits, atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("packed", [True, False])
def test_a_pass_in_bf16_is_near_that_in_single_precision(
    model: BertForSequenceClassification, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not packed:  # as on a CPU without instructions for it
        monkeypatch.setattr(Packed, "possible", lambda: False)
    exact, plain = deepcopy(model), deepcopy(model).to(torch.bfloat16)
    lean, _, precision = placed(model, "cpu", "bf16")
    assert precision == "bf16"
    off = {"lean": 0.0, "plain": 0.0}
    with torch.inference_mode():
        for lengths in LENGTHS:
            ids, mask = batch(lengths)
            wanted = exact(input_ids=ids, attention_mask=mask).logits
            off["lean"] += (lean(ids, mask).float() - wanted).abs().mean().item() / wanted.abs().mean().item()
            off["plain"] += (plain(input_ids=ids, attention_mask=mask).logits.float() - wanted).abs().mean().item() / wanted.abs().mean().item()
    # How much bf16 rounds away depends on the CPU's products: no more than of the network as PyTorch computes it, but for chance.
    assert 0 < off["lean"] < 1.5 * off["plain"] < 0.05 * len(LENGTHS)


@pytest.mark.parametrize("activation", ["linear", "relu", "gelu", "silu"])
def test_every_product_ends_with_the_activation_that_it_is_given(activation: str) -> None:
    torch.manual_seed(3)
    layer, values = nn.Linear(32, 16), torch.randn(5, 32)
    wanted = ACT2FN[activation](layer(values))
    products = [(Dense(layer, activation=activation), values), (Matrix(layer, activation=activation), values)]
    if Packed.possible():
        products.append((Packed(deepcopy(layer).bfloat16(), activation=activation), values.bfloat16()))
    with torch.inference_mode():
        for product, inputs in products:
            torch.testing.assert_close(product(inputs).float(), wanted, atol=0.03, rtol=0.03)


@pytest.mark.parametrize(
    ("units", "chosen"), [({"amx_bf16": True}, "bf16"), ({"avx512_bf16": True}, "int8"), ({}, "int8")]
)
def test_a_cpu_with_matrix_units_for_it_computes_in_bf16(
    model: BertForSequenceClassification, monkeypatch: pytest.MonkeyPatch, units: dict[str, bool], chosen: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units)
    assert placed(model, "cpu", "auto")[2] == chosen
