"""The tokenizer of the project's own model, and the encoding that keeps head and tail of a long text.

Unigram (Kudo 2018) over runs of one kind (Han, other letters, digits, signs): frequent Chinese words become one piece,
which halves the length of a Chinese message against single characters, and length is what scoring costs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import PreTrainedTokenizerFast

from models.emoji import stand_ins
from models.scorer import ModelError
from models.text import readable

PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"

BLANK = "▁"

# A character seen less often than this teaches nothing and would take a place in the vocabulary.
MIN_CHARACTER_COUNT = 6

SCORE_DIGITS = 6
"""Of a piece's log probability: where only sums in another order make a difference, there is none."""

_RUN = r"\p{Han}+|[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]+"


class Encoded(NamedTuple):
    """Token ids with the special ones, whether at least one token of the text is known to the vocabulary, and whether there were more."""

    ids: list[int]
    known: bool
    cut: bool


def train_tokenizer(texts: Iterable[str], vocabulary_size: int, max_tokens: int) -> PreTrainedTokenizerFast:
    """Learn a vocabulary of at most `vocabulary_size` pieces from `texts`, which are cleaned by `readable`. Raises ModelError where
    they have more characters than that.

    The library's trainer goes through a hash map, whose order is another one in every process: the scores of a large vocabulary
    differ by a hundredth, and pieces of one score come in any order; here they have that of their letters, so that a network's
    numbers begin at the same pieces.
    """
    cleaned = [readable(text, 4_000).lower() for text in texts]
    counts = Counter(character for text in cleaned for character in text)
    rare = {ord(character): " " for character, count in counts.items() if count < MIN_CHARACTER_COUNT}

    core = Tokenizer(Unigram())
    # Long digit strings are order numbers and the like: their digits say nothing.
    core.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\d{6,}"), "000000")]
    )
    core.pre_tokenizer = pre_tokenizers.Split(Regex(_RUN), behavior="removed", invert=True)
    trainer = UnigramTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[PAD, UNKNOWN, FIRST, LAST],
        unk_token=UNKNOWN,
        max_piece_length=12,
        show_progress=False,
    )
    try:
        core.train_from_iterator((text.translate(rare) for text in cleaned), trainer)
    except Exception as error:  # the library raises no other kind
        raise ModelError(f"no vocabulary of {vocabulary_size} pieces can be learnt from these texts: {error}") from error
    _order_ties(core, len(trainer.special_tokens))
    return pretrained(core, pad=PAD, unknown=UNKNOWN, first=FIRST, last=LAST, model_max_length=max_tokens)


def _order_ties(core: Tokenizer, special: int) -> None:
    """Number the pieces behind the special ones by score, and where scores are alike by their letters."""
    model = json.loads(core.to_str())["model"]
    pieces = sorted(
        ((piece, round(score, SCORE_DIGITS)) for piece, score in model["vocab"][special:]),
        key=lambda each: (-each[1], each[0]),
    )
    core.model = Unigram([*map(tuple, model["vocab"][:special]), *pieces], model["unk_id"], model["byte_fallback"])


def pretrained(
    core: Tokenizer, *, pad: str, unknown: str, first: str, last: str, **more: Any
) -> PreTrainedTokenizerFast:
    """A tokeniser as Hugging Face writes it, which puts `first` before each text and `last` behind it."""
    core.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, core.token_to_id(first)), (last, core.token_to_id(last))]
    )
    build: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    return build(tokenizer_object=core, pad_token=pad, unk_token=unknown, cls_token=first, sep_token=last, **more)


class Encoder:
    """Encode texts with any fast tokenizer; a text over `max_tokens` keeps its head and its tail, and an emoji that the vocabulary lacks
    is read as one of its kind that it has."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> None:
        # A copy, so that no padding or truncation set elsewhere leaks in.
        core = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        core.no_padding()
        core.no_truncation()
        self._core = core
        # SentencePiece puts a blank of its own before a text: it is known, and says nothing.
        self._nothing = {tokenizer.unk_token_id, core.token_to_id(BLANK)}
        bare = core.encode("a", add_special_tokens=False).ids
        full = core.encode("a", add_special_tokens=True).ids
        before = next((at for at in range(len(full)) if full[at : at + len(bare)] == bare), 0)
        self._before, self._after = full[:before], full[before + len(bare) :]
        room = max_tokens - len(self._before) - len(self._after)
        if room < 2:
            raise ValueError(f"max_tokens is {max_tokens}: at least {max_tokens - room + 2} are needed")
        self._head, self._tail = room - room // 2, room // 2
        self._stand_ins = stand_ins(self._knows)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Return ids per text, in order. Texts must be free of lone surrogates (`readable` sees to that)."""
        read = [text if text.isascii() else text.translate(self._stand_ins) for text in texts]
        rows = self._core.encode_batch_fast(read, add_special_tokens=False)
        return [self._wrap(row.ids) for row in rows]

    def _knows(self, sign: str) -> bool:
        """Whether the vocabulary has a piece for the sign, and doesn't spell it in bytes or leave it out."""
        ids = self._core.encode(sign, add_special_tokens=False).ids
        return len([each for each in ids if each not in self._nothing]) == 1

    def _wrap(self, ids: list[int]) -> Encoded:
        known = any(token not in self._nothing for token in ids)
        cut = len(ids) > self._head + self._tail
        if cut:
            ids = ids[: self._head] + ids[-self._tail :]
        return Encoded([*self._before, *ids, *self._after], known, cut)
