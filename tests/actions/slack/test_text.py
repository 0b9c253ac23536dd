"""What becomes of Markdown on its way to Slack."""

import re
import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.slack.drafts import unfinished
from shared.actions.slack.text import PIECE, brief, harmless, pieces, plain
from shared.models.found_text import linked

BREAK = "\u200b"

#: What notifies somebody, when Slack reads it as control sequence or as a name.
NOTIFIES = re.compile(
    r"<!(?:channel|here|everyone|group|subteam\^)|<@[A-Z]|(?<![A-Za-z0-9])@(?:channel|here|everyone)\b",
    re.IGNORECASE,
)

#: Ordinary text with traps strewn in.
_TRAPS = st.sampled_from(
    [
        "<!channel>",
        "<@U1>",
        "@here",
        "<",
        "!",
        "@",
        "channel",
        "\n```\n",
        "\n\n",
        "\n",
        "😀",
        "。",
        "&lt;",
    ]
)
TEXTS = st.lists(st.one_of(_TRAPS, st.text(max_size=8))).map("".join)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    "mention",
    [
        "<!channel>",
        "<!here|here>",
        "<!EVERYONE>",
        "<!group>",
        "<!subteam^S0OPS|@ops>",
        "<@U0ALICE>",
        "<@W0ALICE|alice>",
        "@channel",
        "@here,",
        "_@everyone_",
        "请@channel看",
        "＠here",
        "`<!channel>`",
        "```\n<@U0ALICE> @here\n```",
        r"<\!channel>",
        "&lt;!channel&gt;",
        "&#60;&#33;channel>",
        "&LT;&commat;U0ALICE>",
        "&#x3c;!here>",
        "&#64;channel",
        "@&#99;hannel",
    ],
)
def test_a_mention_is_broken_and_reads_the_same(mention: str) -> None:
    broken = harmless(mention)
    assert BREAK in broken
    assert not NOTIFIES.search(broken)
    assert broken.replace(BREAK, "") == mention


@pytest.mark.parametrize(
    "text", ["/deploy prod", "Yes.\n/deploy", "> /deploy", "- **/deploy**", "```\n/deploy\n```"]
)
def test_a_command_that_opens_a_line_is_broken(text: str) -> None:
    assert not re.search(r"^\W*?(?<!\u200b)/", harmless(text), re.MULTILINE)
    assert harmless(text).replace(BREAK, "") == text


@pytest.mark.parametrize(
    "text",
    [
        "alice@here.com",
        "either/or, and https://acme.test/a",
        "if (!channel) { return a < b }",
        "<!-- note -->",
        "<!DOCTYPE html>",
        "see <https://acme.test/a?b=1&c=2>",
        "@hereafter",
        "@dataclass",
        "price < 3 @ 4",
        "汉字 😀",
    ],
)
def test_what_mentions_nobody_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@given(TEXTS)
def test_no_text_notifies_anybody(text: str) -> None:
    for piece in pieces(text, 200):
        assert not NOTIFIES.search(piece)
        assert not NOTIFIES.search(plain(piece))
    assert harmless(harmless(text)) == harmless(text)


@given(TEXTS.map(lambda text: text * 20))
def test_pieces_hold_the_whole_text_and_none_is_too_long(text: str) -> None:
    cut = pieces(text, 200)
    assert all(units(piece.replace(BREAK, "")) <= 200 for piece in cut)
    # Code blocks are closed and opened again, and blank lines at a cut go.
    assert _bare("".join(cut)) == _bare(text)
    assert pieces(text, 200) == cut


def test_a_short_text_is_one_piece() -> None:
    assert pieces("Hello **world**") == ["Hello **world**"]
    assert pieces("") == [""]


def test_a_long_text_is_cut_between_paragraphs() -> None:
    paragraph = "word " * 300
    cut = pieces("\n\n".join([paragraph.strip()] * 20))
    assert len(cut) > 1
    assert all(piece.startswith("word") and piece.endswith("word") for piece in cut)
    assert all(len(piece) > PIECE // 2 for piece in cut[:-1])


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    cut = pieces("Look:\n\n```python\n" + "print('x')\n" * 2000 + "```\n\nDone.")
    assert len(cut) > 2
    assert all(piece.count("```") % 2 == 0 for piece in cut)
    assert all(piece.startswith("```python\n") for piece in cut[1:])
    assert cut[-1].endswith("Done.")


def test_a_code_block_is_not_cut_when_it_can_move_to_the_next_piece() -> None:
    prose, code = "word " * 1200, "```\n" + "x = 1\n" * 700 + "```"
    cut = pieces(f"{prose}\n\n{code}\n\nend")
    assert cut[1].startswith("```\n")
    assert "```" not in cut[0]


def test_chinese_is_cut_behind_a_sentence() -> None:
    cut = pieces("今天天气很好。" * 6000)
    assert "".join(cut) == "今天天气很好。" * 6000
    assert all(piece.endswith("。") for piece in cut)


def test_emoji_are_never_cut_in_two() -> None:
    family = "👩‍👩‍👧‍👦"
    cut = pieces(family * 6000)
    assert "".join(cut) == family * 6000
    assert all(piece.startswith("👩") and piece.endswith("👦") for piece in cut)
    assert all(units(piece) <= PIECE for piece in cut)


def test_half_an_emoji_is_replaced() -> None:
    assert pieces("a\ud83db") == ["a\ufffdb"]
    assert pieces("\ud83d\ude00") == ["😀"]


def _bare(text: str) -> str:
    """The text without code fences, blanks and what `harmless` puts in."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(rf"[\s`{BREAK}]", "", text)


@given(TEXTS)
def test_what_is_unfinished_fits_and_notifies_nobody(text: str) -> None:
    shown = unfinished(text)
    assert units(shown) <= PIECE
    assert not NOTIFIES.search(shown)
    assert shown.endswith("…")


def test_an_open_code_block_is_closed_while_it_grows() -> None:
    assert unfinished("See:\n```python\nprint(1)") == "See:\n```python\nprint(1)\n```\n…"
    assert unfinished("See:\n```\nx\n```") == "See:\n```\nx\n```\n…"
    assert unfinished("~~~~\n```\nx") == "~~~~\n```\nx\n~~~~\n…"


def test_half_an_emoji_waits_for_its_other_half() -> None:
    assert unfinished("Done \ud83c") == "Done …"
    assert unfinished("Done \ud83c\udf89") == "Done 🎉 …"


def test_of_a_long_text_the_first_piece_is_shown_while_it_grows() -> None:
    text = "今天天气很好。😀" * 3_000
    shown = unfinished(text)
    assert PIECE // 2 < units(shown) <= PIECE
    assert text.startswith(shown.removesuffix(" …"))
    assert unfinished(text + "more") == shown


@given(st.text(max_size=30).map(lambda text: text * 500))
def test_the_plain_text_of_a_change_is_short_enough(text: str) -> None:
    short = brief(text)
    assert units(short) <= 4_000
    assert short == plain(text) or plain(text).startswith(short.removesuffix("…"))
    assert not re.search(r"&(?!amp;|lt;|gt;)", short)


@pytest.mark.parametrize(
    "text",
    [
        "[click](https://evil.test)",
        "[https://github.com](https://evil.test)",
        "[click]( <https://evil.test> )",
        "[click](//evil.test)",
        "[click](mailto:a@evil.test)",
        "[click](https://github.com@evil.test)",
        "[click]: https://evil.test",
        "<https://evil.test|click>",
        "&lt;https://evil.test|click&gt;",
        "![x](https://evil.test/x.png)",
        "![x](https://github.com/x.png)",
    ],
)
def test_no_text_hides_where_a_link_leads_and_no_picture_loads(text: str) -> None:
    shown = harmless(text)
    assert shown.replace(BREAK, "") == text
    assert not re.search(r"!\[|\]\([^)]*evil|\]:|(?:<|&lt;)https[^>]*\|", shown)


def test_links_to_known_hosts_keep_their_texts() -> None:
    text = "[a](https://github.com/x) [b](https://docs.test/y) handlers[0](event) https://evil.test"
    assert harmless(text, {"docs.test"}) == text
    assert pieces(text, hosts={"docs.test"}) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://evil.test)",
        "[a](&#104;ttps://evil.test)",
        "[a](https&#58;//evil.test)",
        "[a](https\\://evil.test)",
        "[a](\\/\\/evil.test)",
        "[a](evil.test/x)",
        "[a](<evil.test>)",
        "[a]:&#104;ttps://evil.test",
        "[a]: evil.test",
        "<https://evil.test|a>",
        "![a](x)",
    ],
)
def test_no_text_hides_the_address_of_a_link(text: str) -> None:
    assert BREAK in harmless(text, {"docs.acme.test"})


@pytest.mark.parametrize(
    "text", ["handlers[0](event)", "[a](https://docs.acme.test/x)", "a[0]: str", "f[T](x, y)"]
)
def test_code_and_links_to_known_hosts_stay(text: str) -> None:
    assert harmless(text, {"docs.acme.test"}) == text


@pytest.mark.parametrize(
    "piece", ["<a:", "[", "](", "](&", "](a.", "![", "@", "&#", "]( ", "<", "]:"]
)
def test_a_hostile_text_takes_little_time(piece: str) -> None:
    begin = time.process_time()
    harmless(piece * (65_000 // len(piece)))
    assert time.process_time() - begin < 1


def test_a_table_that_is_cut_repeats_its_header() -> None:
    header = "| name | state |\n|---|:-:|"
    rows = [f"| check {number} | red |" for number in range(60)]
    cut = pieces("Before.\n\n" + "\n".join([header, *rows]) + "\n\nAfter.", 400)
    assert len(cut) > 3
    assert all(piece.startswith(header) for piece in cut[1:])
    assert [line for piece in cut for line in piece.split("\n") if "check" in line] == rows
    assert all(units(piece) <= 400 for piece in cut)


@pytest.mark.parametrize(
    "text",
    [
        "```\n" + "a | b\n--|--\n" * 80 + "```",
        "a | b\n" * 80,
        f"| {'name' * 30} |\n|---|\n" + "| a |\n" * 80,
    ],
)
def test_what_is_no_table_and_a_header_that_is_long_are_not_repeated(text: str) -> None:
    cut = pieces(text, 300)
    assert sum(piece.count("nam") + piece.count("--|--") for piece in cut) == text.count(
        "nam"
    ) + text.count("--|--")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("It is **red** and *late*, not ~~green~~.", "It is *red* and _late_, not ~green~."),
        ("__init__ and snake_case and 2 * 3 * 4", "*init* and snake_case and 2 * 3 * 4"),
        ("***both***", "_*both*_"),
        ("## What **changed** ##", "*What changed*"),
        ("- one\n  * two\n1. three", "• one\n  • two\n1. three"),
        ("[the issue](https://acme.test/a?b=1)", "the issue (https://acme.test/a?b=1)"),
        ("[https://acme.test](https://acme.test)", "https://acme.test"),
        ("| a | b |\n|---|---|\n| **1** | <2> |", "a | b\n*1* | &lt;2&gt;"),
        ("`**kept**` and **not**", "`**kept**` and *not*"),
        (
            "```python\n# kept **kept**\n- kept\n```\n# not",
            "```\n# kept **kept**\n- kept\n```\n*not*",
        ),
        ("#5 is no heading, and # is none\n---", "#5 is no heading, and # is none\n---"),
        ("**مرحبا** and **你好** 😀", "*مرحبا* and *你好* 😀"),
        ("a & b < c", "a &amp; b &lt; c"),
    ],
)
def test_notifications_show_the_signs_of_slack(markdown: str, shown: str) -> None:
    assert plain(markdown) == shown


@pytest.mark.parametrize("text", ["# /deploy", "| /deploy | a |", "**/deploy**", "~~/deploy~~"])
def test_no_notification_begins_with_a_command(text: str) -> None:
    assert not re.search(r"^\W*?(?<!\u200b)/", plain(harmless(text)), re.MULTILINE)


@pytest.mark.parametrize("piece", ["**a ", "*a ", "~~a ", "[a](", "__a ", "|-", "#", "`a", "[[a]"])
def test_a_hostile_notification_takes_little_time(piece: str) -> None:
    begin = time.process_time()
    plain(piece * (PIECE // len(piece)))
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("path", ["app/(shop)/page.tsx", "packages/@here/index.ts", "a b.md"])
def test_our_own_links_work_whatever_stands_in_their_address(path: str) -> None:
    shown = harmless(linked("page", f"https://github.com/acme/shop/blob/main/{path}"))
    assert BREAK not in shown
    address = shown.partition("](")[2].removesuffix(")")
    assert unquote(address).endswith(path)
