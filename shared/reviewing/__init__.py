"""Reviewing: reads what a pull request changes, and lets only findings pass that a program has
proved.

desk            what a flow asks: the change to review, and which findings hold
surroundings/   what stands beside a change: guidance, linked issues, failing checks
explaining/     what people are told when they ask: why checks fail, what a pull request changes
skipping        which files nobody needs to review
fitting         ranks files and packs their hunks for the model's window
finding         a finding as a model gives it
head            the files as they stand at the head commit
certain         what is found without a model
report          what people read of a review
proof           proves a finding against the diff and the head commit
mentions        the names of code and files in a text
syntax          counts what does not parse in a file of a known language
parsers         the grammars of `syntax`, an optional part
"""
