"""Writes what a tool found for people: a list with links, never JSON."""

import re
from collections.abc import Sequence
from typing import Any

from shared.events import Json

#: Characters of a text, and of a name in a list.
_TEXT, _NAME = 1_500, 160
_NAMES = ("title", "message", "name", "path", "text", "ref")
#: What means something in Markdown or Slack, in an address.
_ENCODED = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "()<>@ "})
_ABOUT = ("state", "status", "description")


def found_text(output: Any, most: int = 10) -> str:
    """Return Markdown that shows `output`: the first `most` things of a list, or a text."""
    if isinstance(output, dict) and isinstance(output.get("items"), list):
        return _listed(output["items"], most, output.get("total"), output.get("complete", True))
    if isinstance(output, list) and any(isinstance(one, dict) and "items" in one for one in output):
        return "\n".join(found_text(one, most) for one in output)
    if isinstance(output, list):
        return _listed(output, most, None, True)
    if isinstance(output, dict):
        return _one(output)
    return "" if output is None else _cut(str(output), _TEXT)


def texts_of(output: Any) -> list[str]:
    """Return the texts that people wrote in `output`, the most important first."""
    if isinstance(output, list):
        return [text for part in output for text in texts_of(part)]
    if not isinstance(output, dict):
        return [output] if isinstance(output, str) and output.strip() else []
    own = [output[name] for name in ("title", "message", "text") if _says(output.get(name))]
    parts = [output[name] for name in ("items", "comments", "files") if name in output]
    return [*own, *(text for part in parts for text in texts_of(part))]


def addresses(output: Any) -> list[str]:
    """Return where what was found stands, as its source says: no text of people counts."""
    if isinstance(output, list):
        return [url for part in output for url in addresses(part)]
    if not isinstance(output, dict):
        return []
    own = [output["url"]] if _says(output.get("url")) else []
    parts = (output.get(name) for name in ("items", "comments", "files"))
    return own + [url for part in parts for url in addresses(part)]


def found_names(output: Any) -> bool:
    """Is it a list of things with names, as opposed to what people said?"""
    items = output.get("items") if isinstance(output, dict) else output
    named = {"title", "message", "name", "path", "ref"}
    return isinstance(items, list) and any(
        found_names(item) if "items" in item else bool(named & item.keys())
        for item in items
        if isinstance(item, dict)
    )


def _listed(items: Sequence[Any], most: int, total: object, complete: object) -> str:
    if not items:
        return "Nothing was found."
    lines = [f"- {_line(item)}" for item in items[:most]]
    count = total if isinstance(total, int) and total > len(items) else len(items)
    if count > len(lines):
        lines.append(f"- … and {count - len(lines)} more")
    elif complete is False:
        lines.append("- … and more")
    return "\n".join(lines)


def _line(item: Any) -> str:
    if not isinstance(item, dict):
        return _name(str(item))
    key = next((name for name in _NAMES if _says(item.get(name))), "")
    name = _name(str(item.get(key, "")).split("\n\n")[0])
    number = item.get("number")
    name = f"#{number} {name}".strip() if isinstance(number, int) else name
    more = [_name(str(item[name])) for name in _ABOUT if _says(item.get(name))]
    if _says(item.get("author")):
        more.append(f"by {_name(item['author'])}")
    about = f" — {', '.join(more)}" if more else ""
    return f"{_linked(name or 'without a name', item)}{about}"


def linked(name: str, url: str) -> str:
    """Write a link as Markdown; nothing in its address ends it, or reads as a mention.

    >>> linked("page", "https://github.com/acme/shop/blob/main/app/(shop)/@here/page.tsx")
    '[page](https://github.com/acme/shop/blob/main/app/%28shop%29/%40here/page.tsx)'
    """
    return f"[{name}]({url.translate(_ENCODED)})"


def _linked(name: str, item: Json) -> str:
    url = item.get("url", "")
    is_link = isinstance(url, str) and re.fullmatch(r"https?://[^\s<>\[\]]+", url)
    return linked(name, url) if is_link else name


def _one(output: Json) -> str:
    """Show one thing: its headline, and its text as a quotation."""
    text = _cut(output["text"], _TEXT) if _says(output.get("text")) else ""
    if set(output) == {"text"}:
        return text
    if "path" in output:
        fence = "`" * max(3, *(len(run) + 1 for run in ["", *re.findall("`+", text)]))
        text = f"{fence}\n{text}\n{fence}"
    else:
        text = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    head = _line({name: value for name, value in output.items() if name != "text"})
    return "\n\n".join(filter(None, ("" if head == "without a name" else head, text)))


def _says(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _name(text: str) -> str:
    """Write a text in one line that is no link."""
    return _cut(" ".join(text.split()).replace("[", "(").replace("]", ")"), _NAME)


def _cut(text: str, longest: int) -> str:
    plain = text.strip()
    return plain if len(plain) <= longest else f"{plain[: longest - 1].rstrip()}…"
