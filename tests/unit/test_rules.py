"""Rule files: every fault is refused with the file, the line and what to do; what isn't written has a default."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from udfs.limits import Limits
from udfs.phrase_rules import PhraseMatcher
from udfs.rules import RuleSet, load_rules
from udfs.yaml_file import MAX_BYTES, FileError

HEAD = "schema_version: 1\nrules:\n"


def write(directory: Path, text: str | bytes) -> Path:
    path = directory / "rules.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(directory: Path, text: str | bytes) -> str:
    with pytest.raises(FileError) as refused:
        load_rules(write(directory, text))
    return str(refused.value)


@pytest.mark.parametrize(
    ("rule", "line", "words"),
    [
        ("  - {id: slow, kind: slow_reply, limit_seconds: 0}", 3, "greater than 0"),
        ("  - {id: slow, kind: slow_reply, limit_seconds: -5}", 3, "greater than 0"),
        ("  - {id: slow, kind: slow_reply, limit_seconds: .nan}", 3, "finite"),
        ("  - {id: slow, kind: slow_reply, limit_seconds: 86401}", 3, "86400"),
        ("  - {id: slow, kind: slow_reply, limit_seconds: soon}", 3, "number"),
        ("  - id: slow\n    kind: slow_reply\n    limit_secs: 5", 5, "unknown setting"),
        ("  - id: slow\n    kind: slow_reply\n    count: 5", 5, "unknown setting"),
        ("  - id: slow\n    kind: slowly", 3, "slow_reply"),
        ("  - id: slow", 3, "kind"),
        ("  - kind: silence", 3, "id"),
        ("  - id: Slow\n    kind: silence", 3, "pattern"),
        ("  - id: slow reply\n    kind: silence", 3, "pattern"),
        ("  - id: x\n    kind: silence\n    severity: loud", 5, "'critical', 'error', 'warning' or 'info'"),
        ("  - id: x\n    kind: silence\n    enabled: perhaps", 5, "boolean"),
        ("  - id: x\n    kind: monologue\n    count: 1", 5, "2"),
        ("  - id: x\n    kind: monologue\n    count: 2.5", 5, "integer"),
        ("  - id: x\n    kind: negative_streak\n    at_or_below: -1.5", 5, "-1"),
        ("  - id: x\n    kind: negative_streak\n    at_or_below: .nan", 5, "finite"),
        ("  - id: x\n    kind: sentiment_shift\n    drop: 2.5", 5, "2"),
        ("  - id: x\n    kind: sentiment_shift\n    min_scored: 2", 5, "3"),
        ("  - id: x\n    kind: phrases", 3, "phrases"),
        ("  - id: x\n    kind: phrases\n    phrases: []", 5, "at least 1"),
        ("  - id: x\n    kind: phrases\n    phrases: [12315]", 5, "string"),
        ("  - id: x\n    kind: phrases\n    phrases:\n      - 投诉\n      - ''", 7, "at least 1"),
        ("  - id: x\n    kind: phrases\n    phrases:\n      - 投诉\n      - ' '", 7, "blank"),
        ('  - id: x\n    kind: phrases\n    phrases:\n      - 投诉\n      - "\\u200b"', 7, "invisible"),
        ("  - id: x\n    kind: phrases\n    phrases:\n      - 投诉\n      - 。。。", 7, "phrases.1: nothing but separators"),
        ("  - id: x\n    kind: phrases\n    phrases: [——]", 5, "ignore_separators: false"),
        ("  - id: x\n    kind: phrases\n    phrases: [、]", 5, "add a word"),
        ('  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless:\n      - 不\n      - "\\u200b"', 8, "unless.1: nothing but blanks"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless:\n      - ' '", 7, "remove it"),
        ('  - id: x\n    kind: phrases\n    phrases: [投诉]\n    allow:\n      - "\\ufe0f"', 7, "allow.0: nothing but blanks or invisible"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    allow:\n      - ''", 7, "at least 1"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless: [，]", 6, "nothing but separators"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless_right_before:\n      - 不\n      - ' '", 8, "unless_right_before.1: nothing but blanks"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless_right_before: [，]", 6, "nothing but separators"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless_right_before: ['']", 6, "at least 1"),
        (f"  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless_right_before: [{'不' * 51}]", 6, "at most 50"),
        (f"  - id: x\n    kind: phrases\n    phrases: [投诉]\n    unless_right_before: [{'不,' * 1_001}]", 6, "at most 1000"),
        ("  - id: x\n    kind: phrases\n    phrases: [投诉]\n    sender: bot", 6, "'customer', 'agent' or 'any'"),
        ("  - id: x\n    kind: silence\n  - id: y\n    kind: silence\n  - id: x\n    kind: slow_reply", 7, "two rules"),
        ("  - id: x\n    kind: silence\n    limit_seconds: 5\n    limit_seconds: 50", 6, "second time"),
        ("  - silence", 3, "dictionary"),
    ],
)
def test_a_fault_is_told_with_file_line_and_reason(tmp_path: Path, rule: str, line: int, words: str) -> None:
    message = refusal(tmp_path, HEAD + rule + "\n")
    assert message.startswith(f"{tmp_path / 'rules.yaml'}:{line}: ")
    assert words in message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "schema_version"),
        ("# nothing\n", 1, "schema_version"),
        ("rules: []\n", 1, "schema_version"),
        ("schema_version: 1\n", 1, "rules"),
        ("schema_version: 2\nrules: []\n", 1, "1"),
        ("schema_version: 1\nrules: {}\n", 2, "list"),
        ("schema_version: 1\nrules: []\nrulez: []\n", 3, "unknown setting"),
        ("schema_version: 1\nrules: []\nrules: []\n", 3, "second time"),
        ("- 1\n", 1, "dictionary"),
        ("schema_version: 1\nrules:\n  - id: [\n", 4, ""),
        ("schema_version: 1\n\trules: []\n", 2, ""),
        ("schema_version: 1\nrules: !!python/object:os.system x\n", 2, ""),
        ("[" * 5_000, 1, ""),
    ],
)
def test_a_file_that_is_no_rule_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'rules.yaml'}:{line}: ") and words in message


words = st.lists(st.text(st.sampled_from("投诉微信 \u200b\ufe0f\u3000。、—·.~*ab1-\u3164\xa0"), min_size=1, max_size=4), max_size=3)


@settings(max_examples=300, deadline=None)
@given(words.filter(bool), words, words, words, st.booleans(), st.text(st.sampled_from("投诉微信 \u200b。、—.ab1，"), max_size=12))
def test_a_rule_that_is_accepted_can_be_looked_for(
    phrases: list[str], allow: list[str], unless: list[str], right_before: list[str], separators: bool, text: str
) -> None:
    rule = {
        "id": "x",
        "kind": "phrases",
        "phrases": phrases,
        "allow": allow,
        "unless": unless,
        "unless_right_before": right_before,
        "ignore_separators": separators,
    }
    try:
        rules = RuleSet.model_validate({"schema_version": 1, "rules": [rule]})
    except ValidationError:
        return
    matcher = PhraseMatcher(rules.phrase_rules())
    for said in (text, text + phrases[0], "".join(unless) + phrases[0], "".join(right_before) + phrases[0]):
        assert isinstance(matcher.find(said, "agent"), list)


def test_separators_alone_are_looked_for_where_a_rule_leaves_none_out() -> None:
    rule = {"id": "x", "kind": "phrases", "phrases": ["。。。", "——"], "ignore_separators": False}
    matcher = PhraseMatcher(RuleSet.model_validate({"schema_version": 1, "rules": [rule]}).phrase_rules())
    assert matcher.find("哦。。。", "agent") == [["x", "。。。"]] and matcher.find("哦。", "agent") == []


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = HEAD + "  - {id: a, kind: slow_reply, limit_seconds: 0}\n  - {id: b, kind: monologue, count: 0}\n"
    first, second = refusal(tmp_path, text).splitlines()
    assert ":3: " in first and ":4: " in second


def test_a_missing_an_unreadable_and_a_giant_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="name a readable file"):
        load_rules(tmp_path / "nowhere.yaml")
    with pytest.raises(FileError, match="name a readable file"):
        load_rules(tmp_path)
    assert "save it as UTF-8" in refusal(tmp_path, "规则: 一".encode("gb18030"))
    assert "larger than" in refusal(tmp_path, b"#" * (MAX_BYTES + 1))


def test_thresholds_that_are_not_written_are_the_published_ones(tmp_path: Path) -> None:
    kinds = ["slow_reply", "silence", "promised_return", "monologue", "negative_streak", "sentiment_shift", "abandonment"]
    rules = load_rules(write(tmp_path, HEAD + "".join(f"  - {{id: {kind}, kind: {kind}}}\n" for kind in kinds)))
    limits = Limits(**rules.thresholds())
    assert limits.slow_reply == (("slow_reply", 60_000),) and limits.silence == (("silence", 120_000),)
    assert limits.promised_return == (("promised_return", 900_000),)
    assert limits.monologue == (("monologue", 5),) and limits.abandonment == ("abandonment",)
    assert limits.negative_streak == (("negative_streak", 3, -30),)
    assert limits.sentiment_shift == (("sentiment_shift", 80, 6),)
    assert all((rule.severity, rule.enabled, rule.about) == ("warning", True, "") for rule in rules.rules)


def test_a_phrase_rule_watches_the_agent_and_skips_separators_unless_told_otherwise(tmp_path: Path) -> None:
    (rule,) = load_rules(write(tmp_path, HEAD + "  - {id: x, kind: phrases, phrases: [投诉]}\n")).phrase_rules()
    assert (rule.sender, rule.ignore_separators, rule.allow, rule.unless_right_before) == ("agent", True, [], [])


def test_a_disabled_rule_is_read_and_does_nothing(tmp_path: Path) -> None:
    text = (
        HEAD + "  - {id: a, kind: silence, enabled: false}\n  - {id: b, kind: phrases, phrases: [x], enabled: false}\n"
    )
    rules = load_rules(write(tmp_path, text))
    assert Limits(**rules.thresholds()).silence == () and rules.phrase_rules() == []
    assert rules.by_id("a").kind == "silence" and rules.by_id("c") is None


def test_the_rules_that_come_with_the_product_are_good(tmp_path: Path) -> None:
    rules = load_rules(Path(__file__).parents[2] / "conf" / "rules.yaml")
    assert len(rules.rules) >= 9 and all(rule.enabled for rule in rules.rules)


def test_a_rule_set_cannot_be_changed_once_it_is_read() -> None:
    rules = RuleSet.model_validate({"schema_version": 1, "rules": [{"id": "a", "kind": "silence"}]})
    with pytest.raises(ValueError, match="frozen"):
        rules.rules[0].severity = "info"


@cache
def shipped() -> PhraseMatcher:
    """Of the rules that come with the product."""
    return PhraseMatcher(load_rules(Path(__file__).parents[2] / "conf" / "rules.yaml").phrase_rules())


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ("agent", "为了您的资金安全，请不要私下转账哦"), ("agent", "平台禁止线下交易，请您谅解"), ("agent", "请勿线下交易，谨防诈骗"),
        ("agent", "亲，付款可以走微信支付或支付宝"), ("agent", "退款会直接转账给您的支付宝账户"), ("agent", "亲，不能加个微信聊的，平台规定"),
        ("agent", "Please never pay outside our platform"), ("agent", "If you pay outside the app we can't protect you"),
        ("agent", "Did your parcel get lost?"), ("agent", "Parcels rarely get lost in transit"), ("agent", "周围神经病变可以用这款护膝"),
        ("agent", "瓶子封闭，嘴朝上放"), ("customer", "不会投诉你们的，放心"), ("customer", "我不投诉，就是问问"), ("customer", "谢谢，没什么好投诉的"),
        ("customer", "我想取消协议怎么操作"), ("customer", "订单我先取消，协商一下退差价"), ("customer", "这个相机怎么调曝光"), ("customer", "律师袍有XL码吗"),
        ("agent", "亲，官方不会要求您私下转账，谨防诈骗"), ("agent", "谨防私下转账"), ("agent", "私下转账有风险"), ("agent", "拒绝任何私下转账"),
        ("agent", "平台不允许线下交易"), ("agent", "您是走微信付款的吗"), ("agent", "退款走微信零钱"), ("agent", "we never ask you to pay outside"),
        ("agent", "Please never pay me directly"), ("agent", "闭嘴贴有货的"), ("agent", "请问你有病历吗"),
        ("agent", "请问你有病毒性感冒吗"), ("agent", "如果你有病症请先问医生"), ("agent", "滚蛋饺子还有货"), ("agent", "《白痴》现货"), ("agent", "加VX1000型号配件"), ("customer", "相机曝光不准"),
        ("customer", "不用催一下物流的，慢慢来"), ("customer", "退款怎么还没到账"), ("customer", "我的退款什么时候才能到账"), ("customer", "帮我催一下审核"),
        ("customer", "还没发货可以退款吗"), ("customer", "如果还没发货帮我改一下地址"), ("customer", "My refund hasn't arrived"),
        ("customer", "the confirmation email has not arrived"), ("customer", "Where is my order number?"), ("customer", "if it hasn't shipped please cancel it"), ("customer", "什么时候到货"),
        ("customer", "我是律师，想买套西装"), ("customer", "I won't file a complaint"), ("customer", "I don't want to file a complaint, just help me"),
    ],
)  # fmt: skip
def test_the_shipped_phrases_leave_warnings_denials_and_everyday_words_alone(sender: str, text: str) -> None:
    assert shipped().find(text, sender) == []


@pytest.mark.parametrize(
    ("rule", "sender", "text"),
    [
        ("off_platform", "agent", "您私下转账给我吧，便宜点"), ("off_platform", "agent", "加 我 微 信"), ("off_platform", "agent", "You can pay outside, it's cheaper"),
        ("off_platform", "agent", "加我微信不会让您失望"), ("off_platform", "agent", "不要在平台拍加我微信更便宜"),
        ("off_platform", "agent", "平台手续费高加我微信避免扣费"), ("off_platform", "agent", "加我微信 不要走平台"), ("off_platform", "agent", "亲不要急，加 我 微 信"),
        ("off_platform", "agent", "Don't worry just pay me directly"), ("off_platform", "agent", "you can pay me directly to avoid fees"),
        ("off_platform", "agent", "平台不允许，所以加我微信"), ("off_platform", "agent", "你加我的微信吧"), ("off_platform", "agent", "vx同号"),
        ("agent_abuse", "agent", "你瞎吗"), ("agent_abuse", "agent", "没钱别买"), ("agent_abuse", "agent", "you idiot"),
        ("escalation", "customer", "叫你们领导来"), ("escalation", "customer", "让你们经理给我打电话"), ("escalation", "customer", "申请平台介入"),
        ("escalation", "customer", "get me a supervisor"), ("escalation", "customer", "I will sue you"), ("escalation", "customer", "你们不会处理我就投诉"),
        ("agent_abuse", "agent", "Just get lost!"), ("agent_abuse", "agent", "你神经病啊"), ("escalation", "customer", "我要找你们经理"),
        ("escalation", "customer", "叫你们主管出来"), ("escalation", "customer", "我要举报你们"), ("escalation", "customer", "我要向消协反映"),
        ("escalation", "customer", "Let me talk to your manager"), ("escalation", "customer", "I want to speak with a manager"),
        ("escalation", "customer", "I'd like to make a complaint"), ("escalation", "customer", "不处理我就投诉"),
        ("escalation", "customer", "我想了解一下这款商品的尺寸、颜色和发货时间。" * 140 + "再不处理我就投诉到12315"),
        ("urges_delivery", "customer", "是我不好，我的包裹大概也嫌弃我，别人的都到了，我只敢小声问一句"),
        ("urges_delivery", "customer", "帮我催一下物流"), ("urges_delivery", "customer", "别拖了赶紧发货"), ("urges_delivery", "customer", "特别着急麻烦尽快发货"),
        ("urges_delivery", "customer", "你们特别慢，三天了还没发货"), ("urges_delivery", "customer", "My order hasn’t arrived"), ("urges_delivery", "customer", "Hello? Where is my order?"),
    ],
)  # fmt: skip
def test_the_shipped_phrases_hear_who_asks_for_more(rule: str, sender: str, text: str) -> None:
    assert {found for found, _ in shipped().find(text, sender)} == {rule}


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ("agent", "平台规定不能加我微信的哦"), ("agent", "不可以加我微信哦"), ("agent", "亲，我们不走微信的哦，请在平台下单"), ("agent", "不可以私下转账的"), ("agent", "不会私下转账的，放心"), ("agent", "不需要私下付款的"),
        ("agent", "无需私下转账"), ("agent", "我们不做线下交易的"), ("agent", "平台不接受线下交易"), ("agent", "私下付款不受平台保护的哦"), ("agent", "线下交易不受平台保障"), ("agent", "如果有人让您私下转账，请及时联系我们"),
        ("agent", "You can't pay outside the platform"), ("agent", "You don't need to pay outside the app"), ("agent", "You don't have to pay outside the app."),
        ("agent", "退款我们会直接转账给你的支付宝"), ("agent", "very sorry our courier told you to shut up"), ("agent", "亲这款是白痴级操作，很简单"), ("agent", "Please do not pay outside the app"),
        ("agent", "You cannot pay outside the app"), ("agent", "you are not allowed to pay outside the app"), ("agent", "Please be careful not to pay outside the app"),
        ("agent", "no need to pay outside"), ("agent", "您可不要私下转账哦"), ("agent", "您可能不能线下交易"), ("agent", "只要不私下转账就没事"), ("agent", "不要不要加我微信"),
        ("agent", "为什么不能私下转账呢，因为平台不保护"), ("agent", "不·能·加·我·微·信"), ("agent", "不能 加我微信"), ("agent", "平台不 能加我微信"), ("agent", "这个功能不能私下转账"), ("agent", "绝不私下转账"),
        ("agent", "不建议私下转账"), ("agent", "如果有客服要求您私下转账，请举报"), ("agent", "You can’t add me on WhatsApp"), ("customer", "投诉已经撤销了，谢谢"), ("customer", "我已经把投诉撤了"),
        ("customer", "我想撤销投诉，问题解决了"), ("customer", "我没投诉你们啊"), ("customer", "我不会去投诉的"), ("customer", "没必要投诉"), ("customer", "不用叫主管了"),
        ("customer", "I'm not here to make a complaint"), ("customer", "I won't sue you"), ("customer", "I don't want to speak to a manager"),
        ("customer", "I am not going to file a complaint"), ("customer", "I'm definitely not going to make a complaint"), ("customer", "我不想找你们经理"), ("customer", "我没有举报你们"),
        ("customer", "不起诉你们了"), ("customer", "算了，还是不投诉了"), ("customer", "不会不会投诉的"), ("customer", "不 是 要 投 诉"), ("customer", "I will not file a complaint"),
        ("customer", "别催单"), ("customer", "别催下快递"),
    ],
)  # fmt: skip
def test_the_shipped_phrases_leave_what_is_denied_directly_alone(sender: str, text: str) -> None:
    assert shipped().find(text, sender) == []


@pytest.mark.parametrize(
    ("rule", "sender", "text"),
    [
        ("off_platform", "agent", "加我微信"), ("off_platform", "agent", "能不能加我微信"), ("off_platform", "agent", "您要不要加我微信聊"), ("off_platform", "agent", "可不可以加我微信"),
        ("off_platform", "agent", "可以不可以加我微信"), ("off_platform", "agent", "要不加我微信吧"), ("off_platform", "agent", "要不 加我微信吧"), ("off_platform", "agent", "能 不 能 加 我 微 信"),
        ("off_platform", "agent", "能 不能加我微信"), ("off_platform", "agent", "走不走微信"), ("off_platform", "agent", "不方便的话加我微信"), ("off_platform", "agent", "平台不能改价，加我微信"),
        ("off_platform", "agent", "平台不能改价加我微信"), ("off_platform", "agent", "why not pay outside the app"), ("off_platform", "agent", "why don't you pay outside the app"),
        ("off_platform", "agent", "If not, pay outside the app"), ("off_platform", "agent", "私下转账给你便宜"), ("off_platform", "agent", "您可以不走平台，走微信"),
        ("off_platform", "agent", "不如加我微信"), ("off_platform", "agent", "不过加我微信更方便"), ("off_platform", "agent", "何不加我微信"), ("off_platform", "agent", "怎么不加我微信"),
        ("off_platform", "agent", "不能，加我微信"), ("off_platform", "agent", "请分别加我微信"), ("off_platform", "agent", "cannot, pay me directly"),
        ("off_platform", "agent", "knot pay outside"), ("off_platform", "agent", "老板让您私下转账"), ("escalation", "customer", "再不处理我就投诉"), ("escalation", "customer", "不给退就投诉"),
        ("escalation", "customer", "不退投诉你们"), ("escalation", "customer", "我不能投诉吗"), ("escalation", "customer", "我能不投诉吗"), ("escalation", "customer", "怎么不让投诉"),
        ("escalation", "customer", "怎么不投诉"), ("escalation", "customer", "没人管我要投诉"), ("escalation", "customer", "不解决，投诉"),
        ("escalation", "customer", "I want to make a complaint"), ("escalation", "customer", "why can't I speak to a manager"),
        ("escalation", "customer", "why not make a complaint"), ("escalation", "customer", "if you won't get me a manager I'll leave"),
        ("escalation", "customer", "你们会不会叫你们经理来"), ("escalation", "customer", "你们还不叫经理来"), ("escalation", "customer", "为什么不让你们经理接电话"), ("escalation", "customer", "我不得不投诉"),
        ("escalation", "customer", "要不要我投诉"), ("escalation", "customer", "if you do not get me a manager"), ("escalation", "customer", "你没让你们经理联系我"),
        ("agent_abuse", "agent", "I told you to shut up"), ("agent_abuse", "agent", "请您闭嘴"), ("agent_abuse", "agent", "我让你闭嘴"), ("agent_abuse", "agent", "白痴"),
        ("agent_abuse", "agent", "shut up"),
    ],
)  # fmt: skip
def test_the_shipped_phrases_hear_questions_offers_and_what_is_denied_of_something_else(rule: str, sender: str, text: str) -> None:
    assert {found for found, _ in shipped().find(text, sender)} == {rule}


def test_an_innocent_word_and_a_phrase_may_have_separators_in_them(tmp_path: Path) -> None:
    text = HEAD + "  - {id: x, kind: phrases, sender: any, phrases: [投诉, 加 微信], allow: ['不投诉，', 没有投诉 的意思]}\n"
    matcher = PhraseMatcher(load_rules(write(tmp_path, text)).phrase_rules())
    assert matcher.find("我不投诉，只是问问", "customer") == matcher.find("没有投诉 的意思", "customer") == []
    assert matcher.find("投 诉", "customer") == [["x", "投诉"]]
    assert matcher.find("加微信", "agent") == matcher.find("加 微信", "agent") == [["x", "加 微信"]]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["去曝光", "投诉", "我要投诉！", "投诉投诉\n"])
def test_a_phrase_again_and_again_is_found_once_and_soon(unit: str) -> None:
    """With the shipped rules, whose innocent words each match is held against."""
    matcher = shipped()
    for _ in range(20):
        assert len(matcher.find(unit * (20_000 // len(unit)), "customer")) == 1


def test_a_word_before_a_phrase_takes_it_back_within_its_clause(tmp_path: Path) -> None:
    text = HEAD + "  - {id: x, kind: phrases, sender: any, phrases: [私下转账, pay me], unless: [谨防, never]}\n"
    matcher = PhraseMatcher(load_rules(write(tmp_path, text)).phrase_rules())
    for innocent in ("谨防有人要您私下转账", "亲，谨防私下转账，谢谢", "Never, ever? never pay me"):
        assert matcher.find(innocent, "agent") == []
    for meant in ("谨防诈骗，请私下转账", "私下转账，谨防别人", "neverland: pay me", "谨防" + "很" * 30 + "私下转账", "谨防，私 下 转 账"):
        assert [rule for rule, _ in matcher.find(meant, "agent")] == ["x"]


def directly_before(**fields: object) -> PhraseMatcher:
    rule = {"id": "x", "kind": "phrases", "sender": "any", "phrases": ["投诉", "pay me"], "unless_right_before": ["不", "不会", "没有", "别", "not", "請勿"], **fields}
    return PhraseMatcher(RuleSet.model_validate({"schema_version": 1, "rules": [rule]}).phrase_rules())


@pytest.mark.parametrize(
    "text",
    [
        "不投诉", "我不会投诉的", "不 投诉", "不 会 投 诉", "不·投诉", "不\u200b投诉", "没有投诉", "请勿投诉", "我可不会投诉", "他可能不会投诉", "只要不投诉", "不会不会投诉", "为什么不会投诉",
        "do NOT pay me", "not 投诉", "不 pay me", "你不投诉，也没有投诉",
    ],
)  # fmt: skip
def test_a_word_directly_before_a_phrase_takes_it_back(text: str) -> None:
    assert directly_before().find(text, "agent") == []


@pytest.mark.parametrize(
    "text",
    [
        "不，投诉", "不去投诉", "不会的投诉", "投诉不", "会不会投诉", "会 不 会 投诉", "会不 会投诉", "投不投诉", "投诉不投诉", "有没有投诉", "要不投诉吧", "能不投诉吗", "何不投诉",
        "怎么不投诉", "不得不投诉", "分别投诉", "我特别投诉", "knot pay me", "not, pay me", "not ever pay me", "why not pay me", "if not pay me", "不投诉，我不想 投诉",
    ],
)  # fmt: skip
def test_a_word_elsewhere_or_in_a_question_or_an_offer_takes_no_phrase_back(text: str) -> None:
    assert [rule for rule, _ in directly_before().find(text, "agent")] == ["x"]


def test_a_blank_at_the_end_of_a_word_changes_nothing() -> None:
    matcher = directly_before(unless_right_before=["not ", "不 "])
    assert matcher.find("not pay me", "agent") == matcher.find("不投诉", "agent") == []


def test_a_word_is_pulled_apart_only_where_the_rule_leaves_separators_out() -> None:
    matcher = directly_before(ignore_separators=False)
    assert matcher.find("不会投诉", "agent") == matcher.find("不会 投诉", "agent") == matcher.find("not pay me", "agent") == []
    for meant in ("不·投诉", "会不会投诉"):
        assert [rule for rule, _ in matcher.find(meant, "agent")] == ["x"]
