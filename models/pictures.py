"""Pictures of an evaluation: what is taken for what, and how far confidence can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from models.calibration import Bin
from models.text import language_of

CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Heiti SC", "Microsoft YaHei",
    "SimHei", "Noto Sans CJK JP", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip

INCHES = 4.0
DOTS_PER_INCH = 120


def confusion_picture(confusion: Sequence[Sequence[int]], names: Sequence[str], title: str, path: Path) -> None:
    """A confusion matrix over the labels of these names, rows actual, as shares of the row with the counts in it, written as PNG."""
    figure, axes = _canvas(title)
    shares = [[cell / max(1, sum(row)) for cell in row] for row in confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for at, row in enumerate(confusion):
        for to, count in enumerate(row):
            shade = "white" if shares[at][to] > 0.5 else "black"
            axes.text(to, at, f"{shares[at][to]:.0%}\n{count:,}", ha="center", va="center", color=shade, fontsize=9)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("answered")
    axes.set_ylabel("actual")
    _save(figure, path)


def reliability_picture(bins: Sequence[Bin], error: float, title: str, path: Path) -> None:
    """A reliability diagram: accuracy over confidence, the size of a dot by its share of the texts, written as PNG."""
    figure, axes = _canvas(f"{title}, calibration error {error:.3f}")
    total = max(1, sum(part.texts for part in bins))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="to be believed")
    axes.plot([part.confidence for part in bins], [part.accuracy for part in bins], linewidth=1)
    sizes = [20 + 400 * part.texts / total for part in bins]
    axes.scatter([part.confidence for part in bins], [part.accuracy for part in bins], s=sizes, label="texts, by share")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    _save(figure, path)


def _canvas(title: str) -> tuple[Any, Any]:
    figure = Figure(figsize=(INCHES, INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    family = _family(title)
    axes.set_title(title if family else title.encode("ascii", "replace").decode(), fontsize=10, fontfamily=family, parse_math=False)
    return figure, axes


def _family(title: str) -> list[str]:
    """What a title is written with; none where no font here has its Chinese signs: a ? is read more easily than boxes, and no warning comes."""
    usual = ["DejaVu Sans"]
    if language_of(title) != "zh":
        return usual
    here = {font.name for font in fontManager.ttflist}
    chinese = [name for name in CHINESE_FONTS if name in here]
    return [*chinese[:1], *usual] if chinese else []


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
