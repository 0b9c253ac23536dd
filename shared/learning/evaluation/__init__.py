"""Evaluation: what a policy would earn, told from what another one chose, before it is trusted.

estimators   inverse propensity scores, self-normalised ones, doubly robust
intervals    of a mean of bounded values, and of a ratio
guardrails   what must not get worse: cost, time, complaints
reports      what each arm of a choice earned
promotion    decides whether a candidate takes over
open_bandit  reads the logs of the Open Bandit Dataset
"""
