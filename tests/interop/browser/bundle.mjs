/*
 * A library for Node.js as one script for the browser.
 *
 * SPDX-License-Identifier: MIT
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

// A module as Node.js finds it, but for what a package has for browsers.
function find(modules, from, name) {
    let path = name.startsWith('.') ? join(dirname(from), name)
        : join(modules, name);

    if (existsSync(join(path, 'package.json'))) {
        const { browser, main } = JSON.parse(readFileSync(join(path, 'package.json')));

        path = join(path, typeof browser === 'string' ? browser : main ?? '.');
    }
    return [path, `${path}.js`, join(path, 'index.js')]
        .find((each) => existsSync(each) && statSync(each).isFile());
}

// The package with all it needs; what it exports has this name in the page.
export function bundle(modules, name, global) {
    const files = [find(modules, modules, name)];
    const texts = [];

    // The list grows while it is gone through.
    for (const file of files) {
        const text = readFileSync(file, 'utf8');
        const code = file.endsWith('.json') ? `module.exports = ${text}`
            : text.replace(/\brequire\((['"])([^'"]+)\1\)/g, (call, quote, wanted) => {
                const found = find(modules, file, wanted);

                if (found === undefined)
                    return call;
                if (!files.includes(found))
                    files.push(found);
                return `require(${files.indexOf(found)})`;
            });

        texts.push(`function (module, exports, require) {${code}\n}`);
    }
    return `globalThis.${global} = ((all) => {
        const made = [];
        const require = (at) => {
            if (!made[at]) {
                made[at] = { exports: {} };
                all[at](made[at], made[at].exports, require);
            }
            return made[at].exports;
        };
        return require(0);
    })([${texts.join(',\n')}]);`;
}
