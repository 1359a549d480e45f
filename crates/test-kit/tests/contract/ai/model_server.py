"""A real model server with a tiny model of random weights, made here: for tests, which want answers and not sense.

usage: model_server.py FOLDER KEY    It prints its port, and ends when its standard input does.
"""

import os
import random
import socket
import struct
import sys

WIDTH, HEADS, HIDDEN, CONTEXT = 32, 2, 64, 16384

# The numbers of GGUF, version 3: types of values, and of tensors.
U32, F32, I32, STRING, ARRAY = 4, 6, 5, 8, 9


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def number(name, value):
    return text(name) + struct.pack("<II", U32, value)


def array(name, kind, values):
    packed = b"".join(text(v) if kind == STRING else struct.pack("<f" if kind == F32 else "<i", v) for v in values)
    return text(name) + struct.pack("<IIQ", ARRAY, kind, len(values)) + packed


def vocabulary():
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
    byte = [(f"<0x{value:02X}>", 6) for value in range(256)]
    words = [(word, 1) for word in ["\u2581the", "\u2581log", "\u2581error", "\u2581Ready", "."]]
    return special + byte + words


def write(path):
    tokens = vocabulary()
    values = [
        text("general.architecture") + struct.pack("<I", STRING) + text("llama"),
        number("llama.context_length", CONTEXT),
        number("llama.embedding_length", WIDTH),
        number("llama.block_count", 1),
        number("llama.feed_forward_length", HIDDEN),
        number("llama.attention.head_count", HEADS),
        number("llama.attention.head_count_kv", HEADS),
        number("llama.rope.dimension_count", WIDTH // HEADS),
        number("llama.vocab_size", len(tokens)),
        text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", F32, 1e-5),
        text("tokenizer.ggml.model") + struct.pack("<I", STRING) + text("llama"),
        array("tokenizer.ggml.tokens", STRING, [token for token, _ in tokens]),
        array("tokenizer.ggml.scores", F32, [-float(index) for index in range(len(tokens))]),
        array("tokenizer.ggml.token_type", I32, [kind for _, kind in tokens]),
        number("tokenizer.ggml.bos_token_id", 1),
        number("tokenizer.ggml.eos_token_id", 2),
        number("tokenizer.ggml.unknown_token_id", 0),
        text("tokenizer.chat_template") + struct.pack("<I", STRING)
        + text("{% for message in messages %}{{ message['content'] }}\n{% endfor %}"),
    ]
    block = "blk.0."
    tensors = [
        ("token_embd.weight", (WIDTH, len(tokens))),
        ("output_norm.weight", (WIDTH,)),
        ("output.weight", (WIDTH, len(tokens))),
        (block + "attn_norm.weight", (WIDTH,)),
        (block + "attn_q.weight", (WIDTH, WIDTH)),
        (block + "attn_k.weight", (WIDTH, WIDTH)),
        (block + "attn_v.weight", (WIDTH, WIDTH)),
        (block + "attn_output.weight", (WIDTH, WIDTH)),
        (block + "ffn_norm.weight", (WIDTH,)),
        (block + "ffn_gate.weight", (WIDTH, HIDDEN)),
        (block + "ffn_up.weight", (WIDTH, HIDDEN)),
        (block + "ffn_down.weight", (HIDDEN, WIDTH)),
    ]
    chance = random.Random(7)
    table, data = b"", b""
    for name, shape in tensors:
        table += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        table += struct.pack("<IQ", 0, len(data))
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        weights = [1.0 if len(shape) == 1 else chance.gauss(0, 0.1) for _ in range(count)]
        data += struct.pack(f"<{count}f", *weights)
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(values) + table
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32) + data)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    folder, key = sys.argv[1:]
    path = os.path.join(folder, "tiny.gguf")
    write(path)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_predict = 40
    params.warmup = False
    # A model of random weights would else end, once in a while, before it said anything.
    params.sampling.ignore_eos = True
    params.cpuparams.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.port = free_port()
    params.api_keys = [key]
    server = xllamacpp.Server(params)
    print(server.listening_address.rsplit(":", 1)[1], flush=True)
    sys.stdin.read()
    del server
    os._exit(0)


main()
