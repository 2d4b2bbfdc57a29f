"""What asks a customer how he was served, and what says that all is well: after it nobody has anything left to do."""

from __future__ import annotations

import re
from typing import Final

from udfs.phrases import MAX_COURTESY, PIECES, SIGNS

_hint_zh: Final = re.compile(
    "满意|滿意|解[决決答][^。！]{0,20}(?:[吗嗎么嘛没沒]|是否|有没有)|是否|有没有|有沒有|[帮幫](?:助|到)[^。！]{0,20}[吗嗎么嘛]|有解决|好[评評]|[评評][价價分]|五星|打分"
).search
_hint_en: Final = re.compile("satisf|happy with|rate |rating|review|solve|fix|sorted|help|answer|how was", re.IGNORECASE).search
_IN: Final = r"[^，,。.!！?？\n]"
_clauses: Final = re.compile(rf"{_IN}+[?？]*").sub
# What is proposed ("这样赔您满意吗", "能解决吗") is no survey: there yes is a word to act on.
_proposes: Final = re.compile("方案|补偿|赔|退|换|这样|优惠|券|元|块|可以|可不|能不|能否|需要|要不|怎|如何|什么|哪|谁|多久|几|删|改|refund|cancel").search
_wants_rating: Final = re.compile("(?:给|給|打|做|留|点|點)[^删改退返]{0,8}(?:好评|好評|评价|評價|五星|打分|评分|評分)[^删改退返]{0,6}$").search
_survey: Final = re.compile(
    rf"(?:请问|請問)?(?:{_IN}{{0,16}}(?:是否|是不是|还|還)?(?:满意|滿意)(?:吗|嗎|么|嘛|不|吧|度)?"
    rf"|{_IN}{{0,16}}(?:(?:解决|解決|解答)(?:了|好了|到|完){_IN}{{0,8}}(?:[吗嗎么嘛]|没有?|沒有?)"
    rf"|(?:解决|解決|解答){_IN}{{0,8}}(?:了[吗嗎么嘛没沒]|没有|沒有)|(?:是否|有没有|有沒有){_IN}{{0,6}}(?:解决|解決|解答){_IN}{{0,8}})"
    rf"|{_IN}{{0,12}}(?:有(?:所)?(?:帮助|幫助|帮到|幫到|解决|解決)|(?:帮|幫)到了?(?:您|你)){_IN}{{0,4}}[吗嗎么嘛]"
    rf"|{_IN}{{0,16}}(?:给|給|做|点|點|打|留|进行|作出|做出)(?:个|個|出|一?下|我|小?\w)?{_IN}{{0,6}}(?:好评|好評|评价|評價|五星|打分|评分|評分)(?:可以|好|行)?[吗嗎么]?"
    rf"|{_IN}{{0,12}}(?:对|對|为|為){_IN}{{0,10}}(?:服务|服務|回答|解答|客服){_IN}{{0,6}}(?:评价|評價|打分|评分|評分)){_IN}{{0,4}}[?？]*"
    rf"|\b(?:did|does|has|have) (?:that|this|it|i|we|my \w+|our \w+)[^.!?\n]{{0,20}} (?:solved?|resolved?|fix(?:ed)? (?:it|that|this|your|the (?:issue|problem))|answer(?:ed)?|help(?:ed)?)\b[^.!?\n]{{0,30}}\?*"
    r"|\b(?:is|was|has|are|were) (?:your|the|all your|everything|it|that) ?(?:issues?|problems?|questions?|quer(?:y|ies)|concerns?)?(?: been| now| all)*"
    r" (?:resolved|solved|fixed|answered|sorted)\b[^.!?\n]{0,20}\?*"
    r"|\b(?:are|were) you (?:\w+ )?(?:satisfied|happy) with (?:the|our|my|your) ?(?:\w+ )?(?:service|help|support|answer|assistance|experience)[^.!?\n]{0,20}\?*"
    r"|\b(?:was|were) (?:this|that|i|we|my \w+|our \w+) (?:\w+ )?(?:helpful|able to help)[^.!?\n]{0,20}\?*"
    r"|\b(?:how (?:would|do) you rate|how satisfied|how was (?:your experience|our service|my service|the service)|please (?:rate|review|leave (?:us |me )?an? (?:\w+ )?(?:review|rating)))\b[^.!?\n]{0,60}\?*",
    re.IGNORECASE,
).sub
_please: Final = re.compile("请问|請問").sub

_WELL: Final = (
    r"(?:问题)?(?:已经?|都|基本|全部|嗯|是|有)*(?:解决|解答|帮到)(?:了|啦|到了|好了|完了)?|(?:很|挺|非常|真)?有(?:帮助|用)|(?:很|挺|非常)(?:好|清楚|满意|不错)|有的?|(?:比较|还|都|很|太)?(?:满意|清楚)|还行|还可以|不错"
    r"|(?:yes|yeah|yep|yup|yea)(?:,? (?:it|that|you|they|i|this) (?:did|does|do|has|have|is|was|am|were))?|(?:it|that|you) (?:did|does|has|have)"
    r"|(?:it'?s |all |now |everything'?s |is )*(?:sorted|resolved|solved|fixed|working|done|answered)(?: now| out)?|(?:very |really |most |so )?(?:helpful|happy|satisfied)"
)
_all_well: Final = re.compile(rf"(?:{SIGNS})*(?:(?=((?:{_WELL})(?![a-z0-9])|{PIECES}))\1(?:{SIGNS})*)+").fullmatch
_well: Final = re.compile(_WELL).search
_no: Final = re.compile(r"[没沒未無无]|不(?!错)|\b(?:no|not|never|nope|nah)\b|n't").search
_may_be_well: Final = re.compile("[解帮有满清错好]|还行|还可以|ye[apsh]|yup|(?:it|that|you) (?:di|do|ha)|solved|sorted|fixed|working|done|answered|helpful|happy|satisf").search
_no_thanks: Final = re.compile(
    r"[\W_]*(?:(?:还|暂时)?(?:没有?|沒有?)|no(?:pe)?|nah|not (?:really|yet))[\W_]*(?:[谢謝]+(?:您|你)?(?:了|啦)?|thanks?(?: ?you)?|thx)[\W_]*"
).fullmatch


def without_surveys(text: str) -> str | None:
    """A line of the shop's without what it asks about the service: whether it satisfied, whether that has solved the problem. None where
    it asks nothing of the kind."""
    if (text.isascii() or _hint_zh(text) is None) and (" " not in text or _hint_en(text) is None):
        return None
    rest = _clauses(_rest_of, text)
    return None if rest == text else _please(" ", rest)


def _rest_of(clause: re.Match[str]) -> str:
    said = clause[0]
    return said if _proposes(said) is not None and _wants_rating(said) is None else _survey(" ", said)


def says_all_is_well(text: str) -> bool:
    """Whether a customer's whole line says yes or that all is well, and nothing more: "解决了", "Yes it did". Only what it answers tells
    whether anything is to follow."""
    text = text.lower()
    if len(text) > MAX_COURTESY and (not text.isascii() or len(text) > 2 * MAX_COURTESY):
        return False
    return _may_be_well(text) is not None and _no(text) is None and _all_well(text) is not None and _well(text) is not None


def says_no_with_thanks(text: str) -> bool:
    """Whether a customer's whole line is "没有，谢谢": a goodbye to whether there is anything else, a complaint to whether it is solved."""
    return len(text) <= 2 * MAX_COURTESY and _no_thanks(text.lower()) is not None
