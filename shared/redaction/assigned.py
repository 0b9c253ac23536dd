"""Finds secrets without a format: what looks random and is assigned to a name like `password`."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.patterns import lazily
from shared.redaction.formats import Found

#: What the names of secrets have in common, what may follow it in them, and the kind for the mask.
#: A `weak` name says less, so what follows must look random.
_STEMS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "pass",
        lazily(
            r"pass(?:word|wort|wd|phrase|code|ord|e(?![a-z]))|(?<=[_-])pass(?![a-z])"
            r"|(?<![a-z])pass(?==)|(?<=require)pass|(?<!com)(?P<weak>pass)(?=[\"'`*]{0,3}\s?[:=])"
        ),
        "password",
    ),
    ("pw", lazily(r"pwd|(?<![a-z])(?P<weak>pw)(?=[\"'`*]{0,3}\s?[:=])"), "password"),
    ("identified by", lazily("identified by"), "password"),
    ("token", lazily("token"), "token"),
    ("secret", lazily("secret"), "secret"),
    ("cred", lazily(r"cred(?:ential)?s?(?![a-z])"), "secret"),
    ("_auth", lazily(r"_auth(?:token)?(?![a-z])"), "secret"),
    ('"auth"', lazily('"auth(?=")'), "secret"),
    ("key", lazily(r"key(?![a-z])"), "api key"),
    # Other languages, written without accents.
    *(
        (word, lazily(word), "secret")
        for word in ("kennwort", "wachtwoord", "contrasena", "senha", "clave", "jeton")
    ),
)
#: Each has a letter that is not ASCII, and no space.
_OTHER_SCRIPTS = {
    **dict.fromkeys(
        (
            *("密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호", "암호"),
            *("contraseña", "пароль", "hasło", "lösenord", "şifre", "jelszó", "κωδικός"),
            *("סיסמה", "المرور", "कूटशब्द", "पासवर्ड", "khẩu", "รหัสผ่าน"),
        ),
        "password",
    ),
    **dict.fromkeys(("令牌", "トークン", "토큰", "токен"), "token"),
    **dict.fromkeys(("密钥", "秘钥", "金鑰", "schlüssel", "clé", "secrète", "ключ"), "secret"),
}  # fmt: skip
#: A key is secret after one of these.
_KEYS = lazily(
    r"(?:api|access|account|private|signing|encryption|licen[cs]e|auth|shared|master|\bx|secret|app"
    r"|service|client|consumer|storage|subscription|integration|function|admin|aes|hmac|fernet|jwt"
    r"|deploy|webhook|crypto|decryption)[ _.-]?$|[?&]$"
)
_VENDORS = (
    "adafruit", "adobe", "airtable", "algolia", "alibaba", "asana", "atlassian", "confluence",
    "jira", "beamer", "bitbucket", "bittrex", "meraki", "cloudflare", "codecov", "cohere",
    "coinbase", "confluent", "contentful", "datadog", "discord", "droneci", "dropbox", "etsy",
    "facebook", "fastly", "finicity", "finnhub", "flickr", "freshbooks", "gitter", "gocardless",
    "heroku", "hubspot", "intercom", "jfrog", "artifactory", "bintray", "kraken", "kucoin",
    "launchdarkly", "linear", "linkedin", "linked_in", "lob", "looker", "mailchimp", "mailgun",
    "mapbox", "mattermost", "messagebird", "message_bird", "netlify", "newrelic", "new-relic",
    "new_relic", "nytimes", "okta", "plaid", "rapidapi", "sendbird", "sentry", "snyk", "sonar",
    "sourcegraph", "squarespace", "sumo", "telegr", "travis", "twitch", "twitter", "typeform",
    "yandex", "zendesk", "privateai", "private_ai", "stripe", "shopify", "twilio", "vault",
    "hashicorp", "doppler",
)  # fmt: skip
#: What comes between the word and the value: the rest of a name, then one of the signs that assign.
_ASSIGN = lazily(
    r"(?P<rest>[A-Za-z0-9_.-]{0,32}(?: {1,2}(?i:key|token|value|secret|id|string|str|api)\b){0,2})"
    r"(?P<sign>:\s?&?[A-Za-z][A-Za-z.]{2,20}\s?=|[\"'`*)\]]{0,4}\s{0,4}(?:-?[=:?|>：＝→—–]{1,5}\*{0,3}"
    r"|[,是为は])|[\"']\s{1,4}value=|\s{1,2}(?:is|was|ist|lautet|es|est|é|è|är|er|jest)(?:[:：]|\s)"
    r"|[ \t](?=[\"'`“‘„«『])|[ \t]{1,4}[(\[]?)"
    r"(?P<gap>(?:\s{0,2}[>|][+-]?(?=\s))?\s{0,16}(?:[!&][\w!/.-]{1,20}\s|<!\[CDATA\[)?)"
    r"(?P<quote>[「『“‘„«]|\\?[\"'`*]{0,3})"
)
#: The signs that assign without doubt.
_SURE = frozenset("=:：＝→—是为は\"'`")
#: The length of a secret behind a sign that assigns, and behind a mere space.
_SHORTEST, _SHORTEST_APART = 10, 16
#: Fewer digits are a time or a count.
_NUMBER = 16
_QUOTED = lazily(r"[^\"'`\n\r\\<>“”‘’»」』]{6,200}(?=\\?[\"'`“”’»」』])")
_BARE = lazily(r"[^\s\"'`<>,;|&(){}\[\]\\，。；、「」『』“”‘’«»]{6,160}")

#: A name that ends like this holds something about a secret, not the secret.
_ABOUT = lazily(
    r"(?:name|type|hash|count|ur[il]|file|path|dir|limit|length|size|expir\w*|expires_?in|version|ref|arn"
    r"|[_-]?id|scope|algorithm|policy|endpoint|field|label|format|index|budget|usage|_at)s?$",
    re.IGNORECASE,
)
_PLACEHOLDER = lazily(
    r"x{4,}|\*{3,}|\.{3,}|0{5,}|1234567890|123456789|change[-_]?(?:me|this|it)|placeholder|example"
    r"|your[-_]?|dummy|redacted|insert|replace|sample|removed|todo|fixme|fake|foobar|undefined|null|none"
    r"|secrets?\.|environ|process\.env|getenv|\$",
    re.IGNORECASE,
)
_DIGEST = lazily(
    r"(?:sha(?:1|256|384|512)|md5|blake2\w?)[-:=]|\d+:|(?:[0-9a-f]{2}:){5,}|data:|https?:|git@|ssh-|arn:"
    r"|\[?secret removed",
    re.IGNORECASE,
)
_UUID = lazily(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.IGNORECASE)
#: The name of a type, such as AWS::IAM::AccessKey, ends here, or that of a user in an address.
_OTHER_NAME = lazily(r"(?:::\w*|://[^\s/@?;]*)\Z")
#: A part of a word that may be random, in lower case.
_RUN = lazily(r"[a-z0-9_=-]{15,}")
_DIGIT = lazily(r"[0-9]")
_DIGITS = lazily(r"[0-9][^0-9]*[0-9]")
#: Beside so many random words it is faster to look for vendors in the whole text first.
_MANY = 12
_LETTER = lazily(r"[A-Za-z]")
#: Small and capital letters with signs, as in passwords without digits.
_MOTLEY = lazily(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[^!@#$%^&*+=?~]*[!@#$%^&*+=?~]")
#: Words in camel case, or one, with a number; and what joins words.
_CAMEL = lazily(r"[A-Z]?[a-z]*+(?>(?:[A-Z][a-z]{2,}+)*)[0-9]{0,4}")
_JOINT = lazily(r"[-_./:@~]")
_CHUNK = lazily(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]")
_TOKEN = lazily(r"[\w.=+/~:@!$^%-]+$", re.ASCII)


def assigned(text: str, low: str, words: Sequence[str], foreign: str) -> Iterator[Found]:
    """Find what is assigned to a name that announces a secret.

    All in lower case: `low` is the text, `words` are its long words, `foreign` are those that are
    not all ASCII.
    """
    for stem, pattern, kind in _STEMS:
        place = low.find(stem)
        while place >= 0:
            name = pattern.match(low, place)
            if name and (stem != "key" or _KEYS.search(low[max(0, place - 13) : place])):
                seen = "secret" if name.lastgroup else kind
                yield from _value(text, low, place, name.end(), seen)
            place = low.find(stem, place + len(stem))
    for word in [word for word in _OTHER_SCRIPTS if word[0] in foreign and word in foreign]:
        for match in re.finditer(word, low):
            yield from _value(text, low, match.start(), match.end(), _OTHER_SCRIPTS[word])
    yield from _of_vendors(text, low, words)


def _of_vendors(text: str, low: str, words: Sequence[str]) -> Iterator[Found]:
    """Find what looks random and is assigned to a name that holds a vendor's."""
    random = [word for word in words if any(map(_DIGITS.search, _RUN.findall(word)))]
    named = _VENDORS if len(random) < _MANY else [one for one in _VENDORS if one in low]
    at = 0
    for word in random if named else ():
        at = max(low.find(word, at), 0)
        start = max(at - 60, 0)
        window = low[start : at + len(word)]
        for vendor in named:
            place = start + window.find(vendor)
            if place >= start and _begins_a_name(text, place):
                yield from _value(text, low, place, place + len(vendor), "vendor")


def _begins_a_name(text: str, place: int) -> bool:
    """Does a word begin there, or a part of a name in camel case?"""
    before = text[place - 1 : place]
    return not before.isalpha() or (before.islower() and text[place].isupper())


def _value(text: str, low: str, start: int, end: int, kind: str) -> Iterator[Found]:
    """Find the value that is assigned to the name that ends at `end`."""
    after = text[end : end + 1]
    longer = after.isascii() and after.islower() and after != "s" and text[end - 1].islower()
    if longer and kind != "vendor":
        return  # a longer word, such as tokenizer
    match = _ASSIGN.match(text, end)
    flag = _FLAG.match(text, end) if _is_flag(text, start) else None
    match = flag or match
    yield from _later_value(text, end, kind)
    if match is None or _ABOUT.search(match["rest"]):
        return
    if _OTHER_NAME.search(text[max(0, start - 60) : start]):
        return
    quoted = bool(match["quote"].strip("*"))
    value = (_QUOTED if quoted else _BARE).match(text, match.end())
    if value is None or text[value.end() : value.end() + 1] in {"(", "["}:
        return
    found = value[0] if quoted else value[0].rstrip(".!?:)*")
    sign = match["sign"]
    is_apart = not sign.strip(" \t(") and len(found) < _SHORTEST_APART and not flag
    if not quoted and (is_apart or "," in sign):
        return
    is_set = bool(flag or set(sign) & _SURE) or (quoted and sign.isspace())
    if is_secret(found, kind, sure=is_set and "," not in sign and "\n" not in match["gap"]):
        is_aws = "aws" in low[max(0, start - 12) : start] and kind != "password"
        named = "aws secret key" if is_aws else "secret" if kind == "vendor" else kind
        yield Found(value.start(), value.start() + len(found), named)


def _later_value(text: str, end: int, kind: str) -> Iterator[Found]:
    """Find a value some words after the name that ends at `end`."""
    later = _LATER.match(text, end)
    if later and _MIXED.match(later["value"]) and is_secret(later["value"], kind, sure=False):
        yield Found(*later.span("value"), "secret" if kind == "vendor" else kind)


#: A value some words after its name: `the token for staging is …`.
_LATER = lazily(
    r"(?: [A-Za-z]{1,20},?){1,8}(?::| is| was|=)[ \n]{1,2}[\"'`*“]{0,3}"
    r"(?P<value>[\w.=+/~!$^%-]{20,160})"
)
#: Random in small and capital letters and digits, as no hash is.
_MIXED = lazily(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])")


#: The value of an option such as `--db-password`.
_FLAG = lazily(r"(?P<rest>[A-Za-z0-9-]{0,20})(?P<sign>[ ])(?P<gap>)(?P<quote>[\"']?)")


def _is_flag(text: str, start: int) -> bool:
    head = text[max(0, start - 24) : start]
    return "--" in head and " " not in head[head.rfind("--") :]


def is_secret(value: str, kind: str, *, sure: bool = True) -> bool:
    """Does the value that is announced as a secret of this kind look like one?"""
    if not (_DIGIT.search(value) or _MOTLEY.match(value)) or _DIGEST.match(value):
        return False
    rest = _PLACEHOLDER.sub("", value)
    if rest != value and len(rest) < 16:
        return False
    has_digit = bool(_DIGIT.search(rest))
    has_letter = bool(_LETTER.search(rest))
    if kind == "password" and sure:
        return has_letter and (has_digit or bool(_MOTLEY.match(rest))) and " " not in rest
    if not has_letter:
        return kind != "password" and len(rest) >= _NUMBER and rest.isdecimal()
    if not (has_digit and len(rest) >= _SHORTEST and _TOKEN.match(rest)):
        return False
    if _UUID.match(rest):
        return kind in {"secret", "api key", "password", "vendor"}
    return _entropy(rest) >= 2.5 and not _is_words(rest)


def _is_words(value: str) -> bool:
    """Is it made of words, such as `my-service-account-2` or `loginPage2`?"""
    if _CAMEL.fullmatch(value):
        return True
    chunks = [chunk for chunk in _CHUNK.findall(value) if chunk.isalnum()]
    return _JOINT.search(value) is not None and len(value) >= 4 * len(chunks)


def _entropy(value: str) -> float:
    """Return the bits of a character."""
    length = len(value)
    return -sum(n / length * math.log2(n / length) for n in Counter(value).values())
