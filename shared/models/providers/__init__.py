"""Providers: one folder per wire format, each with the model, its wire format and its embeddings.

openai/         OpenAI's chat completions, also Ollama, vLLM, llama.cpp and their like
anthropic/      Anthropic's Messages
bedrock/        Amazon Bedrock's Converse
connect         connects a model by its name
servers         finds the server and the key of a model's name
http            JSON and server-sent events over kept connections
event_stream    reads the events of a stream out of bytes
cutoff          ends a call at its deadline
failures        translates the errors of servers into ours
json_output     asks for JSON of a schema
http_model      the common part of OpenAI's and Anthropic's models
reply_reader    the common part of all readers of replies
thoughts        leaves out what a model thinks aloud between tags
blocks          the common part of Messages and Converse
prefix_cache    decides which part of a request a provider should cache
transcribing    turns speech into text
embedding_wire  the protocol of embedding models
"""
