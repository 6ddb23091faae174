/*
 * The name server: questions wait until a command answers them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include "dns_message.h"

static const char *const name_servers_says[] = {
    "name.example.com",     "loop.example.com",   "stranger.example.com",
    "_sip._udp.a.example.", "proxy.example.com.", "client.example.com",
};

/* The addresses that names have. */
static const unsigned char hosts[] = {11, 12, 13, 9, 1};

static void add_address(dns_message_t *message, const char *owner,
                        uint16_t type, unsigned which)
{
    unsigned char ip[16] = {0x20, 1, 0x0d, 0xb8};
    unsigned last = hosts[which % sizeof(hosts)];

    ip[15] = (unsigned char)last;
    if (type == SRF__RR_AAAA)
        dns_aaaa(message, owner, 60, ip);
    else
        dns_a(message, owner, 60, 0x0a000000u | last);
}

static void add_naptr(dns_message_t *message, const char *owner, unsigned which)
{
    static const char *const services[] = {"SIP+D2U", "SIP+D2T", "SIPS+D2T",
                                           "SIP+D2W", "SIPS+D2W"};
    static const char *const flags[] = {"s", "a", "S", "u", ""};
    size_t at = dns_record(message, false, owner, SRF__RR_NAPTR, 60);

    dns_u16(message, which);
    dns_u16(message, which / 3);
    dns_string(message, flags[which % 5]);
    dns_string(message, services[which % 5]);
    dns_string(message, which % 7 == 6 ? "!.*!sip:x@10.0.0.11!" : "");
    dns_name(message, name_servers_says[which % 6]);
    dns_end_record(message, at);
}

static void add_records(dns_message_t *message, const question_t *question,
                        operands_t *operands)
{
    unsigned count = 1 + operand(operands) % 70;
    unsigned which = operand(operands);

    for (unsigned i = 0; i < count; i++, which++) {
        const unsigned values[3] = {which % 3, which % 5,
                                    which % 4 == 0 ? 0 : 5060};
        if (question->type == SRF__RR_SRV)
            dns_srv(message, question->name, 60, values,
                    name_servers_says[which % 6]);
        else if (question->type == SRF__RR_NAPTR)
            add_naptr(message, question->name, which);
        else
            add_address(message, question->name, question->type, which);
    }
}

/* A chain of names that ends nowhere, in a loop, or with an address. */
static void add_chain(dns_message_t *message, const question_t *question,
                      unsigned which)
{
    char names[2][16] = {"", ""};
    const char *owner = question->name;

    for (unsigned i = 0; i < which % 12; i++) {
        (void)snprintf(names[i % 2], sizeof(names[0]), "c%u.test", i);
        dns_cname(message, owner, 60, names[i % 2]);
        owner = names[i % 2];
    }
    if (which % 3 == 0)
        dns_cname(message, owner, 60, question->name);
    else if (which % 3 == 1 &&
             (question->type == SRF__RR_A || question->type == SRF__RR_AAAA))
        add_address(message, owner, question->type, which);
}

static srf__records_t *make_answer(const question_t *question,
                                   operands_t *operands)
{
    static dns_message_t message;
    unsigned kind = operand(operands) % 7;

    dns_begin(&message, 0, question->name, question->type);
    switch (kind) {
    case 1:
        dns_begin(&message, 3, question->name, question->type);
        break;
    case 2: /* the name is there */
        break;
    case 3:
        return srf__records_empty(question->type, SRF__ANSWER_FAILED, 0);
    case 4:
        add_chain(&message, question, operand(operands));
        break;
    case 5:
        return srf__records_read(operands->p, operands->len, question->name,
                                 question->type);
    case 6: /* memory is out */
        return NULL;
    default:
        add_records(&message, question, operands);
        break;
    }
    return srf__records_read(message.data, message.len, question->name,
                             question->type);
}

static void allow_records(net_t *net, const srf__records_t *records)
{
    srf__addr_t addr = {.family = 4};

    if (records == NULL ||
        (records->type != SRF__RR_A && records->type != SRF__RR_AAAA))
        return;
    addr.family = records->type == SRF__RR_A ? 4 : 6;
    for (unsigned i = 0; i < records->count; i++) {
        memcpy(addr.ip, records->list[i].ip, addr.family == 4 ? 4 : 16);
        rules_allow(net, &addr);
        net->counts.names++;
    }
}

static void tell(net_t *net, unsigned index, srf__records_t *records)
{
    question_t question = net->questions[index];

    net->questions[index] = net->questions[--net->question_count];
    allow_records(net, records);
    question.cb(question.arg, records);
}

void names_answer(net_t *net, operands_t *operands)
{
    unsigned index = operand(operands);

    if (net->question_count == 0 || net->srf == NULL || net->closing)
        return;
    index %= net->question_count;
    tell(net, index, make_answer(&net->questions[index], operands));
}

void names_settle(net_t *net, bool good)
{
    unsigned rounds = 0;

    while (net->question_count > 0 && !net->closing) {
        operands_t operands = {good ? "0" : "3", 1};
        FUZZ_CHECK(++rounds < 10000);
        tell(net, 0, make_answer(&net->questions[0], &operands));
        pass(net, 0);
    }
}

static int ask(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
               void *cb_arg)
{
    net_t *net = arg;
    question_t *question = &net->questions[net->question_count];

    FUZZ_CHECK(!net->closing);
    if (net->question_count == QUESTIONS_MAX ||
        fuzz_memory_fails(&network_memory))
        return SRF_ERR_NO_MEMORY;
    FUZZ_CHECK(strlen(name) < sizeof(question->name));
    strcpy(question->name, name);
    question->type = type;
    question->cb = cb;
    question->arg = cb_arg;
    net->question_count++;
    return 0;
}

void names_start(net_t *net)
{
    const srf__resolver_env_t env = {
        .wheel = &net->wheel,
        .random = &net->srf->element.random,
        .ask = ask,
        .ask_arg = net,
        .cache = {.entries = 16,
                  .min_ttl_s = 1,
                  .max_ttl_s = 3600,
                  .negative_ttl_s = 60,
                  .stale_s = 3600},
        .dead_ms = 30000,
        .max_lookups = 8,
        .max_lookups_per_source = 3,
    };

    FUZZ_CHECK(srf__resolver_create(&env, &net->srf->element.resolver) == 0);
}
