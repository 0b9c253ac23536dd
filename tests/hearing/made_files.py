"""Small files made by hand: an image, and PDFs that are whole or hostile."""

import zlib
from base64 import b64decode

#: One red pixel.
PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def pdf(*pages: str, encrypted: bool = False, bomb: bool = False, loop: bool = False) -> bytes:
    """A PDF with a line of text on each page; as a `bomb` its first page grows to 300 MB, and in a
    `loop` its pages hold each other."""
    objects: dict[int, bytes] = {1: b"<</Type/Catalog/Pages 2 0 R>>"}
    numbers = [4 + 2 * n for n in range(len(pages))]
    kids = " ".join(f"{n} 0 R" for n in numbers) + (" 2 0 R" if loop else "")
    objects[2] = f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode()
    objects[3] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    for number, text in zip(numbers, pages, strict=True):
        at = f"/Contents {number + 1} 0 R/Resources<</Font<</F 3 0 R>>>>/MediaBox[0 0 99 99]"
        objects[number] = f"<</Type/Page/Parent 2 0 R{at}>>".encode()
        drawn = f"BT /F 9 Tf 9 9 Td ({text}) Tj ET".encode() if text else b""
        body = zlib.compress(b" " * 300_000_000 if bomb else drawn, 9 if bomb else 6)
        head = f"<</Length {len(body)}/Filter/FlateDecode>>".encode()
        objects[number + 1] = head + b"\nstream\n" + body + b"\nendstream"
    out, places = b"%PDF-1.4\n", {}
    for number, written in sorted(objects.items()):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + written + b"\nendobj\n"
    start, count = len(out), max(objects) + 1
    out += f"xref\n0 {count}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{places[n]:010} 00000 n \n".encode() for n in range(1, count))
    keys = f"/O<{'41' * 32}>/U<{'42' * 32}>/P -4"
    crypt = f"/Encrypt<</Filter/Standard/V 1/R 2{keys}>>/ID[<00><00>]" if encrypted else ""
    out += f"trailer\n<</Size {count}/Root 1 0 R{crypt}>>\nstartxref\n{start}\n%%EOF".encode()
    return out
