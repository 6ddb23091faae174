#!/usr/bin/env python3
"""A server over TCP that answers whatever comes, and says so:

    restarted_peer.py serve PORT        each request gets 486
    restarted_peer.py ask HOST PORT METHOD NAME
                                        one request; prints the final status

SPDX-License-Identifier: MIT
"""
import socket
import struct
import sys
import threading


def messages(stream):
    """Messages without a body, one after the other."""
    rest = b""
    while True:
        head, end, behind = rest.partition(b"\r\n\r\n")
        if end:
            rest = behind
            yield head.decode()
            continue
        more = stream.recv(65536)
        if not more:
            return
        rest += more


def fields(head, *names):
    return [line for line in head.split("\r\n")[1:]
            if line.split(":")[0] in names]


def answer(stream, head):
    lines = fields(head, "Via", "From", "Call-ID", "CSeq")
    lines += [line + ";tag=peer" for line in fields(head, "To")]
    stream.sendall("\r\n".join(["SIP/2.0 486 Busy Here", *lines,
                                "Content-Length: 0", "", ""]).encode())


def talk(stream):
    for head in messages(stream):
        method = head.split(" ")[0]
        print(method, flush=True)
        if method != "ACK":
            answer(stream, head)


def serve(port):
    with socket.create_server(("", int(port)), reuse_port=False) as listener:
        print("ready", flush=True)
        while True:
            stream, _ = listener.accept()
            # Or the system would go on to say good-bye without the program.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
            threading.Thread(target=talk, args=(stream,), daemon=True).start()


def ask(host, port, method, name):
    with socket.create_connection((host, int(port)), timeout=40) as stream:
        request = [f"{method} sip:bob@call.test SIP/2.0",
                   f"Via: SIP/2.0/TCP {host}:9;branch=z9hG4bK{name}",
                   "Max-Forwards: 70", "From: <sip:ann@call.test>;tag=ann",
                   "To: <sip:bob@call.test>", f"Call-ID: {name}",
                   f"CSeq: 1 {method}", "Content-Length: 0", "", ""]
        stream.sendall("\r\n".join(request).encode())
        for head in messages(stream):
            status = int(head.split(" ")[1])
            if status >= 200:
                print(status)
                return


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
