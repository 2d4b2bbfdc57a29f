"""What a comparison says, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from models.comparison import Comparison
from models.evaluate import Answer, Figure
from models.scorer import TONES
from models.slices import slices
from models.tone_figures import ToneFigure

GAPS_SHOWN = 8
LEAST_READ = 0.9
"""Share of a set's texts that a model must read for its figure to stand beside the others'."""

NOTHING = "–"
"""Stands where a model says nothing of a set."""


def table(comparison: Comparison) -> Table:
    """Macro-F1: a row a set, a column a model; the best of each set stands out."""
    shown = _narrow("macro-F1", comparison.figures)
    for name in _sets(comparison):
        figures = [sets.get(name) for sets in comparison.figures.values()]
        whole = max(each.texts for each in figures if each is not None)
        alike = [each.macro_f1 for each in figures if each is not None and each.texts >= LEAST_READ * whole]
        shown.add_row(name, *(_macro_f1(each, whole, max(alike, default=1.0)) for each in figures))
    return shown


def _macro_f1(figure: Figure | None, whole: int, best: float) -> str | Text:
    """A model's macro-F1 on a set; with the number of texts where it has read a part of them only, which is no better or worse then."""
    if figure is None or not figure.texts:
        return NOTHING
    if figure.texts < LEAST_READ * whole:
        return f"{figure.macro_f1:.3f} ({figure.texts:,} of {whole:,})"
    return Text(f"{figure.macro_f1:.3f}", "bold" if figure.macro_f1 == best else "")


def believable(comparison: Comparison) -> Table:
    """The calibration error of models that tell a confidence, as it is and, on sets with neutral texts, after scaling."""
    models = {
        model: sets
        for model, sets in comparison.figures.items()
        if any(each.calibration_error is not None for each in sets.values())
    }
    shown = _narrow("calibration error → after scaling on the set's validation part (macro-F1 then)", models)
    for name in _sets(comparison):
        cells = [_error(sets.get(name)) for sets in models.values()]
        if any(cell != NOTHING for cell in cells):
            shown.add_row(name, *cells)
    return shown


def _narrow(title: str, models: Iterable[str]) -> Table:
    """A table that seven models fit into beside each other on a terminal of eighty columns."""
    columns = [Column(name, overflow="fold") for name in ("set", *models)]
    return Table(*columns, title=title, padding=(0, 1, 0, 0), box=SIMPLE_HEAD)


def _sets(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(name for sets in comparison.figures.values() for name in sets))


def _error(figure: Figure | None) -> str:
    if figure is None or figure.calibration_error is None:
        return NOTHING
    after = "" if figure.scaled_error is None else f" → {figure.scaled_error:.3f} ({figure.scaled_macro_f1:.3f})"
    return f"{figure.calibration_error:.3f}{after}"


def heard(comparison: Comparison) -> Table:
    """How well each tone is heard: a row a set and tone, a column a model that tells tones."""
    models = {model: sets for model, sets in comparison.tones.items() if sets}
    shown = _narrow("tones: AUC, F1 at 0.5, calibration error", ("tone", "with it", *models))
    for name in dict.fromkeys(name for sets in models.values() for name in sets):
        for tone in TONES:
            figures = [sets.get(name, {}).get(tone) for sets in models.values()]
            whole = max((each for each in figures if each is not None), key=lambda each: each.texts, default=None)
            if whole is not None:
                cells = (_tone(each, whole.texts) for each in figures)
                shown.add_row(name, tone, f"{whole.positives:,} of {whole.texts:,}", *cells)
    return shown


def _tone(figure: ToneFigure | None, whole: int) -> str:
    """A model's figures of a tone; with the number of texts where it has read a part of them only."""
    if figure is None:
        return NOTHING
    part = f" ({figure.texts:,} of {whole:,})" if figure.texts < LEAST_READ * whole else ""
    return f"{figure.auc:.3f} {figure.f1:.3f} {figure.calibration_error:.3f}{part}"


def gaps(answers: Mapping[str, Sequence[Answer]]) -> Table | str:
    """One model's slices by language, length and shop: where it reads worse than its sets on the whole; or why there is nothing to show."""
    found = slices(answers)
    worse = [each for each in found if round(each.gap, 3) > 0][:GAPS_SHOWN]
    if not found:
        return "no set has a slice of fifty texts or more to compare with the whole of it"
    if not worse:
        return f"none of {len(found)} slices is read worse than the sets that it is of"
    shown = Table("slice", "macro-F1", "below the whole", "texts", "sets", title="largest gaps within sets")
    for each in worse:
        shown.add_row(each.name, f"{each.macro_f1:.3f}", f"{each.gap:+.3f}", f"{each.texts:,}", f"{len(each.parts)}")
    return shown
