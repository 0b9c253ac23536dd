"""Secrets that a text around them shows: private keys, headers, addresses with a password."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterator

from shared.patterns import lazily
from shared.redaction.assigned import is_secret
from shared.redaction.formats import Found

_BEGIN = lazily(r"-{4,5}\s?BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?\s?-{4,5}", re.IGNORECASE)
_END = lazily(r"-{4,5}\s?END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?\s?-{4,5}", re.IGNORECASE)
#: The lines of a key whose end is cut off.
_LINES = lazily(
    r"(?>(?:(?>(?:\s|\\+[nr]|[>|*\"'+,-])*)"
    r"(?:[A-Za-z0-9+/]{16,}+={0,2}|(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]{0,120}))*)"
    r"(?:(?>(?:\s|\\+[nr])*)[A-Za-z0-9+/]{2,}={0,2}(?=[\s\"'`]*$))?"
)
#: More than a placeholder.
_BODY = lazily(r"[A-Za-z0-9+/]{16}")
#: The longest private key, an RSA key of 16,384 bits, has 12,700 characters.
_LONGEST_KEY = 16_000

_ADDRESS = lazily(r"[^\s/?#:\"'<>`]{0,100}:([^\s/?#\"'<>`\[\]{}]{1,200})@(?=[\w\[%-])")
_LOOSE_ADDRESS = lazily(r"[^\s/?#@:\"'<>`]{1,100}:([^\s\"'<>`\[\]{}@]{1,100})@(?=[\w.-]+[:/])")
_ADDRESS_TOKEN = lazily(r"([^\s/?#@:\"'<>`\[\]{}]{16,200})@(?=[\w\[%-])")
_FLAG = lazily(r"[^\n|;&]{0,200}?\s-p[ =]?[\"']?([^\s\"'=-][^\s\"']{2,200})")
_HEADER = lazily(
    r"(?<![a-z]authorization)[\"'`]{0,2}\s{0,3}[:=]\s{0,3}[\"'`]?"
    r"(?:(?:bearer|basic|token|bot|api-?key|key|negotiate|digest|ntlm|aws4-hmac-sha256)[ \t]{1,3})?"
    r"([^\s\"'<>`{}()\[\]]{8,4000}+)(?![(\[{])",
    re.IGNORECASE,
)
_KEY_HEADER = lazily(
    r"(?<![/a-z0-9]x-)(?:[a-z]{1,20}-)?(?:api-?key|auth-token|access-token|token|key)[\"'`]?\s{0,3}:\s{0,3}[\"'`]?"
    r"([^\s\"'<>`]{8,1000})",
    re.IGNORECASE,
)
_BEARER = lazily(r"[ \t]{1,3}([A-Za-z0-9_~+/.=-]{16,4000})", re.IGNORECASE)
_BASIC = lazily(r"[ \t]{1,3}([A-Za-z0-9+/]{8,2000}={0,2})", re.IGNORECASE)
_COOKIE = lazily(
    r"2?[\"'`]{0,2}\s{0,3}:\s{0,3}[\"'`]?([\w.%-]{1,100}=[^\n\r\"'<>`]{6,6000})", re.IGNORECASE
)
_SESSION = lazily(r"(?:ion)?[_-]?id=([\w%.:+/-]{16,400})", re.IGNORECASE)
_CURL_USER = lazily(r"[^\n]{0,200}?\s(?:-u|--user)[= ]{0,2}[\"']?[^\s:\"']{1,80}:([^\s\"']{3,200})")
_NETRC = lazily(r"[ \t]+\S{1,80}[ \t\n]+login[ \t]+\S{1,80}[ \t\n]+password[ \t]+(\S{3,200})")
_KUBERNETES = lazily(r"kind:[ \t]*[\"']?secret\b", re.IGNORECASE)
_DATA_LINE = lazily(
    r"^[ \t]+[\w.-]{1,80}:[ \t]*[\"']?([A-Za-z0-9+/]{8,}={0,2})[\"']?[ \t]*$", re.MULTILINE
)
_PLACEHOLDER = lazily(
    r"(?:pass(?:word)?|passwd|pwd|secret|token|x+|\*+|[.…]+|change[-_]?me|example|your\W?\w*|.*[$<{].*"
    r"|\[?secret|redacted)$",
    re.IGNORECASE,
)


def _is_meant(secret: str) -> bool:
    return not _PLACEHOLDER.match(secret)


def _has_digit(secret: str) -> bool:
    return _is_meant(secret) and any("0" <= char <= "9" for char in secret)


def _is_token(secret: str) -> bool:
    """Is it more than a name, such as `auth_token` or `YOUR_TOKEN`?"""
    mixed = len(secret) >= 16 and secret.upper() != secret != secret.lower()
    return _is_meant(secret) and (mixed or _has_digit(secret))


def _is_basic(secret: str) -> bool:
    """Is it a name and a password in base64?"""
    try:
        return b":" in b64decode(secret + "=" * (-len(secret) % 4), validate=True)
    except Error:
        return False


def _is_named(secret: str) -> bool:
    return is_secret(secret, "token")


#: The word that a shape begins with, what follows the word, and whether that is a secret.
Shape = tuple[str, re.Pattern[str], str, Callable[[str], bool]]
_SHAPES: tuple[Shape, ...] = (
    ("authorization", _HEADER, "authorization header", _is_token),
    ("x-", _KEY_HEADER, "authorization header", _is_token),
    ("bearer", _BEARER, "bearer token", _has_digit),
    ("basic", _BASIC, "authorization header", _is_basic),
    ("cookie", _COOKIE, "cookie", _is_token),
    ("sess", _SESSION, "session", _has_digit),
    ("curl", _CURL_USER, "password", _is_meant),
    ("sshpass", _FLAG, "password", _has_digit),
    ("docker login", _FLAG, "password", _has_digit),
    ("mysql", _FLAG, "password", _has_digit),
    ("machine", _NETRC, "password", _is_meant),
)


def shaped(text: str, low: str) -> Iterator[Found]:
    """Find them all; `low` is the text in lower case."""
    if "private key" in low:
        yield from _private_keys(text)
    if "://" in low and "@" in low:
        for pattern in (_ADDRESS, _LOOSE_ADDRESS):
            yield from _matched(text, low, ("://", pattern, "password", _is_meant))
        yield from _matched(text, low, ("://", _ADDRESS_TOKEN, "token", _is_named))
    for shape in _SHAPES:
        yield from _matched(text, low, shape)
    if "kind:" in low:
        yield from _kubernetes(text)


def _matched(
    text: str,
    low: str,
    shape: Shape,
) -> Iterator[Found]:
    """Find group 1 of the shape's pattern behind each `start`."""
    start, pattern, kind, is_secret = shape
    place = low.find(start)
    while place >= 0:
        end = place + len(start)
        match = pattern.match(text, end)
        if match:
            end = match.end()
            if is_secret(match[1]):
                yield Found(*match.span(1), kind)
        place = low.find(start, end)


def _private_keys(text: str) -> Iterator[Found]:
    """Find each private key, also one whose end was cut off."""
    ends = [match.end() for match in _END.finditer(text)]
    done = last = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        while last < len(ends) and ends[last] < begin.end():
            last += 1
        done = ends[last] if last < len(ends) else 0
        if not done or done - begin.start() > _LONGEST_KEY:
            lines = _LINES.match(text, begin.end())
            done = lines.end() if lines else begin.end()
        if _BODY.search(text, begin.end(), done):
            yield Found(begin.start(), done, "private key")


def _kubernetes(text: str) -> Iterator[Found]:
    """Find the data of Kubernetes secrets, near their `kind: Secret`."""
    read = 0
    for kind in _KUBERNETES.finditer(text):
        start, end = max(read, kind.start() - 1_000), kind.end() + 3_000
        for line in _DATA_LINE.finditer(text, start, end):
            yield Found(*line.span(1), "kubernetes secret")
        read = end
