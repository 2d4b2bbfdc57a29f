"""The contract that every scorer keeps, tried on each of them, and what the shipped weights must know."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from models.compact import COMPACT_FILE
from models.compiled import CompiledForward, Forward
from models.loading import load_classifier
from models.scorer import (
    DEFAULT_WEIGHTS,
    LABELS,
    SHIPPED,
    TONES,
    UNSURE,
    WEIGHTS,
    CheckedScorer,
    Limits,
    ModelError,
    NullScorer,
    Score,
    Scorer,
    load_scorer,
    score_of,
)
from models.sentiment import Answer, TransformerScorer
from models.server import serve
from models.sources import WITHOUT_WEIGHTS
from models.versions import scorer_version
from tests.language_models import one_a_language
from tests.random_models import binary_bert, roberta_with_tones

ROOT = Path(__file__).parents[2]

NOTHING_TO_READ = (
    "",
    "   \n\t ",
    "\u200b\u200d\ufeff",
    "https://shop.example/item?id=1",
    "www.shop.example/a",
    "[phone]",
    "[email] [bank_card:0f3a]",
    "<EMAIL_ADDRESS>",
    "[图片]",
    "\ud83d",
    "\ufffd\x00",
)
READABLE = (
    *("?", "!!!", "1", "==", "ok", "嗯", "😡", "👍🏽", "[微笑]", "[Smile]", "é", "ﬁne", "Ａ"),
    *("0" * 50_000, "哈" * 30_000),
)

ANGRY = (
    "垃圾店铺，退个货推三阻四，我要去投诉你们",
    "等了十天还没发货，客服没一个回话的，气死我了",
    "质量差到离谱，刚到手就坏了，骗子",
    "This is the worst support I have ever dealt with, I want my money back",
    "Your app charged me twice and nobody replies. Absolutely terrible!",
)
THANKFUL = (
    "非常感谢，问题解决了，你们服务真好",
    "收到货了，质量很好，特别喜欢，谢谢客服",
    "物流很快，态度也好，给个好评",
    "Thank you so much, you have been really helpful!",
    "Great service, I love the new shoes",
    "Perfect, thanks a lot for the quick help",
)


@pytest.fixture(scope="module")
def shipped() -> Scorer:
    return load_scorer("default", "cpu")


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The URL of a server of the shipped model."""
    with serve(TransformerScorer(DEFAULT_WEIGHTS, "cpu"), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


BACKENDS: dict[str, tuple[str, str, str]] = {
    "null": ("null", "cpu", "auto"),
    "default": ("default", "cpu", "auto"),
    "fp32": ("default", "cpu", "fp32"),
    "bf16": ("default", "cpu", "bf16"),
    "int8": ("default", "cpu", "int8"),
    "fast": ("fast", "cpu", "auto"),
    "lexicon": ("lexicon", "cpu", "auto"),
    "no BERT": ("roberta", "cpu", "auto"),
    "binary": ("binary", "cpu", "auto"),
    "by language": ("by language", "cpu", "auto"),
    "remote": ("served", "auto", "auto"),
    **({"cuda": ("default", "cuda", "auto")} if torch.cuda.is_available() else {}),
}
"""What `load_scorer` can be asked for on this machine: model, device and precision; models that are made for these tests by name."""


@pytest.fixture(scope="module")
def made(served: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The models of BACKENDS that are made for these tests."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "by language": str(one_a_language(folder / "languages")),
        "roberta": str(roberta_with_tones(folder / "roberta")),
        "binary": str(binary_bert(folder / "binary")),
        "served": served,
    }


def loaded(backend: str, made: dict[str, str], **limits: Any) -> Scorer:
    model, device, precision = BACKENDS[backend]
    return load_scorer(made.get(model, model), device, precision, **limits)


@pytest.fixture(scope="module", params=BACKENDS)
def scorer(request: pytest.FixtureRequest, made: dict[str, str]) -> Scorer:
    """Every backend that keeps the contract on this machine."""
    return loaded(request.param, made)


def test_a_scorer_names_its_version(scorer: Scorer) -> None:
    assert scorer.version
    assert scorer.version.isprintable()
    assert "/" not in scorer.version


def test_no_texts_give_no_scores(scorer: Scorer) -> None:
    assert scorer.score([]) == []


def test_every_text_has_one_entry_that_is_none_or_a_score_in_range(scorer: Scorer) -> None:
    weird = ["这个item怎么return，麻烦了", "𓀀", "สวัสดี", "مرحبا", "\U000e0041"]
    texts = [*READABLE, *NOTHING_TO_READ, *ANGRY, *THANKFUL, *weird]
    scores = scorer.score(texts)
    assert len(scores) == len(texts)
    for score in scores:
        assert score is None or (score.label in LABELS and -1.0 <= score.score <= 1.0)


def test_texts_with_nothing_to_read_have_no_score(scorer: Scorer) -> None:
    assert scorer.score(NOTHING_TO_READ) == [None] * len(NOTHING_TO_READ)


def test_the_same_text_has_the_same_score_at_every_place(scorer: Scorer) -> None:
    scores = scorer.score(["在吗", "太差了", "在吗", "", "太差了", "在吗"])
    assert scores[0] == scores[2] == scores[5]
    assert scores[1] == scores[4]
    assert scores[3] is None


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name not in WITHOUT_WEIGHTS])
def test_a_scorer_that_is_to_be_surer_than_it_is_takes_no_side(backend: str, made: dict[str, str]) -> None:
    """And says of the text what it says otherwise."""
    texts = [*ANGRY, *THANKFUL, "hello", "在吗"]
    frank, careful = loaded(backend, made).score(texts), loaded(backend, made, least_confidence=1.0).score(texts)
    for sure, unsure in zip(frank, careful, strict=True):
        assert sure is not None and sure.label in LABELS and sure.confidence < 1.0
        assert unsure == sure._replace(label=UNSURE)
    # Between the two: what it is surer of keeps its side.
    confidences = sorted(score.confidence for score in frank if score is not None)
    gap, middle = max((after - before, (after + before) / 2) for before, after in pairwise(confidences))
    assert gap > 1e-3
    some = loaded(backend, made, least_confidence=middle).score(texts)
    assert [score and score.label != UNSURE for score in some] == [score and score.confidence > middle for score in frank]


def test_a_model_tells_the_tones_that_it_has(made: dict[str, str]) -> None:
    (with_tones,), (without,) = (loaded(backend, made).score([ANGRY[0]]) for backend in ("no BERT", "binary"))
    assert with_tones is not None and len(with_tones.tones) == len(TONES)
    assert without is not None and (without.tones, without.satisfaction) == ((), ())
    assert without.label in ("negative", "positive")
    # p(positive) - p(negative) of two that add up to one.
    assert abs(without.score) == pytest.approx(2 * without.confidence - 1, abs=1e-5)


def test_the_null_scorer_scores_nothing() -> None:
    assert NullScorer().score([*ANGRY, ""]) == [None] * (len(ANGRY) + 1)


def test_signs_emoji_and_short_words_are_readable(shipped: Scorer) -> None:
    assert [text for text, score in zip(READABLE, shipped.score(READABLE), strict=True) if score is None] == []


def test_a_text_in_an_unknown_script_has_no_score_rather_than_a_guess(shipped: Scorer) -> None:
    assert shipped.score(["𓀀𓀁", "ཨོཾ་མ་ཎི"]) == [None, None]


def test_two_unreadable_of_five_leave_the_others_in_order(shipped: Scorer) -> None:
    texts = [ANGRY[0], "\u200b", THANKFUL[0], "https://shop.example", ANGRY[3]]
    labels = [score and score.label for score in shipped.score(texts)]
    assert labels == ["negative", None, "positive", None, "negative"]


@pytest.mark.parametrize("text", ANGRY)
def test_anger_is_negative(shipped: Scorer, text: str) -> None:
    (score,) = shipped.score([text])
    assert score is not None
    assert score.label == "negative"
    assert score.score < -0.3


@pytest.mark.parametrize("text", THANKFUL)
def test_thanks_are_positive(shipped: Scorer, text: str) -> None:
    (score,) = shipped.score([text])
    assert score is not None
    assert score.label == "positive"
    assert score.score > 0.3


@pytest.mark.parametrize("text", ["什么时候发货", "怎么申请退款", "where is my order?", "hello", "你好", "ok"])
def test_a_plain_question_or_greeting_is_neutral(shipped: Scorer, text: str) -> None:
    (score,) = shipped.score([text])
    assert score is not None
    assert score.label == "neutral"


@pytest.mark.parametrize(
    ("text", "not_label"),
    [
        ("我不满意", "positive"),
        ("not happy with this", "positive"),
        ("没有什么问题", "negative"),
    ],
)
def test_a_negated_word_does_not_count_as_the_word(shipped: Scorer, text: str, not_label: str) -> None:
    (score,) = shipped.score([text])
    assert score is not None
    assert score.label != not_label


def test_anger_at_the_end_of_a_long_text_is_seen(shipped: Scorer) -> None:
    long = "The parcel leaves the warehouse at three today. " * 400
    plain, angry = shipped.score([long, f"{long}{ANGRY[0]}，{ANGRY[3]}"])
    assert plain is not None
    assert angry is not None
    assert angry.score < plain.score - 0.2


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 0.03), ("int8", 0.03)])
@pytest.mark.parametrize("model", SHIPPED)
def test_a_score_does_not_depend_on_its_batch(model: str, precision: str, tolerance: float) -> None:
    texts = [*ANGRY, *THANKFUL, *READABLE, "长" * 200, "word " * 300]
    alone = load_scorer(model, "cpu", precision, cache_size=0, batch_size=1)
    together = load_scorer(model, "cpu", precision, cache_size=0, batch_size=64)
    expected = alone.score(texts)
    order = list(range(len(texts)))
    random.Random(5).shuffle(order)
    shuffled = together.score([texts[at] for at in order])
    for at, score in zip(order, shuffled, strict=True):
        reference = expected[at]
        assert reference is not None
        assert score is not None
        assert score.score == pytest.approx(reference.score, abs=tolerance)
        assert score.confidence == pytest.approx(reference.confidence, abs=tolerance)
        assert score.tones == pytest.approx(reference.tones, abs=tolerance)
        assert score.satisfaction == pytest.approx(reference.satisfaction, abs=tolerance)
        # Of two labels that are equally likely, rounding may choose the one or the other.
        assert score.label == reference.label or reference.confidence <= 0.5 + tolerance


def test_the_cache_is_bounded_and_changes_no_score() -> None:
    small = load_scorer("default", "cpu", cache_size=3)
    first = small.score([*ANGRY, *THANKFUL])
    for before, after in zip(first, small.score([*ANGRY, *THANKFUL]), strict=True):
        assert before is not None
        assert after is not None
        assert after.score == pytest.approx(before.score, abs=0.03)
    inner = small._scorer  # type: ignore[attr-defined]
    assert len(inner._cache) == 3


def test_a_text_is_scored_once_however_often_it_occurs(shipped: Scorer) -> None:
    scorer = load_scorer("default", "cpu", cache_size=100)
    inner = scorer._scorer  # type: ignore[attr-defined]
    rows: list[int] = []
    answers = inner._answers

    def counted(texts: Sequence[str]) -> list[Answer | None]:
        rows.append(len(texts))
        return list(answers(texts))

    inner._answers = counted
    scorer.score(["要退货", "要退货 ", "要换货", "要退货"])
    scorer.score(["要换货"])
    assert rows == [2]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [Score("neutral", 0.0)] * 3,
        [Score("angry", 0.0)] * 2,
        [Score("neutral", float("nan"))] * 2,
        [Score("neutral", 1.5)] * 2,
    ],
)
def test_an_answer_against_the_contract_is_an_error(answer: list[Score | None]) -> None:
    class Broken:
        version = "broken"

        def score(self, texts: Sequence[str]) -> list[Score | None]:
            return answer

    with pytest.raises(ModelError, match="broken"):
        CheckedScorer(Broken()).score(["a", "b"])


def test_a_network_that_answers_no_numbers_has_no_score() -> None:
    """Weights that a training has spoilt: what they say must not look like the happiest of customers."""

    class Spoilt:
        version = "spoilt"

        def score(self, texts: Sequence[str]) -> list[Score | None]:
            return [score_of(dict.fromkeys(LABELS, math.nan), (), 0.5)] * len(texts)

    with pytest.raises(ModelError, match=r"spoilt returned .* not a score"):
        CheckedScorer(Spoilt()).score(["a"])


def test_a_directory_without_a_model_has_no_version(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no directory with a model: config\.json can't be read"):
        scorer_version(str(tmp_path))


def test_talking_about_scores_does_not_import_torch() -> None:
    code = (
        "import sys; from models.scorer import load_scorer, Score; load_scorer('null').score(['a']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'tokenizers', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is not a directory"):
        load_scorer(str(tmp_path / "nowhere"), "cpu")


def test_a_directory_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json, tokenizer\.json, \*\.safetensors missing"):
        load_scorer(str(tmp_path), "cpu")


def test_cut_weights_are_an_error(tmp_path: Path) -> None:
    broken = shutil.copytree(DEFAULT_WEIGHTS, tmp_path / "broken")
    weights = broken / COMPACT_FILE
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot read"):
        load_scorer(str(broken), "cpu")


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    broken = shutil.copytree(DEFAULT_WEIGHTS, tmp_path / "pickled")
    (broken / COMPACT_FILE).rename(broken / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors missing"):
        load_scorer(str(broken), "cpu")


def test_foreign_labels_are_an_error(tmp_path: Path) -> None:
    broken = shutil.copytree(DEFAULT_WEIGHTS, tmp_path / "foreign")
    config = json.loads((broken / "config.json").read_text("utf-8"))
    config["id2label"] = {str(at): f"LABEL_{at}" for at in range(7)}
    (broken / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="LABEL_0, LABEL_1, LABEL_2"):
        load_scorer(str(broken), "cpu")


def test_a_model_without_its_classifier_is_an_error(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(DEFAULT_WEIGHTS, tmp_path / "headless")
    tensors = load_file(broken / COMPACT_FILE)
    kept = {name: value for name, value in tensors.items() if not name.startswith("classifier")}
    save_file(kept, broken / COMPACT_FILE, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="weights missing for classifier"):
        load_scorer(str(broken), "cpu")


def test_an_unknown_device_or_limit_is_an_error() -> None:
    with pytest.raises(ValueError, match="device is 'tpu'"):
        load_scorer("null", "tpu")
    with pytest.raises(ValueError, match="precision is 'fp8': one of auto, fp32, bf16, int8 is needed"):
        load_scorer("null", precision="fp8")
    with pytest.raises(ValueError, match="unknown limit batch: known are batch_size"):
        load_scorer("null", batch=3)
    with pytest.raises(ValueError, match="batch_size is 0"):
        Limits(batch_size=0)


def test_the_version_follows_the_content(tmp_path: Path, shipped: Scorer) -> None:
    copy = shutil.copytree(DEFAULT_WEIGHTS, tmp_path / DEFAULT_WEIGHTS.name)
    assert load_scorer(str(copy), "cpu").version == shipped.version
    config = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-6}), "utf-8")
    assert load_scorer(str(copy), "cpu").version != shipped.version


def test_the_shipped_weights_are_small_and_documented() -> None:
    assert sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file()) <= 32 * 2**20
    folders = {path.name for path in WEIGHTS.iterdir() if path.is_dir()}
    assert folders == {*SHIPPED, "teacher"} and all((WEIGHTS / name / "README.md").is_file() for name in folders)


@pytest.mark.parametrize("model", SHIPPED)
def test_a_shipped_model_has_a_card_of_its_own(model: str) -> None:
    card = (WEIGHTS / model / "README.md").read_text("utf-8")
    for word in ("goemotions", "Apache-2.0", "macro-F1", "## Limits"):
        assert word in card
    network, _, _ = load_classifier(WEIGHTS / model)
    assert f"{network.config.num_hidden_layers} layers" in card
    assert f"({network.num_parameters():,} parameters, {network.config.vocab_size:,} pieces)" in card


@pytest.mark.parametrize("model", ["null", "default", *SHIPPED])
def test_the_version_is_known_without_loading_the_model(model: str) -> None:
    assert scorer_version(model) == load_scorer(model, "cpu").version


def bare(model: PreTrainedModel) -> Forward:
    def forward(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits

    return forward


def test_a_compiled_pass_answers_as_the_network_does_whatever_the_size_of_the_batch() -> None:
    model, tokenizer, _ = load_classifier(DEFAULT_WEIGHTS)
    model.train(False)
    padding = int(tokenizer.pad_token_id or 0)
    forward = CompiledForward(bare(model), padding, torch.device("cpu"), backend="eager")
    chance = torch.Generator().manual_seed(4)
    for texts, tokens in ((1, 3), (3, 9), (8, 16), (17, 33)):
        ids = torch.randint(4, 500, (texts, tokens), generator=chance)
        mask = torch.ones_like(ids)
        ids[0, 2:], mask[0, 2:] = padding, 0
        with torch.inference_mode():
            assert torch.allclose(forward(ids, mask), model(input_ids=ids, attention_mask=mask).logits, atol=1e-4)


def test_a_network_that_cannot_be_compiled_is_computed_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    model, _, _ = load_classifier(DEFAULT_WEIGHTS)
    model.train(False)

    def broken(graph: object, inputs: object) -> None:
        raise RuntimeError("no C compiler found")

    forward = CompiledForward(bare(model), 1, torch.device("cpu"), backend=broken)
    ids = torch.tensor([[0, 9, 10, 2]])
    with torch.inference_mode():
        assert torch.allclose(forward(ids, torch.ones_like(ids)), model(input_ids=ids).logits, atol=1e-4)
    assert "the model runs uncompiled" in caplog.text
    assert "no C compiler found" in caplog.text
