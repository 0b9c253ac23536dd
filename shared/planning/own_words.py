"""A person's own words in a comment or message: without what they quote of others."""

import re
from functools import cache
from typing import TYPE_CHECKING

from shared.events import Source
from shared.patterns import lazily

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: How mail programs announce the text that they repeat, in several languages: before quoted lines,
#: and before plain ones.
_ATTRIBUTION = lazily(
    r"^(?:On|Am|Le|El|Il|Op|Em|Den|W dniu|Dnia|在|于)\b.{1,300}\n?.{0,100}"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał\w?|写道)"
    r"[^:：\n]{0,100}[:：][ \t]*$",
    re.M,
)
_REPEATED = lazily(
    r"^(?:_{20,}|-{3,} ?[^-\n]{0,30}(?:message|nachricht|mensaje|messaggio|bericht|mensagem|邮件)"
    r"[^-\n]{0,30} ?-{3,}"
    r"|\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|发件人|寄件者|差出人)\*?[ \t]?[:：].{0,200}\n"
    r"(?=\*?(?:Sent|Date|To|Gesendet|Datum|An|Envoyé|À|Enviado|Para|Inviato|Data|A|Verzonden|Aan"
    r"|Skickat|Till|Wysłano|Do|发送时间|收件人|日期|送信日時)\*?[ \t]?[:：])).*$",
    re.M | re.I,
)
_HTML_QUOTE = lazily(r"<blockquote\b.*?(?:</blockquote\s*>|\Z)", re.S | re.I)


def own_words(text: str, source: Source = "github") -> str:
    """Return `text` without quoted lines, and without the mail that an answer by mail repeats.

    In Slack all that follows `>>>` is a quote.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if source == "slack":
        text = re.split(r"^>>>", text, maxsplit=1, flags=re.M)[0]
    text = _HTML_QUOTE.sub("\n\n", _ATTRIBUTION.sub("", _REPEATED.split(text, maxsplit=1)[0]))
    if ">" not in text:
        return text.strip()
    lines = text.split("\n")
    for token in _parser().parse(text):
        if token.type == "blockquote_open" and token.map:
            begin, end = token.map
            lines[begin:end] = [""] * (end - begin)
    return "\n".join(lines).strip()


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")
