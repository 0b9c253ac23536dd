"""A pytest plugin that adds the name of each test that fails to the file FAILURES."""

import os

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        with open(os.environ["FAILURES"], "a", encoding="utf-8") as record:
            record.write(f"{report.nodeid}\n")
