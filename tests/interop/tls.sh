# shellcheck shell=bash
# Certificates and Kamailio for the interop tests over TLS. Sourced after lib.sh
# and setup().
#
# SPDX-License-Identifier: MIT

# make_certificates: a CA, ca.pem, and a certificate for 127.0.0.1 with its key
# in one file, host.pem, and as host.crt and host.key.
make_certificates() {
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout ca.key -out ca.pem -days 2 -subj '/CN=Test CA' \
            -addext basicConstraints=critical,CA:TRUE &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
                -keyout host.key -out host.csr -subj '/CN=localhost' &&
            printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >host.ext &&
            openssl x509 -req -in host.csr -CA ca.pem -CAkey ca.key \
                -CAcreateserial -days 2 -extfile host.ext -out host.crt
    } >openssl.err 2>&1 || fail "openssl makes no certificates"
    cat host.crt host.key >host.pem
}

# tcp_listens PORT
tcp_listens() {
    local hex

    hex=$(printf ':%04X 00000000:0000 0A' "$1")
    grep -qF "$hex" /proc/net/tcp
}

# start_kamailio CONFIG DEFINITION...: Kamailio with this file, behind lines
# "#!define" that define the names: NAME=VALUE. Its ports are KAMAILIO_UDP and,
# unless that is empty, KAMAILIO_TLS.
start_kamailio() {
    local config=$1 definition

    shift
    command -v kamailio >/dev/null || skip "kamailio is not installed"
    {
        echo '#!KAMAILIO'
        for definition in "$@"; do
            printf '#!define %s "%s"\n' "${definition%%=*}" "${definition#*=}"
        done
        printf 'listen=udp:127.0.0.1:%s\n' "$KAMAILIO_UDP"
        [ -z "${KAMAILIO_TLS:-}" ] ||
            printf 'listen=tls:127.0.0.1:%s\n' "$KAMAILIO_TLS"
        cat "$HERE/$config"
    } >kamailio.cfg
    mkdir -p run
    kamailio -f "$WORK/kamailio.cfg" -DD -E -m 256 -M 16 -Y "$WORK/run" -w "$WORK/run" -P "$WORK/run/pid" \
        >kamailio.err 2>&1 &
    KAMAILIO_PID=$!
    PIDS+=("$KAMAILIO_PID")
    wait_for 10 kamailio_listens || fail "Kamailio does not start"
}

kamailio_listens() {
    port_in_use "$KAMAILIO_UDP" &&
        { [ -z "${KAMAILIO_TLS:-}" ] || tcp_listens "$KAMAILIO_TLS"; }
}

stop_kamailio() {
    kill -TERM "$KAMAILIO_PID"
    wait_for 20 eval "! alive $KAMAILIO_PID" || fail "Kamailio does not end"
}
