"""The child process: llama.cpp's own server on loopback, until its standard input closes.

Run as `python -m tests.models.real_server.process FILE.gguf chat|embeddings KEY`; it prints its
address.
"""

import sys

import xllamacpp


def main(path: str, purpose: str, key: str) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.n_ctx = 8192
    parameters.n_parallel = 2
    parameters.n_predict = 512
    # More threads than one wait for each other longer than they compute.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.offline = True
    parameters.ui = False
    parameters.use_jinja = True
    if purpose == "embeddings":
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(*sys.argv[1:])
