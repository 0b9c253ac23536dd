"""The windows of models: the tokens that a call may have, with its answer and of it alone."""

from typing import NamedTuple

from shared.errors import SettingsError


class ModelWindow(NamedTuple):
    """`tokens` are those of a call with its answer, `answer` those of the answer alone."""

    tokens: int
    answer: int


#: The least of the models in the list of prices, which is Nova Micro:
#: https://docs.aws.amazon.com/nova/latest/userguide/what-is-nova.html
_OF_VENDORS = ModelWindow(128_000, 5_000)
#: Ollama without a large graphics card, which cuts the beginning off of what is longer:
#: https://docs.ollama.com/context-length
_OF_OLLAMA = ModelWindow(4_096, 4_096)
#: Any other server.
_ELSEWHERE = ModelWindow(8_192, 8_192)
_KNOWN = (
    ("offline", _OF_VENDORS), ("openai:", _OF_VENDORS), ("anthropic:", _OF_VENDORS),
    ("bedrock:", _OF_VENDORS), ("ollama:", _OF_OLLAMA),
)  # fmt: skip
#: A smaller window holds no question.
_LEAST = 2_048


class ModelWindows:
    """The windows of MODEL_WINDOWS, then what is known of the servers. An exact name comes before a
    prefix, and a longer prefix before a shorter one.

    >>> ModelWindows("ollama:*=32768").of("ollama:qwen3")
    ModelWindow(tokens=32768, answer=32768)
    """

    def __init__(self, text: str = "") -> None:
        """Raises SettingsError for a malformed text."""
        parts = (part.strip() for part in text.split(";"))
        self._own = dict(_read(part) for part in parts if part)

    def of(self, name: str) -> ModelWindow:
        """Return the window of a model."""
        prefixes = [key for key in self._own if key.endswith("*") and name.startswith(key[:-1])]
        found = self._own.get(name) or self._own.get(max(prefixes, key=len, default=""))
        known = (window for start, window in _KNOWN if name.startswith(start))
        return found or next(known, _ELSEWHERE)


def _read(part: str) -> tuple[str, ModelWindow]:
    """Read `ollama:*=32768` or `http://host/v1#name=32768/4096`."""
    name, _, sizes = (piece.strip() for piece in part.rpartition("="))
    total, _, answer = sizes.partition("/")
    try:
        window = ModelWindow(int(total), int(answer or total))
    except ValueError:
        window = ModelWindow(0, 0)
    if not name or "*" in name[:-1] or window.tokens < _LEAST or window.answer < 1:
        raise SettingsError(
            f"MODEL_WINDOWS has {part!r}; expected name=tokens or name=tokens/tokens of an answer,"
            f" from {_LEAST:,} tokens on, such as ollama:*=32768"
        )
    return name, window
