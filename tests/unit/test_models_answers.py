"""The file of what teachers said."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.answers import Answers
from models.labels import OUTPUTS, SATISFACTIONS
from models.scorer import WEIGHTS, ModelError
from models.service_lines import service_lines

TEXTS = ["太差了", "fine", "\u200b", "\ud800"]
COLUMNS = (*OUTPUTS, *SATISFACTIONS)


def said() -> torch.Tensor:
    """What was said of TEXTS: of one nothing, of no satisfaction, and of a tone only once."""
    rows = torch.full((len(TEXTS), len(COLUMNS)), math.nan)
    rows[0, :4] = torch.tensor([0.9, 0.06, 0.04, 1.0])
    rows[1, :3] = torch.tensor([0.0, 0.5, 0.5])
    rows[3, :3] = 1 / 3
    return rows


def test_answers_come_back_within_a_step_in_any_order_and_nothing_stays_nothing(tmp_path: Path) -> None:
    Answers.of([*TEXTS, TEXTS[0]], torch.cat([said(), said()[:1]]), COLUMNS, ["twelve@1"]).write(tmp_path / "new" / "answers.safetensors")
    read = Answers.read(tmp_path / "new" / "answers.safetensors")
    assert read.teachers == ("twelve@1",) and read.columns == OUTPUTS[:4] and len(read.digests) == len(TEXTS)
    asked = [*reversed(TEXTS), "fine!"]
    assert read.known(asked).tolist() == [True] * 4 + [False]
    found = read.about(asked, COLUMNS)
    assert torch.allclose(found[:4].flip(0), said(), rtol=0, atol=0.5 / 254 + 1e-6, equal_nan=True)
    assert found[4].isnan().all()
    assert found[3, 3] == 1.0 and found[2, 0] == 0.0  # what is sure stays sure


def test_the_file_holds_no_text_and_the_digests_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "answers.safetensors"
    Answers.of(["太差了", "fine"], said()[:2], COLUMNS, ["twelve@1"]).write(path)
    assert "太差了".encode() not in path.read_bytes() and b"fine" not in path.read_bytes()
    assert np.sort(Answers.read(path).digests).tolist() == [-5142542426898412847, -3901125962885095064]


@pytest.mark.parametrize("kind", ["text", "a model's weights", "other types", "other columns", "columns that aren't JSON", "none"])
def test_what_is_no_file_of_answers_is_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.safetensors"
    told = {"columns": '["negative"]', "teachers": "[]"}
    if kind == "text":
        path.write_text("text,label\n", "utf-8")
    elif kind == "a model's weights":
        path = WEIGHTS / "fast" / "wide.safetensors"
    elif kind == "other types":
        save_file({"texts": torch.zeros(1), "said": torch.zeros(1, 1)}, path, told)
    elif kind == "other columns":
        save_file({"texts": torch.zeros(1, dtype=torch.int64), "said": torch.zeros(1, 2, dtype=torch.uint8)}, path, told)
    elif kind == "columns that aren't JSON":
        save_file({"texts": torch.zeros(1, dtype=torch.int64), "said": torch.zeros(1, 1, dtype=torch.uint8)}, path, told | {"columns": "["})
    with pytest.raises(ModelError, match=rf"{path.name} is no file of a teacher's answers: "):
        Answers.read(path)


def test_the_answers_that_ship_are_of_the_lines_of_now_and_tell_every_label_and_tone() -> None:
    shipped = Answers.read(WEIGHTS / "teacher" / "answers.safetensors")
    assert shipped.columns == OUTPUTS and len(shipped.teachers) == 1
    # Where lines have changed by more than this, a teacher has to read the new ones: `make weights TEACHER=anew`.
    assert shipped.known([line.text for line in service_lines()]).mean() > 0.9
    sums = torch.from_numpy(shipped.said[:, :3].astype("int64").sum(axis=1))
    assert ((sums - 254).abs() <= 2).all()  # a probability each of three labels, rounded
