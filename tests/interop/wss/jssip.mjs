/*
 * The client with JsSIP.
 *
 * SPDX-License-Identifier: MIT
 */
import JsSIP from 'jssip';

import { sdp } from './session_description.mjs';

// As much of WebRTC as JsSIP asks for; candidates are never gathered.
class NoMedia extends EventTarget {
    iceGatheringState = 'complete';
    iceConnectionState = 'new';
    signalingState = 'stable';
    createOffer = async () => ({ type: 'offer', sdp });
    createAnswer = async () => ({ type: 'answer', sdp });
    setLocalDescription = async (description) => {
        this.localDescription = description;
    };
    setRemoteDescription = async () => {};
    getSenders = () => [];
    close() {}
}
globalThis.RTCPeerConnection = NoMedia;
globalThis.RTCSessionDescription = class {
    constructor(description) {
        Object.assign(this, description);
    }
};

const silent = { mediaConstraints: { audio: false, video: false } };

export function start({ user, domain, server, say }) {
    let session;
    const ua = new JsSIP.UA({
        uri: `sip:${user}@${domain}`,
        sockets: [new JsSIP.WebSocketInterface(server)],
        register_expires: 600,
    });

    ua.on('registered', () => say('registered'));
    ua.on('registrationFailed', ({ cause }) =>
        say('failed register', cause));
    ua.on('disconnected', ({ error }) => {
        if (error)
            say('failed connect');
    });
    ua.on('newMessage', ({ originator, message, request }) => {
        if (originator !== 'remote')
            return;
        say('message', request.from.uri.user);
        message.accept();
    });
    ua.on('newRTCSession', ({ originator, session: fresh }) => {
        session = fresh;
        fresh.on('ended', (end) => say('ended', end.originator));
        fresh.on('failed', ({ cause }) => say('failed call', cause));
        if (originator === 'local') {
            fresh.on('accepted', () => say('answered'));
            return;
        }
        say('invited', fresh.remote_identity.uri.user);
        fresh.on('confirmed', () => say('confirmed'));
        fresh.answer(silent);
    });
    ua.start();
    return {
        message: (to) => ua.sendMessage(to, 'hello', {
            eventHandlers: {
                succeeded: ({ response }) => say('sent', response.status_code),
                failed: ({ response, cause }) =>
                    say('sent', response ? response.status_code : cause),
            },
        }),
        call: (to) => ua.call(to, {
            ...silent,
            rtcOfferConstraints: { offerToReceiveAudio: true },
        }),
        hangup: () => session.terminate(),
        async quit() {
            await new Promise((resolve) => {
                ua.once('unregistered', ({ response }) => {
                    say('unregistered', response ? response.status_code : '');
                    resolve();
                });
                ua.unregister();
            });
            ua.stop();
        },
    };
}
