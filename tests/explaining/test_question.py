"""What people point at is read as what it is, and nothing else is."""

import pytest

from shared.explaining.question import Pointer

DELIVERY = "81e46443-5afe-4572-8a6d-3e334d708557"


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("3f00826ef3b8", Pointer(run="3f00826ef3b8")),
        ("`3f00826ef3b8`", Pointer(run="3f00826ef3b8")),
        ("m-8947769e", Pointer(memory="m-8947769e")),
        (DELIVERY, Pointer(event=f"github:{DELIVERY}")),
        ("https://github.com/acme/shop/issues/7", Pointer(target="acme/shop#7")),
        (
            "<https://github.com/acme/shop/pull/7/files#discussion_r12>",
            Pointer(target="acme/shop#7", part="12"),
        ),
        (
            "https://acme.slack.com/archives/C1/p1796092199381581?thread_ts=1.2",
            Pointer(channel="C1", ts="1796092199.381581"),
        ),
        ("https://x.example/live/console/runs/3f00826ef3b8", Pointer(run="3f00826ef3b8")),
        ("https://github.com/acme/shop", None),
        ("http://[", None),
        ("the comment above", None),
        ("", None),
    ],
)
def test_a_pointer_is_read(text: str, pointer: Pointer | None) -> None:
    assert Pointer.parse(text) == pointer
