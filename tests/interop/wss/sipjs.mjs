/*
 * The client with SIP.js.
 *
 * SPDX-License-Identifier: MIT
 */
import {
    Inviter, Messager, Registerer, RegistererState, SessionState, UserAgent,
} from 'sip.js';

import { sdp } from './session_description.mjs';

// Instead of WebRTC.
const noMedia = () => ({
    close() {},
    getDescription: async () => ({ body: sdp, contentType: 'application/sdp' }),
    hasDescription: (contentType) => contentType === 'application/sdp',
    sendDtmf: () => false,
    setDescription: async () => {},
});

export function start({ user, domain, server, say }) {
    let session;

    // Until its state says so, who ended a session.
    const watch = (watched, onAck) => {
        let by = 'local';

        watched.delegate = {
            onAck,
            onBye(bye) {
                by = 'remote';
                bye.accept();
            },
        };
        watched.stateChange.addListener((state) => {
            if (state === SessionState.Terminated)
                say('ended', by);
        });
        session = watched;
    };
    const ua = new UserAgent({
        uri: UserAgent.makeURI(`sip:${user}@${domain}`),
        transportOptions: { server, keepAliveInterval: 1 },
        sessionDescriptionHandlerFactory: noMedia,
        logBuiltinEnabled: false,
        delegate: {
            async onInvite(invitation) {
                say('invited', invitation.remoteIdentity.uri.user);
                watch(invitation, () => say('confirmed'));
                await invitation.progress();
                await invitation.accept();
            },
            onMessage(message) {
                say('message', message.request.from.uri.user);
                message.accept();
            },
        },
    });
    const registerer = new Registerer(ua, { expires: 600 });
    const response = (done) => ({
        onAccept: (answer) => done(answer.message.statusCode),
        onReject: (answer) => done(answer.message.statusCode),
    });

    registerer.stateChange.addListener((state) => {
        if (state === RegistererState.Registered)
            say('registered');
    });
    ua.start()
        .then(() => registerer.register({
            requestDelegate: {
                onReject: (answer) =>
                    say('failed register', answer.message.statusCode),
            },
        }))
        .catch((error) => say('failed connect', error.message));
    return {
        message: (to) => new Messager(ua, UserAgent.makeURI(to), 'hello')
            .message({
                requestDelegate: response((status) => say('sent', status)),
            }),
        call(to) {
            const inviter = new Inviter(ua, UserAgent.makeURI(to));

            watch(inviter);
            return inviter.invite({
                requestDelegate: {
                    onAccept: () => say('answered'),
                    onReject: (answer) =>
                        say('failed call', answer.message.statusCode),
                },
            });
        },
        hangup: () => session.bye(),
        async quit() {
            await new Promise((resolve) => {
                registerer.unregister({
                    requestDelegate: response((status) => {
                        say('unregistered', status);
                        resolve();
                    }),
                });
            });
            await ua.stop();
        },
    };
}
