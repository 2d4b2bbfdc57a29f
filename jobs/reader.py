"""The reading step's pieces, put together from the settings in the process in which they run."""

from __future__ import annotations

from jobs.environment import hash_key
from jobs.settings import Settings
from models.scorer import load_scorer
from models.versions import scorer_version
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader
from udfs.rules import RuleSet


def make_reader(settings: Settings, rules: RuleSet) -> Reader:
    """A reader with its model loaded; the secret comes from this process's environment."""
    scoring = settings.scoring
    secret = hash_key()
    return Reader(
        scorer=load_scorer(
            scoring.model,
            scoring.device,
            scoring.precision,
            batch_size=scoring.batch_size,
            threads=scoring.threads,
            least_confidence=scoring.least_confidence,
        ),
        phrases=PhraseMatcher(rules.phrase_rules()),
        masker=Masker(),
        hash_key=secret,
        topic=settings.input_topic,
        time_limits=settings.time_limits(),
        dead_letter_limit=settings.dead_letter_limit,
    )


def model_version(settings: Settings) -> str:
    """The name of the model in records and alerts, without loading it."""
    return scorer_version(settings.scoring.model)
