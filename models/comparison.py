"""Models beside what a shop could use instead, on the same texts in the same run."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from models.baseline import TfidfScorer
from models.calibration import too_few
from models.corpus import Corpus, DataError, drawn, load_corpus
from models.evaluate import Answer, Figure, answered, by_question, confident, figure, tells_neutral
from models.joined import joined
from models.labels import UNKNOWN
from models.lexicon import LexiconScorer
from models.loading import LANGUAGE
from models.progress import console_for, counted
from models.rivals import FastTextScorer, SnowScorer, VaderScorer, check_rivals
from models.scorer import ModelError, Scorer, load_scorer
from models.sets import MADE, Example
from models.sources import is_url, source_of
from models.tone_figures import REMEMBERED, ToneFigure, by_tones, tone_figures
from models.versions import scorer_version

RIVALS = ("tfidf", "fasttext", "snownlp", "vader", "lexicon")
LEARNERS = ("tfidf", "fasttext")
LANGUAGES = {"snownlp": ("zh",), "vader": ("en",)}
"""Rivals that read one language only; a set in another is left out, a set of unknown language is not. So it is for a model of one's own
whose config names a language."""

LEARNT = {"snownlp": "snownlp"}
"""Rivals that have learnt from a set before they come here: it is left out, too."""

_NO_FILE_NAME = re.compile(r"[^\w.-]+")

CALIBRATING = 2_000
"""Validation texts of a set that a scaling is fitted on, at most."""


@dataclass(slots=True)
class Comparison:
    """`figures[model][set]`, and `tones[model][set][tone]` of sets that tell tones; `answers` as `figures`, for reports; `versions` of the
    models."""

    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    tones: dict[str, dict[str, dict[str, ToneFigure]]] = field(default_factory=dict)
    answers: dict[str, dict[str, list[Answer]]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Model → set → figures; those of its tones under `tones`."""
        return {model: self._sets_to_json(model) | {"version": self.versions[model]} for model in self.figures}

    def _sets_to_json(self, model: str) -> dict[str, Any]:
        found = {name: each.to_json() for name, each in self.figures[model].items()}
        for name, heard in self.tones.get(model, {}).items():
            found.setdefault(name, {})["tones"] = {tone: each.to_json() for tone, each in heard.items()}
        return found


def compare(
    data: Sequence[Path],
    models: Mapping[str, str],
    rivals: Sequence[str],
    *,
    permissive_only: bool = True,
    with_scaling: bool = True,
    with_tones: bool = True,
    most: int = 0,
    device: str = "auto",
    mask: Callable[[str], str] = str,
    console: Console | None = None,
) -> Comparison:
    """Measure models (name → as in `load_scorer`) and rivals on the test parts of all sets that are there.

    Rivals that learn, learn from what a model would be trained on, and are left out where that is nothing. with_scaling: fit a scaling to each set's validation part; with_tones:
    ask for tones where a set tells them. most: texts a set at most, drawn by chance (0 = all, but of those that a scaling is fitted on CALIBRATING); mask: as in training,
    or other texts would be held out than there. Raises DataError where there is nothing to measure on, ModelError for an unknown
    rival or a model that can't be loaded.
    """
    unknown = [name for name in rivals if name not in RIVALS]
    if unknown:
        raise ModelError(f"{unknown[0]} is not known: one of {', '.join(RIVALS)} is needed")
    check_rivals(rivals)
    for source in models.values():  # all of them, before the first has read for minutes
        if not is_url(source):
            scorer_version(source)
    corpus = load_corpus(
        data,
        permissive_only=permissive_only,
        to_learn=False,
        with_validations=with_scaling,
        mask=mask,
    )
    console = console or console_for()
    learners = [name for name in rivals if name in LEARNERS]
    if learners and not _learns(corpus):
        console.print(f"{', '.join(learners)} left out: no text is there to learn from, all are held out")
        rivals = [name for name in rivals if name not in LEARNERS]
    elif learners:
        corpus.train += joined(corpus.train, random.Random(0))
    asked = by_question(corpus.tests)
    others = by_question(corpus.validations)
    # By all that is known of a set: the few texts that are measured may lack neutral by chance.
    sided = {name for name, part in asked.items() if not tells_neutral([*part, *others.get(name, ())])}
    tests = {name: drawn(part, most or len(part)) for name, part in asked.items()}
    toned = {name: drawn(part, most or len(part)) for name, part in by_tones(corpus.tests).items() if with_tones}
    if not tests and not toned:
        raise DataError(
            f"no text to measure {'' if with_tones else 'sentiment or satisfaction '}on under {', '.join(map(str, data))}: a folder with public sets is needed, or a file "
            "of which about a tenth is drawn, or which says `test` in a column split"
        )
    # Sentiment only: what `calibrate` fits, and only where it would.
    held = {
        name: drawn([each for each in corpus.validations.get(name, ()) if each.label != UNKNOWN], most or CALIBRATING)
        if with_scaling and examples[0].label != UNKNOWN and name not in sided
        else []
        for name, examples in tests.items()
    }
    held = {name: [] if too_few(each.label for each in examples) else examples for name, examples in held.items()}
    languages = {info.name: info.language for info in corpus.sets}
    names = list(dict.fromkeys([*tests, *toned]))
    found = Comparison()
    with counted(console, transient=True) as progress:
        for name, make in _scorers(corpus, models, rivals, device):
            task = progress.add_task(f"{name}: made ready", total=len(names))
            scorer = make()
            read = languages_read(models[name]) if name in models else LANGUAGES.get(name, ())
            found.versions[name] = scorer.version
            found.figures[name], found.answers[name], found.tones[name] = {}, {}, {}
            for at, set_name in enumerate(names):
                progress.update(task, description=f"{name}: {set_name}", completed=at)
                language = languages[(tests.get(set_name) or toned[set_name])[0].source]
                if LEARNT.get(name) == set_name or (language and read and language not in read):
                    continue
                if set_name in tests:
                    answers = answered(scorer, tests[set_name], set_name in sided)
                    calibrating = answered(scorer, held[set_name], False) if confident(answers) else []
                    found.answers[name][set_name] = answers
                    found.figures[name][set_name] = figure(answers, calibrating)
                if heard := tone_figures(scorer, toned.get(set_name, ())):
                    found.tones[name][set_name] = heard
            progress.update(task, description=name, completed=len(names))
    return found


def _learns(corpus: Corpus) -> bool:
    """Whether there is something to learn from beside the lines that come with the project."""
    return any(example.source not in MADE for example in corpus.train)


def _scorers(
    corpus: Corpus, models: Mapping[str, str], rivals: Sequence[str], device: str
) -> Iterator[tuple[str, Callable[[], Scorer]]]:
    for name, source in models.items():
        # The device is of those at hand: a server has its own.
        cores: dict[str, Any] = {} if is_url(source) else {"threads": 0}
        yield name, partial(load_scorer, source, "auto" if is_url(source) else device, cache_size=REMEMBERED, **cores)
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


def folder_of(name: str) -> str:
    """The folder of a model of this name, in a report."""
    return _NO_FILE_NAME.sub("-", name)


def named_models(given: Sequence[str]) -> dict[str, str]:
    """Name → source of `NAME=SOURCE` or `SOURCE`, whose name is its last part. Raises ModelError for a name given twice."""
    named: dict[str, str] = {}
    for each in given:
        name, named_so, source = each.partition("=")
        if not (name and named_so) or Path(each).exists() or "/" in name:  # a path may have the sign in it
            source = each.removeprefix("=")
            name = Path(source).name
            name = Path(source).resolve().name if name in ("", "..") else name  # a folder by where it is
        if name in (".", ".."):
            raise ModelError(f"{name} is no name of a model: its pictures would lie somewhere else; give it another, NAME={source}")
        if name in named or name in RIVALS:
            raise ModelError(f"two models are called {name}: give one of them another name, NAME={source}")
        if folder_of(name) in map(folder_of, named):
            raise ModelError(f"{name} and another model's name make one folder in a report, {folder_of(name)}: give it another name, NAME={source}")
        named[name] = source
    return named
