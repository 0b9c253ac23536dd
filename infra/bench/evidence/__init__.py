"""Evidence on the bench: does a claim follow from the passage that it cites?

labelled.json  passages with claims, each labelled: does it follow?
talk.json      questions with answers, each labelled: does the answer state what needs a source?
follows        decides it, by words or by a model, and counts how often that is right
"""
