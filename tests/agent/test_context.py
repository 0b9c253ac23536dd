"""What a flow passes as context, as blocks of data."""

from shared.actions import Receipt
from shared.agent.context import as_data
from shared.events import Issue
from shared.models.prompts import data


def test_what_has_named_fields_is_one_block() -> None:
    receipt = Receipt("IC_1", "https://github.com/acme/shop/issues/1#issuecomment-1")
    assert as_data([receipt]) == data("Receipt", str(receipt))
    assert as_data([Issue("acme/shop", 1)]).count("acme/shop") == 1


def test_a_list_is_a_block_for_each_thing_in_it() -> None:
    assert as_data([["one", ("two",)]]) == f"{data('text', 'one')}\n\n{data('text', 'two')}"
