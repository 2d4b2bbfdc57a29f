"""Lines of text in, lines of JSON out: what the model and the masker make of them, without a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from models.scorer import SATISFACTIONS, TONES, load_scorer
from udfs.markup import strip_quotes
from udfs.privacy import Masker
from udfs.text import repair


def as_in_the_job() -> Callable[[str], str]:
    """What the job does with a text before a model sees it: broken encodings repaired, personal data hidden, quotations left out."""
    masker = Masker()
    return lambda text: strip_quotes(masker.mask(repair(text)).text)


def score_lines(
    batches: Iterable[Sequence[str]], model: str, device: str, precision: str = "auto", least_confidence: float = 0.0, **limits: Any
) -> Iterator[dict[str, Any]]:
    """For each line of each batch its text, label, score (-1…1), confidence (0…1) and the model's version; null where there is no text
    to score.

    The confidence is the probability of the likeliest label; where it is below `least_confidence` the label is `unknown`.

    A model that tells tones adds the probability of each under `tones`, one that tells satisfactions likewise.

    As in the job, the model sees the masked text. `limits`: further ones of `models.scorer.Limits`. Raises ModelError if the model can't be had.
    """
    scorer, prepared = load_scorer(model, device, precision, least_confidence=least_confidence, **limits), as_in_the_job()
    for batch in batches:
        for text, result in zip(batch, scorer.score([prepared(text) for text in batch]), strict=True):
            line: dict[str, Any] = {
                "text": text,
                "label": result.label if result else None,
                "score": round(result.score, 4) if result else None,
                "confidence": round(result.confidence, 4) if result else None,
                "model": scorer.version,
            }
            told = {"tones": (TONES, result.tones), "satisfaction": (SATISFACTIONS, result.satisfaction)} if result else {}
            for what, (names, probabilities) in told.items():
                if probabilities:
                    line[what] = {name: round(each, 4) for name, each in zip(names, probabilities, strict=True)}
            yield line


def mask_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """For each line the masked text and the spans of the personal data in the line as it came (repaired)."""
    masker = Masker()
    for text in lines:
        masked = masker.mask(repair(text))
        spans = [{"start": span.start, "end": span.end, "kind": span.kind} for span in masked.spans]
        yield {"masked": masked.text, "spans": spans}
