"""Before the labels: an encoder reads unlabelled conversations and guesses hidden words (masked language modelling).

Devlin et al. 2019, arXiv:1810.04805: of each text 15 % of the tokens are to be guessed; of these four fifths are hidden, a tenth is
another token, a tenth is left. The encoder is trained in place; the guessing layer is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import torch
from rich.console import Console
from transformers import (
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    ProgressCallback,
)
from transformers import Trainer as HuggingFaceTrainer

from models.batches import Item, padded
from models.near_copies import Seen
from models.quick_dropout import quick_dropout
from models.schedule import Schedule, arguments
from models.scorer import Limits, ModelError
from models.text import readable
from models.tokenizer import Encoder
from models.training_progress import Watched

GUESSED, HIDDEN, SWAPPED = 0.15, 0.8, 0.1
OTHER_KINDS = (".csv", ".tsv", ".json", ".xlsx", ".gz", ".zip", ".parquet")
NOT_GUESSED = -100
"""What torch's cross-entropy leaves out."""


def conversation_lines(path: Path, mask: Callable[[str], str] = str) -> Iterator[str]:
    """The texts of a file: lines, or the field `text` of JSON lines. Raises ModelError for a JSON line without it, for what is not
    UTF-8, and for a file of another kind.

    `mask` hides personal data: what is read here shapes a vocabulary and weights that may be passed on.
    """
    kind = path.suffix.lower()
    if kind in OTHER_KINDS:
        raise ModelError(f"{path}: lines of text are needed, or JSON lines (.jsonl) with a field text: convert it")
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ModelError(f"{path}, line {number}: is not UTF-8 ({error.reason}): save it as UTF-8") from error
            if kind in (".jsonl", ".ndjson") and line.strip():
                try:
                    line = orjson.loads(line)["text"]
                except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                    raise ModelError(f"{path}, line {number}: no object with a field text: {error}") from error
                if not isinstance(line, str):
                    raise ModelError(f"{path}, line {number}: text is {type(line).__name__}: a string is needed")
            text = readable(mask(line), Limits().max_characters)
            if text:
                yield text


def unlabelled_texts(paths: Sequence[Path], mask: Callable[[str], str], apart: Seen, console: Console) -> list[str]:
    """The texts of the files, but for those that are held out, or nearly so (`apart`): neither the network nor a vocabulary may know them.
    Raises ModelError as `conversation_lines` does, and where no text is left of the files."""
    texts = [text for path in paths for text in conversation_lines(path, mask)]
    kept = [text for text in texts if text not in apart]
    if paths and not kept:
        files = ", ".join(map(str, paths))
        raise ModelError(f"nothing to read before the labels: {files} hold no text{' but those that are held out' if texts else ''}")
    if len(kept) < len(texts):
        console.print(f"{len(texts) - len(kept):,} of {len(texts):,} unlabelled texts left out: they are held out, or nearly so")
    return kept


def pretrain(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    schedule: Schedule,
    work: Path,
    console: Console,
) -> float:
    """Train `model`'s encoder in place on `texts` for `schedule.epochs`; the mean loss on the way, in nats a guessed token.

    Raises ModelError for an encoder that no masked language model is known for.
    """
    encoder = Encoder(tokenizer, schedule.max_tokens)
    rows = [row.ids for row in encoder.encode(list(dict.fromkeys(texts))) if row.known]
    if not rows:
        raise ModelError("nothing to read before the labels: the files given hold no text")
    guessing = guessing_model(model)
    watched = Watched(console, "reading conversations")
    trainer = HuggingFaceTrainer(
        model=guessing,
        args=arguments(schedule, work, steps=0),
        data_collator=Hiding(tokenizer, schedule.seed),
        train_dataset=[{"input_ids": ids, "length": len(ids)} for ids in rows],
        callbacks=[watched],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    try:
        with quick_dropout(guessing):
            return float(trainer.train().training_loss)
    finally:
        watched.stop()


def guessing_model(model: PreTrainedModel) -> PreTrainedModel:
    """A masked language model around `model`'s own encoder: what it learns, `model` has."""
    try:
        guessing = AutoModelForMaskedLM.from_config(model.config)
    except ValueError as error:
        raise ModelError(f"no masked language model is known for {type(model).__name__}: {error}") from error
    setattr(guessing, guessing.base_model_prefix, model.base_model)
    guessing.tie_weights()
    return guessing


class Hiding:
    """Makes a batch of items: padded to the longest, with tokens to guess."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
        self._padding = int(tokenizer.pad_token_id or 0)
        self._hidden = int(tokenizer.mask_token_id or tokenizer.unk_token_id or 0)
        self._vocabulary = len(tokenizer)
        self._special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        self._chance = torch.Generator().manual_seed(seed)

    def __call__(self, items: Sequence[Item]) -> dict[str, torch.Tensor]:
        """(batch, longest) ids, mask, and labels: the token where one is to be guessed, NOT_GUESSED elsewhere."""
        ids, mask = padded([item["input_ids"] for item in items], self._padding)
        guessed = (torch.rand(ids.shape, generator=self._chance) < GUESSED) & ~torch.isin(ids, self._special)
        labels = ids.masked_fill(~guessed, NOT_GUESSED)
        fate = torch.rand(ids.shape, generator=self._chance)
        others = torch.randint(self._vocabulary, ids.shape, generator=self._chance)
        ids = torch.where(guessed & (fate < HIDDEN), self._hidden, ids)
        ids = torch.where(guessed & (fate >= HIDDEN) & (fate < HIDDEN + SWAPPED), others, ids)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}
