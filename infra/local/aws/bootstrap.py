"""Starts a function's process: awslambdaric, and a thread that ends it with its parent.

Run as a file, `python -P bootstrap.py HANDLER [isolated]`: it needs nothing of this project. The
parent holds the other end of standard input, which the kernel closes however the parent dies;
unlike PR_SET_PDEATHSIG that works on every Unix, and whichever thread started the process.
"""

import os
import signal
import sys
import sysconfig
import threading


def follow_parent() -> None:
    """Kill this process and its children as soon as standard input ends."""
    lifeline = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)

    def wait() -> None:
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def end_in_order() -> None:
    """Let SIGTERM unwind the handler, which gives up what it holds on its way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def hide_packages() -> None:
    """Leave only PYTHONPATH and the standard library to import from."""
    own = os.environ["PYTHONPATH"]
    library = sysconfig.get_path("stdlib")
    sys.path[:] = [
        path
        for path in sys.path
        if path == own or (path.startswith(library) and not path.endswith("-packages"))
    ]


def run(handler: str, *options: str) -> None:
    """Handle events until the end; with the option `isolated`, without this machine's packages."""
    follow_parent()
    end_in_order()
    from awslambdaric.__main__ import main

    if "isolated" in options:
        hide_packages()
    main([sys.argv[0], handler])


if __name__ == "__main__":
    run(*sys.argv[1:])
