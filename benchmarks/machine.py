"""What the benchmarks ran on: without it no number means anything."""

import os
import platform
from pathlib import Path


def described() -> dict[str, str]:
    """Name the processor, its cores, the system and the Python."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
    }


def load() -> str:
    """Processes that wanted a core: the averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
