"""Service lines of our own with a label, made from patterns.

The public sets that may be trained on are reviews, Weibo posts and Reddit comments. None of them shows what most
customers write to a shop: a plain question, a short thanks, an urging. These patterns fill that gap. They are used for
training only and never for a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

# More fillings of one pattern teach nothing new and would drown the public sets.
MAX_PER_PATTERN = 24

_SLOTS = {
    "货": ["快递", "包裹", "衣服", "耳机", "鞋子", "手机壳", "冰箱", "这个商品", "奶粉"],
    "事": ["退款", "换货", "发票", "优惠券", "售后", "运费", "订单", "价保"],
    "谁": ["客服", "你们", "卖家", "店家", "你们平台"],
    "久": ["三天", "一个星期", "半个月", "两个小时", "好几天", "一上午"],
    "坏": ["坏的", "破的", "漏水的", "二手的", "有划痕的", "发霉的", "缺零件的"],
    "好": ["很好", "很快", "不错", "很满意", "非常棒", "很贴心"],
    "气": ["", "，太过分了", "，气死了", "，真无语", "！！", "，什么态度", "😡", "，再也不来了"],
    "礼": ["", "，谢谢", "，麻烦了", "，亲", "？"],
    "谢": ["谢谢", "多谢", "太感谢了", "非常感谢", "感谢", "谢谢啦"],
    "item": ["parcel", "order", "jacket", "headset", "refund", "package", "coupon", "invoice"],
    "who": ["your support", "this company", "your agent", "customer service", "your store"],
    "long": ["three days", "two weeks", "a month", "four hours", "ages"],
    "bad": ["broken", "damaged", "leaking", "scratched", "wrong", "used", "fake"],
    "good": ["great", "perfect", "excellent", "amazing", "fantastic", "lovely"],
    "mad": ["", "!!", ", this is ridiculous", ", unacceptable", ". I am so annoyed", " 😡", ", never again"],
    "thx": ["thanks", "thank you", "many thanks", "thanks a lot", "thank you so much", "cheers"],
}

# Separated by "|"; {slot} is filled from the lists above.
_PATTERNS = {
    "negative": (
        "i am furious about my {item}|so angry that my {item} is {bad}|"
        "you keep ignoring my {item}{mad}|not a good {item}{mad}|"
        "不高兴|很不高兴，{货}是{坏}|你们承诺的{事}就是这样？|服务真好啊，{久}没人管{气}|差劲{气}|坑人{气}|"
        "{货}等了{久}还没到{气}|{事}拖了{久}都不处理{气}|{谁}根本没人理{气}|{谁}骗人{气}|收到的{货}是{坏}{气}|"
        "我要投诉{谁}{气}|{谁}太不负责任了{气}|{货}质量太差了{气}|都{久}了还没有{事}{气}|一直让我等，{久}了{气}|"
        "不想要了，{货}太垃圾{气}|说好今天送，{货}又没来{气}|{谁}态度恶劣{气}|我很生气，{货}是{坏}|"
        "我不满意这次的{事}{气}|不开心，{货}和图片不一样{气}|{谁}推来推去{气}|没见过这么差的{谁}{气}|"
        "{货}不好用{气}|一点都不好，{货}是{坏}|{谁}敷衍我{气}|再不{事}我就去12315投诉{气}|"
        "呵呵，{久}了才回复，{谁}可真行|{谁}真厉害，{久}没人回话{气}|急死我了，{货}到底什么时候到{气}|"
        "说了多少遍了，{货}是{坏}{气}|你们就是这样对待顾客的？{气}|{货}用了{久}就坏了{气}|"
        "别人都收到了，就我的{货}没有，好难过|求求你们了，{货}等了{久}|这{item}怎么搞的，太annoying了{气}|"
        "差评{气}|垃圾{谁}{气}|失望，{货}太差{气}|烦死了{气}|my {item} still has not arrived after {long}{mad}|"
        "i have been waiting {long} for my {item}{mad}|the {item} came {bad}{mad}|{who} is useless{mad}|"
        "{who} never answers{mad}|worst service ever{mad}|nobody at {who} cares{mad}|"
        "i want to complain about {who}{mad}|i am not happy with the {item}{mad}|i never got my {item}{mad}|"
        "this is not good enough, {item} is {bad}{mad}|stop ignoring me{mad}|"
        "i am very disappointed with {who}{mad}|{long} and still no {item}{mad}|"
        "you lied to me about the {item}{mad}|the {item} does not work{mad}|"
        "i never liked how {who} treated me{mad}|terrible, the {item} is {bad}{mad}|"
        "oh wonderful, another {long} without my {item}. thanks for nothing|"
        "passed from one agent to another for {long}{mad}|not the worst shop but the worst {item} so far{mad}|"
        "i am fed up with {who}{mad}|where the hell is my {item}{mad}"
    ),
    "neutral": (
        "{货}什么时候发货{礼}|{货}有货吗{礼}|怎么申请{事}{礼}|请问{事}在哪里看{礼}|{货}可以改地址吗{礼}|"
        "{事}怎么弄{礼}|{货}是什么颜色的{礼}|{货}多少钱{礼}|{货}发什么快递{礼}|在吗{礼}|好的|嗯嗯|收到|知道了|"
        "好吧|你好|转人工|等等|等一下|==|1|ok|可以|行|不用了|没有|是的|订单号发你了|我看一下|稍等|那就退了吧|"
        "已经拍了|{货}怎么安装{礼}|我想咨询一下{事}{礼}|{货}支持七天无理由吗{礼}|地址是北京市朝阳区|"
        "{货}的尺码怎么选{礼}|您好，有什么可以帮您|请您稍等，正在为您查询{事}|这边帮您核实一下{事}|"
        "请提供一下订单号|{货}预计明天送达|{item}怎么用{礼}|{货}保修多久{礼}|{事}的问题我再问一下|"
        "我的问题是{事}怎么操作{礼}|今天能到吗{礼}|{货}送到哪里了{礼}|非常抱歉给您带来不便，{事}已为您登记|"
        "很抱歉让您久等了，正在查询{货}|where can i see my {item}?|how do i track my {item}|"
        "when will my {item} ship?|can i change the address for my {item}|hi|hello|"
        "hello, i have a question about my {item}|ok|yes|no|sure|let me check|one moment please|got it|"
        "my order number is 12345|what sizes does the {item} come in|is the {item} available in blue?|"
        "do you ship to canada?|how long does a {item} take|please send me the {item}|"
        "i would like to return the {item}|could you check my {item}|"
        "sorry for the inconvenience, i am checking your {item}|may i have your email address?|"
        "i will look into the {item} now|does the {item} come with a warranty?|"
        "can i speak to someone about my {item}|the issue is about my {item}|what is the status of my {item}|"
        "i want to cancel my {item}|which flight is it|please dm us your {item} number|what time do you open"
    ),
    "positive": (
        "not bad|really not bad, {thx}|no issues with the {item}, {thx}|nothing to complain about, {item} is {good}|"
        "{货}没有问题，{谢}|没有任何问题，{货}{好}|不难用，{货}{好}|{事}没有耽误，{谢}|挑不出毛病|真的不差，{货}{好}|"
        "{谢}|{谢}，{货}收到了|{谢}，{谁}服务{好}|{货}{好}|{货}{好}，{谢}|好的{谢}|{谁}回复{好}|满意|好评|"
        "五星好评，{货}{好}|{货}质量没得说，{好}|太好了，{谢}|辛苦了，{谢}|{事}办得{好}，{谢}|"
        "没有什么问题，{货}{好}|{货}没毛病，物流也{好}|没有不满，{谁}{好}|{谁}真耐心，{谢}|完美解决了，{谢}|"
        "{货}比想象的好|爱了爱了，{货}{好}|{谢}👍|{谢}😊|{谢}❤️|{货}很喜欢|下次还来，{货}{好}|{谁}人真好|"
        "真不错，{货}{好}|{thx}|{thx}!|{thx}, the {item} is {good}|{good} service, {thx}|the {item} works, {thx}|"
        "{who} was {good}|{thx} for your help|that solved it, {thx}|love the {item}|"
        "i am very happy with the {item}|{good}, {thx}|no problems at all, the {item} is {good}|"
        "no complaints, {who} was {good}|not bad, the {item} is {good}|you are the best, {thx}|"
        "really appreciate it|{thx} 👍|{thx} 😊|so glad the {item} arrived|super fast delivery, {thx}|"
        "{who} was very helpful|five stars|everything is fine, {thx}|❤️|👍"
    ),
}


def service_lines() -> Iterator[tuple[str, str]]:
    """Yield (text, label name). The same lines in the same order every time, at most MAX_PER_PATTERN a pattern."""
    for label, patterns in _PATTERNS.items():
        for pattern in patterns.split("|"):
            slots = re.findall(r"\{(\w+)\}", pattern)
            fillings = list(product(*(_SLOTS[slot] for slot in slots)))
            # An odd stride visits all slots evenly; taking the first fillings would repeat the first words.
            step = max(1, len(fillings) // MAX_PER_PATTERN) | 1
            for filling in fillings[::step][:MAX_PER_PATTERN]:
                text = pattern
                for slot, word in zip(slots, filling, strict=True):
                    text = text.replace(f"{{{slot}}}", word, 1)
                yield text, label
