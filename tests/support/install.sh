# shellcheck shell=bash
# install_packages PACKAGE...: installs what is missing of these Debian packages.
# Sourced by the scripts a newcomer runs.
#
# SPDX-License-Identifier: MIT

# What building takes, and what the tests take beyond it.
BUILD_PACKAGES="build-essential meson ninja-build pkg-config libuv1-dev \
libosip2-dev libc-ares-dev libssl-dev"
TEST_PACKAGES="check sip-tester python3 universal-ctags openssl iproute2 \
nftables"
# Other stacks and a name server to test against. Their packages start servers of
# the system: they are installed only where nothing starts them, and their tests
# are skipped where they are not.
if [ ! -d /run/systemd/system ]; then
    TEST_PACKAGES="$TEST_PACKAGES kamailio kamailio-tls-modules knot"
fi

# Node.js runs SIP clients of the browser. Whoever has it from elsewhere has its
# npm, which that of Debian does not go with.
if ! command -v npm >/dev/null 2>&1; then
    TEST_PACKAGES="$TEST_PACKAGES nodejs npm"
fi

# Telephones and a browser, which some of the tests are skipped without.
CLIENT_PACKAGES="baresip-core linphone-cli twinkle-console \
libsofia-sip-ua-dev chromium"

install_packages() {
    local package missing=() sudo=()

    if ! command -v dpkg-query >/dev/null 2>&1 ||
        ! command -v apt-get >/dev/null 2>&1; then
        echo "This is no Debian system: please install the like of: $*" >&2
        return 0
    fi
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
            grep -qx installed || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "Installing: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "error: ${missing[*]} missing; run as root, or install sudo" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update \
        >/dev/null || {
        echo "error: apt-get update failed; is the network there?" >&2
        return 1
    }
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        --no-install-recommends install "${missing[@]}" >/dev/null || {
        echo "error: could not install ${missing[*]}" >&2
        return 1
    }
}
