"""Keeps secrets out of what is written: texts get masks, contents of files are refused."""

import re
from dataclasses import replace
from typing import Any, TypeVar, cast

from shared.actions import Action
from shared.errors import ActionRejected
from shared.patterns import lazily
from shared.redaction.redacting import is_masked, kinds_of, without_secrets

A = TypeVar("A", bound=Action)

#: A change that GitHub offers to put into a file.
_SUGGESTION = lazily(
    r"^[ \t>*+-]*(`{3,}|~{3,})[ \t]*suggestion\b.*?(?:^[ \t>]*\1|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
#: The last word of a growing text, where it may be the beginning of a secret.
_UNFINISHED = lazily(
    r"(?:(?<![!-~])(?=[!-~]*(?:[0-9_/=+@]|[.:-](?=[!-~])))[!-~]{4,}|[!-~]{13,}"
    r"|(?<=[:=])[ \"'`]{1,3}[!-~]+)\Z"
)
#: No word is longer than what is looked at.
_TAIL = 400


def masked(action: A) -> A:
    """Return the action with the secrets of its texts masked.

    What is written into a file, or suggested for one, is never masked. Raises ActionRejected when
    that holds a secret, or a mask from a source that held one.
    """
    changed = {}
    for name, value in vars(action).items():
        if hasattr(value, "scope"):
            continue  # the target
        if name in action.verbatim:
            _refuse_secrets(value)
            continue
        if isinstance(value, str) and "suggestion" in value.lower():
            for suggestion in _SUGGESTION.finditer(value):
                _refuse_secrets(suggestion[0])
        clean = without_secrets(value)
        if clean != value:
            changed[name] = clean
    return cast("A", replace(cast("Any", action), **changed)) if changed else action


def without_unfinished(text: str) -> str:
    """Return a growing text without a last word that may become a secret."""
    head, tail = text[:-_TAIL], text[-_TAIL:]
    return head + _UNFINISHED.sub("", tail)


def _refuse_secrets(content: object) -> None:
    text = str(content)
    if is_masked(text):
        raise _refused(
            "The new content of the file holds a place where a secret was removed,"
            " so I did not write it. A person must make this change."
        )
    if kinds := kinds_of(text):
        raise _refused(
            f"The new content of the file holds a secret ({', '.join(sorted(set(kinds)))}),"
            " so I did not write it. Keep secrets in a secret store."
        )


def _refused(reason: str) -> ActionRejected:
    err = ActionRejected(reason)
    err.public = reason
    return err
