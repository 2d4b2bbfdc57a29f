"""What is left of a corpus for a model that reads one language only."""

from __future__ import annotations

from dataclasses import replace

from models.corpus import Corpus, DataError
from models.scorer import LANGUAGES
from models.sets import Example
from models.text import is_in


def in_language(corpus: Corpus, language: str) -> Corpus:
    """The texts of a corpus in one of LANGUAGES, and the sets that have some to learn from. Raises DataError where none is left to
    learn from."""

    def kept(examples: list[Example]) -> list[Example]:
        return [example for example in examples if is_in(example.text, language)]

    train, validation = kept(corpus.train), kept(corpus.validation)
    names = {example.source for example in (*train, *validation)}
    trained = [info for info in corpus.trained if info.name in names]
    if not train:
        raise DataError(f"no text of the data is {LANGUAGES[language]}: a text with Chinese characters counts as Chinese, others as English")
    tests = {name: kept(examples) for name, examples in corpus.tests.items()}
    return replace(
        corpus,
        train=train,
        validation=validation,
        tests={name: examples for name, examples in tests.items() if examples},
        validations={name: kept(examples) for name, examples in corpus.validations.items()},
        trained=trained,
    )
