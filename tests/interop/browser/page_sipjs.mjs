/*
 * SIP.js with the WebRTC of the browser; commands and what it tells are those of
 * page_jssip.mjs.
 *
 * SPDX-License-Identifier: MIT
 */
import {
    Inviter, Registerer, SessionState, UserAgent,
} from '/sip.js/lib/index.js';

const media = {
    sessionDescriptionHandlerOptions: {
        constraints: { audio: true, video: false },
    },
};

export async function start({ user, domain, server, say }) {
    let session;
    let leaving = false;

    const isAsked = (request) => /a=(sendonly|inactive)/.test(request.body);
    // How a session ends, until it does.
    const watch = (watched) => {
        let end = 'ended local';

        session = watched;
        watched.delegate = {
            onAck: () => say('talking'),
            onBye(bye) {
                end = 'ended remote';
                bye.accept();
            },
            onCancel: () => {
                end = 'failed CANCEL';
            },
            onInvite: (request) => say(isAsked(request) ? 'held' : 'resumed'),
            async onRefer(referral) {
                say('sent to', referral.referTo.uri.toString());
                await referral.accept();
                place(referral.makeInviter(media));
            },
        };
        watched.stateChange.addListener((state) => {
            if (state === SessionState.Terminated && end !== '')
                say(end);
        });
        return (status) => {
            end = '';
            say('failed', status);
        };
    };
    const place = (inviter) => {
        const failed = watch(inviter);

        return inviter.invite({
            requestDelegate: {
                onProgress({ message }) {
                    if (message.statusCode === 180)
                        say('ringing');
                },
                onAccept: () => say('talking'),
                onReject: ({ message }) => failed(message.statusCode),
            },
        });
    };
    // A re-INVITE.
    const change = (hold, done) => {
        session.sessionDescriptionHandlerOptionsReInvite = { hold };
        return session.invite({
            requestDelegate: {
                onAccept: () => say(done),
                onReject: ({ message }) => say('failed', message.statusCode),
            },
        });
    };
    const ua = new UserAgent({
        uri: UserAgent.makeURI(`sip:${user}@${domain}`),
        transportOptions: { server },
        logBuiltinEnabled: false,
        sessionDescriptionHandlerFactoryOptions: {
            peerConnectionConfiguration: { iceServers: [] },
        },
        delegate: {
            onConnect: () => register(),
            async onDisconnect(error) {
                if (leaving)
                    return;
                say('lost');
                while (!ua.isConnected()) {
                    await new Promise((resolve) => setTimeout(resolve, 500));
                    await ua.reconnect().catch(() => {});
                }
            },
            async onInvite(invitation) {
                watch(invitation);
                say('invited', invitation.remoteIdentity.uri.user);
                await invitation.progress();
            },
        },
    });
    const registerer = new Registerer(ua, { expires: 600 });
    const register = () => registerer.register({
        requestDelegate: {
            onAccept: () => say('registered'),
            onReject: ({ message }) =>
                say('failed register', message.statusCode),
        },
    });
    // An invitation that was cancelled or refused has another end than a call.
    const hangUp = () => session.state === SessionState.Established
        ? session.bye() : session.cancel();

    ua.start().catch(() => say('failed connect'));
    return {
        call: (to) => place(new Inviter(ua, UserAgent.makeURI(to), media)),
        answer: () => session.accept(media),
        reject: () => session.reject({ statusCode: 486 }),
        hangup: hangUp,
        hold: () => change(true, 'holding'),
        resume: () => change(false, 'active'),
        transfer: (to) => session.refer(UserAgent.makeURI(to), {
            requestDelegate: {
                onReject: ({ message }) =>
                    say('transferred', message.statusCode),
            },
            onNotify(notification) {
                const [, status] = notification.request.body.split(' ');

                notification.accept();
                if (status >= 200)
                    say('transferred', status);
            },
        }),
        async quit() {
            leaving = true;
            await registerer.unregister({
                requestDelegate: { onAccept: () => say('unregistered') },
            });
        },
    };
}
