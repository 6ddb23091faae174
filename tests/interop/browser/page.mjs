/*
 * What runs in a page: a client that tells what happens to it, and is told what
 * to do by command().
 *
 * SPDX-License-Identifier: MIT
 */
const { library, ...settings } =
    Object.fromEntries(new URLSearchParams(location.search));
const say = (...words) => globalThis.tell(words.join(' '));
const { start } = await import(`./page_${library}.mjs`);
const client = await start({ ...settings, say });

globalThis.command = async (name, ...words) => {
    try {
        await client[name](...words);
    } catch (error) {
        say('broken', name, error.message);
    }
};
