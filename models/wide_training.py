"""Learn the wide part: softmax regression over hashed runs of characters, with scikit-learn's weighting of them.

The loss is that of the deep part, so that both answer the same question: logits moved by the log priors of the text's set
(logit adjustment, see `models.heads`). Minimised by L-BFGS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluate import asks
from models.heads import log_priors, log_shares
from models.labels import UNKNOWN
from models.scorer import LABELS
from models.sets import Example
from models.text import readable
from models.wide import MAX_CHARACTERS, Floats, WidePart, compressed, runs_once

STRENGTH = 4.0
"""The inverse of the penalty on large weights, as scikit-learn's C."""

ITERATIONS = 80
CHUNK = 8_192
"""Texts whose runs are made at a time: they take more room than what is kept of them."""

LEAST_TEXTS = 2
"""A run that fewer texts have is not learnt from."""


def fit_wide(examples: Sequence[Example], buckets: int, adjustment: float = 1.0) -> WidePart:
    """Learn from the examples that have a sentiment or a satisfaction. `buckets`: a power of two; about four bytes are kept for
    each, seven where satisfaction is told. adjustment: see `models.heads.log_shares`."""
    from scipy import sparse  # with the extra `train` only

    told = [example for example in examples if asks(example)]
    there = sparse.vstack([_table(told[start : start + CHUNK], buckets) for start in range(0, len(told), CHUNK)], "csr")
    single = list({example.text: at for at, example in enumerate(told)}.values())  # a copy is no second text
    met = np.bincount(there[single].indices, minlength=buckets)
    rarity = np.where(met >= min(LEAST_TEXTS, len(single)), np.log((1 + len(single)) / (1 + met)) + 1, 0).astype(np.float32)
    weighed = there.multiply(rarity).tocsr()
    # As WidePart.logits divides.
    length = np.sqrt(there @ (rarity * rarity))
    table = sparse.diags((1 / np.maximum(length, 1e-6)).astype(np.float32)) @ weighed

    priors = log_priors(told, adjustment)
    sided = [at for at, example in enumerate(told) if example.label != UNKNOWN]
    moved = np.array([priors[told[at].source] for at in sided], np.float32)
    learnt = [_fitted(table[sided], [told[at].label for at in sided], moved)]
    rated = [at for at, example in enumerate(told) if example.satisfaction != UNKNOWN]
    if rated:
        ratings = [told[at].satisfaction for at in rated]
        shares = np.array(log_shares(ratings, adjustment), np.float32)
        learnt.append(_fitted(table[rated], ratings, np.tile(shares, (len(rated), 1))))
    return compressed(np.hstack([weights for weights, _ in learnt]), rarity, np.concatenate([bias for _, bias in learnt]))


def _table(examples: Sequence[Example], buckets: int) -> Any:
    """(examples, buckets): 1 where a text has a run of the bucket."""
    from scipy import sparse  # with the extra `train` only

    found, owners = runs_once([readable(example.text, MAX_CHARACTERS) for example in examples], buckets)
    return sparse.csr_matrix((np.ones(len(found), np.float32), (owners, found)), (len(examples), buckets))


def _fitted(table: Any, answers: Sequence[int], moved: Floats) -> tuple[Floats, Floats]:
    """Weights (buckets, 3) and bias (3,) for texts (texts, buckets) and their answers; moved: the log priors of each, (texts, 3)."""
    from scipy.optimize import minimize  # with the extra `train` only

    turned = table.T.tocsr()
    wanted = np.eye(len(LABELS), dtype=np.float32)[list(answers)]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = _split(flat)
        logits = table @ weights + bias + moved
        logits -= logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        wrong = probabilities - wanted
        cost = -np.log(np.maximum((probabilities * wanted).sum(axis=1), 1e-12)).sum() + (weights**2).sum() / (2 * STRENGTH)
        slope = np.concatenate([(turned @ wrong + weights / STRENGTH).ravel(), wrong.sum(axis=0)])
        return float(cost), slope.astype(np.float64)

    start = np.zeros((table.shape[1] + 1) * len(LABELS))
    answer = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return _split(answer.x)


def _split(flat: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Weights (buckets, labels) and bias (labels,) from the vector that is minimised over."""
    table = flat.astype(np.float32).reshape(-1, len(LABELS))
    return table[:-1], table[-1]
