"""Whether a line is only a courtesy, and whether it asks for something: what decides if a customer is waiting.

"好的谢谢" after the answer starts no wait; the same words after "要我现在取消订单吗？" do, because the deed is still
to come. The functions look at one text; what it answers is for the caller to know. Word lists in Chinese and English,
because that is what the lines are made of: a few words, no grammar.
"""

from __future__ import annotations

import re
from typing import Final

MAX_COURTESY: Final = 24
"""Characters. A longer line says something. English needs twice as many for the same words."""

MAX_RATING: Final = 18

# A courtesy, and what may stand around it without adding anything.
_CORE_ZH: Final = (
    r"(?:非常|十分|太|很|先|多|真的|再次|还是要|还要)?(?:谢谢|謝謝|感谢|感謝|多谢|多謝|感恩|谢|謝)+(?:您|你|妳|了|啦|哈|啊|呀|哦|噢|喔|们|們)*"
    r"(?:的?(?:耐心|热情|及时)?(?:帮助|帮忙|协助|解答|回复|回覆|服务|支持|理解|指导|提醒))?",
    r"(?:麻烦|麻煩|辛苦|打扰|打擾)(?:您|你)?(?:了|啦)|辛苦辛苦",
    r"(?:感激不尽|感激)|(?:那|这)(?:就|太|真)好(?:了|啦)?|(?:问题|钱|退款|已经?|刚|都|终于|就)*(?:解决|搞定|到账|到帐|入账|退到|处理好|弄好|修好)(?:了|啦)(?:哈|哦)?",
    r"(?:不用|不|别|甭)(?:客气|客氣|谢|謝)(?:了)?|没关系|沒關係|没事(?:了|儿|的)?|沒事(?:了|的)?",
    r"(?:暂时)?(?:[没沒木]有?|没别的|没其他(?:事|问题)?|不用|不需要)(?:了|啦|咯)+[呢哦]?|(?:暂时)?[没沒]有(?=.{0,3}[谢謝])"
    r"|(?:暂时|目前)?我?(?:[没沒]有?|无|無)(?:其他|其它|别的|什么)的?(?:问题|疑问|需要|事情?)(?:要问)?(?:了|啦)?|暂不用了|我?(?:就|先)?不(?:打扰|打擾|麻烦)(?:您|你)?(?:了|啦)"
    r"|没问题|沒問題|(?:那)?(?:先|就)这样(?:吧|了)?",
    r"(?:那)?好+(?:的|滴|哒|嘞|勒|吧|呀|啊|啦|了|咧|哦|噢|喔|嗯|呢)*|(?:那)?行(?:的|吧|啊|了)?|(?:那)?可以(?:的|了|啊)?",
    r"(?:我|都|已经?)?(?:收到|知道|晓得|了解|瞭解|明白|清楚|懂)(?:了|啦|咯)?|(?:是[的啊]|对[的啊]?|對[的啊]?)|嗯+呢?|恩+|en+(?![a-z0-9])|得嘞|哦+|噢+|喔+|奥+|欧克|妥妥的?",
    r"再见|再見|再会|拜+|掰+|白白|88+6?|晚安|回头聊|(?:下次|回头)(?:再)?(?:聊|见)|(?:您|你)(?:先)?忙(?:吧)?",
    r"祝(?:您|你)?(?:们|店)?(?:生意兴隆|工作顺利|生活愉快|万事如意|愉快|开心)+",
    r"(?:新年|节日|周末|假期|中秋|国庆)(?:快乐|愉快)",
    r"(?:真|太)(?:好|棒|赞|贴心|给力)了?|给力|完美|么么哒|爱你|3[qk]q?|ｏｋ",
)
_CORE_EN: Final = (
    r"(?:thank(?:s|z)?(?: ?(?:you|u|ya))?|thanx|thx|thnx|tks|tnx|ty|tysm|ta|cheers)"
    r"(?: (?:so|very) much| a (?:lot|bunch|million))?"
    r"(?: (?:again|anyway|indeed))?"
    r"(?: for (?:all )?(?:your|the) (?:help|time|assistance|support|patience|quick reply|reply)(?: today)?)?",
    r"(?:many|much|no(?:pe)?|nah|ok|big),? thanks|(?:no(?:pe)?|nah),? ?thank ?(?:you|u)|much obliged|much appreciated|(?:i )?(?:really )?appreciate (?:it|that|your help)",
    r"oki?e?|okay|okey|ok(?: ?ok)+|k+|alright|all right|all good|all set|sure|fine|cool|great|perfect|awesome",
    r"excellent|lovely|nice|wonderful|brilliant|super|got it|gotcha|noted|understood|i see|roger",
    r"received|will do|sounds good",
    r"that works|works for me|no problem|np|no worries|never ?mind|nvm|you're welcome|welcome|you too|same to you",
    r"(?:no,? )?that's (?:all|everything|it|great|fine|perfect)|that is all|nothing else",
    r"(?:good ?)?bye(?: ?bye)*|see (?:you|ya)|good ?night|take care",
    r"have a (?:nice|good|great|lovely) (?:day|one|evening|weekend|night)",
)
_FILLER: Final = (
    r"的|了|亲(?:爱的)?|親|客服|小姐姐|小哥哥|美女|帅哥|老板|老闆|店家|掌柜|老师|老師|师傅|師傅|大哥|大姐|姐姐?|哥哥?|小妹|妹子|宝宝?|宝贝|"
    # That he waits is no more than his "ok", where an ok is there.
    r"我?(?:就|先|再|会|在这?)?等(?:着|等|(?:您|你)们?)?的?(?:好?消息|回复|通知|电话|结果)?(?:吧|呢)?|哈+|嘿+|嘻+|呵呵|啦|呀|哦|那"
    r"|so|very|much|and|then|again|sir|ma'?am|dear|guys|team|man|mate|bro|yes|yeah|yep|yup|oh|ah|well|just|la"
)
_FRIENDLY: Final = "🙏👍👌❤♥😊☺🌹💐😄😀😁😃😆🙂🤝✅😘🎉🥰💕💖💗🤗👋😉✌💪🌸😍👏✨🌟💯🏻🏼🏽🏾🏿\ufe0f\u200d\u200b"
_AROUND: Final = (
    rf"(?:[\s,，.。!！~～…、;；:：)）(（^_\-'\"“”’•{_FRIENDLY}]"
    r"|\[(?:ok|微笑|抱拳|玫瑰|强|握手|愉快|呲牙|爱心|鲜花|笑脸|可爱|憨笑|拥抱|害羞|合十|鼓掌|比心|666|胜利|再见)\])"
)
_WORDS: Final = "|".join(_CORE_ZH) + "|(?:" + "|".join(_CORE_EN) + r")(?![a-z0-9])"
_ANY: Final = rf"{_WORDS}|(?:{_FILLER})(?![a-z0-9])"
# Whom a line is for: @name before it, and a name behind thanks, which other courtesies don't have.
_mentions: Final = re.compile(r"(?:\s*@[^\s@]{1,40}\s)+").match
_NO_NAMES: Final = (
    "Again|And|But|Bye|Can|Cancel|Could|For|Help|How|Is|It|Just|My|No|Not|Now|Ok|Only|Order|Please|Refund|Return|So|Sorry|Still|That|The|This|To|Wait|Waiting"
    "|We|What|When|Where|Why|You|Your"
)
_thanks_by_name: Final = re.compile(
    rf"\s*(?i:(?:ok,? |okay,? )?(?:many |great,? )?(?:thanks|thank you|thx|cheers)),? (?!(?:{_NO_NAMES})\b)[A-Z][a-z]{{1,14}}[.!~\s]*"
    r"|[好的，,\s]*(?:谢|謝)+小[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆孔白崔康毛邱秦江史顾美妹姐哥蜜][啦了哦~！!。\s]*"
).fullmatch
# Every step is atomic (a look-ahead and its echo), so a line that is no courtesy fails in linear time.
_courtesy: Final = re.compile(rf"(?:{_AROUND})*(?:(?=({_ANY}))\1(?:{_AROUND})*)+").fullmatch
# What says no to "anything else?" and, elsewhere, may be a complaint (收到货了吗？没有).
_NOTHING_ELSE: Final = (
    r"(?:暂时|目前)?(?:[没沒]有?(?:其他|其它|别的|什么)?的?(?:问题|疑问|需要|事)?|不用|不需要|不必|無|无)(?:了|啦|哦|呢|的)*"
    r"|no(?:pe)?|nah|not(?: really| now| at the moment)|none|nothing|i'?m (?:good|fine|ok(?:ay)?)"
)
_BESIDE_A_NO: Final = r"谢谢[您你]?|all (?:good|set)|that'?s (?:all|it)|thank(?:s| ?you)|thx|great|fine|ok(?:ay)?"
# For `udfs.surveys`: what may stand beside what says that all is well.
PIECES, SIGNS = _ANY, _AROUND
_declines: Final = re.compile(
    rf"(?:{_AROUND})*(?:(?=((?:{_NOTHING_ELSE}|{_BESIDE_A_NO}|{_FILLER})(?![a-z0-9])))\1(?:{_AROUND})*)+"
).fullmatch
_may_decline: Final = re.compile("[没沒不無无n]").search
_no: Final = re.compile(_NOTHING_ELSE).search
_core: Final = re.compile(_WORDS).search
_faces: Final = re.compile(rf"(?:{_AROUND})+").fullmatch
_kind_face: Final = re.compile(r"[🙏👍👌🤝]|\[(?:ok|抱拳|强|握手|合十|玫瑰)\]").search

_rates: Final = re.compile(
    r"\s*(?:(?:[1-9１-９]|10)\s*(?:分|星|颗星|stars?|/ ?(?:5|10))?|[一二三四五十](?:分|星)"
    r"|(?:非常|很|比较|还|不)?(?:太)?满意|一般|(?:五星)?好评|差评|(?:very )?(?:dis|un)?satisfied|good|bad|excellent|poor)[\s。.!！~]*",
    re.IGNORECASE,
).fullmatch
_rates_badly: Final = re.compile("不.?满意|差评|(?:dis|un)satisfied|bad|poor", re.IGNORECASE).search

_URL: Final = re.compile(r"(?:https?://|www\.)[!-~]+")
_hint_zh: Final = re.compile("[吗嗎嘛么麼呢谁誰什啥怎咋何哪几幾多不没沒否请請帮幫麻给給我求转轉无無人]").search
_ask_zh: Final = re.compile(
    r"[吗嗎]|(?<![这那要什怎多這要])[么麼](?!\w)|(?:能|可以|行|有|在|会|是)[^\s,，。.!！]{0,8}嘛(?!\w)"
    r"|[为為](?:什么|什麼|啥|何)|(?<!没)(?<!没有)(?<!沒有)(?<!沒)(?:什么|什麼|啥)(?![都也])(?!的(?!\w))"
    r"|[谁誰](?![都也])|(?<!不)怎[么麼样樣]|咋|如何|何时|何時|哪(?!怕)"
    r"|(?<![好这這那前过過十了隔])[几幾](?![乎十百千])|多(?:少|久|长|長|大|远|遠|重|快)"
    r"|([是能会會要可行好对對有去买買退换換发發])[不没沒]\1|有没|有沒|是否|能否|可否|有无|有無|了[没沒]有?(?!\w)"
    r"|请问|請問|[帮幫]我|(?:^|[\s,，。!！请請亲]|麻烦|麻煩)[帮幫]忙|(?:麻烦|麻煩)(?:[帮幫给給]|尽快|快)"
    r"|(?:可以|行|好|能|要|是|对|對|在)不(?!\w)|(?:同意|没问题|需要)的话"
    r"|[给給]我(?:退|换|換|发|發|查|补|補|改|取消)|我(?:要(?!是)|想(?![了也])|需要)|(?:请|麻烦|赶紧)尽快"
    r"|[转轉]人工|^人工|求(?:[帮幫]|解|助)"
)
_ends_in_ne: Final = re.compile(r"呢(?!\w)").finditer
# A particle of politeness rather than a question: 不需要的呢, 可以查到呢, 正在处理呢.
_states: Final = re.compile(r"[的了到过過着看好有是哈嗯]呢$|[会會可需没沒不还還正已先就要都请請]").search
_clause: Final = re.compile(r"[\w]{0,9}\Z").search
_tokens: Final = re.compile(r"[a-z']+|[.,;:!\n]").findall
_WH: Final = frozenset((
    "how", "what", "when", "where", "why", "who", "which", "what's", "whats", "how's", "where's", "wheres", "when's",
    "why's", "who's", "how'd", "what're",
))
_MODALS: Final = frozenset(("can", "could", "would", "will", "may", "shall", "should", "did", "do"))
_AUXILIARIES: Final = frozenset((
    "can", "could", "would", "will", "may", "shall", "should", "did", "do", "is", "are", "was", "were", "has", "have",
    "does", "am", "isn't", "aren't", "hasn't", "haven't", "don't", "doesn't", "didn't", "can't", "couldn't", "won't",
))
_PRONOUNS: Final = frozenset((
    "i", "you", "u", "ya", "we", "they", "it", "he", "she", "there", "this", "that", "my", "the", "your", "anyone",
    "anybody", "someone", "somebody",
))
_ASKED: Final = frozenset(("i", "you", "u", "we", "someone", "somebody", "anyone"))
_OPENERS: Final = frozenset((
    ".", ",", ";", ":", "!", "\n", "and", "but", "so", "then", "also", "hi", "hello", "hey", "ok", "okay", "thanks",
    "please", "wonder", "wondering",
))
_PAIRS: Final = frozenset((
    "how to", "how do", "how does", "how did", "how can", "how could", "how long", "how much", "how many", "how come",
    "how about", "how soon", "what time", "what about", "what if", "what happened", "what do", "what does",
    "what should", "when will", "when can", "when do", "when does", "when should", "where is", "where are",
    "where can", "where do", "why is", "why are", "why do", "why does", "why did", "why can", "why was", "why not",
    "why has", "why have", "why would", "wondering if", "wondering whether", "wonder if", "wonder whether",
    "anyone there", "anybody there", "any update", "any updates", "any news", "i'd like", "would like", "i want",
    "i need", "help me", "tell me", "want me", "like me",
))
_SERVICE: Final = frozenset((
    "wait", "hold", "bear", "be", "note", "allow", "rate", "feel", "do", "don't", "accept", "stay", "find", "hang",
))
_PLEAS: Final = frozenset(
    ("please", "help", "want", "need", "wonder", "wondering", "any", "anyone", "anybody", "like", "tell")
)
_ENGLISH: Final = _WH | _AUXILIARIES | _PLEAS


def is_courtesy(text: str) -> bool:
    """Whether the whole message is a closing courtesy or an acknowledgement: "thanks", "好的谢谢🙏", "嗯嗯 谢谢亲"."""
    if "@" in text:
        mentioned = _mentions(text)
        text = text if mentioned is None else text[mentioned.end() :]
    if len(text) > MAX_COURTESY and (not text.isascii() or len(text) > 2 * MAX_COURTESY):
        return False
    lower = text.lower()
    if _courtesy(lower) is not None:
        return _core(lower) is not None
    if ("谢" in text or "謝" in text or "th" in lower or "cheers" in lower) and _thanks_by_name(text) is not None:
        return True
    text = lower
    return _kind_face(text) is not None and _faces(text) is not None


def declines(text: str) -> bool:
    """Whether the whole message says no and nothing more: "没有", "不用", "No". Only what it answers tells whether that is all."""
    if len(text) > MAX_COURTESY:
        return False
    text = text.lower()
    return _may_decline(text) is not None and _declines(text) is not None and _no(text) is not None


def rates(text: str) -> bool:
    """Whether the whole message is a rating and nothing more: "5", "4分", "非常满意". Only what it answers tells whether it is one."""
    return len(text) <= MAX_RATING and _rates(text) is not None


def rates_badly(text: str) -> bool:
    """Whether a rating, as `rates` knows it, is a bad one in words: somebody should answer it, unless the talk is over."""
    return _rates_badly(text) is not None


def asks(text: str) -> bool:
    """Whether a message holds a question or a request: a question mark, a question's ending or words, a plea.

    Phrases of service that only look like one ("请稍等", "please hold", "正在处理呢") don't count. An offer of more
    help does ("还有什么可以帮您？"); see `udfs.left_open`.
    """
    if "?" in text or "？" in text:
        if "://" in text or "www." in text:
            text = _URL.sub(" ", text)
        if "?" in text or "？" in text:
            return True
    if not text.isascii():
        if _hint_zh(text) is not None and (_ask_zh.search(text) is not None or _ends_asking(text)):
            return True
        text = text.replace("’", "'")
    lower = text.lower()
    return not _ENGLISH.isdisjoint(_words(lower)) and _asks_in_english(_tokens(lower))


def _ends_asking(text: str) -> bool:
    """人呢, 那运费呢: a short clause that only names something."""
    for match in _ends_in_ne(text):
        clause = _clause(text[max(0, match.end() - 9) : match.end()])
        if clause is not None and len(clause.group()) < 9 and _states(clause.group()) is None:
            return True
    return False


def _asks_in_english(tokens: list[str]) -> bool:
    """A question word or an inverted verb where a clause begins, a phrase that asks anywhere, a plea."""
    before = "."
    for token, following in zip(tokens, [*tokens[1:], "."], strict=True):
        begins = before in _OPENERS
        if (begins and token in _WH) or f"{token} {following}" in _PAIRS:
            return True
        if token in _AUXILIARIES and following in _PRONOUNS and (begins or (token in _MODALS and following in _ASKED)):
            return True
        if token == "please" and following not in _SERVICE and following not in _OPENERS:
            return True
        before = token
    return False


def _words(text: str) -> list[str]:
    return text.replace(",", " ").replace(".", " ").replace("!", " ").split()
