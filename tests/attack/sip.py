"""SIP as small as the attacks need it: messages, the ends of UDP, TCP, TLS and
WebSocket, a server, and a call. The ends are strict: on a stream a message
without Content-Length is an error (RFC 3261 section 18.3).

SPDX-License-Identifier: MIT
"""
import base64
import collections
import itertools
import os
import re
import select
import socket
import ssl
import struct
import threading
import time

import attack

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
           "l": "content-length", "c": "content-type", "k": "supported",
           "s": "subject", "e": "content-encoding"}
PORT = 5060
numbers = itertools.count(1)
unique = os.urandom(3).hex()


def fresh():
    return f"{unique}{next(numbers)}"


class Sip:
    """A message that came."""

    def __init__(self, data, source=None):
        self.data = data
        self.source = source
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode(
            errors="replace").split("\r\n")
        self.start = lines[0]
        words = (self.start + "  ").split(" ")
        self.is_response = words[0] == "SIP/2.0"
        self.status = (int(words[1]) if self.is_response and words[1].isdigit()
                       else 0)
        self.method = words[0]
        self.uri = words[1]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def listed(self, name):
        """The values of a header field of addresses, split at commas."""
        return [part.strip() for value in self.all(name)
                for part in re.split(r",(?=\s*<)", value)]

    @property
    def branch(self):
        match = re.search(r";\s*branch=([^;,\s]+)", self.get("via") or "")
        return match[1] if match else None

    @property
    def cseq_method(self):
        return (self.get("cseq") or "").split(" ")[-1]

    def tag(self, name):
        match = re.search(r";\s*tag=([^;,\s]+)", self.get(name) or "")
        return match[1] if match else None

    def __repr__(self):
        return f"<{self.start} of {self.get('call-id')}>"


def request(method, uri, via, *, branch=None, sender="sip:legit@example.org",
            from_tag=None, to=None, to_tag=None, call_id=None, cseq=1,
            max_forwards=70, contact=None, headers=(), body="", length=True):
    """A request as bytes. `via` is as "UDP host:port"; `length` False leaves
    Content-Length out, and a string is the whole line."""
    to_tag = f";tag={to_tag}" if to_tag else ""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {uri} SIP/2.0",
             f"Via: SIP/2.0/{via};branch={branch or 'z9hG4bK' + fresh()}",
             f"Max-Forwards: {max_forwards}",
             f"From: <{sender}>;tag={from_tag or 'f' + fresh()}",
             f"To: <{to or uri}>{to_tag}",
             f"Call-ID: {call_id or fresh()}",
             f"CSeq: {cseq} {method}", *headers]
    if contact:
        lines.append(f"Contact: {contact}")
    if length is True:
        lines.append(f"Content-Length: {len(body)}")
    elif length:
        lines.append(length)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(message, status, *, to_tag=None, contact=None, headers=(),
             body="", length=True):
    """The response to a request, as bytes."""
    to = message.get("to")
    if to_tag and message.tag("to") is None:
        to += f";tag={to_tag}"
    lines = [f"SIP/2.0 {status} Answer",
             *(f"Via: {value}" for value in message.all("via")),
             *(f"Record-Route: {value}"
               for value in message.all("record-route")),
             f"From: {message.get('from')}", f"To: {to}",
             f"Call-ID: {message.get('call-id')}",
             f"CSeq: {message.get('cseq')}", *headers]
    if contact:
        lines.append(f"Contact: {contact}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode()


# ---- ends ----

class End:
    """What sends and receives messages. `kept` are those received() passed."""

    transport = "UDP"
    retransmits = False
    ended = False

    def __init__(self):
        self.kept = collections.deque()

    @property
    def via(self):
        return f"{self.transport} {self.where}"

    def received(self, wanted=lambda message: True, patience_s=None):
        """The next message that is wanted, or None. Others are kept."""
        for message in list(self.kept):
            if wanted(message):
                self.kept.remove(message)
                return message
        end = time.monotonic() + (attack.PATIENCE_S if patience_s is None
                                  else patience_s)
        while True:
            message = self.next(max(end - time.monotonic(), 0))
            if message is None:
                return None
            if wanted(message):
                return message
            self.kept.append(message)

    def everything(self, patience_s=0.3):
        """All that comes until nothing came for so long."""
        messages = list(self.kept)
        self.kept.clear()
        while (message := self.next(patience_s)) is not None:
            messages.append(message)
        return messages

    def ask(self, data, patience_s=None, to=None):
        """Sends a request, again and again over UDP, and gives the final
        response, or None."""
        patience_s = attack.PATIENCE_S if patience_s is None else patience_s
        asked = Sip(data)
        end = time.monotonic() + patience_s
        interval = 0.5
        provisional = False

        def answers(message):
            return (message.is_response and message.branch == asked.branch and
                    message.cseq_method == asked.method)

        self.send(data, to)
        while (left := end - time.monotonic()) > 0:
            again = self.retransmits and not provisional
            got = self.received(answers, min(interval, left) if again
                                else left)
            if got is not None and got.status >= 200:
                return got
            if got is None and self.ended:
                return None
            provisional = provisional or got is not None
            if again and got is None:
                self.send(data, to)
                interval = min(2 * interval, 4)
        return None


class Udp(End):
    """A UDP socket; `to` is where it sends."""

    retransmits = True

    def __init__(self, host, port=0, to=(attack.PROXY, PORT)):
        super().__init__()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.host, self.port = self.socket.getsockname()[:2]
        self.where = f"{self.host}:{self.port}"
        self.to = to

    def send(self, data, to=None):
        try:
            self.socket.sendto(data, to or self.to)
        except ConnectionRefusedError:
            self.socket.sendto(data, to or self.to)

    def next(self, patience_s):
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        if not poll.poll(None if patience_s is None else 1000 * patience_s):
            return None
        try:
            data, source = self.socket.recvfrom(65536)
        except ConnectionRefusedError:
            return None
        return Sip(data, source)

    def close(self):
        self.socket.close()


class BadFraming(Exception):
    """What came on a stream cannot be cut into messages."""


class Stream(End):
    """A TCP connection, or TLS with a context."""

    transport = "TCP"

    def __init__(self, to=(attack.PROXY, PORT), source=None, tls=None,
                 connected=None, patience_s=None):
        super().__init__()
        self.patience_s = attack.PATIENCE_S if patience_s is None else patience_s
        self.socket = connected or socket.create_connection(
            to, self.patience_s, (source, 0) if source else None)
        if tls is not None:
            self.transport = "TLS"
            self.socket.settimeout(self.patience_s)
            self.socket = tls.wrap_socket(self.socket, server_hostname=to[0])
        self.host, self.port = self.socket.getsockname()[:2]
        self.where = f"{self.host}:{self.port}"
        self.buffer = b""
        self.ended = False

    def send(self, data, to=None):
        self.socket.settimeout(self.patience_s)
        self.socket.sendall(data)

    def cut(self):
        """The first message in the buffer, or None."""
        self.buffer = self.buffer.lstrip(b"\r\n")
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        message = Sip(head + end)
        lengths = message.all("content-length")
        if len(lengths) != 1 or not re.fullmatch(r"\d+", lengths[0]):
            raise BadFraming(f"Content-Length {lengths} in {head + end + rest}")
        length = int(lengths[0])
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return Sip(head + end + rest[:length], self.socket.getpeername())

    def fill(self, patience_s):
        """Reads; False when nothing came."""
        self.socket.settimeout(max(patience_s, 0.001))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        self.buffer += data
        self.ended = data == b""
        return not self.ended

    def next(self, patience_s):
        end = time.monotonic() + patience_s
        while True:
            message = self.cut()
            if message is not None:
                return message
            left = end - time.monotonic()
            if self.ended or left < 0 and patience_s > 0 or \
                    not self.fill(max(left, 0)):
                return None

    def reset(self):
        """Closes it with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class WebSocket(Stream):
    """A client of RFC 7118. `status` is that of the handshake."""

    def __init__(self, to=(attack.PROXY, PORT), source=None, tls=None,
                 origin=None, host=None):
        super().__init__(to, source, tls)
        self.transport = "WSS" if tls else "WS"
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: {host or f'{to[0]}:{to[1]}'}",
                 "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Protocol: sip"]
        if origin is not None:
            lines.append(f"Origin: {origin}")
        super().send("\r\n".join(lines).encode() + b"\r\n\r\n")
        while b"\r\n\r\n" not in self.buffer and self.fill(self.patience_s):
            pass
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        words = head.split(b" ")
        self.status = int(words[1]) if len(words) > 1 else 0

    def send(self, data, to=None):
        mask = os.urandom(4)
        size = (struct.pack("!B", 128 | len(data)) if len(data) < 126
                else struct.pack("!BH", 254, len(data)))
        masked = bytes(byte ^ mask[i & 3] for i, byte in enumerate(data))
        super().send(b"\x81" + size + mask + masked)

    def cut(self):
        while len(self.buffer) >= 2:
            first, size = self.buffer[0], self.buffer[1]
            begin = 2
            if size == 126:
                if len(self.buffer) < 4:
                    return None
                size, begin = struct.unpack_from("!H", self.buffer, 2)[0], 4
            if len(self.buffer) < begin + size:
                return None
            data = self.buffer[begin:begin + size]
            self.buffer = self.buffer[begin + size:]
            if first & 15 in (1, 2):
                return Sip(data, self.socket.getpeername())
        return None


# ---- a server ----

class Server:
    """A user agent server on a port, over UDP and TCP, in a thread. `seen` is
    all that came; `statuses` what it answers, by method (a list: in turn);
    `length` False leaves Content-Length out over UDP; `mute` answers nothing;
    `rewrite` changes a response's bytes."""

    def __init__(self, host=attack.SERVER, port=5080, **behaviour):
        self.host, self.port = host, port
        self.seen = []
        self.bad = []  # streams that were no good
        self.connections = []
        self.statuses = behaviour.get("statuses", {})
        self.length = behaviour.get("length", True)
        self.mute = behaviour.get("mute", False)
        self.rewrite = behaviour.get("rewrite", lambda data, message: data)
        self.headers = behaviour.get("headers", ())
        self.udp = Udp(host, port)
        self.listener = socket.create_server((host, port), backlog=128)
        self.uri = f"sip:{host}:{port}"
        self.ringing = behaviour.get("ringing", True)
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def answer(self, message, end, to=None):
        self.seen.append(message)
        if message.is_response or message.method == "ACK" or self.mute:
            return
        contact = f"<sip:uas@{self.host}:{self.port}"
        contact += ">" if end.transport == "UDP" else ";transport=tcp>"
        status = self.statuses.get(message.method, 200)
        if isinstance(status, list):
            status = status.pop(0) if status else 200
        if message.method == "INVITE" and self.ringing and status >= 200:
            end.send(self.rewrite(response(
                message, 180, to_tag="uas", contact=contact,
                length=self.length or end.transport != "UDP"), message), to)
        if status:
            end.send(self.rewrite(response(
                message, status, to_tag="uas" if status > 100 else None,
                contact=contact, headers=self.headers,
                length=self.length or end.transport != "UDP"), message), to)

    def serve_udp(self):
        while True:
            message = self.udp.next(None)
            if message is not None:
                self.answer(message, self.udp, message.source)

    def serve_tcp(self):
        while True:
            connected, _ = self.listener.accept()
            threading.Thread(target=self.serve_connection, args=[connected],
                             daemon=True).start()

    def serve_connection(self, connected):
        stream = Stream(connected=connected)
        self.connections.append(stream)
        try:
            while not stream.ended:
                message = stream.next(3600)
                if message is not None:
                    self.answer(message, stream)
        except (BadFraming, OSError) as err:
            self.bad.append(err)
            stream.close()

    def got(self, method, call_id=None, patience_s=None):
        """Waits for a request."""
        return attack.until(lambda: next(
            (message for message in list(self.seen)
             if message.method == method and
             call_id in (None, message.get("call-id"))), None), patience_s)


class Ear:
    """Listens on a port, UDP and TCP, and never answers: a victim."""

    def __init__(self, host=attack.VICTIM, port=PORT):
        self.udp = Udp(host, port)
        self.udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   1 << 20)
        self.tcp = socket.create_server((host, port))
        self.host, self.port = host, port

    def heard(self, patience_s=0.2):
        """What came: messages over UDP, and bytes over TCP."""
        messages = self.udp.everything(patience_s)
        self.tcp.settimeout(0.01)
        while True:
            try:
                connected, source = self.tcp.accept()
            except OSError:
                return messages
            connected.settimeout(0.2)
            try:
                data = connected.recv(65536)
            except OSError:
                data = b""
            messages.append(Sip(data, source))
            connected.close()


# ---- calls ----

class Call:
    """A call through the proxy, as its caller. `why` is what went wrong. What
    follows the INVITE goes to the callee where nobody asked for more, or always
    to the proxy with `outbound`."""

    def __init__(self, end, uri, *, length=True, headers=(), to=None,
                 outbound=False):
        self.end, self.uri, self.length = end, uri, length
        self.headers = list(headers)
        self.to = to
        self.outbound = outbound
        self.call_id = fresh()
        self.from_tag = "c" + fresh()
        self.to_tag = None
        self.target = uri
        self.routes = []
        self.cseq = 0
        self.why = ""

    def make(self, method, *, cseq=None, branch=None):
        contact = f"<sip:legit@{self.end.where}"
        contact += {"UDP": ">", "WS": ";transport=ws>"}.get(
            self.end.transport, ";transport=tcp>")
        if cseq is None:
            self.cseq += 1
        return request(
            method, self.target, self.end.via, branch=branch,
            from_tag=self.from_tag, to=self.uri, to_tag=self.to_tag,
            call_id=self.call_id, cseq=cseq or self.cseq, contact=contact,
            headers=self.headers + [f"Route: {route}"
                                    for route in self.routes],
            length=self.length)

    def ask(self, method, patience_s):
        data = self.make(method)
        answer = self.end.ask(data, patience_s, self.to)
        if answer is None or answer.status >= 300:
            got = answer.start if answer else "nothing"
            self.why = f"{method}: {got}"
            if answer is not None and method == "INVITE":
                asked = Sip(data)
                self.end.send(request(
                    "ACK", asked.uri, self.end.via, branch=asked.branch,
                    from_tag=self.from_tag, to=self.uri,
                    to_tag=answer.tag("to"), call_id=self.call_id,
                    cseq=self.cseq), self.to)
            return None
        return answer

    def invite(self, patience_s=None):
        """INVITE, or in the call re-INVITE; with its ACK."""
        answer = self.ask("INVITE", patience_s)
        if answer is None:
            return False
        if self.to_tag is None:
            self.routes = answer.listed("record-route")[::-1]
            self.to_tag = answer.tag("to")
            self.headers = []
        contact = re.search(r"<([^>]*)>", answer.get("contact") or "")
        self.target = contact[1] if contact else self.target
        where = re.match(r"sip:(?:[^@]*@)?([^:;]+):(\d+)", self.target)
        if not self.routes and not self.outbound and where and \
                self.end.transport == "UDP":
            self.to = where[1], int(where[2])
        self.ack()
        return True

    def ack(self):
        self.end.send(self.make("ACK", cseq=self.cseq), self.to)

    def bye(self, patience_s=None):
        return self.ask("BYE", patience_s) is not None

    def whole(self, patience_s=None):
        """From INVITE to BYE."""
        return self.invite(patience_s) and self.bye(patience_s)


def works(end, uri, what, server=None, **options):
    """Notes if a whole call does not work."""
    call = Call(end, uri, **options)
    try:
        good = call.whole(attack.PATIENCE_S / 2)
    except (BadFraming, OSError) as err:
        good, call.why = False, f"{type(err).__name__}: {err}"
    if good and server is not None:
        good = server.got("ACK", call.call_id, 3) is not None
        call.why = "the ACK is lost"
    return attack.check(good, f"no call {what}: {call.why}")


def listen(*transports, host=attack.PROXY, port=PORT):
    """--listen for each transport; tls is a port higher than tcp, and so on."""
    ports = {"udp": 0, "tcp": 0, "tls": 1, "ws": 2, "wss": 3}
    return [word for transport in transports for word in
            ("--listen", uri_of(transport, host, port + ports[transport]))]


def uri_of(transport, host=attack.PROXY, port=PORT):
    return f"sip:{host}:{port};transport={transport}"


def trusting():
    """A TLS context of a client that looks at no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
