/*
 * JsSIP with the WebRTC of the browser. A client has the commands
 *
 *     call URI | answer | reject | hangup | hold | resume | transfer URI | quit
 *
 * and tells
 *
 *     registered | unregistered | lost          the connection is lost
 *     invited USER | ringing | talking          on both sides
 *     held | resumed                            by the other one
 *     holding | active                          what it asked for is so
 *     sent to URI | transferred STATUS          by the other one; its own
 *     ended local|remote | failed CAUSE
 *
 * SPDX-License-Identifier: MIT
 */
await import('/jssip.js');
const { JsSIP } = globalThis;

const audio = {
    mediaConstraints: { audio: true, video: false },
    pcConfig: { iceServers: [] },
};

// No media gets through the translation of addresses, and nobody is to end a
// call because of that.
const ignoreMedia = ({ peerconnection }) =>
    Object.defineProperty(peerconnection, 'iceConnectionState', { value: 'new' });

export function start({ user, domain, server, say }) {
    let session;
    const ua = new JsSIP.UA({
        uri: `sip:${user}@${domain}`,
        sockets: [new JsSIP.WebSocketInterface(server)],
        register_expires: 600,
        connection_recovery_min_interval: 1,
        connection_recovery_max_interval: 2,
        session_timers: false,
    });
    const watch = (fresh) => {
        session = fresh;
        fresh.on('peerconnection', ignoreMedia);
        fresh.on('progress', ({ originator }) => {
            if (originator === 'remote')
                say('ringing');
        });
        fresh.on('confirmed', () => say('talking'));
        fresh.on('hold', ({ originator }) =>
            say(originator === 'remote' ? 'held' : 'asks'));
        fresh.on('unhold', ({ originator }) =>
            say(originator === 'remote' ? 'resumed' : 'asks'));
        fresh.on('refer', ({ request, accept }) => {
            say('sent to', request.refer_to.uri.toString());
            accept(null, audio);
        });
        fresh.on('ended', ({ originator }) => say('ended', originator));
        fresh.on('failed', ({ message, cause }) =>
            say('failed', message?.status_code ?? message?.method ?? cause));
    };

    ua.on('registered', () => say('registered'));
    ua.on('unregistered', () => say('unregistered'));
    ua.on('registrationFailed', ({ cause }) => say('failed register', cause));
    ua.on('disconnected', () => say('lost'));
    ua.on('newRTCSession', ({ originator, session: fresh }) => {
        watch(fresh);
        if (originator === 'remote')
            say('invited', fresh.remote_identity.uri.user);
    });
    ua.start();
    return {
        call: (to) => ua.call(to, audio),
        answer: () => session.answer(audio),
        reject: () => session.terminate({ status_code: 486 }),
        hangup: () => session.terminate(),
        hold: () => session.hold({}, () => say('holding')),
        resume: () => session.unhold({}, () => say('active')),
        transfer: (to) => session.refer(to, {
            eventHandlers: {
                accepted: ({ status_line }) =>
                    say('transferred', status_line.status_code),
                failed: ({ status_line }) =>
                    say('transferred', status_line.status_code),
                requestFailed: ({ cause }) => say('transferred', cause),
            },
        }),
        quit: () => ua.stop(),
    };
}
