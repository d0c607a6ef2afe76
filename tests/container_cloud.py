"""Stands between a container and the sandbox: tests/container_cloud.py CERTIFICATE KEY

TLS on 127.0.0.1:8443, passed on to the sandbox at 8580, and a name server on 127.0.0.1:53 that knows `cloud.test` alone.
"""

import socket
import ssl
import struct
import sys
import threading

NAME = b"\x05cloud\x04test\x00"
TYPE_A = 1


def serve_names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        query, client = server.recvfrom(512)
        # A header of 12 bytes, the name, its type and its class.
        end = query.index(b"\x00", 12) + 5
        name, (kind,) = query[12 : end - 4], struct.unpack(">H", query[end - 4 : end - 2])
        code = 0x8580 if name == NAME else 0x8583
        answers = b""
        if name == NAME and kind == TYPE_A:
            answers = struct.pack(">HHHIH4B", 0xC00C, TYPE_A, 1, 60, 4, 127, 0, 0, 1)
        header = query[:2] + struct.pack(">5H", code, 1, bool(answers), 0, 0)
        server.sendto(header + query[12:end] + answers, client)


def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


def serve_tls(certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 8443))
    while True:
        client, _ = server.accept()
        try:
            client = context.wrap_socket(client, server_side=True)
        except OSError as error:
            print(error, flush=True)
            continue
        cloud = socket.create_connection(("127.0.0.1", 8580))
        for pair in ((client, cloud), (cloud, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


threading.Thread(target=serve_names, daemon=True).start()
serve_tls(*sys.argv[1:])
