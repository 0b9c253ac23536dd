"""Answers: from the text of a model to a typed value, a turn or tool calls, or one clear error.

typed            asks for JSON of a type, reads it strictly, and repairs it once
annotations      turns a Python type into a shape
shapes           the shapes: each writes its JSON schema and reads a value
next_turn        asks for the next turn of a conversation with tools
tool_calls       reads tool calls, and checks them against the request
json_schema      checks a JSON value against a JSON schema
function_schema  reads a Python function as a tool
judging          tells those who keep replies which are worth it
repair           repairs a conversation that a provider would refuse
usage            adds up the tokens and the cost of several calls
"""
