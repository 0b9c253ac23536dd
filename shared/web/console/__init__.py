"""The console: pages over the journal, for people who want to know what the agent did and why.

function    the Lambda entry point: who asks, and what is said when nothing can be shown
routing     the table of pages and acts, and what each gets
access      who looks, and what they may see and change
sessions    signed cookies, and the tokens of forms
sign_in     signing in with GitHub, and who may see what then
membership  what GitHub says that a person is
rendering   templates to pages, everything escaped
pages/      each page: its module, its queries, its template
static/     the style, the icon, and htmx as one pinned file with its licence
"""
