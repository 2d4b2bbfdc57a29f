"""A model from texts to learn from and texts to choose by: the deep part, the wide part, and how much of each is served."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from transformers import PreTrainedModel, PreTrainedTokenizerFast, set_seed

from models.adapters import keep_below, take_below
from models.calibration import WIDE_PREFERENCE, Mix, fitted_mix
from models.checkpoints import begin, begun_with, check_begun, drop_torn_checkpoints
from models.corpus import Corpus, DataError, load_corpus
from models.distillation import TEACHERS_FILE, taught
from models.evaluate import asks, macro_f1
from models.heads import ABOUT_SATISFACTION, ABOUT_SENTIMENT, Question, known_answers, most_likely, outputs
from models.joined import joined
from models.labels import SATISFACTIONS, UNKNOWN
from models.languages import in_language
from models.loading import LANGUAGE, SATISFACTION_MIX, SENTIMENT_MIX, load_tokenizer, token_limit
from models.near_copies import Seen
from models.network import answering_network, make_network
from models.pretraining import pretrain, unlabelled_texts
from models.recipes import TrainOptions
from models.scorer import LANGUAGES, Limits, ModelError
from models.sets import PUBLIC, Example
from models.supervised import Trained, train_supervised
from models.text import readable
from models.tokenizer import Encoder
from models.training_checks import check, check_known
from models.wide import WidePart
from models.wide_training import fit_wide

TOKENIZER = "tokenizer"
"""In the folder of a training: what a resumed one goes on with. A vocabulary that is learnt anew differs a little."""

TONE_TEXTS_TO_CHOOSE_BY = 1_000
"""Of the validation texts that tell nothing but a tone: they are in the loss that is shown, and choose nothing."""

LEAST_RATED = 200
"""Rated texts from which satisfaction is learnt. From fewer a network would answer, and know little beyond their set's words: those
without a Chinese character among JDDC's turns, some 150, are "OK" and order numbers."""


class Fitted(NamedTuple):
    """macro_f1: of what is served (deep, wide and temperature together) on the texts that it was chosen by."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    wide: WidePart | None
    macro_f1: float
    step: int


def prepare(options: TrainOptions) -> Corpus:
    """Check the options, set seed and threads, and read the data. Raises ModelError, and DataError as `load_corpus` does."""
    check(options)
    set_seed(options.schedule.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = load_corpus(
        options.data,
        permissive_only=options.permissive_only,
        with_service_lines=options.with_service_lines,
        mask=options.mask,
    )
    if options.language:
        corpus = in_language(corpus, options.language)
    corpus.train += joined(corpus.train, random.Random(options.schedule.seed))  # of what is left: none of them is in two languages then
    return corpus


def parts(corpus: Corpus, options: TrainOptions) -> tuple[list[Example], list[Example]]:
    """The texts to learn from and to choose by, of those that tell nothing but a tone only so many. Satisfaction is left out of both
    where fewer than LEAST_RATED tell it. Raises DataError where one of three satisfactions is told to nobody: what isn't learnt
    must not be answered."""
    if not any(example.label != UNKNOWN for example in corpus.validation):
        raise DataError(
            "the data leaves no text with a sentiment for validation: more texts are needed, or in a file with a column split, rows that "
            "say validation"
        )
    train, validation = corpus.train, corpus.validation
    if rated(train) < LEAST_RATED:
        train, validation = without_ratings(train), without_ratings(validation)
    ratings = {example.satisfaction for example in train} - {UNKNOWN}
    missing = [name for at, name in enumerate(SATISFACTIONS) if at not in ratings]
    if ratings and missing:
        raise DataError(f"no text to learn from is rated as {missing[0]}: all of {', '.join(SATISFACTIONS)} are needed, or none")
    schedule = options.schedule
    most = len(train) if options.teachers else schedule.tone_texts  # a teacher tells the sentiment of all
    learnt = repeated(thinned(train, most, schedule.seed), options.repeat)
    return learnt, thinned(validation, TONE_TEXTS_TO_CHOOSE_BY, schedule.seed)


def rated(examples: Sequence[Example]) -> int:
    """How many of the examples tell a satisfaction."""
    return sum(example.satisfaction != UNKNOWN for example in examples)


def without_ratings(examples: Sequence[Example]) -> list[Example]:
    """The examples without their satisfaction, and without those that tell nothing else."""
    others = [each._replace(satisfaction=UNKNOWN) for each in examples]
    return [each for each in others if each.label != UNKNOWN or any(tone != UNKNOWN for tone in each.tones)]


def repeated(examples: Sequence[Example], times: Mapping[str, int]) -> list[Example]:
    """The examples, those of some sets so many times; the copies follow. Raises DataError for a set that isn't learnt from."""
    names = {example.source for example in examples}
    unknown = sorted(set(times) - names)
    if unknown:
        raise DataError(f"no text of {unknown[0]} is learnt from, and none can be repeated: there are {', '.join(sorted(names))}")
    copies = [each for each in examples for _ in range(times.get(each.source, 1) - 1)]
    return [*examples, *copies]


def thinned(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """The examples with at most `most` of those of public sets that tell nothing but a tone, in their order: there are tens of
    thousands of them, and somebody's own are few and wanted."""
    toned = [at for at, example in enumerate(examples) if not asks(example) and example.source in PUBLIC]
    dropped = set(random.Random(seed).sample(toned, max(0, len(toned) - most)))
    return [example for at, example in enumerate(examples) if at not in dropped]


def fit(
    options: TrainOptions,
    learnt: Sequence[Example],
    held_out: Sequence[Example],
    work: Path,
    console: Console,
    measured: Iterable[Example] = (),
) -> Fitted:
    """Train on `learnt`, choose by `held_out`; `work` takes checkpoints and TensorBoard logs. With epochs 0 the network stays as it is, and
    the wide part and the temperatures are learnt. measured: what it will be measured on, which it doesn't read either where texts without
    labels are read before."""
    apart = Seen(example.text for example in (*held_out, *measured)) if options.unlabelled else Seen(())
    unlabelled = unlabelled_texts(options.unlabelled, options.mask, apart, console)
    begun = begun_with(options, learnt, held_out, unlabelled)
    resumed = options.resume and drop_torn_checkpoints(work, options.schedule)
    if resumed:
        check_begun(work, begun)
    else:
        if options.resume:
            console.print(f"no checkpoint in {work}: begun anew")
        begin(work, begun)
    model, tokenizer = _network(options, (learnt, held_out), unlabelled, work, resumed, console)
    said = taught(options.teachers, learnt, options.schedule.device, console, work / TEACHERS_FILE) if options.teachers else None
    trained = train_supervised(model, tokenizer, learnt, held_out, options.schedule, work, console, resumed, said)
    wide = fit_wide(learnt, options.shape.wide, options.schedule.adjustment) if options.shape.wide else None
    logits = None if wide is None else torch.from_numpy(wide.logits(_cleaned(trained.texts)))
    adjustment = options.schedule.adjustment
    mix, figure = mixed(trained, logits, ABOUT_SENTIMENT, adjustment)
    served = {SENTIMENT_MIX: mix}
    rates = trained.logits.shape[1] >= ABOUT_SATISFACTION.deep.stop
    if rates and (trained.told[:, ABOUT_SATISFACTION.told] != UNKNOWN).any():
        served[SATISFACTION_MIX] = mixed(trained, logits, ABOUT_SATISFACTION, adjustment)[0]
    for names, each in served.items():
        model.config.update({name: round(value, 4) for name, value in zip(names, each, strict=True)})
    model.config.update({"max_tokens": options.schedule.reads, **({LANGUAGE: options.language} if options.language else {})})
    used = any(each.wide_weight for each in served.values())
    return Fitted(model, tokenizer, wide if used else None, figure, trained.step)


def mixed(
    trained: Trained, wide: torch.Tensor | None, question: Question, adjustment: float = 1.0
) -> tuple[Mix, float]:
    """How much of the deep and of the wide part goes into an answer, by the texts that are chosen by, and its macro-F1 on them.
    adjustment: see `models.heads.log_shares`."""
    known, labels, deep, priors = known_answers(trained.logits, trained.told, question, adjustment)
    beside = None if wide is None else wide[known, question.wide]
    # One kind of text tells satisfaction: there are no others that the wide part could hold better on.
    preference = 0.0 if question is ABOUT_SATISFACTION else WIDE_PREFERENCE
    mix = fitted_mix(deep, labels, priors, beside, preference)
    both = deep / mix.temperature + (0.0 if beside is None else beside * mix.wide_weight)
    return mix, macro_f1(labels.tolist(), most_likely(both.numpy(), trained.told[known].numpy(), question).tolist())


def _network(
    options: TrainOptions,
    examples: tuple[Sequence[Example], Sequence[Example]],
    unlabelled: Sequence[str],
    work: Path,
    resumed: bool,
    console: Console,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The network before the labels: made, and perhaps let read unlabelled texts. examples: to learn from and to choose by."""
    learnt, held_out = examples
    known = load_tokenizer(work / TOKENIZER, local=True) if resumed and (work / TOKENIZER).is_dir() else None
    shape = replace(options.shape, columns=outputs(learnt))
    if options.schedule.epochs:
        cleaned = _cleaned([example.text for example in learnt])
        model, tokenizer = make_network(shape, [*cleaned, *unlabelled], options.schedule.max_tokens, known)
    else:
        model, tokenizer = answering_network(shape)
        reads = getattr(model.config, LANGUAGE, options.language)
        if reads != options.language:
            raise ModelError(f"encoder {shape.encoder} reads {LANGUAGES[reads]} only, and with epochs 0 it learns no more: give language {reads}")
    for name, wanted in (("max_tokens", options.schedule.max_tokens), ("read_tokens", options.schedule.reads)):
        longest = token_limit(model.config, wanted)
        if longest < wanted:
            raise ModelError(f"{name} is {wanted}: this network has places for {longest}")
    check_known(Encoder(tokenizer, options.schedule.max_tokens), learnt, held_out)
    tokenizer.save_pretrained(work / TOKENIZER)
    if unlabelled and resumed:
        console.print("the unlabelled texts were read before the checkpoint that is gone on from")
    elif unlabelled:
        reading = replace(options.schedule, epochs=options.unlabelled_epochs)
        loss = pretrain(model, tokenizer, unlabelled, reading, work / "unlabelled", console)
        console.print(f"{len(unlabelled):,} unlabelled texts read: {loss:.2f} nats a hidden token on the way")
    if options.schedule.adapters == "lora":
        (take_below if resumed else keep_below)(model, work)
    return model, tokenizer


def _cleaned(texts: Sequence[str]) -> list[str]:
    return [readable(text, Limits().max_characters) for text in texts]
