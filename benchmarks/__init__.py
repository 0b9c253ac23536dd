"""What speed and size cost, measured; ./scripts/benchmarks prints it. One file per subject."""

import os

# Before numpy is first imported: on a busy machine its threads spin while they wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
