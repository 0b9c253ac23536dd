"""A pattern is compiled when it is first used, and does then what a compiled one does."""

import re

import pytest

from shared.patterns import lazily


def test_a_lazy_pattern_does_what_a_compiled_one_does() -> None:
    text = "a1 B22 c333"
    lazy, compiled = (make(r"([a-z])(\d+)", re.IGNORECASE) for make in (lazily, re.compile))
    assert lazy.findall(text) == compiled.findall(text)
    assert [each.span() for each in lazy.finditer(text)] == [(0, 2), (3, 6), (7, 11)]
    assert lazy.subn(r"\2", text, count=2) == compiled.subn(r"\2", text, count=2)
    assert lazy.sub("-", text) == "- - -"
    assert lazy.split(text) == compiled.split(text)
    assert (lazy.match(text), lazy.fullmatch(text), lazy.search("?")) != (None, None, None)
    assert (lazy.groups, lazy.flags, lazy.pattern) == (
        compiled.groups,
        compiled.flags,
        compiled.pattern,
    )
    assert lazily(rb"<(\w+)>").findall(b"<a><b>") == [b"a", b"b"]


def test_a_lazy_pattern_is_compiled_at_its_first_use_and_not_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []
    compile_it = re.compile

    def watched(source: str, flags: int) -> re.Pattern[str]:
        compiled.append(source)
        return compile_it(source, flags)

    monkeypatch.setattr(re, "compile", watched)
    lazy = lazily("a|b")
    assert (compiled, lazy.pattern) == ([], "a|b")
    assert lazy.search("cab")
    assert lazy.sub("", "cab") == "c"
    assert compiled == ["a|b"]
    with pytest.raises(re.error):
        lazily("(").search("")
