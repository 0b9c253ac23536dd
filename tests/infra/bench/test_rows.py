"""The input of the bench: streamed, and a bad row is named and passed over."""

import io
import json
from collections.abc import Iterator

import pytest

from infra.bench.jobs import Wanted, chosen
from infra.bench.rows import LONGEST, BadRow, Columns, InputRow, Kind, read
from shared.errors import SettingsError

ALL = Columns()


def read_all(
    text: str | bytes, kind: Kind = "jsonl", columns: Columns = ALL
) -> list[InputRow | BadRow]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read(io.BytesIO(raw), kind, columns))


def good(found: list[InputRow | BadRow]) -> list[InputRow]:
    return [row for row in found if isinstance(row, InputRow)]


def test_rows_of_a_jsonl_keep_their_line_their_id_and_their_fields() -> None:
    first, second = good(read_all('{"id": 7, "title": "支付崩溃 😢"}\n\n{"title": "b", "n": 2}\n'))
    assert (first.line, first.id, first.fields) == (1, "7", {"title": "支付崩溃 😢"})
    assert (second.line, second.fields) == (3, {"title": "b", "n": 2})
    assert second.id.startswith("3-")


def test_an_id_that_is_not_given_changes_with_the_row() -> None:
    one, other = good(read_all('{"a": 1}')) + good(read_all('{"a": 2}'))
    assert one.id != other.id
    assert one.id == good(read_all('{"a": 1}'))[0].id


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "no JSON"),
        (b"[1, 2]", "no JSON object"),
        (b"{}", "no field"),
        (b'{"id": "x", "expect": "y"}', "no field"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"\xff", "UTF-8"),
        (b'{"a": "\\ud83d"}', "half of a character"),
        (b'{"a": 1, "id": [1]}', "an id"),
        (b'{"a": 1, "id": "' + b"i" * 201 + b'"}', "200 characters"),
        (b'{"a": 1, "expect": {"regex": "("}}', "regex"),
        (b'{"a": ' + b"[" * 100_000, "no JSON"),
    ],
)
def test_a_bad_row_is_named_and_the_next_is_read(line: bytes, reason: str) -> None:
    bad, row = read_all(line + b'\n{"a": "good"}')
    assert isinstance(bad, BadRow)
    assert (bad.line, reason in bad.reason) == (1, True)
    assert isinstance(row, InputRow)
    assert row.line == 2


def test_a_line_that_no_model_could_read_is_passed_over_without_holding_it() -> None:
    bad, row = read_all(b'{"a": "' + b"x" * (3 * LONGEST) + b'"}\n{"a": "good"}\n')
    assert isinstance(bad, BadRow)
    assert "longer" in bad.reason
    assert isinstance(row, InputRow)
    assert row.line == 2


def test_a_huge_row_below_that_is_read() -> None:
    [row] = good(read_all(json.dumps({"a": "x" * 5_000_000})))
    assert len(row.fields["a"]) == 5_000_000


def test_an_empty_input_has_no_rows() -> None:
    assert read_all("") == []
    assert read_all("\n \n") == []
    assert read_all("", "csv") == []
    assert read_all("a,b\n", "csv") == []


def test_rows_of_a_csv_may_hold_line_breaks_and_need_as_many_cells_as_the_header() -> None:
    text = '\ufefftitle,expect\r\n"a\nb",bug\r\nonly one\r\n\r\n"c ""d""",\r\n'
    first, bad, last = read_all(text, "csv")
    assert isinstance(first, InputRow)
    assert isinstance(last, InputRow)
    assert (first.line, first.fields) == (2, {"title": "a\nb"})
    assert first.expect is not None
    assert first.expect.is_met("bug")
    assert bad == BadRow(4, "has 1 cells, the header 2")
    assert (last.line, last.fields, last.expect) == (6, {"title": 'c "d"'}, None)


def test_a_malformed_record_of_a_csv_does_not_end_it() -> None:
    bad, row = read_all('a\n"x"y\ngood\n', "csv")
    assert isinstance(bad, BadRow)
    assert isinstance(row, InputRow)
    assert row.fields == {"a": "good"}


def test_cells_of_a_tsv_are_split_at_tabs() -> None:
    [row] = good(read_all("a\tb\n1,5\t2\n", "tsv"))
    assert row.fields == {"a": "1,5", "b": "2"}


@pytest.mark.parametrize("header", ["a,a\n1,2\n", "a,\n1,2\n"])
def test_a_csv_without_a_usable_header_is_refused(header: str) -> None:
    with pytest.raises(SettingsError, match="first line"):
        read_all(header, "csv")


def test_only_the_named_fields_are_shown_and_the_expected_one_is_not() -> None:
    text = '{"title": "t", "label": "bug", "note": "n", "key": "k"}'
    [row] = good(read_all(text, columns=Columns("key", "label")))
    assert (row.id, row.fields) == ("k", {"title": "t", "note": "n"})
    [row] = good(read_all(text, columns=Columns(fields=("note",))))
    assert row.fields == {"note": "n"}
    [bad] = read_all(text, columns=Columns(fields=("missing",)))
    assert bad == BadRow(1, "has no field missing")


def rows(count: int) -> Iterator[InputRow | BadRow]:
    return (InputRow(i, str(i), {"a": i}) for i in range(count))


def test_a_sample_has_its_size_and_depends_on_the_seed_alone() -> None:
    def sample(size: int, seed: int, *, backwards: bool = False) -> set[str]:
        source = sorted(rows(500), key=lambda row: row.line, reverse=backwards)
        wanted = Wanted(sample=size, seed=seed)
        return {row.id for row in chosen(lambda: source, wanted) if isinstance(row, InputRow)}

    assert len(sample(50, 1)) == 50
    assert sample(50, 1) == sample(50, 1, backwards=True)
    assert sample(50, 1) != sample(50, 2)
    assert sample(50, 1) < sample(80, 1)
    assert len(sample(900, 1)) == 500


def test_a_limit_ends_reading() -> None:
    def endless() -> Iterator[InputRow | BadRow]:
        line = 0
        while True:
            line += 1
            yield BadRow(line, "bad") if line == 2 else InputRow(line, str(line), {"a": 1})

    found = list(chosen(endless, Wanted(limit=3)))
    assert [row.line for row in found] == [1, 2, 3, 4]
