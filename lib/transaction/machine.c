/*
 * What the four machines have in common.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/machine.h"

#include <string.h>

void srf__machine_run(
    srf__machine_step_fn *const handlers[SRF__TXN_STATE_COUNT],
    srf__machine_t *machine, srf__txn_event_t event,
    const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    memset(out, 0, sizeof(*out));
    if (event == SRF__EV_ABANDON && machine->state != SRF__TXN_TERMINATED)
        srf__machine_terminate(machine, 0, out);
    else if (handlers[machine->state] != NULL)
        handlers[machine->state](machine, event, timing, out);
}

void srf__machine_terminate(srf__machine_t *machine, uint32_t what,
                            srf__txn_actions_t *out)
{
    machine->state = SRF__TXN_TERMINATED;
    out->what |=
        what | SRF__DO_TERMINATE | SRF__DO_STOP_REPEAT | SRF__DO_STOP_LIMIT;
}
