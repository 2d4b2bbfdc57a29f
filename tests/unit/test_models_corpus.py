"""Sets and files of one's own into splits: nothing that is measured on was trained on, nor a near copy of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.corpus import DataError, draw, load_corpus
from models.labels import NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN, tones
from models.near_copies import Seen, identity
from models.own_data import RowError, read_rows
from models.scorer import ModelError
from models.service_lines import service_lines
from models.sets import MADE, PUBLIC, Example

LONG = "the parcel was left in the rain in front of the wrong house and nobody rang the bell"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """GoEmotions and a review set that must not be learnt from, a few lines each."""
    emotions = tmp_path / "en_goemotions"
    emotions.mkdir()
    lines = {
        "train": [
            ("broken thing", 1),
            ("two minds", 1),
            ("Two  minds.", 3),
            ("once more", 2),
            ("once more", 2),
            ("ok?", 0),
        ],
        "dev": [("held back", 3), ("Broken... thing!", 1)],
        "test": [("measured on", 2)],
    }
    lines["train"] += [("MEASURED on!", 2), ("held, back", 3), (f"{LONG} today", 1)]
    lines["test"] += [(LONG, 1)]
    for name, rows in lines.items():
        text = "".join(f"{text}\t{group}\tid{at}\n" for at, (text, group) in enumerate(rows))
        (emotions / f"group_{name}.tsv").write_text(text, "utf-8")
    (emotions / "original_train.tsv").write_text("broken thing\t2,14\tid0\n", "utf-8")
    reviews = tmp_path / "zh_sentiment_chinesenlpcorpus"
    reviews.mkdir()
    rows = "".join(f'{at % 2},"第{at}次买，{"好" if at % 2 else "差"}"\n' for at in range(60))
    (reviews / "waimai_10k.csv").write_text(f"label,review\n{rows}", "utf-8")
    (reviews / "online_shopping_10_cats.csv").write_text("cat,label,review\n", "utf-8")
    (reviews / "ChnSentiCorp_htl_all.csv").write_text("label,review\n", "utf-8")
    return tmp_path


def test_a_text_is_in_one_split_only_and_has_one_label(folder: Path) -> None:
    corpus = load_corpus([folder], with_service_lines=False)
    learnt = [example.text for example in corpus.train if " . " not in example.text]
    assert learnt[:1] == ["once more"]  # "broken thing" is in validation, "two minds" has two labels
    assert [example.text for example in corpus.validation] == ["held back", "Broken... thing!"]
    assert [example.text for example in corpus.tests["go"]] == ["measured on", LONG]
    everything = {identity(example.text) for example in corpus.train}
    assert not everything & {identity(text) for text in ("measured on", "held back", "broken thing", "two minds")}


def test_a_near_copy_of_a_measured_text_is_not_learnt_from(folder: Path) -> None:
    corpus = load_corpus([folder], with_service_lines=False)
    assert not any(LONG in example.text for example in corpus.train)
    assert f"{LONG} today" in Seen([LONG])
    assert "the parcel was left at the door, thank you" not in Seen([LONG])
    assert "ok" not in Seen(["okay"])  # short texts are compared whole
    for one, other in [("客服態度太差了", "客服态度太差了"), ("哈哈哈哈哈哈好", "哈哈哈哈好"), ("thanks http://a.example/1", "thanks"), ("ＧＯＯＤ", "good")]:
        assert one in Seen([other])  # as a model reads them


def test_a_set_that_must_not_shape_shipped_weights_is_measured_on_all_the_same(folder: Path) -> None:
    shipped = load_corpus([folder], with_service_lines=False, with_validations=True)
    local = load_corpus([folder], with_service_lines=False, permissive_only=False, with_validations=True)
    assert shipped.tests == local.tests
    assert {example.label for example in shipped.tests["waimai"]} == {NEGATIVE, POSITIVE}
    assert not any("次买" in example.text for example in shipped.train + shipped.validation)
    assert any("次买" in example.text for example in local.train)
    assert shipped.validations["waimai"] == local.validations["waimai"] != []  # to calibrate on; still not learnt from
    assert {example.source for example in shipped.validation} == {"go"}
    assert [info.name for info in shipped.trained] == ["go"]
    assert {info.name for info in local.trained} == {"go", "waimai", "online_shopping", "hotels"}


def test_what_two_sets_tell_of_one_text_is_put_together(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label,split\nno way,negative,train\nfine,positive,validation\n", "utf-8")
    (tmp_path / "two.jsonl").write_text('{"text": "No way!", "angry": 1, "split": "train"}\n', "utf-8")
    corpus = load_corpus([tmp_path / "one.csv", tmp_path / "two.jsonl"], with_service_lines=False)
    assert corpus.train == [Example("no way", NEGATIVE, tones(angry=True), source="one")]


def test_texts_of_one_conversation_come_into_one_split(tmp_path: Path) -> None:
    rows = "".join(f"line {talk} {at},neutral,talk-{talk}\n" for talk in range(40) for at in range(3))
    (tmp_path / "own.csv").write_text(f"text,label,conversation\n{rows}", "utf-8")
    corpus = load_corpus([tmp_path / "own.csv"], with_service_lines=False)
    parts = [corpus.train, corpus.validation, corpus.tests["own"]]
    talks = [{example.group for example in part} for part in parts]
    assert all(talks)
    assert sum(map(len, talks)) == 40
    assert all(example.group and draw(example.group) == "test" for example in corpus.tests["own"])


def test_a_rated_turn_is_kept_as_often_as_it_comes_and_its_sentiment_is_an_example_like_any_other(tmp_path: Path) -> None:
    rows = [
        "好的,neutral,satisfied,a,train", "好的,neutral,dissatisfied,b,train", "好的,neutral,satisfied,c,test",
        "好的,,satisfied,c,test", "可以,,satisfied,c,test", "可以,neutral,,,train", f"{LONG},,dissatisfied,a,train", f"{LONG},,dissatisfied,d,validation",
    ]  # fmt: skip
    (tmp_path / "own.csv").write_text("\n".join(("text,label,satisfaction,conversation,split", *rows)), "utf-8")
    corpus = load_corpus([tmp_path / "own.csv"], with_service_lines=False)
    rated = [(each.group, each.satisfaction) for each in corpus.train if each.satisfaction != UNKNOWN]
    assert rated == [("a", 2), ("b", 0), ("a", 0)]
    assert [each.text for each in corpus.train if each.label != UNKNOWN] == ["可以"]  # only its satisfaction is measured
    assert [each.satisfaction for each in corpus.validation] == [0]
    assert [each.satisfaction for each in corpus.tests["own"]] == [2, UNKNOWN, 2, 2]
    assert [each.label for each in corpus.tests["own"]] == [UNKNOWN, NEUTRAL, UNKNOWN, UNKNOWN]


def test_ratings_that_belong_to_no_conversation_are_ratings_of_a_text(tmp_path: Path) -> None:
    rows = ["ok,satisfied,train", "OK,satisfied,train", "fine,satisfied,train", " Fine,dissatisfied,train"]
    (tmp_path / "own.csv").write_text("\n".join(("text,satisfaction,split", *rows)), "utf-8")
    assert [each.text for each in load_corpus([tmp_path / "own.csv"], with_service_lines=False).train] == ["ok"]


@pytest.mark.parametrize("name", sorted({*PUBLIC, *MADE}))
def test_a_file_may_not_be_called_as_a_set_that_is_known(name: str, tmp_path: Path) -> None:
    """It would be taken for that set: its language, its tones, who has learnt from it."""
    (tmp_path / f"{name}.csv").write_text("text,label,split\nfine,positive,train\n", "utf-8")
    with pytest.raises(DataError, match=rf"{name}\.csv: {name} is the name of a set that the project knows: rename the file"):
        load_corpus([tmp_path / f"{name}.csv"])


def test_a_smile_makes_another_service_line(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,label,split\nfine,positive,train\n", "utf-8")
    lines = {line.text for line in service_lines()}
    assert {"知道了", "知道了🙂"} <= lines
    assert {"知道了", "知道了🙂"} <= {example.text for example in load_corpus([tmp_path / "own.csv"]).train}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "message,label\nhi,neutral\n", "a.csv, line 1: no column text"),
        ("b.csv", "text,label\nhi,neutral\n,positive\n", "b.csv, line 3: text is empty or missing"),
        ("c.csv", "text,label\nhi,good\n", "c.csv, line 2: label is 'good': one of negative, neutral, positive"),
        ("d.csv", "text,label\nhi,\n", "d.csv, line 2: no label, no satisfaction and no tone"),
        ("j.csv", "text,satisfaction\nhi,5\n", "j.csv, line 2: satisfaction is '5': one of dissatisfied, neither, satisfied"),
        ("e.jsonl", '{"text": "hi", "angry": 2}\n', "e.jsonl, line 1: angry is 2: 0, 1 or nothing"),
        ("f.jsonl", '\n{"text": "hi"\n', "f.jsonl, line 2: no JSON"),
        ("g.jsonl", '["hi"]\n', "g.jsonl, line 1: list, not an object"),
        (
            "h.csv",
            "text,label,split\nhi,neutral,dev\n",
            "h.csv, line 2: split is 'dev': one of train, validation, test",
        ),
        (
            "c.csv",
            "text,label,conversation,split\nhi,neutral,7,train\nho,neutral,8,test\nhe,neutral,7,test\n",
            "c.csv, line 4: split is test, but conversation 7 has train in line 2",
        ),
        ("k.csv", "label,text\npositive,fine, but never again\n", "k.csv, line 2: has more fields than line 1 names"),
        ("i.jsonl", '{"text": 5, "label": "neutral"}\n', "i.jsonl, line 1: text is empty or missing"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_file_line_and_remedy(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(RowError, match=message):
        list(read_rows(tmp_path / name))


def test_rows_of_ones_own_are_read_with_tones_and_splits(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'text,label,abusive,extra,split\n"滚，别烦我",negative,1,x,test\nhi,neutral,,,\n', "utf-8"
    )
    rows = list(read_rows(tmp_path / "a.csv"))
    assert rows == [("test", Example("滚，别烦我", NEGATIVE, tones(abusive=True))), (None, Example("hi", NEUTRAL))]
    (tmp_path / "b.JSONL").write_text('\ufeff{"text": "hi", "label": "neutral", "conversation": 0}\n', "utf-8")
    assert list(read_rows(tmp_path / "b.JSONL")) == [(None, Example("hi", NEUTRAL, group="0"))]
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ModelError, match=r"a\.parquet is neither \.csv, \.jsonl nor \.ndjson"):
        list(read_rows(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("text,label,Split\nhi,neutral,test\n", r"line 1: column 'Split' would be ignored: write split, or give it a name of its own"),
        ("text,label, conversation\nhi,neutral,1\n", "line 1: column ' conversation' would be ignored: write conversation"),
        ("TEXT,label\nhi,neutral\n", "line 1: column 'TEXT' would be ignored: write text"),
        ("text,label,label\nhi,neutral,positive\n", "line 1: two columns are called label: keep one of them"),
        ("text;label\nhi;neutral\n", "line 1: its columns are separated by semicolons: save it with commas"),
        ('"text"\t"label"\nhi\tneutral\n', "line 1: its columns are separated by tabs"),
        ("texts,label\nhi,neutral\n", "line 1: no column text: the first line names the columns"),
    ],
)
def test_a_column_whose_name_is_nearly_one_that_is_read_is_not_ignored(lines: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(lines, "utf-8")
    with pytest.raises(RowError, match=message):
        list(read_rows(tmp_path / "own.csv"))


def test_columns_that_nobody_reads_may_be_called_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("\ufefftext,label,Note,Note,,a;b\nhi,neutral,a,b,,\n", "utf-8")
    assert [example.text for _, example in read_rows(tmp_path / "own.csv")] == ["hi"]
    (tmp_path / "own.jsonl").write_text('{"text": "hi", "label": "neutral"}\n{"text": "a", "label": "neutral", "Shop": "b"}\n', "utf-8")
    with pytest.raises(RowError, match=r"line 2: column 'Shop' would be ignored: write shop"):
        list(read_rows(tmp_path / "own.jsonl"))


def test_a_file_of_excel_in_another_encoding_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\n很好，谢谢,positive\n".encode("gbk"))
    with pytest.raises(RowError, match=r"a\.csv, line \d.* is not UTF-8 .*: save it as UTF-8, in Excel as “CSV UTF-8”"):
        list(read_rows(tmp_path / "a.csv"))


def test_two_sets_of_one_name_are_refused_for_one_would_replace_the_other(tmp_path: Path) -> None:
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "x.csv").write_text("text,label,split\nhi,neutral,train\n", "utf-8")
    with pytest.raises(DataError, match=r"two/x\.csv: another set is called x, too"):
        load_corpus([tmp_path / "one" / "x.csv", tmp_path / "two" / "x.csv"])


def test_who_only_measures_needs_nothing_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label,split\nhi,neutral,test\n", "utf-8")
    measured = load_corpus([tmp_path / "x.csv"], with_service_lines=False, to_learn=False)
    assert [example.text for example in measured.tests["x"]] == ["hi"]
    with pytest.raises(DataError, match=r"nothing to learn from under .* whose texts aren't all held out"):
        load_corpus([tmp_path / "x.csv"])


def test_missing_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,label,split\nhi,neutral,train\n", "utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty has none of the sets: a folder is needed in which one named en_goemotions, .* is, or a CSV"):
        load_corpus([tmp_path / "own.csv", tmp_path / "empty"])
    (tmp_path / "en_goemotions").mkdir()
    with pytest.raises(DataError, match=rf"en_goemotions has none of the sets: give {tmp_path}, in which it is"):
        load_corpus([tmp_path / "en_goemotions"])
    (tmp_path / "en_goemotions").rmdir()
    (tmp_path / "zh_sentiment_chinesenlpcorpus").mkdir()
    with pytest.raises(DataError, match=r"is not the set online_shopping, or not all of it: .*online_shopping_10_cats\.csv is missing"):
        load_corpus([tmp_path])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"pipe is neither a folder nor a file: give a folder with sets, or a CSV or JSON lines file"):
        load_corpus([tmp_path / "own.csv", tmp_path / "pipe"])
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        load_corpus([tmp_path / "nowhere"])


def test_emotions_become_sentiment_and_tone(folder: Path) -> None:
    (folder / "en_goemotions" / "group_dev.tsv").write_text("", "utf-8")
    corpus = load_corpus([folder], with_service_lines=False)
    assert Example("broken thing", NEGATIVE, tones(angry=True, anxious=True), source="go") in corpus.train
    assert all(example.label != UNKNOWN for example in corpus.train)


def test_own_texts_that_a_smile_or_a_mark_sets_apart_keep_their_labels(tmp_path: Path) -> None:
    rows = ["好的😊,positive", "好的😡,negative", "好的,neutral", "好的。,neutral", "谢谢,positive", "谢谢？？,negative", "太差,negative", "太差 ,positive"]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *(f"{row},train" for row in rows)]) + "\nfine,positive,validation\n", "utf-8")
    corpus = load_corpus([tmp_path / "own.csv"], with_service_lines=False)
    told = {example.text: example.label for example in corpus.train}
    assert told == {"好的😊": POSITIVE, "好的😡": NEGATIVE, "好的": NEUTRAL, "谢谢": POSITIVE, "谢谢？？": NEGATIVE}
    # Spelt alike it is one text, whoever else has it: of two labels neither is believed.
    (tmp_path / "other.csv").write_text("text,label,split\n好的😊,negative,train\n谢谢,positive,train\n", "utf-8")
    both = load_corpus([tmp_path / "own.csv", tmp_path / "other.csv"], with_service_lines=False)
    assert {example.text for example in both.train} == set(told) - {"好的😊"}
    # They are near copies all the same: what is measured on is not learnt from, whatever the smile.
    (tmp_path / "own.csv").write_text("text,label,split\n好的😊,positive,test\n好的😡,negative,train\nfine,positive,validation\n", "utf-8")
    assert load_corpus([tmp_path / "own.csv"], with_service_lines=False).train == []


def test_a_quotation_mark_without_its_pair_swallows_no_rows(tmp_path: Path) -> None:
    rows = ["text,label", '"the shop promised 24h shipping,negative', *["late again,negative"] * 20, '"ok then",neutral']
    (tmp_path / "own.csv").write_text("\n".join(rows), "utf-8")
    with pytest.raises(RowError, match=r"own\.csv, line \d+: no CSV \("):
        list(read_rows(tmp_path / "own.csv"))
