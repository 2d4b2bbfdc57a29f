"""What the settings name, looked at before anything starts: rules, models, files."""

from __future__ import annotations

from jobs.kafka_options import check_options
from jobs.settings import Scoring, Settings
from models.satisfaction import load_satisfaction
from models.scorer import ModelError, check_left_to_server
from models.sources import is_url
from models.versions import scorer_version
from udfs.phrase_rules import PhraseMatcher
from udfs.rules import RuleSet
from udfs.yaml_file import FileError


def checked(settings: Settings) -> RuleSet:
    """The rules, where all that can be looked at here is usable. Raises FileError, naming the setting.

    Nothing is asked over the network, and a model is not loaded.
    """
    rules = usable_rules(settings)
    check_scoring(settings.scoring)
    check_options(settings.kafka)
    try:
        load_satisfaction(settings.scoring.satisfaction)
    except ModelError as error:
        raise FileError(f"scoring.satisfaction: {error}; default, none or a file of `replywatch train-satisfaction` is needed") from error
    return rules


def usable_rules(settings: Settings) -> RuleSet:
    """The rule file, as the job would read it, and with its phrases as it would look for them. Raises FileError."""
    rules = settings.rules()
    PhraseMatcher(rules.phrase_rules())
    return rules


def check_scoring(scoring: Scoring) -> None:
    """Raise FileError for a model that is none, and for options that it would ignore."""
    try:
        if is_url(scoring.model):
            check_left_to_server(
                scoring.model, scoring.device, scoring.precision, batch_size=scoring.batch_size, threads=scoring.threads
            )
        else:
            scorer_version(scoring.model)
    except ModelError as error:
        raise FileError(f"scoring.model: {error}") from error
