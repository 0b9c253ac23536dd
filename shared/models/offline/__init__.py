"""The offline model: deterministic, extractive, without network or key. It says that it is one.

model           the provider: a tool call, a filled schema or free text
parsed_request  splits a request into the question and the texts that may answer it
tool_choice     decides on a tool and its arguments
proposing       proposes what a plain sentence asks people to do
filling         fills a JSON schema
choosing        chooses among names
answering       answers in free text with quotes and their sources
declared_facts  finds simple statements such as X is Y
describing      describes a change by its files and lines
recapping       sums up a conversation by quoting it
explaining      explains failing checks by their first line that looks like an error
review/         finds faults in code
plans/          makes the steps of a plan from the tools that the goal names
similarity      compares texts by their words
word_lists      words that speak for labels, and small talk
"""
