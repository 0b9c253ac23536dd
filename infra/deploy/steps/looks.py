"""Wakes what looks after waiting work, once: what waited before this deployment set no clock."""

from infra.deploy.looks import wake
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    wake(sitting.client("sns"), sitting.place.stack)
    sitting.say("looks: what waits is looked after")
