"""Sentiment by a list of words (`scoring.model: lexicon`): what a shop has without any model, and the floor that a model is measured
against. It tells no tones, and knows no confidence: each of its labels counts.

A word counts 1, or −1 behind a negation; stronger words count 2. The score is the sum over the root of its square plus a
constant, as in VADER (Hutto and Gilbert 2014). Words are this project's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from models.labels import sided
from models.scorer import Score
from models.text import readable

MAX_CHARACTERS = 1_000
SMOOTHING = 6.0
NEUTRAL_WITHIN = 0.15
"""A sum this close to 0, −1 to 1, takes no side."""

POSITIVE_WORDS = (
    "谢谢 感谢 多谢 满意 喜欢 不错 很好 真好 挺好 好评 好用 好吃 好看 漂亮 舒服 划算 值得 实惠 正品 新鲜 热情 耐心 周到 贴心 "
    "细心 专业 快捷 及时 方便 准时 完美 超赞 推荐 开心 高兴 放心 合适 惊喜 优秀 辛苦了 给力 物超所值 棒 赞 爱了 点赞 "
    "thanks thank great good nice love lovely excellent amazing awesome perfect happy pleased helpful friendly fast "
    "quick best wonderful fantastic glad appreciate recommend beautiful brilliant solved enjoyed satisfied kind polite"
).split()
NEGATIVE_WORDS = (
    "差 差评 很差 太差 垃圾 破 坏了 坏的 烂 骗 骗人 骗子 欺骗 假货 假的 退货 投诉 失望 生气 气死 愤怒 恶心 难吃 难闻 难用 难看 "
    "态度恶劣 敷衍 推脱 不理 没人理 不回 不管 太慢 慢死 等了 拖 后悔 上当 坑 坑人 无语 无良 黑心 糟糕 问题 漏 瑕疵 划痕 破损 "
    "发霉 过期 异味 掉色 受不了 忍不了 烦 着急 急死 担心 郁闷 难过 伤心 贵 "
    "bad worst terrible awful horrible poor rude slow late delayed lost broken damaged wrong never useless angry furious "
    "annoyed annoying disappointed disappointing refund complain complaint waiting cancelled canceled ridiculous "
    "unacceptable hate scam fake lie lied lying ignored ignoring fail failed fails sad sorry worried problem stuck sucks"
).split()
STRONG = frozenset(
    "垃圾 骗子 恶心 愤怒 气死 黑心 无良 完美 超赞 惊喜 worst terrible awful horrible furious hate scam amazing awesome perfect".split()
)
NEGATIONS = ("不", "没", "没有", "别", "未", "无", "not", "no", "never", "n't", "hardly", "without")
REACH = 3
"""A negation turns a word that stands at most so many characters (Chinese) or words (English) behind it."""

_WORD = re.compile(r"[a-z']+|[\u4e00-\u9fff]+|[\U0001f300-\U0001faff\u2600-\u27bf]")
_SIGNS = {
    "😡": -2,
    "😠": -2,
    "😭": -1,
    "😢": -1,
    "😞": -1,
    "👎": -2,
    "😊": 1,
    "😀": 1,
    "👍": 2,
    "❤": 2,
    "😍": 2,
    "🙏": 1,
}


class LexiconScorer:
    """Scores by words alone."""

    version = "lexicon"

    def __init__(self) -> None:
        values = dict.fromkeys(POSITIVE_WORDS, 1) | dict.fromkeys(NEGATIVE_WORDS, -1)
        self._values = {word: 2 * value if word in STRONG else value for word, value in values.items()} | _SIGNS
        chinese = sorted((word for word in values if word >= "\u4e00"), key=len, reverse=True)
        self._chinese = re.compile("|".join(map(re.escape, chinese)))

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """A score per text, in order; None where there is nothing to read."""
        return [self._score(readable(text, MAX_CHARACTERS).lower().replace("’", "'")) for text in texts]

    def _score(self, text: str) -> Score | None:
        if not text:
            return None
        total = 0
        english: list[str] = []
        for match in _WORD.finditer(text):
            run = match.group()
            if run[0] >= "\u4e00" and run[0] <= "\u9fff":
                total += self._han(run)
                continue
            value = self._values.get(run, 0)
            negated = any(word in NEGATIONS or word.endswith("n't") for word in english[-REACH:])
            total += -value if negated else value
            english.append(run)
        return sided(total / math.sqrt(total * total + SMOOTHING), NEUTRAL_WITHIN)

    def _han(self, run: str) -> int:
        total = 0
        for match in self._chinese.finditer(run):
            value = self._values[match.group()]
            before = run[max(0, match.start() - REACH) : match.start()]
            own = match.group()[0] in "不没"  # "不错" and "不理" carry their negation in them
            total += -value if not own and any(word in before for word in NEGATIONS) else value
        return total
