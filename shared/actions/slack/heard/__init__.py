"""What people said and sent, as queries: messages since one, files, and messages that links name.

queries   the queries as values
files     the bytes of a file, from Slack's own hosts alone
linked    a message that a link names, for those who may see it
since     what else was said in a conversation since a message
span      what people said in a channel or a thread between two moments
"""
