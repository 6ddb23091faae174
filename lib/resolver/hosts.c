/*
 * Names that this machine knows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/hosts.h"

#include "base/error.h"
#include "base/map.h"
#include "transport/address.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TTL_S = 1 }; /* a changed file is noticed soon */

/* An address of a name, as its lines stand. */
typedef struct line {
    struct line *next;
    uint8_t ip[16];
} line_t;

/* A name with the addresses of one family. */
typedef struct host {
    srf__map_node_t node; /* first */
    line_t *first;
    line_t **end;
    unsigned count;
} host_t;

/* What a file says; replaced as a whole. */
typedef struct table {
    srf__map_t map;
    srf__arena_t arena; /* of the nodes */
} table_t;

/* What tells a file from an earlier one. */
typedef struct version {
    struct timespec modified;
    struct timespec changed;
    off_t size;
    ino_t inode;
    dev_t device;
    bool exists;
} version_t;

struct srf__hosts {
    srf__hosts_env_t env;
    srf__hash_key_t key;
    table_t table;
    version_t version; /* of the file that the table is of */
    uint64_t next_check_ms;
    uint64_t readings;
    int failure; /* the last one that was logged */
};

/* ---- the table ---- */

static srf__hash128_t key_of(const srf__hosts_t *hosts, srf__str_t name,
                             uint8_t family)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &hosts->key, true);
    srf__hasher_field_lower(&hasher, name);
    srf__hasher_update(&hasher, &family, sizeof(family));
    return srf__hasher_final(&hasher);
}

static const host_t *find_host(const srf__hosts_t *hosts, srf__str_t name,
                               uint8_t family)
{
    return hosts->table.map.count == 0
               ? NULL
               : (host_t *)srf__map_get(&hosts->table.map,
                                        key_of(hosts, name, family));
}

static void forget_table(table_t *table)
{
    srf__map_deinit(&table->map);
    srf__arena_deinit(&table->arena);
    memset(table, 0, sizeof(*table));
}

static host_t *get_host(table_t *table, srf__hash128_t key)
{
    host_t *host = (host_t *)srf__map_get(&table->map, key);

    if (host != NULL)
        return host;
    host = srf__arena_alloc(&table->arena, sizeof(*host));
    if (host == NULL)
        return NULL;
    memset(host, 0, sizeof(*host));
    host->node.key = key;
    host->end = &host->first;
    return srf__map_add(&table->map, &host->node) == 0 ? host : NULL;
}

static bool add_line(table_t *table, host_t *host, const srf__addr_t *addr)
{
    if (host->count == SRF__RECORDS_MAX)
        return true; /* more are of no use */
    line_t *line = srf__arena_alloc(&table->arena, sizeof(*line));
    if (line == NULL)
        return false;
    line->next = NULL;
    memcpy(line->ip, addr->ip, sizeof(line->ip));
    *host->end = line;
    host->end = &line->next;
    host->count++;
    return true;
}

/* ---- reading ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Takes the next word off a line; empty at its end. */
static srf__str_t take_word(srf__str_t *line)
{
    size_t at = 0;

    while (at < line->len && is_blank(line->p[at]))
        at++;
    size_t from = at;
    while (at < line->len && !is_blank(line->p[at]))
        at++;
    const srf__str_t word = srf__str(line->p + from, at - from);
    *line = srf__str(line->p + at, line->len - at);
    return word;
}

/* "ADDRESS NAME..."; what is no such line says nothing. False when memory is
 * out. */
static bool read_line(const srf__hosts_t *hosts, table_t *table,
                      srf__str_t line)
{
    srf__addr_t addr;
    srf__str_t name;

    line.len = srf__str_find(line, '#');
    if (!srf__addr_from_host(&addr, take_word(&line), 0, SRF__TRANSPORT_UDP))
        return true;
    for (name = take_word(&line); name.len > 0; name = take_word(&line)) {
        host_t *host = get_host(table, key_of(hosts, name, addr.family));
        if (host == NULL || !add_line(table, host, &addr))
            return false;
    }
    return true;
}

/* False when memory is out. */
static bool read_text(const srf__hosts_t *hosts, srf__str_t text,
                      table_t *table)
{
    while (text.len > 0) {
        size_t end = srf__str_find(text, '\n');
        if (!read_line(hosts, table, srf__str(text.p, end)))
            return false;
        size_t skip = end < text.len ? end + 1 : end;
        text = srf__str(text.p + skip, text.len - skip);
    }
    return true;
}

/* Reads as much of the file as there is room for. 0 or an errno. */
static int read_all(int fd, char *out, size_t cap, size_t *len)
{
    *len = 0;
    while (*len < cap) {
        ssize_t count = read(fd, out + *len, cap - *len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno;
        if (count == 0)
            break;
        *len += (size_t)count;
    }
    return 0;
}

/* 0 or an errno; then nothing has changed. */
static int load(srf__hosts_t *hosts, int fd, off_t size)
{
    size_t cap = size > SRF__HOSTS_BYTES ? SRF__HOSTS_BYTES : (size_t)size;
    char *text = srf__malloc(cap + 1);
    table_t table = {.map = {.count = 0}};
    size_t len;

    if (text == NULL)
        return ENOMEM;
    int err = read_all(fd, text, cap, &len);
    /* A line that is cut off would be another name. */
    while (size > SRF__HOSTS_BYTES && len > 0 && text[len - 1] != '\n')
        len--;
    if (err == 0 && !read_text(hosts, srf__str(text, len), &table))
        err = ENOMEM;
    srf__free(text);
    if (err != 0) {
        forget_table(&table);
        return err;
    }
    forget_table(&hosts->table);
    hosts->table = table;
    hosts->readings++;
    return 0;
}

/* ---- changes ---- */

static version_t version_of(const struct stat *status)
{
    const version_t version = {
        .modified = status->st_mtim,
        .changed = status->st_ctim,
        .size = status->st_size,
        .inode = status->st_ino,
        .device = status->st_dev,
        .exists = true,
    };

    return version;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const version_t *a, const version_t *b)
{
    return a->exists == b->exists && a->size == b->size &&
           a->inode == b->inode && a->device == b->device &&
           is_same_time(&a->modified, &b->modified) &&
           is_same_time(&a->changed, &b->changed);
}

/* Opens it in place of what was looked at: it may be another one by now. */
static int reread(srf__hosts_t *hosts)
{
    struct stat status;
    int fd = open(hosts->env.file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno;
    int err = fstat(fd, &status) != 0    ? errno
              : !S_ISREG(status.st_mode) ? EINVAL
                                         : load(hosts, fd, status.st_size);
    (void)close(fd);
    if (err == 0)
        hosts->version = version_of(&status);
    return err;
}

static void tell_failure(srf__hosts_t *hosts, int err)
{
    const srf__log_context_t context = {.module = "dns"};

    if (err != 0 && err != hosts->failure) {
        srf__log_write(hosts->env.log, SRF_LOG_WARNING, &context,
                       "cannot read '%s': %s", hosts->env.file,
                       srf_strerror(-err));
    } else if (err == 0 && hosts->version.size > SRF__HOSTS_BYTES) {
        srf__log_write(hosts->env.log, SRF_LOG_WARNING, &context,
                       "'%s' is longer than %u bytes: the rest is not read",
                       hosts->env.file, (unsigned)SRF__HOSTS_BYTES);
    }
    hosts->failure = err;
}

/* Sees whether it has changed. When it cannot be read what it said holds on. */
static void refresh(srf__hosts_t *hosts)
{
    uint64_t now = srf__wheel_now(hosts->env.wheel);
    version_t version = {.exists = false};
    struct stat status;

    if (now < hosts->next_check_ms)
        return;
    hosts->next_check_ms = now + SRF__HOSTS_CHECK_MS;
    if (stat(hosts->env.file, &status) == 0) {
        version = version_of(&status);
    } else if (errno != ENOENT) {
        tell_failure(hosts, errno);
        return;
    }
    if (is_same(&version, &hosts->version))
        return;
    if (version.exists) {
        tell_failure(hosts, reread(hosts));
    } else {
        forget_table(&hosts->table);
        hosts->version = version;
    }
}

/* ---- life ---- */

int srf__hosts_create(const srf__hosts_env_t *env, srf__hosts_t **out)
{
    srf__hosts_t *hosts = srf__calloc(1, sizeof(*hosts));

    *out = hosts;
    if (hosts == NULL)
        return SRF_ERR_NO_MEMORY;
    hosts->env = *env;
    if (env->file == NULL)
        hosts->env.file = "/etc/hosts";
    for (unsigned i = 0; i < 2; i++)
        hosts->key.k[i] = srf__random_u64(env->random);
    return 0;
}

void srf__hosts_destroy(srf__hosts_t *hosts)
{
    if (hosts == NULL)
        return;
    forget_table(&hosts->table);
    srf__free(hosts);
}

uint64_t srf__hosts_readings(const srf__hosts_t *hosts)
{
    return hosts->readings;
}

/* ---- finding ---- */

/* Of what services the name has: "_sip._udp.name". */
static const char *host_of(const char *name)
{
    while (*name == '_') {
        const char *dot = strchr(name, '.');
        if (dot == NULL)
            break;
        name = dot + 1;
    }
    return name;
}

static bool is_localhost(srf__str_t host)
{
    const srf__str_t name = SRF__STR("localhost");
    size_t before;

    if (host.len > 0 && host.p[host.len - 1] == '.')
        host.len--;
    if (host.len < name.len)
        return false;
    before = host.len - name.len;
    return srf__str_ieq(srf__str(host.p + before, name.len), name) &&
           (before == 0 || host.p[before - 1] == '.');
}

/* The addresses of a name that is known, none for another type. */
static srf__records_t *tell(const line_t *line, unsigned count, uint16_t type)
{
    srf__records_t *records = srf__records_empty(
        type, count > 0 ? SRF__ANSWER_FOUND : SRF__ANSWER_NO_RECORD, TTL_S);

    if (records == NULL || count == 0)
        return records;
    records->list =
        srf__arena_alloc(&records->arena, count * sizeof(*records->list));
    if (records->list == NULL) {
        srf__records_free(records);
        return NULL;
    }
    memset(records->list, 0, count * sizeof(*records->list));
    for (; line != NULL; line = line->next)
        memcpy(records->list[records->count++].ip, line->ip, sizeof(line->ip));
    return records;
}

static srf__records_t *loopback(uint16_t type)
{
    static const line_t v4 = {.ip = {127, 0, 0, 1}};
    static const line_t v6 = {.ip = {[15] = 1}};

    return type == SRF__RR_A      ? tell(&v4, 1, type)
           : type == SRF__RR_AAAA ? tell(&v6, 1, type)
                                  : tell(NULL, 0, type);
}

srf__records_t *srf__hosts_find(srf__hosts_t *hosts, const char *name,
                                uint16_t type)
{
    const srf__str_t host = srf__str_of(host_of(name));

    if (is_localhost(host))
        return loopback(type);
    refresh(hosts);
    const host_t *four = find_host(hosts, host, 4);
    const host_t *six = find_host(hosts, host, 6);
    if (four == NULL && six == NULL)
        return NULL;
    const host_t *wanted = type == SRF__RR_A      ? four
                           : type == SRF__RR_AAAA ? six
                                                  : NULL;
    return wanted == NULL ? tell(NULL, 0, type)
                          : tell(wanted->first, wanted->count, type);
}
