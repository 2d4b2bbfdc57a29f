"""Rule files: every fault is refused with the file, the line and what to do; what isn't written has a default."""

from __future__ import annotations

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
@given(words.filter(bool), words, words, st.booleans(), st.text(st.sampled_from("投诉微信 \u200b。、—.ab1，"), max_size=12))
def test_a_rule_that_is_accepted_can_be_looked_for(
    phrases: list[str], allow: list[str], unless: list[str], separators: bool, text: str
) -> None:
    rule = {"id": "x", "kind": "phrases", "phrases": phrases, "allow": allow, "unless": unless, "ignore_separators": separators}
    try:
        rules = RuleSet.model_validate({"schema_version": 1, "rules": [rule]})
    except ValidationError:
        return
    matcher = PhraseMatcher(rules.phrase_rules())
    for said in (text, text + phrases[0], "".join(unless) + phrases[0]):
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
    assert (rule.sender, rule.ignore_separators, rule.allow) == ("agent", True, [])


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


SHIPPED = Path(__file__).parents[2] / "conf" / "rules.yaml"


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
    assert PhraseMatcher(load_rules(SHIPPED).phrase_rules()).find(text, sender) == []


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
    assert {found for found, _ in PhraseMatcher(load_rules(SHIPPED).phrase_rules()).find(text, sender)} == {rule}


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
    matcher = PhraseMatcher(load_rules(SHIPPED).phrase_rules())
    for _ in range(20):
        assert len(matcher.find(unit * (20_000 // len(unit)), "customer")) == 1


def test_a_word_before_a_phrase_takes_it_back_within_its_clause(tmp_path: Path) -> None:
    text = HEAD + "  - {id: x, kind: phrases, sender: any, phrases: [私下转账, pay me], unless: [谨防, never]}\n"
    matcher = PhraseMatcher(load_rules(write(tmp_path, text)).phrase_rules())
    for innocent in ("谨防有人要您私下转账", "亲，谨防私下转账，谢谢", "Never, ever? never pay me"):
        assert matcher.find(innocent, "agent") == []
    for meant in ("谨防诈骗，请私下转账", "私下转账，谨防别人", "neverland: pay me", "谨防" + "很" * 30 + "私下转账", "谨防，私 下 转 账"):
        assert [rule for rule, _ in matcher.find(meant, "agent")] == ["x"]
