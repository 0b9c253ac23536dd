"""Strips the noise from a turn: quotes, code, greetings, questions and what was said before."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from shared.memory.stored_text import STORED_CHARACTERS
from shared.patterns import lazily

#: The parts of a turn that are not its author's words: blocks of a prompt, code, hidden text,
#: quotes, mentions.
_NOT_OWN = (
    lazily(r"<data\b.*?(</data>|\Z)", re.S | re.I),
    lazily(r"(```|~~~).*?(\1|\Z)", re.S),
    lazily(r"<!--.*?(-->|\Z)", re.S),
    lazily(r"^[ \t]*(>|&gt;|＞).*$", re.M),
    lazily(r"<[@!#][^>\s]{1,80}>"),
)
_LINK = lazily(r"https?://\S+")
_COMMAND = lazily(r"\s*(@[\w-]+\s+)?[/!][a-z_-]+(\s|\Z)", re.I)

#: Characters of scripts without spaces: each counts as a word.
_DENSE = r"\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS = lazily(rf"[{_DENSE}]|[^\W_{_DENSE}]+(?:['’\-./][^\W_{_DENSE}]+)*|[#@$]?[^\W_{_DENSE}]+")
_SENTENCE = lazily(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")

_ASKING = lazily(
    r"(how|why|what|where|who|which|when) "
    r"(do|does|did|is|are|was|were|can|could|should|would|will|to|about|s)\b"
    r"|(can|could|would|will|do|does|did|is|are|should|may|shall) "
    r"(you|we|i|it|they|he|she|the|there|this|that|someone|anyone|anybody|somebody)\b"
    r"|(请问|請問|为什么|為什麼|怎么|怎麼|如何|什么时候|哪里|谁)",
    re.I,
)
_ASKED = lazily(
    r"([?？]|[吗嗎呢么]|(です|ます|でした|ました|の|だろう)か|나요|까요|니까)[。.!！\s]*$"
)

#: Phrases that carry no information.
_TALK = (
    "hi|hello|hey|heya|howdy|yo|greetings|welcome|good morning|good afternoon|good evening"
    "|good night|good day|morning|evening|bye|goodbye|bye bye|see you|see ya|cya|cheers"
    "|thanks|thank you|thx"
    "|ty|tysm|many|a lot|so much|very much|much|a million|again|appreciated|much appreciated|np"
    "|no problem|no worries|you are welcome|you're welcome|youre welcome|please|pls|ok|okay|okey|k"
    "|yes|yeah|yep|yup|no|nope|sure|great|good|nice|cool|perfect|awesome|amazing|excellent|lovely"
    "|wow|lol|haha|hahaha|hmm|hm|oh|ah|ouch|oops|sorry|lgtm|looks good|looks good to me|sgtm|done"
    "|agreed|right|exactly|indeed|all|everyone|everybody|team|folks|guys|there|friend|friends|mate"
    "|+1|how are you|how are you doing|how's it going|what's up|sup|got it|makes sense|sounds good"
    "|will do|well|so|just|and|for|the|your|help|that|it|is|was|this|ping|test|testing|bump|me too"
    "|hola|gracias|buenos días|buenas tardes|adiós|bonjour|salut|merci|beaucoup|hallo|danke|schön"
    "|guten morgen|guten tag|tschüss|ciao|grazie|olá|obrigado|obrigada|привет|спасибо"
    "|안녕|안녕하세요|감사합니다|고맙습니다|고마워요|네|좋아요"
    "|你好|您好|你们好|大家好|嗨|哈喽|早|早安|早上好|上午好|中午好|下午好|晚上好|晚安|再见|拜拜"
    "|谢谢|谢谢你|谢谢您|谢谢大家|多谢|感谢|非常感谢|十分感谢|辛苦了|辛苦|不客气|没关系|没问题"
    "|好|好的|好吧|行|可以|嗯|嗯嗯|是|是的|对|对的|不|不是|收到|明白|明白了|知道了|了解|哈哈|哈哈哈"
    "|请|请问|各位|大家|你|您|啊|呀|吧|哦|了|啦|的|太|很|棒|赞|厉害|你好吗|在吗|在么|測試|测试"
    "|謝謝|謝謝你|感謝|早安大家|收到了|沒問題|好喔"
    "|こんにちは|こんばんは|おはよう|おはようございます|はじめまして|よろしく|よろしくお願いします"
    "|お願いします|ありがとう|ありがとうございます|ありがとうございました|どうも|すみません|ごめんなさい"
    "|お疲れ様です|お疲れさまです|お疲れ様でした|おつかれさまです|さようなら|またね|おやすみなさい|はい"
    "|いいえ|うん|了解|了解です|了解しました|承知しました|なるほど|わかりました|分かりました|皆さん|みなさん"
    "|です|ます|ね|よ|さん|元気ですか|大丈夫です|いいですね|すごい|確認しました|テスト"
)
#: Words that do not change the meaning.
_FILLERS = frozenset(
    ("a", "an", "the", "please", "pls", "hi", "hello", "hey", "thanks", "so", "well", "just", "ok")
) | frozenset("请吧啊呢")


def worth(text: str, earlier: Iterable[str] = ()) -> str:
    """Return the author's own words if facts may be learned from them, else ''.

    Greetings, thanks, commands, questions, emoji, code and quotes teach nothing, nor does what was
    said `earlier`.
    """
    if _COMMAND.match(text):
        return ""
    own = own_words(text)
    said = " ".join(part for part in _sentences(own) if not _says_nothing(part))
    return "" if not said or restates(said, earlier) else own


def own_words(text: str) -> str:
    """Remove quotes, code and blocks of a prompt from a turn."""
    text = text[:STORED_CHARACTERS]
    for pattern in _NOT_OWN:
        text = pattern.sub(" ", text)
    return text.strip()


def restates(text: str, earlier: Iterable[str]) -> bool:
    """Does an `earlier` text contain all of `text`, ignoring case, punctuation and fillers?

    A single other word, as in a correction, makes the text new.
    """
    said = _comparable(text)
    return not said or any(said in _comparable(other) for other in earlier)


def grounded(statement: str, text: str) -> bool:
    """Are at least a third of the statement's words in `text`? If not, the model made it up."""
    wanted = set(_words(statement)) - _FILLERS
    return 3 * len(wanted & set(_words(text))) >= len(wanted) > 0


def subject(text: str) -> str:
    """Return the subject's name in one form, so that a new fact replaces the old one."""
    words = [word for word in _words(text) if word not in _FILLERS | {"our", "my", "your", "this"}]
    return _joined(words)[:100].strip()


def _says_nothing(sentence: str) -> bool:
    plain = _LINK.sub(" ", sentence).strip()
    words = _words(plain)
    if _ASKED.search(plain) or _ASKING.match(_joined(words)):
        return True
    rest = _spaced(words)
    for phrase in _PHRASES:
        rest = rest.replace(phrase, " ")
    left = rest.split()
    dense = sum(1 for word in left if _is_dense(word))
    return dense + 2 * (len(left) - dense) < 3


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text) if part.strip()]


def _words(text: str) -> list[str]:
    return _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=512)
def _comparable(text: str) -> str:
    """Return the words without fillers, in a form in which a part can be searched."""
    return _spaced([word for word in _words(text) if word not in _FILLERS])


def _spaced(words: list[str]) -> str:
    """Put spaces on both sides of each word, so that removing one leaves the others whole."""
    return "".join(f" {word} " for word in words)


def _joined(words: list[str]) -> str:
    """Join words as people write them: with spaces, except in scripts without spaces."""
    text = ""
    for word in words:
        text += word if not text or (_is_dense(word) and _is_dense(text[-1])) else f" {word}"
    return text


def _is_dense(word: str) -> bool:
    return re.match(f"[{_DENSE}]", word) is not None


_PHRASES = sorted({_spaced(_words(phrase)) for phrase in _TALK.split("|")}, key=len, reverse=True)
