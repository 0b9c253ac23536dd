"""Embedders: the protocol, the local ones, those of each tenant, and the cache of vectors."""
