"""The test bench: one prompt over a huge input, side by side on several models, and a report.

trial           one start: the plan, and calls that answer at once
batches         the same through the providers' batch interfaces; `intake` keeps them
rows            reads the input: JSONL, CSV or TSV
jobs            chooses the rows to ask
tasks           asks about one row and judges the answer
schemas         the type of an answer, from `--returns`
expectations    compares an answer with what its row expects
crew            the threads that ask
budget          the ceiling of the cost
results         the results file, of which `ledger` is the index
report          counts, intervals, latencies, cost; `comparison` has the statistics
layout          the report as text
reviews/        scores of reviews on pull requests whose faults are known
"""
