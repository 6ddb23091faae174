#!/usr/bin/env python3
"""Asks where a datagram comes from (RFC 5389), as a telephone that keeps its flow
alive does: stun_ask.py HOST PORT. Prints the address and port of the answer.

SPDX-License-Identifier: MIT
"""
import os
import socket
import struct
import sys

COOKIE = 0x2112A442

end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(5)
transaction = os.urandom(12)
end.sendto(struct.pack("!HHI", 1, 0, COOKIE) + transaction,
           (sys.argv[1], int(sys.argv[2])))
answer = end.recv(1500)
kind, length, cookie = struct.unpack("!HHI", answer[:8])
attribute, size, family, port, address = struct.unpack("!HHHHI", answer[20:32])
assert (kind, length, cookie) == (0x101, len(answer) - 20, COOKIE)
assert answer[8:20] == transaction
assert (attribute, size, family) == (0x20, 8, 1)
print(socket.inet_ntoa(struct.pack("!I", address ^ COOKIE)),
      port ^ (COOKIE >> 16))
