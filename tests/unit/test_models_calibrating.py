"""A model fitted to a shop's own lines: the same weights, other numbers in the config."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from models.calibrating import calibrate
from models.calibration import Scaling, scaled
from models.corpus import DataError
from models.evaluate import answered, probabilities
from models.labels import NEGATIVE
from models.scorer import LABELS, SHIPPED, WEIGHTS, ModelError, load_scorer
from models.sets import Example
from tests.language_models import one_language

LINES = {
    "negative": ("太差了，再也不买了", "坏了也没人管", "where is my refund", "这是欺骗消费者", "still broken"),
    "neutral": ("什么时候发货", "这个多大", "is there a size 40", "在吗", "can I change the address"),
    "positive": ("谢谢，很喜欢", "great, thank you", "好评", "very fast, love it", "服务很好"),
}
SHARES = {"negative": 14, "neutral": 4, "positive": 2}
QUIET = Console(file=io.StringIO())


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A shop where nearly all complain, also in lines that sound calm."""
    rows = ["text,label"]
    for label, count in SHARES.items():
        for number in range(count * 10):
            spoken = LINES["neutral" if label == "negative" and number % 3 == 0 else label]
            rows.append(f'"{spoken[number % len(spoken)]}，{number}号单",{label}')
    path = tmp_path / "own.csv"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def test_a_calibrated_model_says_what_the_scaling_makes_of_the_old_one(lines: Path, tmp_path: Path) -> None:
    found = calibrate("fast", [lines], tmp_path / "mine", device="cpu", console=QUIET)
    assert found.before is not None and found.after is not None
    assert found.after.calibration_error is not None and found.before.calibration_error is not None
    assert found.after.calibration_error < found.before.calibration_error
    assert found.scaling.bias[NEGATIVE] == max(found.scaling.bias)
    assert found.version.startswith("mine@")

    texts = [Example(text, NEGATIVE) for spoken in LINES.values() for text in spoken]
    old, new = (
        probabilities(answered(load_scorer(source, "cpu", "fp32"), texts)) for source in ("fast", str(tmp_path / "mine"))
    )
    np.testing.assert_allclose(new, scaled(old, found.scaling), atol=2e-3)
    again = calibrate(str(tmp_path / "mine"), [lines], tmp_path / "again", device="cpu", console=QUIET)
    assert again.scaling.temperature == pytest.approx(1, abs=0.1)  # nothing is left to mend
    assert np.abs(again.scaling.bias).max() < 0.2
    card = (tmp_path / "again" / "README.md").read_text("utf-8")
    assert card.count("## Calibrated") == 2
    assert (tmp_path / "mine" / "wide.safetensors").read_bytes() == (WEIGHTS / "fast" / "wide.safetensors").read_bytes()


def test_too_few_lines_of_a_label_are_refused(lines: Path, tmp_path: Path) -> None:
    few = [line for line in lines.read_text("utf-8").splitlines() if not line.endswith(",positive")]
    lines.write_text("\n".join([*few, "好评,positive"]), "utf-8")
    with pytest.raises(DataError, match=r"\d positive texts are left to fit to: at least 10 of each label are needed"):
        calibrate("fast", [lines], tmp_path / "mine", console=QUIET)
    lines.write_text("text,label,split\n差评,negative,test\n", "utf-8")  # held out, all of it
    with pytest.raises(DataError, match=r"0 negative, 0 neutral, 0 positive texts are left to fit to: at least 10 of each label"):
        calibrate("fast", [lines], tmp_path / "mine", console=QUIET)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("model", ["http://localhost:1", "somebody/a-model", "/nowhere"])
def test_only_a_directory_can_be_copied(model: str, lines: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no directory with a model"):
        calibrate(model, [lines], tmp_path / "mine", console=QUIET)


def test_a_model_is_not_written_over_itself(lines: Path, tmp_path: Path) -> None:
    calibrate("fast", [lines], tmp_path / "mine", device="cpu", console=QUIET)
    with pytest.raises(ModelError, match="is the model itself"):
        calibrate(str(tmp_path / "mine"), [lines], tmp_path / "." / "mine", console=QUIET)


def test_an_earlier_copy_leaves_nothing_behind(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its directory is called like a model that comes with the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "model.safetensors").write_bytes(b"{}")
    (tmp_path / "default" / "config.json").write_text('{"sentiment_bias": [0, 0, 0]}')
    found = calibrate("fast", [lines], Path("default"), device="cpu", console=QUIET)
    assert sorted(path.name for path in Path("default").glob("*.safetensors")) == ["model.int8.safetensors", "wide.safetensors"]
    assert found.after is not None and found.before is not None
    assert found.after.macro_f1 != found.before.macro_f1


def test_a_model_without_neutral_is_refused_before_anything_is_written(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "config.json").write_text('{"id2label": {"0": "negative", "1": "positive"}}', "utf-8")
    with pytest.raises(ModelError, match="tells no neutral"):
        calibrate(str(tmp_path / "two"), [lines], tmp_path / "mine", console=QUIET)
    assert not (tmp_path / "mine").exists()


def test_nothing_else_is_overwritten(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="trained holds a model that was trained, not calibrated: give another directory"):
        calibrate(SHIPPED[0], [lines], tmp_path / "trained", console=QUIET)
    with pytest.raises(ModelError, match="holds other files than a model"):
        calibrate(SHIPPED[0], [lines], tmp_path, console=QUIET)


@pytest.mark.parametrize("bias", [[1.0], "much", [0, 0, 99]])
def test_a_bias_that_is_none_is_refused(bias: object, lines: Path, tmp_path: Path) -> None:
    calibrate("fast", [lines], tmp_path / "mine", device="cpu", console=QUIET)
    config = tmp_path / "mine" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"sentiment_bias": bias}), "utf-8")
    with pytest.raises(ModelError, match=r"sentiment_bias .*: 3 numbers from -10 to 10 are needed"):
        load_scorer(str(tmp_path / "mine"), "cpu")


def test_a_scaling_that_changes_nothing_changes_nothing() -> None:
    told = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(scaled(told, Scaling()), told, atol=5e-6)
    assert len(Scaling().bias) == len(LABELS)


def test_lines_that_the_model_does_not_read_are_none_to_fit_to(lines: Path, tmp_path: Path) -> None:
    english = one_language("en", tmp_path / "english")
    with pytest.raises(DataError, match=r"0 negative, 0 neutral, 0 positive texts are read by .*english, and left to fit to: at least 10"):
        calibrate(str(english), [lines], tmp_path / "mine", device="cpu", console=QUIET)
    assert not (tmp_path / "mine").exists()
