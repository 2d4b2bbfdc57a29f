"""The model card that training writes beside the weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from models.compact import COMPACT_FILE
from models.corpus import Corpus
from models.evaluate import Figure
from models.labels import NEUTRAL, SATISFACTIONS
from models.scorer import LANGUAGES
from models.sets import JOINED, SETS
from models.tone_figures import HEARD_FROM, ToneFigure

_LIMITS = """\
- It reads one message without the lines before it: irony that only those show, and politeness after a refusal, are missed.
- What it learnt from is in the table above. On texts of another kind expect lower figures; a set marked *held out* shows how
  much lower.
{neutral}{languages} A text of which no token is known gets no score.
- At most {max_tokens} tokens are read: head and tail of a longer text.
- Made again on another machine, its figures differ by up to a point and a half, on texts unlike those learnt from by up to four: sums
  are added in another order.
- A single seed; differences of a point or two between figures mean nothing.
- Not for judging a person, customer or agent, without a human reading the conversation."""


_LANGUAGES = {
    "": "- Chinese (traditional is read as simplified) and English.",
    "zh": "- Chinese (traditional is read as simplified): a text without Chinese characters gets no score.",
    "en": "- English: a text with Chinese characters gets no score.",
}
_NEUTRAL = "- Chinese review sets have no neutral texts: what neutral means in Chinese comes from Weibo and the patterns.\n"
_COMPACT = (
    f"- The weights are kept in eight bits a number (`{COMPACT_FILE}`), which this project unpacks and transformers by itself doesn't read; "
    "a training without `--compact` writes `model.safetensors`."
)
EMOTIONS = ("go", "nlpcc", "smp")
"""Sets whose labels are emotions."""


def model_card(
    *,
    network: str,
    corpus: Corpus,
    figures: Mapping[str, Figure],
    baseline: Mapping[str, Figure],
    training: Mapping[str, str],
    max_tokens: int,
    language: str = "",
    tones: Mapping[str, Mapping[str, ToneFigure]] | None = None,
    compact: bool = False,
    rates: bool = False,
) -> str:
    """Return the card in Markdown. `network`: a sentence on its shape; `training`: lines of the training section; `tones`: figures of
    the tones of each set that tells some; `compact`: whether weights are kept in eight bits; `rates`: whether it tells satisfaction."""
    learnt = {info.name for info in corpus.trained}
    languages = LANGUAGES.get(language, " and ".join(LANGUAGES.values()))
    rated = f", then {', '.join(SATISFACTIONS)} (softmax)" if rates else ""
    lines = [
        "---",
        f"language: [{language or ', '.join(LANGUAGES)}]",
        "pipeline_tag: text-classification",
        "library_name: transformers",
        "---",
        f"# Sentiment and tone of service messages, {languages}",
        "",
        f"{network}. Trained by `replywatch train`. Columns: negative, neutral, positive (softmax), then polite, angry, "
        f"anxious, abusive (a sigmoid each){rated}; score = p(positive) − p(negative).",
        "",
        "## Data",
        "",
        "| set | source | licence |",
        "|---|---|---|",
        *(f"| {info.name} | {info.source} | {info.licence} |" for info in corpus.trained),
        "| service lines | `models/service_lines.yaml`, patterns of our own, training part only | the project's |",
        "",
        f"{_folded(corpus)}No text below occurs in training, nor a near copy of it, but for rated turns of conversations, whose "
        f"conversation doesn't.{_joined(corpus)}",
        "",
        "## Figures",
        "",
        "Macro-F1 on texts not trained on. Sets with two classes are judged by the sign of the score. The baseline is "
        "TF-IDF of character n-grams with logistic regression, trained on the same texts in the same run.",
        "",
        "| set | texts | classes | macro-F1 | accuracy | baseline macro-F1 |",
        "|---|---|---|---|---|---|",
    ]
    for name, figure in figures.items():
        linear = f"{baseline[name].macro_f1:.3f}" if name in baseline else "–"
        lines.append(
            f"| {_marked(name, learnt)} | {figure.texts:,} | {figure.classes} | {figure.macro_f1:.3f} | {figure.accuracy:.3f} "
            f"| {linear} |"
        )
    lines += _tones(tones or {}, learnt)
    lines += ["", "## Training", "", *(f"- {name}: {value}" for name, value in training.items())]
    neutral = _NEUTRAL if learnt & {"nlpcc", "smp"} and learnt <= {info.name for info in SETS} else ""
    lines += ["", "## Limits", "", _LIMITS.format(max_tokens=max_tokens, neutral=neutral, languages=_LANGUAGES[language])]
    lines += [_COMPACT, ""] if compact else [""]
    return "\n".join(lines)


def _marked(name: str, learnt: Collection[str]) -> str:
    """The name of a set, with a mark if nothing of it was learnt from."""
    # Of a set that tells both, satisfaction has a name of its own.
    return name if name in learnt or name.removesuffix(" satisfaction") in learnt else f"{name} (held out)"


def _tones(tones: Mapping[str, Mapping[str, ToneFigure]], learnt: Collection[str]) -> list[str]:
    """The section on tones; nothing where no set tells enough of any."""
    rows = [
        f"| {_marked(name, learnt)} | {tone} | {each.texts:,} | {each.positives:,} | {each.auc:.3f} | {each.f1:.3f} "
        f"| {each.calibration_error:.3f} |"
        for name, heard in tones.items()
        for tone, each in heard.items()
    ]
    if not rows:
        return []
    return [
        "",
        "## Tones",
        "",
        f"On texts not trained on whose set tells the tone. F1: of texts with the tone, named from a probability of {HEARD_FROM} on; "
        "calibration error: how far the probability is from the share of texts with the tone.",
        "",
        "| set | tone | texts | with it | AUC | F1 | calibration error |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _folded(corpus: Corpus) -> str:
    emotions = any(info.name in EMOTIONS for info in corpus.trained)
    return "Emotions were folded to three labels (surprise and ambiguous left out). " if emotions else ""


def _joined(corpus: Corpus) -> str:
    made = [example.label for example in corpus.train if example.source == JOINED]
    calm = made.count(NEUTRAL)
    return f" {len(made) - calm:,} of the training texts are neutral ones joined with one that takes a side, {calm:,} neutral ones joined." if made else ""
