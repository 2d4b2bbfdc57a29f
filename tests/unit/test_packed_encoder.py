"""The packed encoder's file, written here as its format says, and read back as a network and a tokeniser."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.packed_encoder import BLOCK, PackedEncoder
from models.scorer import ModelError

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TYPES = 32, 2, 2, 64, 16, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "我", "的", "快递", "▁my", "▁parcel", "!", "▁nobody"]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -3.5, -4.0, -4.5, -5.0, -3.0, -9.0]
SHAPES = {
    "emb.word": (len(PIECES), HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (TYPES, HIDDEN),
    "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    **{f"l{layer}.{name}.{part}": shape for layer in range(LAYERS) for name, weight in {
        "q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN), "aln": (HIDDEN,),
        "fi": (FEED_FORWARD, HIDDEN), "fo": (HIDDEN, FEED_FORWARD), "oln": (HIDDEN,),
    }.items() for part, shape in (("w", weight), ("b", weight[:1]))},
}  # fmt: skip


@pytest.fixture
def tensors() -> dict[str, NDArray[np.float32]]:
    """Random weights that four bits a block can hold exactly: multiples of an eighth, from -1 to 7/8."""
    chance = np.random.default_rng(5)
    drawn = {name: chance.integers(-8, 8, shape).astype(np.float32) / 8 for name, shape in SHAPES.items()}
    return drawn


@pytest.fixture
def path(tmp_path: Path, tensors: dict[str, NDArray[np.float32]]) -> Path:
    """The packed file."""
    blob = "".join(PIECES).encode()
    ends = np.cumsum([len(piece.encode()) for piece in PIECES]).tolist()
    head = struct.pack(
        "<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(PIECES), POSITIONS, TYPES, 1e-12, BLOCK
    )
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    head += struct.pack(f"<{len(PIECES) + 1}I", 0, *ends) + struct.pack(f"<{len(PIECES)}f", *SCORES) + blob
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", ord("Ａ"), 1, ord("A")) + struct.pack("<i", len(tensors))
    payloads = {name: packed(tensor) if is_packed(name) else tensor.tobytes() for name, tensor in tensors.items()}
    size = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    directory, body = b"", b""
    for name, payload in payloads.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 1, tensors[name].size, size + len(body), len(payload))
        body += payload
    file = tmp_path / "packed.bin"
    file.write_bytes(head + directory + body)
    return file


def is_packed(name: str) -> bool:
    """Whether the format keeps this tensor in four-bit blocks: the large matrices."""
    return name == "emb.word" or (name.endswith(".w") and not name.endswith("ln.w") and name != "emb.ln.w")


def packed(tensor: NDArray[np.float32]) -> bytes:
    """Blocks of 32: a scale of 1/8 in half precision, then 16 bytes, weight j low and j + 16 high, 8 added."""
    nibbles = (tensor.reshape(-1, BLOCK) * 8 + 8).astype(np.uint8)
    scale = np.array([1 / 8], "<f2").tobytes()
    return b"".join(scale + (row[:16] | row[16:] << 4).tobytes() for row in nibbles)


def test_weights_come_back_as_they_were_packed(path: Path, tensors: dict[str, NDArray[np.float32]]) -> None:
    encoder = PackedEncoder(path)
    state = encoder.state(layers=1, keep=[0, 5, 7], positions=8)
    assert (encoder.config.hidden_size, encoder.config.num_hidden_layers, encoder.config.vocab_size) == (
        HIDDEN,
        LAYERS,
        12,
    )
    expected = {
        "embeddings.word_embeddings.weight": tensors["emb.word"][[0, 5, 7]],
        "embeddings.position_embeddings.weight": tensors["emb.pos"][:8],
        "embeddings.token_type_embeddings.weight": tensors["emb.type"][:1],
        "encoder.layer.0.attention.self.query.weight": tensors["l0.q.w"],
        "encoder.layer.0.attention.output.LayerNorm.bias": tensors["l0.aln.b"],
        "encoder.layer.0.intermediate.dense.weight": tensors["l0.fi.w"],
        "encoder.layer.0.output.dense.weight": tensors["l0.fo.w"],
    }
    for name, tensor in expected.items():
        assert torch.equal(state[name], torch.from_numpy(tensor)), name
    assert not any(name.startswith("encoder.layer.1") for name in state)


def test_the_vocabulary_is_cut_to_what_the_texts_use(path: Path) -> None:
    encoder = PackedEncoder(path)
    tokenizer, kept = encoder.tokenizer(["我的快递", "my parcel!"], room=11)
    assert [PIECES[at] for at in kept][:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert "▁nobody" not in tokenizer.get_vocab()
    assert tokenizer.tokenize("我的快递 my parcel!") == ["▁", "我", "的", "快递", "▁my", "▁parcel", "!"]
    assert tokenizer("我")["input_ids"][0] == tokenizer.cls_token_id
    smaller, _ = encoder.tokenizer(["我的快递", "my parcel!"], room=8)
    assert "▁parcel" not in smaller.get_vocab() and "我" in smaller.get_vocab()  # single characters stay before words


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match=r"other\.bin begins with b'GGUF'"):
        PackedEncoder(other)
