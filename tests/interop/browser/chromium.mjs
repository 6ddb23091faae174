/*
 * Chromium without a window, with clients in pages of its own, spoken to by a
 * script on stdin:
 *
 *     node chromium.mjs MODULES DOMAIN PROXY-HOST WS-PORT WSS-PORT
 *
 * MODULES is the folder node_modules. A line says
 *
 *     open NAME LIBRARY TRANSPORT    a page; LIBRARY: jssip or sipjs,
 *                                    TRANSPORT: ws or wss
 *     close NAME                     as somebody does who has had enough
 *     quit                           the end of all of them
 *     NAME COMMAND [ARGUMENT]        see page_jssip.mjs
 *
 * and what the pages tell comes on stdout, each line with the name in front,
 * among it "got" and the first line of each message that came.
 * The pages are of the proxy's host, as its check of the origin wants it, and
 * no server has them: what they fetch is given to them here.
 *
 * SPDX-License-Identifier: MIT
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle.mjs';

const [modules, domain, host, wsPort, wssPort] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

const chromium = spawn('chromium', [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
    '--user-data-dir=profile', '--disable-dev-shm-usage',
    '--disable-background-networking', '--disable-component-update',
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    '--ignore-certificate-errors',
    `--unsafely-treat-insecure-origin-as-secure=http://${host}:${wsPort}`,
    '--remote-debugging-pipe', 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

chromium.on('error', (error) => {
    say('chromium', 'failed', error.message);
    process.exit(1);
});
chromium.on('exit', (status) => process.exit(status ?? 1));
process.on('SIGTERM', () => chromium.kill());

// Commands and events of the DevTools, each ended by a NUL.
let last = 0;
const waiting = new Map();
const listeners = new Map();

function command(method, params = {}, sessionId = undefined) {
    const id = ++last;

    chromium.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function take({ id, method, params, error, result, sessionId }) {
    const { resolve, reject } = waiting.get(id) ?? {};

    waiting.delete(id);
    if (method !== undefined)
        listeners.get(sessionId)?.(method, params);
    else if (error)
        reject(new Error(error.message));
    else
        resolve(result);
}

let rest = Buffer.alloc(0);
chromium.stdio[4].on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1))
        take(JSON.parse(rest.subarray(0, end)));
});

const jssip = bundle(modules, 'jssip', 'JsSIP');
const types = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript' };

// What is behind this path of a page.
function file(path) {
    if (path === '/')
        return ['html', '<script type="module" src="/page.mjs"></script>'];
    if (path === '/jssip.js')
        return ['js', jssip];
    if (path.startsWith('/sip.js/'))
        return ['js', readFileSync(join(modules, path))];
    return ['mjs', readFileSync(join(here, path))];
}

// To a request of a page.
function answer(session, { requestId, request }) {
    const reply = { requestId, responseCode: 404, body: '' };

    try {
        const [type, content] = file(new URL(request.url).pathname);

        reply.responseCode = 200;
        reply.responseHeaders = [{ name: 'Content-Type', value: types[type] }];
        reply.body = Buffer.from(content).toString('base64');
    } catch { /* such as an icon */ }
    return command('Fetch.fulfillRequest', reply, session);
}

const firstLine = ({ response }) => response.payloadData.split('\r\n', 1)[0];
const pages = new Map();

async function open(name, library, transport) {
    const { targetId } = await command('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await command('Target.attachToTarget',
        { targetId, flatten: true });
    const port = transport === 'wss' ? wssPort : wsPort;
    const query = new URLSearchParams({
        user: name, domain, library, server: `${transport}://${host}:${port}`,
    });

    listeners.set(sessionId, (method, params) => {
        if (method === 'Fetch.requestPaused')
            answer(sessionId, params);
        else if (method === 'Runtime.bindingCalled')
            say(name, params.payload);
        else if (method === 'Network.webSocketFrameReceived')
            say(name, 'got', firstLine(params));
        else if (method === 'Runtime.exceptionThrown')
            say(name, 'broken', params.exceptionDetails.exception?.description);
    });
    await command('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId);
    await command('Network.enable', {}, sessionId);
    await command('Runtime.enable', {}, sessionId);
    await command('Runtime.addBinding', { name: 'tell' }, sessionId);
    await command('Page.navigate', {
        url: `${transport === 'wss' ? 'https' : 'http'}://${host}:${port}/?${query}`,
    }, sessionId);
    pages.set(name, { targetId, sessionId });
}

for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...words] = line.split(' ');

    if (name === 'quit')
        break;
    if (name === 'open')
        await open(...words);
    else if (name === 'close')
        await command('Target.closeTarget',
            { targetId: pages.get(words[0]).targetId });
    else
        await command('Runtime.evaluate', {
            expression: `command(${words.map((word) => JSON.stringify(word))})`,
        }, pages.get(name).sessionId);
}
await command('Browser.close');
