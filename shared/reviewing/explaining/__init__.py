"""What people are told about a pull request when they ask: why its checks fail, what it changes.

red          the desk of failing checks
logs         finds the errors in a log
explanation  an explanation as a model gives it, its proof, and what people read of it
description  likewise a description of the change
"""
