"""Reviewing: reads what a pull request changes, and lets only findings pass that a program has
proved.

desk            what a flow asks: the change to review, and which findings hold
asking          asks a model what is wrong in a change, or could be better
change          what is under review, and what becomes of its findings
background/     what stands beside a change: guidance, linked issues, failing checks
explaining/     what people are told when they ask: why checks fail, what a pull request changes
delta           what a push added to a change that was reviewed before
texts           the files of a repository, each read once
skipping        which files nobody needs to review
fitting/        leaves out files that need no review, and packs the others for the model's window
finding         a finding as a model gives it
head            the files as they stand at the head commit
certain         what is found without a model
scoring         a second look at findings that hold
report          what people read of a review
proof           proves a finding against the diff and the head commit
mentions        the names of code and files in a text
syntax          counts what does not parse in a file of a known language
parsers         the grammars of `syntax`, an optional part
"""
