"""Tests of the whole project; the folders mirror its own."""

import os

# A small matrix costs four times the CPU when several threads share it, and waits where the
# machine is busy. It counts only if it is set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
