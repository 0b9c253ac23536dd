"""The word lists of the offline model: words that speak for labels, and small talk.

Extend these tables as you like; commas separate their cells. A word stands for its forms too
(crash: crashes, crashed). `^` marks words that count only at the start of a text. The lists never
hold a product's own words.
"""

from typing import NamedTuple


def listed(text: str) -> tuple[str, ...]:
    """Split a cell of the tables below."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Affinity(NamedTuple):
    """Words that speak for a label. `names` are the label's names in any repository."""

    names: tuple[str, ...]
    strong: tuple[str, ...]
    weak: tuple[str, ...] = ()


AFFINITIES = (
    Affinity(
        names=listed(
            "bug, bugs, defect, error, fault, crash, problem, regression, incident, failure, "
            "缺陷, 错误, 故障"
        ),
        strong=listed(
            "bug, crash, error, exception, fail, failure, broken, traceback, stacktrace, "
            "segfault, panic, regression, freeze, hang, stuck, corrupt, leak, incorrect, "
            "unexpected, stack trace, not working, doesn't work, does not work, "
            "stopped working, no longer, can't open, won't start, white screen, wrong result, "
            "崩溃, 报错, 出错, 错误, 异常, 失败, 闪退, 卡死, 无法, 不能用"
        ),
        weak=listed(
            "wrong, issue, problem, fix, trace, stack, reproduce, steps, expected, actual, "
            "null, 500, undefined, unable, cannot, missing, slow, 问题, 修复, 不对"
        ),
    ),
    Affinity(
        names=listed(
            "enhancement, feature, improvement, request, proposal, idea, wish, suggestion, "
            "rfc, 功能, 建议, 增强"
        ),
        strong=listed(
            "^add, ^allow, ^support, ^implement, ^introduce, ^provide, ^make, ^please add, "
            "^please support, ^please allow, ^enable, ^improve, feature request, "
            "would be nice, would be great, would love, it would help, i wish, could you add, "
            "can you add, please add, option to, ability to, feature, enhancement, suggestion, "
            "proposal, wishlist, 希望, 建议, 请增加, 请添加, 增加, 添加, 新功能, 能否支持, "
            "支持"
        ),
        weak=listed(
            "add, support, allow, improve, option, please, implement, extend, custom, configurable"
        ),
    ),
    Affinity(
        names=listed(
            "question, questions, support, howto, usage, discussion, 问题, 提问, 求助, 咨询"
        ),
        strong=listed(
            "how do i, how do you, how can i, how to, how does, how should, what is, what are, "
            "what does, where is, where can i, where do, why does, why is, which one, "
            "when will, when does, who can, is it possible, is there a way, is there any, "
            "can i, can anyone, any idea, does anyone know, i don't understand, not sure how, "
            "question, 如何, 怎么, 怎样, 请问, 为什么, 什么是, 是否, 哪里, 能不能, 吗"
        ),
        weak=listed("?, ？, help, confused, wonder, ^how, ^what, ^why, ^where, ^can"),
    ),
    Affinity(
        names=listed("documentation, docs, doc, readme, guide, 文档"),
        strong=listed(
            "readme, documentation, docs, docstring, typo, tutorial, changelog, spelling, "
            "wiki, broken link, dead link, getting started, code example, api reference, 文档, "
            "说明书, 错别字, 教程, 拼写"
        ),
        weak=listed("guide, example, explain, paragraph, sentence, translation, link"),
    ),
    Affinity(
        names=listed("security, vulnerability, cve, 安全, 漏洞"),
        strong=listed(
            "vulnerability, cve, exploit, xss, csrf, ssrf, injection, malicious, "
            "security hole, security issue, leaked, privilege escalation, 漏洞, 注入"
        ),
        weak=listed("security, password, token, secret, permission, auth, 安全, 密码"),
    ),
    Affinity(
        names=listed("performance, perf, speed, optimization, 性能"),
        strong=listed(
            "slow, slower, latency, performance, sluggish, throughput, memory leak, high cpu, "
            "out of memory, takes forever, timed out, 性能, 很慢, 太慢, 卡顿, 内存泄漏"
        ),
        weak=listed("fast, cpu, memory, timeout, seconds, cache, optimize"),
    ),
    Affinity(
        names=listed("test, tests, testing, ci, build, pipeline, workflow, 测试, 构建"),
        strong=listed("flaky, unit test, ci fails, build fails, pipeline, coverage, 测试"),
        weak=listed("test, ci, build, workflow, compile, 构建"),
    ),
    Affinity(
        names=listed("dependencies, dependency, deps, 依赖"),
        strong=listed("dependency, dependencies, bump, upgrade, outdated, 依赖, 升级"),
        weak=listed("version, package, release, pin"),
    ),
    Affinity(
        names=listed("ui, ux, design, frontend, accessibility, a11y, css, 界面, 设计"),
        strong=listed("layout, css, button, alignment, screen reader, contrast, font, 界面"),
        weak=listed("page, mobile, color, icon, click, theme, dialog, menu, 按钮"),
    ),
    Affinity(
        names=listed("urgent, critical, high, blocker, p0, p1, sev1, 紧急"),
        strong=listed(
            "urgent, asap, critical, outage, production down, is down, data loss, emergency, "
            "blocker, everyone is affected, 紧急, 宕机, 数据丢失"
        ),
        weak=listed("crash, production, immediately, blocked, security, 严重"),
    ),
    Affinity(
        names=listed("low, minor, trivial, p3, p4, nit"),
        strong=listed("typo, cosmetic, minor, nit, nice to have, whenever, 小问题"),
        weak=listed("small, polish, rename, wording"),
    ),
    Affinity(
        names=listed("positive, happy, praise, 积极"),
        strong=listed("thanks, thank you, great, love, awesome, excellent, 谢谢, 很好"),
        weak=listed("good, nice, helpful, works"),
    ),
    Affinity(
        names=listed("negative, angry, complaint, 消极"),
        strong=listed("terrible, awful, hate, useless, disappointed, worst, 糟糕, 失望"),
        weak=listed("bad, annoying, poor, unacceptable"),
    ),
    Affinity(
        names=listed("spam, advertisement"),
        strong=listed("buy now, casino, click here, free money, crypto giveaway, seo services"),
        weak=listed("discount, promo, subscribe"),
    ),
)

#: Names of a neutral choice, which is taken when no word speaks for another.
NEUTRAL = frozenset(
    listed(
        "other, others, none, unknown, unclear, neutral, general, misc, normal, medium, "
        "default, no, na, n/a, skip, ignore, 其他, 未知, 一般"
    )
)

#: Small talk, as it stands alone in a message, and the answer to it.
SMALL_TALK = (
    (
        listed(
            "hi, hello, hey, hiya, yo, howdy, greetings, good morning, good afternoon, "
            "good evening, hi there"
        ),
        "Hello. Ask me about something that was said or filed here.",
    ),
    (
        listed("thanks, thx, ty, cheers, thank you, thank you very much, thanks a lot"),
        "You are welcome.",
    ),
    (
        listed("help, what can you do, who are you, what are you"),
        "I answer from what was said and filed here, and I sort new issues.",
    ),
    (
        listed("你好, 您好, 嗨, 早上好, 晚上好, 在吗"),
        "你好。可以问我这里说过或记录过的事情。",
    ),
    (
        listed("谢谢, 多谢, 感谢"),
        "不客气。",
    ),
    (
        listed("帮助, 你是谁, 你能做什么, 你会什么"),
        "我根据这里说过和记录过的内容回答，也会给新问题分类。",
    ),
)

#: The form of a message that wants an answer.
QUESTION = (
    r"[?？]|^(who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|"
    r"will|would|should|may|has|have|tell|show|explain|describe|list|find|give|remind)\b|"
    r"什么|怎么|怎样|如何|为什么|哪|谁|多少|几|吗|呢|是否|能否|请问|告诉|解释|介绍"
)

#: The form of orders to a model: such sentences are neither quoted nor counted.
ORDERS = (
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instruction|prompt|rule|above|policy)",
    r"\b(ignore|disregard|forget) (all|everything|any|your|the previous)\b",
    r"\byou are (now|no longer)\b|\bact as\b|\bpretend (to be|that)\b|\bsystem prompt\b",
    r"\b(label|tag|mark|classify|close|assign) (this|it|everything|all)\b.{0,40}\b(as|with|label)",
    r"\b(add|apply|use|choose|pick|set) (all|every|each)( of)?( the)? labels?\b",
    r"\b(reply|respond|answer|say) (only )?with\b|\breveal\b.{0,30}\b(secret|prompt|token|key)",
    r"(忽略|无视|忘记).{0,12}(指令|提示|规则|要求|以上)|你现在是|系统提示",
)

#: Words of an English question that say nothing of its subject.
STOP_WORDS = frozenset(
    listed(
        "a, an, and, are, as, at, be, been, but, by, can, could, did, do, does, doing, for, "
        "from, get, gets, got, had, has, have, having, he, her, here, hers, him, his, how, i, "
        "if, in, into, is, it, its, just, me, my, no, nor, not, of, on, or, our, ours, out, "
        "over, please, she, should, so, some, such, than, that, the, their, them, then, there, "
        "these, they, this, those, to, too, up, us, was, we, were, what, when, where, which, "
        "who, whom, why, will, with, would, you, your, yours, tell, know, anyone, anybody, "
        "someone, there's, what's, i'm, it's, don't, doesn't, isn't, about, after, again, "
        "also, any, before, being, between, both, down, during, each, few, more, most, only, "
        "other, own, same, very, hi, hello, thanks"
    )
)

#: The same in Chinese, longest first.
CHINESE_STOP = listed(
    "为什么, 什么时候, 请问, 怎么样, 怎么, 怎样, 如何, 什么, 哪里, 哪个, 多少, 是否, 可以, "
    "能否, 我们, 你们, 他们, 一下, 一个, 这个, 那个, 的, 了, 吗, 呢, 吧, 是, 在, 我, 你, 他, "
    "它, 有, 和, 与, 请"
)

#: Verbs that a tool's name starts with; they say nothing of what it is about.
TOOL_VERBS = frozenset(
    listed("get, list, find, search, look, lookup, fetch, read, show, query, check")
)
