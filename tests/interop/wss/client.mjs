/*
 * A SIP client over WebSocket that a script speaks to:
 *
 *     node client.mjs LIBRARY USER DOMAIN WEBSOCKET-URL [ORIGIN]
 *
 * LIBRARY is jssip or sipjs; ORIGIN is the page that it stands for, one of the
 * WebSocket's own server if it is not given. It registers at once, takes every MESSAGE and
 * answers every call, and says on a line each what happens:
 *
 *     registered | unregistered | failed WHAT WHY
 *     message USER             one came, and was answered
 *     sent STATUS              how one of ours was answered
 *     invited USER, confirmed  a call came; its ACK came
 *     answered                 a call of ours was answered
 *     ended local|remote       who said BYE
 *
 * Lines on stdin tell it what to do:
 *
 *     message USER | call USER | hangup | quit
 *
 * SPDX-License-Identifier: MIT
 */
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [library, user, domain, server,
    origin = `https://${new URL(server).host}`] = process.argv.slice(2);

// What a browser would have; it always says where the page is from.
globalThis.window = globalThis;
globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { origin });
    }
};

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);
const { start } = await import(`./${library}.mjs`);
const client = start({ user, domain, server, say });

const commands = {
    message: (to) => client.message(`sip:${to}@${domain}`),
    call: (to) => client.call(`sip:${to}@${domain}`),
    hangup: () => client.hangup(),
    quit: () => client.quit(),
};

for await (const line of createInterface({ input: process.stdin })) {
    const [name, argument] = line.split(' ');

    await commands[name](argument);
    if (name === 'quit')
        break;
}
process.exit(0);
