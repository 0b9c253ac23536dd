"""Measures reviews on pull requests whose faults are known.

cases       a labelled pull request, and the reader of sets of them
golden      the reader of public benchmarks: golden comments, with clones of their repositories
diffs       the files of a change as GitHub lists them
conducting  reviews each case with the flow itself, and takes what would be posted
matching    which finding tells which known fault
scores      precision, recall, F1 and cost of a model

`labelled.json` is our own set: 30 small changes with known faults, and 30 that are fine.
"""
