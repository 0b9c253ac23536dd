"""The process that reads one PDF: `python -m shared.hearing.pdf_process LIMITS`, with the file as
its input. It writes `{"text", "note"}` as JSON."""

import contextlib
import io
import json
import logging
import resource
import sys
from typing import Any

PART = "files"


def main(limits: dict[str, int], body: bytes) -> dict[str, str]:
    """Read the text within the limits, page by page."""
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    try:
        import pypdf
    except ModuleNotFoundError:
        return {"text": "", "note": "PDFs are not read here; the part `files` is not installed"}
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"text": "", "note": "this PDF is encrypted"}
        return _text(reader, limits)
    except pypdf.errors.DependencyError:
        return {"text": "", "note": "this PDF is encrypted"}
    except MemoryError:
        return {"text": "", "note": "reading this PDF takes too much memory"}
    # Whatever a broken file makes the library raise.
    except Exception:
        return {"text": "", "note": "this PDF is broken"}


def _text(reader: Any, limits: dict[str, int]) -> dict[str, str]:
    pages, size, notes = [], 0, []
    count = len(reader.pages)
    for number in range(min(count, limits["pages"])):
        try:
            said = reader.pages[number].extract_text().strip()
        # One page may be broken.
        except Exception:
            notes.append(f"page {number + 1} is broken")
            continue
        pages.append(f"[page {number + 1}]\n{said}" if said else "")
        size += len(said)
        if size > limits["most"]:
            break
    read = len(pages) + len(notes)
    text = "\n\n".join(filter(None, pages))
    notes += [f"pages {read + 1} to {count} are left out"] if read < count else []
    notes += ["its pages are pictures without text"] if not text and not notes else []
    if len(text) > limits["most"]:
        text = text[: limits["most"]]
        notes.insert(0, f"the text is cut on page {read}")
    return {"text": text, "note": "; ".join(notes)}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = main(json.loads(sys.argv[1]), sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(found))
