"""The loss over several answers, of which a set tells only some: what is learnt from it, and what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.heads import (
    ABOUT_SATISFACTION,
    ABOUT_SENTIMENT,
    IMPOSSIBLE,
    MAX_TONE_WEIGHT,
    SATISFACTION,
    TONE,
    log_priors,
    log_shares,
    masked_loss,
    most_likely,
    outputs,
    targets,
)
from models.labels import NEGATIVE, NEUTRAL, OUTPUTS, POSITIVE, SATISFACTIONS, TONES, UNKNOWN, tones
from models.sets import Example
from models.supervised import mean_macro_f1

TOLD = [
    *(Example(f"review {at}{label}", label, source="reviews") for at in range(2) for label in (NEGATIVE, POSITIVE)),
    *(Example(f"post {at}", NEUTRAL, source="posts") for at in range(8)),
    *(Example(f"rare {label}", label, source="posts") for label in (NEGATIVE, POSITIVE)),
    Example("cross", UNKNOWN, tones(angry=True), source="anger"),
    Example("calm", UNKNOWN, tones(angry=False), source="anger"),
]


def gradient(text: str) -> tuple[float, list[float]]:
    """The loss of one of the texts above where the network knows nothing yet, and its gradient by column."""
    told = targets(TOLD)[[at for at, example in enumerate(TOLD) if example.text == text]]
    logits = torch.zeros(1, 7, requires_grad=True)
    loss = masked_loss(TOLD, label_smoothing=0.0)({"logits": logits}, told, None)
    loss.backward()
    assert logits.grad is not None
    return loss.item(), logits.grad[0].tolist()


def test_a_set_is_asked_for_the_answers_that_it_has() -> None:
    """Or a training would be chosen by how seldom it calls reviews neutral, which it is never asked for."""
    told = targets(TOLD[:3]).numpy()
    logits = np.tile(np.array([[0.2, 0.9, 0.1]], dtype=np.float32), (3, 1))
    assert most_likely(logits, told, ABOUT_SENTIMENT).tolist() == [NEGATIVE] * 3
    posts = [example for example in TOLD if example.source == "posts"]
    assert most_likely(np.tile(logits[:1], (len(posts), 1)), targets(posts).numpy(), ABOUT_SENTIMENT).tolist() == [NEUTRAL] * len(posts)
    assert most_likely(logits, told, ABOUT_SATISFACTION).tolist() == [1] * 3
    # Reviews whose sign is right, though neutral stands first: nothing is wrong with them.
    right = np.array([[0.5, 0.9, 0.1], [0.1, 0.9, 0.5], [0.5, 0.9, 0.1]], dtype=np.float32)
    assert mean_macro_f1(told, right) == 1.0


def test_what_a_set_does_not_tell_adds_nothing_to_the_loss() -> None:
    _, sided = gradient("post 0")
    assert all(sided[:3]) and not any(sided[3:])
    _, toned = gradient("cross")
    assert [at for at, value in enumerate(toned) if value] == [3 + TONES.index("angry")]
    silent = masked_loss(TOLD, 0.0)(
        {"logits": torch.zeros(1, 7, requires_grad=True)}, targets([Example("d", UNKNOWN)]), None
    )
    assert silent.item() == 0.0


def test_a_set_without_neutral_texts_does_not_teach_that_none_are() -> None:
    loss, (negative, neutral, positive, *_) = gradient("review 00")
    assert loss == pytest.approx(math.log(2))  # one of two
    assert neutral == 0 and {abs(negative), abs(positive)} == {0.5}


def test_a_set_full_of_neutral_texts_does_not_teach_that_texts_are_neutral() -> None:
    # Menon et al. 2021, eq. 10: at equal logits the probabilities are the set's shares, here 0.1, 0.8, 0.1.
    loss, slope = gradient("post 0")
    assert loss == pytest.approx(-math.log(0.8))
    assert slope[:3] == pytest.approx([0.1, -0.2, 0.1])
    rare, _ = gradient(f"rare {POSITIVE}")
    assert rare == pytest.approx(-math.log(0.1))


def test_with_less_adjustment_the_shares_of_the_labels_are_learnt_as_well() -> None:
    logits = torch.zeros(1, 7, requires_grad=True)
    at = [example.text for example in TOLD].index("post 0")
    told = targets(TOLD, 0.0)[[at]]
    assert masked_loss(TOLD, 0.0, 0.0)({"logits": logits}, told, None).item() == pytest.approx(math.log(3))
    half = torch.tensor(log_shares([0, 0, 0, 1], 0.5)[:2])
    assert half.tolist() == pytest.approx([math.log(0.75) / 2, math.log(0.25) / 2])
    # What no text of a set says stays impossible, however little is adjusted.
    assert log_shares([0, 2], 0.0) == [0.0, IMPOSSIBLE, 0.0]


def test_a_set_of_one_label_only_is_learnt_from_beside_the_others() -> None:
    mixed = [Example("fine", POSITIVE, source="posts"), *[Example(f"bad {at}", NEGATIVE, source="posts") for at in range(3)]]
    complaints = [Example("worse", NEGATIVE, source="complaints")]
    priors = log_priors(mixed + complaints)
    assert priors["complaints"] == pytest.approx([math.log(0.8), IMPOSSIBLE, math.log(0.2)])
    assert priors["posts"] == pytest.approx([math.log(0.75), IMPOSSIBLE, math.log(0.25)])


def test_smoothing_spreads_over_the_labels_that_a_set_has() -> None:
    told = targets(TOLD)[:1]
    sure = torch.tensor([[9.0, 50.0, -9.0, 0, 0, 0, 0]])
    assert masked_loss(TOLD, 0.2)({"logits": sure}, told, None).item() == pytest.approx(0.1 * 18, abs=1e-3)


def test_a_tone_that_is_seldom_heard_weighs_more_and_one_that_is_not_told_nothing() -> None:
    """By the root of texts without it by texts with it, and eightfold at most."""

    def slopes(heard: int, others: int, silent: int = 5) -> tuple[float, float]:
        """The gradient of the tone's logit for a text with the tone and for one without, where the network knows nothing yet."""
        texts = [*([tones(angry=True)] * heard), *([tones(angry=False)] * others), *([tones(polite=True)] * silent)]
        examples = [Example(f"text {at}", UNKNOWN, each, source="tones") for at, each in enumerate(texts)]
        found = []
        for angry in (True, False):
            logits = torch.zeros(1, len(OUTPUTS), requires_grad=True)
            told = targets([Example("asked", UNKNOWN, tones(angry=angry), source="tones")])
            masked_loss(examples, label_smoothing=0.0)({"logits": logits}, told, None).backward()
            assert logits.grad is not None
            found.append(logits.grad[0, TONE][TONES.index("angry")].item())
        return found[0], found[1]

    assert slopes(heard=2, others=18) == pytest.approx((-0.5 * 3, 0.5))
    assert slopes(heard=8, others=2) == pytest.approx((-0.5 * 0.5, 0.5))  # and less where it is the usual thing
    assert slopes(heard=1, others=1_000) == pytest.approx((-0.5 * MAX_TONE_WEIGHT, 0.5))
    # Where all texts have it, or none: there is nothing to weigh against.
    assert slopes(heard=4, others=0) == slopes(heard=0, others=4) == pytest.approx((-0.5, 0.5))


def test_satisfaction_has_columns_of_its_own_where_a_set_tells_it() -> None:
    rated = [Example(f"a{at}", UNKNOWN, satisfaction=0) for at in range(3)] + [Example("b", UNKNOWN, satisfaction=2)]
    assert outputs(TOLD) == OUTPUTS
    assert outputs(TOLD + rated) == OUTPUTS + SATISFACTIONS
    logits = torch.zeros(4, len(OUTPUTS + SATISFACTIONS), requires_grad=True)
    masked_loss(rated, label_smoothing=0.0)({"logits": logits}, targets(rated), None).backward()
    assert logits.grad is not None
    assert not logits.grad[:, : SATISFACTION.start].any()
    # At equal logits the probabilities are the shares, 3/4 and 1/4: that most are dissatisfied is not what is to be learnt.
    assert logits.grad[0, SATISFACTION].tolist() == pytest.approx([-1 / 16, 0, 1 / 16])
    assert logits.grad[3, SATISFACTION].tolist() == pytest.approx([3 / 16, 0, -3 / 16])


def test_smoothing_gives_nothing_to_a_satisfaction_that_nobody_has() -> None:
    rated = [Example("a", UNKNOWN, satisfaction=0), Example("b", UNKNOWN, satisfaction=2)]
    logits = torch.zeros(2, len(OUTPUTS + SATISFACTIONS), requires_grad=True)
    loss = masked_loss(rated, label_smoothing=0.2)({"logits": logits}, targets(rated), None)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert logits.grad is not None and not logits.grad[:, SATISFACTION][:, 1].any()


def test_where_all_texts_have_one_label_the_others_stay_possible() -> None:
    """Or every answer would be right, and a training be chosen, and mixed, by nothing."""
    complaints = [Example(f"late {at}", NEGATIVE, source="complaints") for at in range(4)]
    told = targets(complaints).numpy()
    praise = np.tile(np.array([[0.1, 0.2, 0.9]], dtype=np.float32), (4, 1))
    assert most_likely(praise, told, ABOUT_SENTIMENT).tolist() == [2] * 4
    assert mean_macro_f1(told, praise) == 0.0
    loss = masked_loss(complaints, label_smoothing=0.0)({"logits": torch.zeros(4, 7)}, targets(complaints), None)
    assert loss.item() == pytest.approx(math.log(3))
