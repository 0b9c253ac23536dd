"""What a person types at the scripts, and how they see an answer: one line for a mistake, colours
where a terminal is."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NoReturn, TextIO
from urllib.parse import urlsplit

Colour = Literal["bold", "red", "green", "yellow"]

_CODES: dict[Colour, int] = {"bold": 1, "red": 31, "green": 32, "yellow": 33}
_WRONG_CHOICE = re.compile(
    r"(?P<said>.*invalid choice: '(?P<given>.*?)') \(choose from (?P<all>.*)\)"
)


class Arguments(argparse.ArgumentParser):
    """A parser that answers a mistake with one line, and names what was nearly typed."""

    _typed: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._typed = sys.argv[1:] if args is None else [*args]
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        said = re.sub(r"\s+", " ", self._with_hint(message))
        self.exit(2, f"{paint('error:', 'red', sys.stderr)} {said}; see {self.prog} --help\n")

    def _with_hint(self, message: str) -> str:
        if wrong := _WRONG_CHOICE.match(message):
            known = re.findall(r"[\w.-]+", wrong["all"])
            return f"{wrong['said']}, {_did_you_mean(wrong['given'], known)}"
        given = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        return (
            f"{message}, {_did_you_mean(given[1], _options(self, self._typed))}"
            if given
            else message
        )


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    names = sorted(set(known))
    near = get_close_matches(given, names, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(names)}"


def _options(parser: argparse.ArgumentParser, typed: Collection[str]) -> list[str]:
    """Return the long options of a parser, and of the commands below it that were typed."""
    found = [name for name in parser._option_string_actions if name.startswith("--")]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [name for below in _named(action, typed) for name in _options(below, typed)]
    return found


def _named(
    below: "argparse._SubParsersAction[argparse.ArgumentParser]", typed: Collection[str]
) -> list[argparse.ArgumentParser]:
    return [parser for name, parser in below.choices.items() if name in typed]


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number between the two, for `type=`."""

    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text) and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")

    return read


def matching(pattern: str, expected: str) -> Callable[[str], str]:
    """Return what takes a text of that form, for `type=`."""

    def read(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise argparse.ArgumentTypeError(f"{text!r} is wrong; expected {expected}")

    return read


def address(text: str) -> str:
    """Take an address with a scheme, a host and perhaps a port, for `type=`."""
    if not is_address(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no address; expected http://host:port")
    return text


def is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme in {"http", "https"} and text.isprintable() and " " not in text


def paint(text: str, colour: Colour, stream: TextIO) -> str:
    """Colour a text for `stream`, where that is a terminal and NO_COLOR (no-color.org) is not
    set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain or not stream.isatty():
        return text
    return f"\033[{_CODES[colour]}m{text}\033[0m"


def complain(problem: object, who: str = "error") -> None:
    """Tell a person what is wrong: a line for each thing."""
    for line in str(problem).splitlines():
        print(f"{paint(f'{who}:', 'red', sys.stderr)} {line}", file=sys.stderr)
