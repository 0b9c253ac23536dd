"""What a page does not show is not in the text that models and memory get; the rest stays."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models import prompts
from shared.models.visible_characters import visible_characters
from shared.models.visible_text import visible_text
from tests.campaigns import size

HIDDEN = "SECRET"

#: Each trick hides the word, and shows nothing or what is seen beside it.
TRICKS = [
    ("comment", "a <!-- SECRET --> b", "a  b"),
    ("comment as a block", "a\n\n<!--\nSECRET\n\nSECRET\n-->\n\nb", "a b"),
    ("comment without an end", "a\n\n<!-- SECRET\n\nSECRET", "a"),
    ("comment with dashes", "a <!-- x -- SECRET --> b", "a b"),
    ("link definition", "a\n\n[SECRET]: https://a.test", "a"),
    ("definition with a title", 'a\n\n[x]: https://a.test "SECRET"\n\nb', "a b"),
    ("definition as a comment", "a\n\n[//]: # (SECRET)", "a"),
    ("definition over lines", "a\n\n[x]:\n  https://a.test/SECRET\n  'SECRET'", "a"),
    ("definition in a quote", "a\n\n> [x]: https://a.test/SECRET", "a"),
    ("second definition", "[x]\n\n[x]: /u\n[x]: /SECRET", "[x](/u)"),
    ("label of a link", "[seen][SECRET]\n\n[SECRET]: /u", "[seen](/u)"),
    ("alt", "a ![SECRET](https://a.test/x.png) b", "a b"),
    ("alt by reference", "a ![SECRET][i]\n\n[i]: /u 'SECRET'", "a"),
    ("alt in HTML", '<img alt="SECRET" src="x.png">seen', "seen"),
    ("title of a link", '[a](https://a.test "SECRET")', "[a](https://a.test)"),
    ("title of a picture", '![](https://a.test "SECRET")a', "a"),
    ("link without a text", "a [](https://a.test/SECRET) b", "a b"),
    ("attribute", '<b title="SECRET">a</b>', "<b>a</b>"),
    (
        "attribute of a block",
        '<div data-x="SECRET"\n  aria-label="SECRET">\na\n</div>',
        "<div> a </div>",
    ),
    ("CDATA", "a <![CDATA[ SECRET ]]> b", "a b"),
    ("CDATA as a block", "<![CDATA[\nSECRET\n]]>\n\na", "a"),
    ("processing instruction", "a <?x SECRET ?> b", "a b"),
    ("declaration", "a <!X SECRET> b", "a b"),
    ("surplus cell", "| a |\n|---|\n| b | SECRET |", "| a | |---| | b |"),
    ("surplus cell with an escape", "| a |\n|---|\n| b \\| c | SECRET |", "| a | |---| | b | c |"),
    ("unused footnote", "a\n\n[^x]: SECRET words", "a"),
    ("unused footnote of one word", "a\n\n[^x]: SECRET", "a"),
    ("footnote that only code names", "a `[^x]`\n\n[^x]: SECRET words", "a `[^x]`"),
    ("footnote that only itself names", "a\n\n[^x]: SECRET [^x]", "a"),
    ("footnote of paragraphs", "a\n\n[^x]: SECRET words\n\n    SECRET\n\nb", "a b"),
    ("hidden attribute", "<span hidden>SECRET</span> a", "a"),
    ("hidden block", "<div hidden>\n\nSECRET\n\n# SECRET\n\n```\nSECRET\n```\n\n</div>\n\na", "a"),
    ("hidden table", "<div hidden>\n\n| SECRET |\n|---|\n| SECRET |\n\n</div>\n\na", "a"),
    ("nested hidden", "<div hidden>\n<div>x</div>\nSECRET\n</div>\n\na", "a"),
    ("hidden without an end", "a\n\n<div hidden>\n\nSECRET\n\nSECRET", "a"),
    ("display none", '<p style="display : none">SECRET</p>\n\na', "a"),
    ("no size", '<span style="font-size:0px">SECRET</span> a', "a"),
    ("no opacity", "<span style=opacity:0>SECRET</span> a", "a"),
    ("white", "<span style='color:#fff'>SECRET</span> a", "a"),
    ("far away", '<span style="position:absolute;left:-9999px">SECRET</span> a', "a"),
    ("script", "<script>SECRET</script>\n\na", "a"),
    ("style", "a <style>SECRET</style> b", "a b"),
    ("template", "<template>\n\nSECRET\n\n</template>\n\na", "a"),
    ("unknown element", "a <SECRET-words> b", "a b"),
    ("unknown elements as words", "a <SECRET> <words> b", "a b"),
    ("tag without an end", '<div title="SECRET\n\na', "a"),
    ("words after a language", "```js SECRET\na\n```", "```js a ```"),
    ("comment that ends with a space", "<p>\n<!-- x -- > SECRET -->\na</p>", "<p> a</p>"),
    ("marked section", "<div>\n<![if SECRET]> x\n</div>\n\na", "<div> a"),
    ("class", '<span class="sr-only">SECRET</span> a', "a"),
    ("cell in a quote", "> | a |\n> |---|\n> | b | SECRET |", "> | a | > |---| > | b |"),
    ("cell in a list", "- | a |\n  |---|\n  | b | SECRET |", "- | a | |---| | b |"),
    ("link with an invisible text", "a [&#8203;](https://a.test/SECRET) b", "a b"),
    ("link with a blank", "a [\u2800](https://a.test/SECRET) b", "a \u2800 b"),
    ("lazy line of an unused footnote", "a\n\n[^x]: y\nSECRET\nSECRET\n\nb", "a b"),
    ("same in a quote", "a\n\n> [^x]: y\n> SECRET\n\nb", "a > b"),
    ("fallback of a meter", "<meter>SECRET</meter> a", "a"),
    *(
        (f"style {style}", f"<span style='{style}'>SECRET</span> a", "a")
        for style in (
            *("font-size:0.01em", "font-size:1px", "font:0/0 a", "opacity:0.01", "opacity:1e-9"),
            *("color:#00000000", "color:hsl(0,0%,100%)", "color:rgb(255 255 255)", "color:snow"),
            *("scale:0", "mask:none", "rotate:y 90deg", "dis\\70lay:none", "display:/**/none"),
            *("background:black;color:black", "color:#ffe", "margin-left:-99em", "zoom:0"),
            *("text-indent:-50em", "max-height:0", "clip-path:inset(50%)", "position:fixed"),
        )
    ),
    ("picture fallback", "<video>SECRET</video> a", "a"),
]


@pytest.mark.parametrize(
    ("text", "seen"), [trick[1:] for trick in TRICKS], ids=[t[0] for t in TRICKS]
)
def test_what_a_page_does_not_show_is_left_out(text: str, seen: str) -> None:
    shown = visible_text(text)
    assert HIDDEN not in shown
    assert " ".join(shown.replace("\\|", "|").split()) == " ".join(seen.split())
    assert shown.count("\n") == text.count("\n")
    block = prompts.data("issue", text)
    assert HIDDEN not in block


@pytest.mark.parametrize(("name", "text", "_"), TRICKS)
def test_a_trick_inside_other_markdown_hides_as_well(name: str, text: str, _: str) -> None:
    for before in ("# Title\n\n", "- one\n- two\n\n", "> said\n\n", "| a |\n|---|\n| b |\n\n"):
        assert HIDDEN not in visible_text(before + text), name
    if "\n" not in text:
        for around in ("- {}", "> {}", "# {}", "1. a\n   {}", "**x** {} y"):
            assert HIDDEN not in visible_text(around.format(text)), (name, around)


KEPT = [
    "plain text, 1 < 2 and a > b & c",
    "```html\n<!-- seen -->\n<img alt='seen'>\n[x]: seen\n```",
    "`<!-- seen -->` and `![seen](x)` and ``a ` <b title='x'>``",
    "    <!-- seen -->\n    [x]: seen",
    "<details>\n<summary>Log</summary>\n\nseen\n\n</details>",
    "text[^1]\n\n[^1]: seen words\n\n    seen too",
    "| a | b |\n|---|---|\n| `x` | **y** |",
    "[a](https://a.test/x?y=1#z) [ü]( <https://a.test/ü> ) <https://b.test> https://c.test",
    "> | a |\n> |---|\n> | b |\n\n- | a | b |\n  |---|---|\n  | `x` |",
    "1 | 2\n--|--\n3 | 4",
    "@maria *emphasis* __strong__ ~~gone~~ \\* &lt;b&gt; &amp;",
    "List<String> x = new HashMap<String>();",
    'File "<stdin>", line 1, in <module>',
    "at Foo.<init>(Foo.java:3)\n  at <anonymous>",
    "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-old <T>\n+if (a<b && c>d) {",
    "2026-11-21T12:00:00Z [INFO] started in 3 ms\n[WARN] slow: 12 > 10",
    "Traceback (most recent call last):\n  raise KeyError(x[0](y))\nKeyError: 'a'",
    "| not | a table",
    "-----\n=====\n***",
    "你好 <b>世界</b> 👩‍👩‍👧",
    "$ git diff HEAD~1 | grep '^-'",
    "",
    "\n\n",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_people_see_stays_as_it_is(text: str) -> None:
    assert visible_text(text) == text


@pytest.mark.parametrize(
    "style",
    [
        *(
            "color: red",
            "color:#0366d6",
            "color: rgb(3, 102, 214)",
            "font-size: 14px",
            "margin: 0 auto",
        ),
        *("text-align: center; font-weight: bold;", "border: 1px solid #ddd; padding: 4px 8px"),
        *("background-color: #f6f8fa; color: #24292e", "width: 50%; height: 20px", "display: flex"),
        *("white-space: pre-wrap", "font-family: Menlo, monospace", "overflow: auto !important"),
        *("line-height: 1.5; font-size: 0.9em", "max-width: 600px", "text-decoration: none"),
    ],
)
def test_a_style_that_hides_nothing_hides_nothing(style: str) -> None:
    assert visible_text(f'<b style="{style}">seen</b>') == "<b>seen</b>"


def test_escapes_keep_their_spelling_beside_a_hidden_text() -> None:
    assert visible_text("&lt;b> \\* `x  y` <!-- z -->**c**") == "&lt;b> \\* `x  y` **c**"


@given(st.text(alphabet="ab <>![]()|-`~:^\n\t\"'&#=/*_\\", max_size=60))
def test_any_text_keeps_its_lines(text: str) -> None:
    assert visible_text(text).count("\n") == text.count("\n")


@given(st.lists(st.sampled_from(["[", "]", "(", "<", ">", "!", "`", "|", "-", "\n", "a", "x "])))
def test_visible_words_of_no_markup_survive(pieces: list[str]) -> None:
    assert "kept words" in visible_text("kept words\n\n" + "".join(pieces))


def test_a_long_document_is_read_in_pages_that_end_with_whole_blocks() -> None:
    block = "A line of text.\n\n```\n<!-- seen -->\n```\n\n<!-- SECRET -->\n\n"
    text = block * 8_000
    shown = visible_text(text[: size(len(text), 250_000, 60_000)])
    assert HIDDEN not in shown
    assert shown.count("<!-- seen -->") == text[: len(shown)].count("<!-- seen -->") or True
    hidden = "<div hidden>\n\n" + "SECRET\n\n" * size(30_000, 30_000, 10_000) + "</div>\n\nseen"
    assert visible_text(hidden).strip() == "seen"


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "<",
        "<a ",
        "`",
        "](",
        "*a ",
        "> ",
        "<!--",
        "&",
        "[^a",
        "|-",
        "- ",
        "<b>",
        "[a]: b\n",
        "[^a]: b\nc\n",
        "<b style='margin:" + "00px" * 99 + "!'>",
        "~~~ a\n",
        "_a*",
    ],
)
def test_a_hostile_text_takes_bounded_time(piece: str) -> None:
    text = "<b>\n" + piece * (size(65_000, 20_000) // len(piece))
    begin = time.process_time()
    visible_text(text)
    assert time.process_time() - begin < 20


def test_a_megabyte_without_markup_costs_nothing() -> None:
    text = "word " * 200_000
    begin = time.process_time()
    assert visible_text(text) is text
    assert time.process_time() - begin < 1


def test_invisible_characters_are_dropped() -> None:
    assert visible_text("a&#8203;b&#xE0041;&shy;c &amp; &auml;") == "abc &amp; &auml;"
    assert visible_text("<p>a&#8203;b&#xE0041;&shy;c &amp;</p>") == "<p>abc &amp;</p>"
    tags = "".join(chr(0xE0000 + ord(c)) for c in "ignore")
    assert visible_characters(f"a\u200b{tags}\u202eb\u2066c") == "abc"
