"""What an evaluation says: figures, calibration, slices, the folder it writes, and what is compared with."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from models.calibration import (
    COLDEST,
    HOTTEST,
    WIDE_PREFERENCE,
    Mix,
    Scaling,
    calibration_error,
    fitted_mix,
    fitted_scaling,
    reliability,
    scaled,
)
from models.comparison import Comparison, compare, named_models
from models.comparison_tables import believable, gaps, table
from models.corpus import DataError, load_corpus
from models.evaluate import (
    Answer,
    answered,
    by_question,
    class_f1,
    evaluate,
    figure,
    macro_f1,
    probabilities,
    tells_neutral,
    worst,
)
from models.evaluation_report import write_report
from models.heads import IMPOSSIBLE
from models.labels import NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN, tones
from models.lexicon import LexiconScorer
from models.rivals import FastTextScorer, SnowScorer, VaderScorer
from models.scorer import LABELS, CheckedScorer, ModelError, Score, Scorer, score_of
from models.sets import Example
from udfs.privacy import Masker


class Fixed:
    """Answers what it is told."""

    version = "fixed"

    def __init__(self, *scores: Score | None) -> None:
        self._scores = list(scores)

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        return self._scores[: len(texts)]


def test_macro_f1_is_the_unweighted_mean_over_the_classes() -> None:
    # class 0: TP 2, FP 1, FN 0 → 0.8; class 1: TP 0, FP 0, FN 1 → 0; class 2: TP 1 → 1
    assert macro_f1([0, 0, 1, 2], [0, 0, 0, 2]) == pytest.approx(0.6)
    assert class_f1([0, 0, 1, 2], [0, 0, 0, 2]) == pytest.approx({0: 0.8, 1: 0.0, 2: 1.0})
    assert macro_f1([], []) == 0.0


def test_a_set_without_neutral_is_judged_by_the_sign_and_unscored_texts_are_left_out() -> None:
    scorer = Fixed(Score("neutral", 0.1), Score("neutral", -0.1), None)
    binary = evaluate(scorer, [Example("a", POSITIVE), Example("b", NEGATIVE), Example("c", POSITIVE)])
    assert (binary.macro_f1, binary.accuracy, binary.texts) == (1.0, 1.0, 2)
    ternary = evaluate(scorer, [Example("a", NEUTRAL), Example("b", NEGATIVE), Example("c", POSITIVE)])
    assert (ternary.accuracy, ternary.texts, ternary.classes) == (0.5, 2, 2)
    assert ternary.confusion == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    toneless = evaluate(scorer, [Example("a", UNKNOWN, tones(angry=True)), Example("b", POSITIVE)])
    assert toneless.texts == 1


def test_calibration_error_is_the_weighed_distance_of_accuracy_from_confidence() -> None:
    # Guo et al. 2017, eq. 3: bins of a tenth; 0.95 ×4 with 3 right (0.2 apart), 0.55 ×6 with 3 right (0.05 apart)
    confidences = [0.95] * 4 + [0.55] * 6
    right = [True] * 3 + [False] + [True] * 3 + [False] * 3
    assert calibration_error(confidences, right, bins=10) == pytest.approx(0.4 * 0.2 + 0.6 * 0.05)
    assert [part.texts for part in reliability(confidences, right, bins=10)] == [6, 4]
    assert calibration_error([1.0], [True]) == 0.0
    assert calibration_error([], []) == 0.0


@given(
    st.tuples(*[st.floats(0.001, 1.0)] * 3).map(lambda weights: [each / sum(weights) for each in weights]),
    st.floats(COLDEST, HOTTEST),
)
def test_probabilities_are_told_back_from_a_score_and_a_temperature_leaves_the_likeliest(
    shares: list[float], temperature: float
) -> None:
    score = score_of(dict(zip(LABELS, shares, strict=True)), (), 0.0)
    told = probabilities([Answer(Example("a", NEUTRAL), LABELS.index(score.label), score)])
    assert told.tolist()[0] == pytest.approx(shares, abs=3e-6)
    found = scaled(told, Scaling(temperature))[0]
    assert found.sum() == pytest.approx(1.0)
    assert found.max() == pytest.approx(found[int(told.argmax())], abs=1e-5)
    assert scaled(told, Scaling())[0].tolist() == pytest.approx(shares, abs=5e-6)


def test_a_scaling_by_the_set_s_own_validation_part_mends_a_confidence_that_is_too_high() -> None:
    def answers(texts: int) -> list[Answer]:
        sure = Score("negative", -0.9, confidence=0.94)  # negative .94, neutral .02, positive .04
        return [
            Answer(Example(str(at), NEGATIVE if at % 10 < 6 else NEUTRAL if at % 10 < 8 else POSITIVE), NEGATIVE, sure)
            for at in range(texts)
        ]

    alone, mended = figure(answers(100)), figure(answers(100), answers(50))
    assert alone.calibration_error == mended.calibration_error == pytest.approx(0.34)
    assert (alone.scaling, alone.scaled_error, alone.scaled_macro_f1) == (None, None, None)
    assert mended.scaled_error == pytest.approx(0.0, abs=0.02)
    assert mended.scaled_macro_f1 == mended.macro_f1
    assert fitted_scaling(probabilities([]), []) == Scaling()
    sides = [each._replace(side_alone=True) for each in answers(100) if each.example.label != NEUTRAL]
    assert figure(sides, answers(50)).scaled_error is None  # a set without neutral can't be calibrated on


@given(st.tuples(*[st.floats(0.001, 1.0)] * 3).map(lambda weights: [each / sum(weights) for each in weights]))
def test_the_confidence_in_a_side_is_its_share_of_both(shares: list[float]) -> None:
    score = score_of(dict(zip(LABELS, shares, strict=True)), (), 0.0)
    answer = Answer(Example("a", POSITIVE), POSITIVE, score, side_alone=True)
    negative, _, positive = shares
    assert answer.confidence == pytest.approx(max(negative, positive) / (negative + positive), abs=5e-3)
    assert answer._replace(side_alone=False).confidence == pytest.approx(max(shares), abs=1e-6)


def test_a_set_of_two_classes_has_a_calibration_error_of_its_own() -> None:
    # neutral is the likeliest; of what is left, .3 and .1, a side has .75: right in 6 of 10
    unsure = Score("neutral", 0.2, confidence=0.6)
    examples = [Example(str(at), POSITIVE if at < 6 else NEGATIVE) for at in range(10)]
    assert evaluate(Fixed(*[unsure] * 10), examples).calibration_error == pytest.approx(0.15)
    three = [*examples[:9], Example("9", NEUTRAL)]
    assert evaluate(Fixed(*[unsure] * 10), three).calibration_error == pytest.approx(0.5)  # .6, and right in 1 of 10
    assert evaluate(Fixed(*[Score("neutral", 0.2)] * 10), examples).calibration_error is None
    certain = Score("neutral", 0.0, confidence=1.0)
    assert Answer(examples[0], NEGATIVE, certain, side_alone=True).confidence == 0.5


def test_a_confidence_of_no_label_is_no_probability_of_one() -> None:
    with pytest.raises(ValueError):
        probabilities([Answer(Example("a", NEUTRAL), NEUTRAL, Score("unknown", 0.1, confidence=0.4))])


def test_a_scaling_knows_how_often_a_label_is_met_and_how_sure_one_may_be() -> None:
    """Probabilities that are right where all labels are alike, made twice as sure, met in shares of 8 : 1 : 1."""
    chance = np.random.default_rng(3)
    honest = chance.normal(size=(20_000, 3)) * 1.5
    shares = np.log(np.array([0.8, 0.1, 0.1]))
    real = np.exp(honest + shares)
    real /= real.sum(axis=1, keepdims=True)
    labels = [int(chance.choice(3, p=row)) for row in real]
    told = np.exp(2 * honest) / np.exp(2 * honest).sum(axis=1, keepdims=True)
    found = fitted_scaling(told, labels)
    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert np.array(found.bias) == pytest.approx(shares - shares.mean(), abs=0.1)
    np.testing.assert_allclose(scaled(told, found), real, atol=0.03)


def test_sentiment_and_satisfaction_of_one_text_are_two_questions() -> None:
    both = Example("谢谢，又白等了", NEGATIVE, source="own", satisfaction=NEUTRAL)
    rated, toned = Example("好的", UNKNOWN, source="jddc", satisfaction=POSITIVE), Example("!", UNKNOWN, tones(angry=True))
    found = by_question({"own": [both, toned], "jddc": [rated], "anger": [toned]})
    assert found == {"own": [both], "own satisfaction": [both._replace(label=UNKNOWN)], "jddc": [rated]}
    assert not tells_neutral([both])  # the label is what is asked there, and has two values
    told = Score("positive", 0.5, confidence=0.6, satisfaction=(0.2, 0.7, 0.1))
    assert evaluate(Fixed(told), found["own"]).confusion == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert evaluate(Fixed(told), found["own satisfaction"]).confusion == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    told_of = evaluate(Fixed(told), found["own satisfaction"])
    assert told_of.names == ("dissatisfied", "neither", "satisfied") and told_of.per_class == {"neither": 1.0}
    assert evaluate(Fixed(told), found["own"]).per_class == {"negative": 0.0}
    silent = Score("positive", 0.5, confidence=0.6)
    assert evaluate(Fixed(silent), found["jddc"]).accuracy == 1.0  # a scorer that tells none answers by its sentiment


def test_a_label_that_is_never_told_gets_a_bounded_bias() -> None:
    found = fitted_scaling(np.full((30, 3), 1 / 3), [0, 1] * 15)
    assert -7 < found.bias[2] < -2


ALL_ALIKE = torch.tensor([0.0, 0.0, 0.0]).log_softmax(0)


def temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The fitted temperature where each text's set has all labels alike."""
    return fitted_mix(logits, labels, ALL_ALIKE.expand(len(labels), 3)).temperature


def test_the_fitted_temperature_cools_what_is_too_sure_and_changes_no_label() -> None:
    torch.manual_seed(3)
    honest = torch.randn(4_000, 3) * 2
    labels = torch.distributions.Categorical(logits=honest).sample()
    assert temperature(honest, labels) == pytest.approx(1.0, abs=0.1)
    assert temperature(honest * 3, labels) == pytest.approx(3.0, abs=0.3)
    assert fitted_mix(honest[:0], labels[:0], honest[:0]) == Mix(1.0, 0.0)


def test_the_temperature_of_texts_that_are_all_right_stays_within_its_bounds() -> None:
    labels = torch.arange(300) % 3
    assert COLDEST <= temperature(torch.eye(3)[labels] * 5, labels) < 0.5
    wrong = torch.eye(3)[(labels + 1) % 3] * 5
    assert HOTTEST / 2 <= temperature(wrong, labels) <= HOTTEST


def test_two_parts_that_each_know_half_are_added_as_much_as_each_is_worth() -> None:
    torch.manual_seed(4)
    deep, wide = torch.randn(6_000, 3), torch.randn(6_000, 3)
    labels = torch.distributions.Categorical(logits=deep + 2 * wide).sample()
    priors = ALL_ALIKE.expand(len(labels), 3)
    mix = fitted_mix(deep * 2, labels, priors, wide, preference=0.0)
    assert mix.temperature == pytest.approx(2.0, rel=0.15)
    assert mix.wide_weight == pytest.approx(2.0, rel=0.15)
    noise = fitted_mix(deep * 2, labels, priors, torch.randn(6_000, 3))
    assert noise.wide_weight < 0.2


def test_the_wide_part_gets_the_largest_weight_that_costs_next_to_nothing() -> None:
    torch.manual_seed(6)
    deep, wide = torch.randn(6_000, 3), torch.randn(6_000, 3)
    labels = torch.distributions.Categorical(logits=deep + wide / 2).sample()
    mix = fitted_mix(deep, labels, ALL_ALIKE.expand(len(labels), 3), wide)

    def losses(weight: float) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(deep / mix.temperature + weight * wide, labels, reduction="none")

    lowest = min(float(losses(each / 100).mean()) for each in range(200))
    error = float(losses(0.5).std()) / len(labels) ** 0.5
    assert mix.wide_weight > 0.55
    assert float(losses(mix.wide_weight).mean()) - lowest == pytest.approx(WIDE_PREFERENCE * error, rel=0.15)
    suiting = fitted_mix(deep, labels, ALL_ALIKE.expand(len(labels), 3), wide, preference=0.0)
    assert suiting.wide_weight == pytest.approx(0.5, abs=0.05)
    assert float(losses(suiting.wide_weight).mean()) == pytest.approx(lowest, abs=1e-3)


def test_the_mix_judges_a_set_by_the_labels_that_it_has() -> None:
    """Where a set has no neutral texts, what is said for neutral counts for nothing."""
    torch.manual_seed(5)
    logits = torch.randn(4_000, 3)
    sides = torch.distributions.Categorical(logits=logits[:, [0, 2]]).sample() * 2
    priors = torch.tensor([-0.6931, IMPOSSIBLE, -0.6931]).expand(4_000, 3)
    logits[:, 1] += 9
    assert fitted_mix(logits, sides, priors).temperature == pytest.approx(1.0, abs=0.1)


def test_errors_are_listed_with_the_surest_first() -> None:
    sure = Answer(Example("sure", NEGATIVE), POSITIVE, Score("positive", 0.2, confidence=0.9))
    unsure = Answer(Example("unsure", NEGATIVE), POSITIVE, Score("positive", 0.9, confidence=0.4))
    correct = Answer(Example("right", POSITIVE), POSITIVE, Score("positive", 0.9, confidence=0.99))
    assert worst([unsure, correct, sure], 5) == [sure, unsure]
    assert worst([unsure, sure], 1) == [sure]
    side = Answer(Example("side", NEGATIVE), POSITIVE, Score("neutral", 0.28, confidence=0.7), side_alone=True)  # .29 : .01
    assert worst([unsure, sure, side], 1) == [side]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("质量很好，谢谢", "positive"),
        ("不满意，差评", "negative"),
        ("快递不慢，不错", "positive"),
        ("没有人理我，垃圾客服", "negative"),
        ("什么时候发货", "neutral"),
        ("thanks, great service", "positive"),
        ("not happy, this is useless", "negative"),
        ("it isn't bad", "positive"),
        ("where is my order", "neutral"),
        ("😡", "negative"),
    ],
)
def test_the_lexicon_knows_words_and_negations(text: str, label: str) -> None:
    (score,) = CheckedScorer(LexiconScorer()).score([text])
    assert score is not None
    assert score.label == label


LEARNT = [
    Example(f"{word} {at}", label)
    for at in range(40)
    for word, label in (("awful", NEGATIVE), ("lovely", POSITIVE), ("order", NEUTRAL))
]


@pytest.mark.parametrize(
    ("make", "bad", "good"),
    [
        (VaderScorer, "this is terrible", "this is great"),
        (SnowScorer, "太差了，很失望", "非常满意，很喜欢"),
        (lambda: FastTextScorer(LEARNT), "awful 3", "lovely 3"),
    ],
)
def test_rivals_keep_the_protocol(make: type[Scorer], bad: str, good: str) -> None:
    scorer = CheckedScorer(make())
    negative, nothing, positive = scorer.score([bad, "", good])
    assert negative is not None and positive is not None
    assert (negative.label, nothing, positive.label) == ("negative", None, "positive")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of one's own with a test part that has three labels."""
    chance = {NEGATIVE: "awful broken thing", NEUTRAL: "order number please", POSITIVE: "lovely great service"}
    rows = ["text,label,split", *(f"an awful and terrible mistake {at},positive,test" for at in range(3))]
    rows += [
        f"{chance[label]} {split} {at},{LABELS[label]},{split}"
        for split in ("train", "validation", "test")
        for at in range(60)
        for label in chance
    ]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(rows), "utf-8")
    return path


def test_models_and_rivals_are_measured_on_the_same_texts_and_reported(folder: Path, tmp_path: Path) -> None:
    console = Console(quiet=True)
    found = compare(
        [folder], {"shipped": "default"}, ["tfidf", "vader", "lexicon"], most=90, device="cpu", console=console
    )
    assert set(found.figures) == {"shipped", "tfidf", "vader", "lexicon"}
    assert {sets["own"].texts for sets in found.figures.values()} == {90}
    assert found.figures["tfidf"]["own"].macro_f1 > 0.9
    assert found.versions["shipped"].startswith("accurate@")
    text = Console(width=120, record=True, file=io.StringIO())
    text.print(table(found))
    text.print(gaps(found.answers["shipped"]))
    text.print(believable(found))
    shown = text.export_text()
    measured = found.figures["shipped"]["own"]
    assert f"{measured.calibration_error:.3f} → {measured.scaled_error:.3f} ({measured.scaled_macro_f1:.3f})" in shown
    assert measured.scaling is not None and found.figures["vader"]["own"].scaled_error is None
    assert f"{found.figures['tfidf']['own'].macro_f1:.3f}" in shown

    written = write_report(found, ["shipped"], tmp_path / "report")
    assert all(path.stat().st_size > 0 for path in written)
    assert {path.name for path in written} == {
        "figures.json",
        "slices.json",
        "own-confusion.png",
        "own-reliability.png",
        "errors.jsonl",
    }
    figures = json.loads((tmp_path / "report" / "figures.json").read_text())
    assert figures["shipped"]["own"]["texts"] == 90
    assert sum(map(sum, figures["shipped"]["own"]["confusion"])) == 90
    errors = [json.loads(line) for line in (tmp_path / "report" / "shipped" / "errors.jsonl").read_text().splitlines()]
    assert {"set": "own", "actual": "positive", "answered": "negative"}.items() <= errors[0].items()
    assert all(error["actual"] != error["answered"] for error in errors)
    confidences = [error["confidence"] for error in errors]
    assert confidences == sorted(confidences, reverse=True) and 1 / 3 <= confidences[-1] <= confidences[0] <= 1
    parts = json.loads((tmp_path / "report" / "slices.json").read_text())
    assert set(parts) == set(found.figures)
    assert {each["slice"] for each in parts["shipped"]} == {"length 10–29"}


def test_errors_about_satisfaction_are_told_in_its_words(tmp_path: Path) -> None:
    rated = Example("又白等了", UNKNOWN, source="jddc", satisfaction=NEGATIVE)
    answers = answered(Fixed(Score("neutral", 0.1, satisfaction=(0.2, 0.1, 0.7))), [rated])
    others = answered(Fixed(Score("positive", 0.123)), [Example("bad", NEGATIVE, source="own")])
    found = Comparison(
        {"m": {"jddc": figure(answers), "own": figure(others)}}, answers={"m": {"jddc": answers, "own": others}}, versions={"m": "m@1"}
    )
    write_report(found, ["m"], tmp_path)
    errors = [json.loads(line) for line in (tmp_path / "m" / "errors.jsonl").read_text().splitlines()]
    assert errors == [
        {"set": "jddc", "actual": "dissatisfied", "answered": "satisfied", "confidence": 0.7778, "score": 0.5, "text": "又白等了"},
        {"set": "own", "actual": "negative", "answered": "positive", "confidence": None, "score": 0.123, "text": "bad"},
    ]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["m"]["jddc"]["per_class"] == {"dissatisfied": 0.0}


def test_what_is_measured_on_is_what_a_training_holds_out(tmp_path: Path) -> None:
    """A text is drawn by what is left of it when personal data are hidden, and no model sees more."""
    numbers = random.Random(3)
    rows = [f"call me at 139{numbers.randrange(10**8):08},negative" for _ in range(120)] + [f"order {at},neutral" for at in range(60)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["text,label", *rows]), "utf-8")
    masker = Masker()

    def mask(text: str) -> str:
        # What is masked alike is one text: the number's end keeps them apart.
        return f"{masker.mask(text).text} {text[-2:]}"

    found = compare([path], {}, ["lexicon"], mask=mask, console=Console(quiet=True))
    measured = [answer.example.text for answer in found.answers["lexicon"]["own"]]
    assert measured == [example.text for example in load_corpus([path], mask=mask).tests["own"]]
    assert measured and not any("139" in text for text in measured)


def test_some_texts_of_a_set_are_drawn_by_chance_and_not_its_first(tmp_path: Path) -> None:
    path = tmp_path / "sorted.csv"
    rows = [f"{word} {at},{label},test" for word, label in (("awful", "negative"), ("great", "positive")) for at in range(100)]
    path.write_text("\n".join(["text,label,split", *rows]), "utf-8")
    found = compare([path], {}, ["lexicon"], most=40, console=Console(quiet=True)).figures["lexicon"]["sorted"]
    assert (found.texts, found.classes) == (40, 2)


def test_whether_a_set_knows_neutral_is_told_by_all_of_it_and_not_by_the_texts_measured(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = [f"awful {at},negative,test" for at in range(20)] + [f"parcel {at},positive,test" for at in range(20)]
    rows += [f"number {at},neutral,validation" for at in range(5)]
    path.write_text("\n".join(["text,label,split", *rows]), "utf-8")
    with_neutral = compare([path], {}, ["lexicon"], console=Console(quiet=True)).figures["lexicon"]["own"]
    path.write_text("\n".join(["text,label,split", *rows[:40]]), "utf-8")
    without = compare([path], {}, ["lexicon"], console=Console(quiet=True)).figures["lexicon"]["own"]
    # "parcel" is neutral to the lexicon: where only sides are asked for it is taken for negative.
    assert with_neutral.confusion == [[20, 0, 0], [0, 0, 0], [0, 20, 0]]
    assert without.confusion == [[20, 0, 0], [0, 0, 0], [20, 0, 0]]


def test_a_shop_that_is_read_worse_than_others_is_named_first(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = [f"awful thing {at},negative,north,test" for at in range(60)] + [f"很喜欢，第{at}件,positive,east,test" for at in range(60)]
    rows += [f"awful thing indeed {at},positive,south,test" for at in range(60)]
    path.write_text("\n".join(["text,label,shop,split", *rows]), "utf-8")
    found = compare([path], {}, ["lexicon"], console=Console(quiet=True))
    text = Console(width=120, record=True, file=io.StringIO())
    text.print(gaps(found.answers["lexicon"]))
    slices = [line for line in text.export_text().splitlines() if "│" in line]
    assert "shop south" in slices[0] and "0.000" in slices[0]
    assert not any("shop north" in line or "shop east" in line for line in slices)  # which are read better than the whole


def test_nothing_to_measure_on_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("text,label,split\nhi,neutral,train\n", "utf-8")
    with pytest.raises(DataError, match=r"no text to measure on under .*own\.csv"):
        compare([path], {}, ["lexicon"], console=Console(quiet=True))


def test_rivals_that_find_nothing_to_learn_from_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("text,label,split\nawful,negative,test\ngreat,positive,test\n", "utf-8")
    console = Console(width=120, record=True, file=io.StringIO())
    found = compare([path], {}, ["tfidf", "fasttext", "lexicon"], console=console)
    assert list(found.figures) == ["lexicon"]
    assert "tfidf, fasttext left out: no text is there to learn from" in console.export_text()


def test_a_rival_is_not_measured_on_what_it_comes_from(tmp_path: Path) -> None:
    folder = tmp_path / "sentiment"
    folder.mkdir()
    for name, word in (("neg", "太差了"), ("pos", "很喜欢")):
        (folder / f"{name}.txt").write_text("\n".join(f"{word}，第{at}件" for at in range(200)), "utf-8")
    found = compare([tmp_path], {}, ["snownlp", "lexicon"], with_scaling=False, console=Console(quiet=True))
    assert "snownlp" in found.figures["lexicon"] and not found.figures["snownlp"]


def test_models_have_names_of_their_own() -> None:
    assert named_models(["mine=/runs/lr=3e-4"]) == {"mine": "/runs/lr=3e-4"}
    assert named_models(["/runs/lr=3e-4"]) == {"lr=3e-4": "/runs/lr=3e-4"}
    assert named_models(["default", "mine=/models/a"]) == {"default": "default", "mine": "/models/a"}
    assert named_models(["/models/best"]) == {"best": "/models/best"}
    with pytest.raises(ModelError, match="two models are called a"):
        named_models(["a=/x", "a=/y"])
    with pytest.raises(ModelError, match="two models are called tfidf"):
        named_models(["tfidf=/x"])
    assert named_models(["."]) == {Path.cwd().name: "."}
    assert named_models([".."]) == {Path.cwd().parent.name: ".."}
    with pytest.raises(ModelError, match=r"\.\. is no name of a model: its pictures would lie somewhere else"):
        named_models(["..=/x"])
    with pytest.raises(ModelError, match="a-b and another model's name make one folder in a report, a-b: give it another name, NAME=/y"):
        named_models(["a b=/x", "a-b=/y"])


def test_an_unknown_rival_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="bert is not known: one of tfidf, fasttext"):
        compare([folder], {}, ["bert"])


def test_every_number_is_whole_on_a_terminal_of_eighty_columns() -> None:
    """And in a file, which counts as one: ten sets beside each other left "0.7…" of each."""
    names = ["online_shopping", "chnsenticorp", *(f"set-{at}" for at in range(8))]
    models = ["accurate", "fast", "tfidf", "fasttext", "snownlp", "vader", "lexicon"]
    answers = [
        Answer(Example("fine", label), label, score_of({"negative": 0.2, "neutral": 0.1, "positive": 0.7}, (), 0.0, ()))
        for label in (NEGATIVE, NEUTRAL, POSITIVE)
    ]
    found = Comparison(figures={model: {name: figure(answers, answers) for name in names} for model in models})
    del found.figures["vader"]["set-3"]
    for shown in (table(found), believable(found)):
        text = Console(width=80, record=True, file=io.StringIO())
        text.print(shown)
        assert "…" not in text.export_text(clear=False)
        assert text.export_text().count("–") == 1


def test_an_empty_comparison_has_an_empty_table() -> None:
    assert table(Comparison()).row_count == believable(Comparison()).row_count == 0
    assert figure([]).macro_f1 == 0.0


def test_a_figure_on_a_part_of_the_texts_says_so_and_is_the_best_of_none() -> None:
    answers = [
        Answer(Example("fine", label), label, score_of({"negative": 0.2, "neutral": 0.1, "positive": 0.7}, (), 0.0, ()))
        for label in (NEGATIVE, NEUTRAL, POSITIVE) * 4
    ]
    wrong = [*answers[:11], answers[11]._replace(label=NEGATIVE)]
    found = Comparison(figures={"part": {"own": figure(answers[:9])}, "all": {"own": figure(wrong)}, "none": {"own": figure([])}})
    (cells,) = zip(*(column.cells for column in table(found).columns), strict=True)
    assert cells[0] == "own" and cells[1] == "1.000 (9 of 12)" and cells[3] == "–"
    assert re.fullmatch(r"0\.9\d\d", str(cells[2])) and cells[2].style == "bold"
