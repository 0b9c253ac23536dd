"""Documents: files of folders and repositories, and issues, as memories.

desk       IngestionDesk, with which a flow keeps a source's memories up to date
ingestion  compares a source with what was taken before, and takes what changed
sources    the values of ingestion: an origin, found files, changes
github     a GitHub repository as a source
files      which files are documents
markup     removes what no reader sees
outline    reads a document's headings and blocks
passages   cuts a document into passages of bounded size
"""
