"""Before the labels and beside them: guessing hidden words, adapters, and other parts held out."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from transformers import BertConfig, BertForSequenceClassification

from models import cross_validation, fitting, network
from models.adapters import MovesRank, orthogonality, with_adapters, with_orthogonality
from models.corpus import Corpus, load_corpus
from models.cross_validation import Folds, cross_validate, folds, inner
from models.labels import NEGATIVE, NEUTRAL, UNKNOWN
from models.near_copies import identity
from models.network import NetworkShape, make_network
from models.pretraining import GUESSED, NOT_GUESSED, Hiding, conversation_lines, guessing_model, pretrain
from models.schedule import Schedule
from models.scorer import ModelError
from models.sets import Example
from models.supervised import train_supervised
from models.tokenizer import train_tokenizer
from models.train import train
from tests.tiny_training import tiny, two_sets

TEXTS = [f"第{at}件快递什么时候发货" for at in range(60)] + [f"where is my order {at}" for at in range(60)]
WORD = 50
"""The id of a piece that is none of the special ones."""

SHAPE = NetworkShape("new", layers=1, vocabulary=200, hidden=32, heads=2, dropout=0.0)
SCHEDULE = Schedule(epochs=2, batch_size=16, learning_rate=5e-3, token_dropout=0.0, max_tokens=24, device="cpu")


def test_a_seventh_of_the_tokens_is_to_be_guessed_and_no_special_one() -> None:
    _, tokenizer = make_network(SHAPE, TEXTS, 24)
    ids = [tokenizer.cls_token_id, *([WORD] * 400), tokenizer.sep_token_id]
    batch = Hiding(tokenizer, seed=1)([{"input_ids": ids}] * 20)
    guessed = batch["labels"] != NOT_GUESSED
    assert guessed.float().mean().item() == pytest.approx(GUESSED, abs=0.02)
    assert not guessed[:, [0, -1]].any()
    hidden = (batch["input_ids"] == tokenizer.unk_token_id) & guessed
    assert hidden.sum() / guessed.sum() == pytest.approx(0.8, abs=0.05)
    assert torch.equal(batch["input_ids"][~guessed], torch.tensor([ids] * 20)[~guessed])


def test_guessing_hidden_words_trains_the_encoder_of_the_classifier(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model, tokenizer = make_network(SHAPE, TEXTS, 24)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    console = Console(file=io.StringIO())
    first = pretrain(model, tokenizer, TEXTS, replace(SCHEDULE, epochs=1), tmp_path, console)
    later = pretrain(model, tokenizer, TEXTS, replace(SCHEDULE, epochs=6), tmp_path, console)
    assert later < 0.8 * first
    after = model.state_dict()
    assert not torch.equal(
        before["bert.encoder.layer.0.output.dense.weight"], after["bert.encoder.layer.0.output.dense.weight"]
    )
    assert torch.equal(before["classifier.weight"], after["classifier.weight"])
    with pytest.raises(ModelError, match="hold no text"):
        pretrain(model, tokenizer, [], SCHEDULE, tmp_path, console)


def test_the_guessing_layer_shares_the_words_of_the_encoder() -> None:
    model, _ = make_network(SHAPE, TEXTS, 24)
    guessing = guessing_model(model)
    assert guessing.get_output_embeddings().weight is model.bert.embeddings.word_embeddings.weight


def test_unlabelled_texts_are_lines_or_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("在吗\n\n  hi  there \n", "utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "退款"}\n\n{"text": "https://a.example"}\n', "utf-8")
    assert list(conversation_lines(tmp_path / "a.txt")) == ["在吗", "hi there"]
    assert list(conversation_lines(tmp_path / "b.jsonl")) == ["退款"]
    (tmp_path / "b.jsonl").write_text('{"text": "a"}\n{"body": "b"}\n', "utf-8")
    with pytest.raises(ModelError, match=r"b\.jsonl, line 2: no object with a field text"):
        list(conversation_lines(tmp_path / "b.jsonl"))
    (tmp_path / "b.jsonl").write_text('{"text": null}\n', "utf-8")
    with pytest.raises(ModelError, match=r"b\.jsonl, line 1: text is NoneType: a string is needed"):
        list(conversation_lines(tmp_path / "b.jsonl"))
    (tmp_path / "c.txt").write_bytes("在吗\n".encode() + "退款\n".encode("gbk"))
    with pytest.raises(ModelError, match=r"c\.txt, line 2: is not UTF-8 .*: save it as UTF-8"):
        list(conversation_lines(tmp_path / "c.txt"))
    with pytest.raises(ModelError, match=r"d\.CSV: lines of text are needed, or JSON lines"):
        list(conversation_lines(tmp_path / "d.CSV"))
    assert list(conversation_lines(tmp_path / "a.txt", mask=lambda text: text.replace("hi", "[name]")))[1] == "there"


def test_texts_that_are_held_out_are_not_read_before_the_labels_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = two_sets(tmp_path / "data")
    (tmp_path / "chats.txt").write_text("\n".join([*TEXTS, "love great thanks test 3", "Angry awful broken DEV 5!"]), "utf-8")
    lines = ["text,label,split", "love great thanks test 3,positive,test", "angry awful broken dev 5,negative,validation"]
    (tmp_path / "own.csv").write_text("\n".join(lines), "utf-8")
    read: list[str] = []
    monkeypatch.setattr(fitting, "pretrain", lambda model, tokenizer, texts, *_: (read.extend(texts), 1.0)[1])
    learnt_from: list[str] = []
    monkeypatch.setattr(network, "train_tokenizer", lambda texts, *sizes: (learnt_from.extend(texts), train_tokenizer(texts, *sizes))[1])
    told = io.StringIO()
    options = tiny(data, tmp_path / "model", data=[data, tmp_path / "own.csv"], with_baseline=False, unlabelled=[tmp_path / "chats.txt"])
    options = replace(options, schedule=replace(options.schedule, epochs=0.1))
    train(options, Console(file=told, width=200))
    assert read == TEXTS and learnt_from[-len(TEXTS) :] == TEXTS
    assert "2 of 122 unlabelled texts left out: they are held out, or nearly so" in told.getvalue()
    corpus = load_corpus(options.data, with_service_lines=False)
    (tmp_path / "chats.txt").write_text("\n".join(example.text for example in corpus.train), "utf-8")

    def measured(_: object, held_out: list[Example]) -> float:
        assert read and not set(read) & {each.text for each in held_out}
        read.clear()
        return 1.0

    read.clear()
    monkeypatch.setattr(cross_validation, "_measured", measured)
    assert cross_validate(options, 2, Console(file=io.StringIO())).macro_f1 == [1.0, 1.0]
    (tmp_path / "chats.txt").write_text("love great thanks test 3\n", "utf-8")
    with pytest.raises(ModelError, match=r"chats\.txt hold no text but those that are held out"):
        train(options, Console(file=io.StringIO()))


@pytest.mark.parametrize("kind", ["lora", "adalora"])
def test_adapters_learn_while_the_matrices_stand_still_and_are_folded_into_them(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    console = Console(file=io.StringIO())
    examples = [Example(text, NEUTRAL if "order" in text else NEGATIVE, source="own") for text in TEXTS]
    turned = [each._replace(label=NEGATIVE if each.label == NEUTRAL else NEUTRAL) for each in examples]
    model, tokenizer = make_network(SHAPE, TEXTS, 24)
    # Adapters go beside an encoder that knows something: here the opposite of what they are to learn.
    known = replace(SCHEDULE, epochs=6)
    assert (
        train_supervised(model, tokenizer, examples, examples[::5], known, tmp_path / "known", console).macro_f1 > 0.9
    )
    words = model.bert.embeddings.word_embeddings.weight.clone()
    before = {
        name: tensor.clone() for name, tensor in model.state_dict().items() if "encoder" in name and "weight" in name
    }
    schedule = replace(SCHEDULE, epochs=15, learning_rate=1e-2, patience=30, adapters=kind, rank=4)
    trained = train_supervised(model, tokenizer, turned, turned[::5], schedule, tmp_path / kind, console)
    assert trained.macro_f1 > 0.9
    assert type(model.bert.encoder.layer[0].attention.self.query) is torch.nn.Linear
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, words)
    after = model.state_dict()
    moved = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    assert moved
    assert not any("LayerNorm" in name for name in moved)


def test_adalora_takes_rank_from_the_matrices_that_need_it_least() -> None:
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertForSequenceClassification(BertConfig(**sizes, vocab_size=50))
    learner = with_adapters(model, "adalora", 4, 100)
    moves = MovesRank(learner)
    assert orthogonality(learner).item() > 0
    ids = torch.randint(5, 50, (8, 6))
    optimizer = torch.optim.AdamW([each for each in learner.parameters() if each.requires_grad], lr=1e-2)
    for step in range(1, 90):
        optimizer.zero_grad()
        loss = with_orthogonality(lambda outputs, told, _: outputs["logits"].square().mean(), learner)
        loss(learner(input_ids=ids), ids, None).backward()
        optimizer.step()
        moves.on_optimizer_step(None, SimpleNamespace(global_step=step), None)
    ranks = [int((each != 0).sum()) for name, each in learner.named_parameters() if "lora_E" in name]
    assert min(ranks) < max(ranks) <= 6
    assert all(each.requires_grad for name, each in learner.named_parameters() if "modules_to_save" in name)
    assert any("pooler.modules_to_save" in name for name, _ in learner.named_parameters())


def test_every_text_is_held_out_once_and_never_learnt_from_in_the_same_part() -> None:
    corpus = Corpus(
        train=[Example(f"text number {at} of many", NEUTRAL, group=f"talk {at // 3}", source="own") for at in range(90)]
        + [Example("service line", NEUTRAL, source="service lines"), Example("joined text", NEUTRAL, source="joined")],
        validation=[Example(f"another one, {at}", NEGATIVE, source="own") for at in range(30)],
    )
    parts = list(folds(corpus, 4))
    held_out = [example.text for _, part in parts for example in part]
    assert sorted(held_out) == sorted(example.text for example in (*corpus.train[:90], *corpus.validation))
    for learnt, part in parts:
        assert not {example.text for example in learnt} & {example.text for example in part}
        assert not {example.group for example in learnt if example.group} & {example.group for example in part}
        assert "service line" in {example.text for example in learnt}
        assert "joined text" not in {example.text for example in learnt}
    said = "macro-F1 0.750 ± 0.071 over 2 parts, neither learnt from nor chosen by: 0.700, 0.800"
    assert str(Folds([0.7, 0.8])) == said


def test_what_a_training_is_chosen_by_is_an_inner_part_of_what_is_not_held_out() -> None:
    talks = [Example(f"text number {at} of many", NEUTRAL, group=f"talk {at // 3}", source="own") for at in range(900)]
    copies = [Example(f"Text number {at} of many!!", NEUTRAL, source="own") for at in range(0, 900, 3)]
    made = [Example(f"service line {at}", NEUTRAL, source="service lines") for at in range(200)]
    learnt, chosen_by = inner([*talks, *copies, *made])
    assert 50 < len(chosen_by) < 250
    assert not {each.group for each in learnt if each.group} & {each.group for each in chosen_by}
    assert not {identity(each.text) for each in learnt} & {identity(each.text) for each in chosen_by}
    assert [each for each in learnt if each.source == "service lines"] == made
    for _, held_out in folds(Corpus(train=talks), 4):  # drawn apart: no part is without texts to choose by
        assert 0 < sum(each in chosen_by for each in held_out) < len(held_out) / 3


def test_what_one_customer_said_when_rated_is_learnt_though_another_said_the_same() -> None:
    rated = [Example("谢谢", UNKNOWN, group=f"talk {at}", source="own", satisfaction=at % 3) for at in range(40)]
    for learnt, held_out in folds(Corpus(train=rated), 4):
        assert len(learnt) + len(held_out) == 40
        assert not {example.group for example in learnt} & {example.group for example in held_out}
