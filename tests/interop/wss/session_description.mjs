/*
 * There is no media in these tests: what both sides say about it.
 *
 * SPDX-License-Identifier: MIT
 */
export const sdp = [
    'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
    'm=audio 9 RTP/AVP 0', 'a=sendrecv', '',
].join('\r\n');
