"""The names of code and of files in a text that a model wrote.

What stands between backticks is code. Outside of them a word counts as code when prose has no such
words: `snake_case`, `camelCase`, `Two.parts`, `called()`, a path.
"""

import re
import unicodedata
from typing import NamedTuple

from shared.models.visible_characters import visible_characters
from shared.patterns import lazily
from shared.reviewing.head import words_in

_SPAN = lazily(r"(`+)(.+?)\1", re.DOTALL)
#: Ends of words that make a path without a slash a file.
_ENDINGS = (
    "c cc cfg conf cpp cs css csv go h hpp html ini java js json jsx kt lock md mjs php proto py"
    " pyi rb rs rst scala sh sql svelte swift tf toml ts tsx txt vue xml yaml yml"
)
_FILE = lazily(rf"(?:[\w.@+-]+/)*[\w.@+-]+\.(?:{'|'.join(_ENDINGS.split())})(?!\.?[\w/-])")
_PATH = lazily(r"(?<![\w:/.])(?:[\w.@+-]+/)+[\w.@+-]+(?![\w/])")
#: Prose has `and/or` and `24/7`, so there a path without an ending has two slashes.
_PATH_IN_PROSE = lazily(r"(?<![\w:/.])(?:[\w.@+-]+/){2,}[\w.@+-]+(?![\w/])")
#: A text between quotes inside of code is a value, and a number names nothing.
_LITERAL = lazily(r"\"[^\"\n]*\"|'[^'\n]*'|(?<![\w.])\d[\w.]*")
_NAME = lazily(
    r"[^\W\d]\w*(?=\()"  # called(
    r"|[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)+"  # Two.parts
    r"|_*[^\W\d_][^\W_]*_\w*|_+\w+"  # snake_case, _private
    r"|[^\W\d_A-Z]+[A-Z]\w*"  # camelCase
    r"|[A-Z][^\W_A-Z]+[A-Z]\w*"  # PascalCase
    r"|[A-Z]+\d+\w*"
)
#: Names of products and of standards that look like code, and are words of prose.
_NAMES_OF_PROSE = """
    node.js next.js vue.js asp.net github gitlab javascript typescript coffeescript postgresql mysql
    sqlite mongodb dynamodb graphql openapi oauth oauth2 utf8 utf16 ipv4 ipv6 sha1 sha256 md5 base64
    devops macos ios numpy fastapi openssl websocket websockets json5 http2 http3 linkedin youtube
    e.g i.e
"""
_PROSE = frozenset(_NAMES_OF_PROSE.split())


class Mentions(NamedTuple):
    """`paths` are names of files; `symbols` single names of code, in parts where it is dotted."""

    paths: frozenset[str]
    symbols: frozenset[str]


def mentions_in(text: str) -> Mentions:
    """Find the names in a text, as they are seen."""
    text = unicodedata.normalize("NFC", visible_characters(text))
    paths: set[str] = set()
    symbols: set[str] = set()
    rest = _SPAN.sub(lambda found: _take_code(found[2], paths, symbols), text)
    rest = _take_paths(rest, paths, _PATH_IN_PROSE)
    for found in _NAME.finditer(rest):
        if found[0].lower() not in _PROSE:
            symbols.update(words_in(found[0]))
    return Mentions(frozenset(paths), frozenset(symbols))


def _take_code(code: str, paths: set[str], symbols: set[str]) -> str:
    """Take all names of a piece of code, and leave a space in its place."""
    rest = _take_paths(code.strip(), paths, _PATH)
    symbols.update(words_in(_LITERAL.sub(" ", rest)))
    return " "


def _take_paths(text: str, paths: set[str], pattern: re.Pattern[str]) -> str:
    """Take the paths of a text, and leave a space in the place of each."""
    for kind in (_FILE, pattern):
        found = [path for path in kind.findall(text) if path.lower() not in _PROSE]
        paths.update(found)
        for path in found:
            text = text.replace(path, " ")
    return text
