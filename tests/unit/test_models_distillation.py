"""A network that learns from a larger one."""

from __future__ import annotations

import io
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file

from models.answers import Answers
from models.distillation import TEACHER_SHARE, distilled_loss, taught
from models.heads import SATISFACTION, SENTIMENT, TOLD_COLUMNS, TONE, masked_loss, targets
from models.labels import NEGATIVE, OUTPUTS, POSITIVE, SATISFACTIONS, UNKNOWN, tones
from models.network import NetworkShape
from models.recipes import TrainOptions
from models.schedule import Schedule
from models.scorer import WEIGHTS, ModelError
from models.sentiment import TransformerScorer
from models.sets import Example
from models.training_checks import check
from models.versions import scorer_version
from tests.language_models import one_a_language
from tests.random_models import binary_bert

QUIET = Console(file=io.StringIO())
EXAMPLES = [Example("fine", POSITIVE, source="own"), Example("who knows", UNKNOWN, source="own")]


def loss_of(example: int, said: list[float] | None) -> tuple[float, list[float]]:
    """The loss of one example where the network knows nothing yet, and its gradient by column."""
    own = masked_loss(EXAMPLES, 0.0)
    told = targets(EXAMPLES)[[example]]
    if said is not None:
        told = torch.cat([told, torch.tensor([said])], dim=1)
    logits = torch.zeros(1, len(OUTPUTS), requires_grad=True)
    loss = distilled_loss(own)({"logits": logits}, told, None)
    loss.backward()
    assert logits.grad is not None
    return loss.item(), logits.grad[0].tolist()


def test_a_teacher_tells_something_of_a_text_that_no_set_labels() -> None:
    loss, slope = loss_of(1, [0.5, 0.25, 0.25, 1.0, 0.0, 0.5, 0.5])
    # Cross-entropy of an even answer over three, and over two for each tone, whatever the teacher says.
    assert math.isclose(loss, TEACHER_SHARE * (math.log(3) + math.log(2)), rel_tol=1e-5)
    assert slope[0] < 0 < slope[1]
    assert slope[3] < 0 < slope[4]
    assert slope[5] == slope[6] == 0


def test_what_the_teacher_cannot_read_is_learnt_from_its_label_alone() -> None:
    alone = loss_of(0, None)
    assert loss_of(0, [math.nan] * len(OUTPUTS)) == alone
    assert loss_of(1, None)[0] == 0.0
    shared, _ = loss_of(0, [0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5])
    expected = (1 - TEACHER_SHARE) * alone[0] + TEACHER_SHARE * (math.log(3) + math.log(2))
    assert math.isclose(shared, expected, rel_tol=1e-5)


def test_how_much_is_the_teachers_is_told_by_how_many_texts_of_a_batch_it_reads() -> None:
    own, said = masked_loss(EXAMPLES, 0.0), torch.tensor([[0.5, 0.25, 0.25, 1.0, 0.0, 0.5, 0.5]])
    unheard = torch.full_like(said, math.nan)
    told = targets([EXAMPLES[0]] * 4)
    losses = [
        distilled_loss(own)({"logits": torch.zeros(4, len(OUTPUTS))}, torch.cat([told, torch.cat(rows)], dim=1), None).item()
        for rows in ([unheard] * 4, [said, unheard, unheard, unheard], [said] * 4)
    ]
    assert losses[1] == pytest.approx(losses[0] + (losses[2] - losses[0]) / 4)


def test_a_line_made_here_keeps_its_sentiment_where_the_teacher_takes_it_for_another() -> None:
    praise, unreadable = "great service, thank you", "\u200b"
    made = [Example(praise, NEGATIVE, source=source) for source in ("service lines", "joined", "own")]
    made += [Example(praise, POSITIVE, source="joined"), Example(unreadable, NEGATIVE, source="joined")]
    line, joined, own, agreed, nothing = taught([WEIGHTS / "fast"], made, "cpu", QUIET)
    assert line[SENTIMENT].tolist() == joined[SENTIMENT].tolist() == [1.0, 0.0, 0.0]
    assert own[SENTIMENT].argmax() == POSITIVE
    assert torch.allclose(agreed, own, rtol=0, atol=0, equal_nan=True)  # what it is sure of says more than the label
    assert line[TONE].tolist() == own[TONE].tolist()  # no tone was told
    assert nothing.isnan().all()


def test_a_line_made_here_keeps_the_tones_that_it_tells_where_the_teacher_hears_others() -> None:
    praise, told = "great service, thank you", tones(angry=True, anxious=False)
    made = [Example(praise, POSITIVE, told, source=source) for source in ("service lines", "own")]
    line, own = taught([WEIGHTS / "fast"], made, "cpu", QUIET)
    angry, anxious = OUTPUTS.index("angry"), OUTPUTS.index("anxious")
    assert own[angry] < 0.5
    assert line[angry] == 1  # the teacher hears none
    assert line[anxious] == own[anxious] < 0.5  # it says the same, and how surely
    others = [at for at in range(len(OUTPUTS)) if at != angry]
    assert line[others].tolist() == own[others].tolist()


def test_several_teachers_tell_the_mean_of_what_each_says_and_read_a_repeated_text_once() -> None:
    examples = [Example("太差了，骗人", UNKNOWN, source="own"), Example("fine", POSITIVE, source="own"), Example("\u200b", NEGATIVE, source="own")]
    both, fast, accurate = (
        taught(teachers, [*examples, examples[0]], "cpu", QUIET)
        for teachers in ([WEIGHTS / "fast", WEIGHTS / "accurate"], [WEIGHTS / "fast"], [WEIGHTS / "accurate"])
    )
    assert torch.allclose(both, (fast + accurate) / 2, equal_nan=True)
    assert not torch.allclose(fast[:2], accurate[:2], atol=0.01)
    assert torch.allclose(both[3], both[0], rtol=0, atol=0, equal_nan=True) and both[2].isnan().all()


def test_a_directory_with_one_model_a_language_is_a_teacher(tmp_path: Path) -> None:
    both = one_a_language(tmp_path / "shop")
    examples = [Example("太差了，骗人", UNKNOWN, source="own"), Example("fine", POSITIVE, source="own"), Example("\u200b", NEGATIVE, source="own")]
    found = taught([both], examples, "cpu", QUIET)
    # Each language is a batch of its own, on which an answer depends a little in bf16 and int8.
    wanted = torch.cat([taught([WEIGHTS / "fast"], [each], "cpu", QUIET) for each in examples[:2]])
    assert torch.allclose(found[:2], wanted, atol=1e-3, equal_nan=True) and found[2].isnan().all()
    options = TrainOptions([], tmp_path / "model", NetworkShape("new"), Schedule(device="cpu"), teachers=[both])
    check(options)
    for what, shape in (("encoder", NetworkShape(str(both))), ("tokenizer", NetworkShape("new", tokenizer=str(both)))):
        with pytest.raises(ModelError, match=rf"{what} .*shop has one model a language: give one of them, .*shop/zh for instance"):
            check(replace(options, shape=shape))
    shutil.rmtree(both / "en")
    binary_bert(both / "en")  # which hears no tones
    with pytest.raises(ModelError, match=r"the teacher .*shop does not tell all of negative, neutral"):
        taught([both], examples, "cpu", QUIET)


def test_a_teacher_tells_satisfaction_of_what_was_rated() -> None:
    rated = [Example("fine", UNKNOWN, source="own", satisfaction=2), Example("fine", UNKNOWN, source="own")]
    own = masked_loss(rated, 0.0)
    said = torch.tensor([[1 / 3] * 3 + [0.5] * 4 + [0.2, 0.2, 0.6], [1 / 3] * 3 + [0.5] * 4 + [math.nan] * 3])
    logits = torch.zeros(2, len(OUTPUTS + SATISFACTIONS), requires_grad=True)
    loss = distilled_loss(own)({"logits": logits}, torch.cat([targets(rated), said], dim=1), None)
    assert math.isclose(loss.item(), TEACHER_SHARE * (2 * math.log(3) + math.log(2)), rel_tol=1e-5)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, SATISFACTION].tolist() == pytest.approx([TEACHER_SHARE * each for each in (2 / 15, 2 / 15, -4 / 15)])
    assert not logits.grad[1, SATISFACTION].any()


def test_what_teachers_said_is_kept_and_not_asked_again_for_the_same_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, told = tmp_path / "work" / "teachers.safetensors", [each.text for each in EXAMPLES]
    asked: list[str] = []
    answer = TransformerScorer.probabilities

    def counted(scorer: TransformerScorer, texts: list[str]) -> Any:
        nonlocal asked
        asked += texts
        return answer(scorer, texts)

    monkeypatch.setattr(TransformerScorer, "probabilities", counted)
    first = taught([WEIGHTS / "fast"], EXAMPLES, "cpu", QUIET, kept)
    assert asked[-2:] == told and not kept.with_suffix(".part").exists()
    asked.clear()
    again = taught([WEIGHTS / "fast"], [*EXAMPLES, EXAMPLES[0]], "cpu", QUIET, kept)
    assert not asked
    assert torch.allclose(again, torch.cat([first, first[:1]]), rtol=0, atol=0, equal_nan=True)
    taught([WEIGHTS / "fast"], EXAMPLES[:1], "cpu", QUIET, kept)
    assert not asked  # nor about some of them
    taught([WEIGHTS / "fast"], [*EXAMPLES, Example("another", UNKNOWN, source="own")], "cpu", QUIET, kept)
    assert asked[-3:] == [*told, "another"]
    asked.clear()
    taught([WEIGHTS / "fast", WEIGHTS / "accurate"], EXAMPLES, "cpu", QUIET, kept)
    assert asked[-2:] == told  # other teachers


def test_a_file_of_answers_teaches_what_those_taught_who_gave_them(tmp_path: Path) -> None:
    kept, log = tmp_path / "teachers.safetensors", io.StringIO()
    first = taught([WEIGHTS / "fast"], EXAMPLES, "cpu", QUIET, kept)
    asked = taught([WEIGHTS / "fast"], EXAMPLES, "cpu", QUIET)
    assert torch.allclose(first, asked, rtol=0, atol=1 / 254, equal_nan=True)
    new = Example("never asked about", NEGATIVE, source="service lines")
    found = taught([kept], [*EXAMPLES, new], "cpu", Console(file=log, width=200))
    assert torch.allclose(found[:2], first, rtol=0, atol=0, equal_nan=True) and found[2].isnan().all()
    assert "teachers.safetensors knows 2 of 3 texts: the others are learnt from their labels alone" in log.getvalue()
    both = taught([kept, WEIGHTS / "accurate"], EXAMPLES, "cpu", QUIET)
    accurate = taught([WEIGHTS / "accurate"], EXAMPLES, "cpu", QUIET)
    assert torch.allclose(both, (first + accurate) / 2, equal_nan=True)
    with pytest.raises(ModelError, match=r"the teacher .*teachers.safetensors knows none of the 1 texts to learn from: give a model"):
        taught([kept], [new], "cpu", QUIET)


def test_answers_kept_in_another_form_are_asked_for_anew(tmp_path: Path) -> None:
    kept = tmp_path / "teachers.safetensors"
    save_file({"said": torch.zeros(2, 10)}, kept, {"asked": "by an earlier version"})
    taught([WEIGHTS / "fast"], EXAMPLES, "cpu", QUIET, kept)
    assert Answers.read(kept).teachers == (scorer_version("fast"),)


def test_targets_have_the_columns_that_a_teachers_follow() -> None:
    assert targets(EXAMPLES).shape == (2, TOLD_COLUMNS)
