/* The profile of locks as text. A place in the program is told as the file that it is in and its address there, which
   addr2line takes, and by the name of the function where the dynamic loader knows one. */
#include "watch/locks.h"
#include "watch/table.h"

#include "plat/plat.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define TOLD 32

static const char *const kinds[MO_LOCK_KINDS] = {"mutex", "condition", "critical", "openmp"};

static unsigned long long ns(uint64_t ticks)
{
    return ticks * 1000 / mo_plat_ticks_per_us();
}

struct mo_code_place mo_code_place(const void *address, bool call)
{
    struct mo_code_place p = {.address = (uintptr_t)address};
    const char *code = (const char *)address - call;
    Dl_info info;
    if (!address || !dladdr(code, &info) || !info.dli_fname)
        return p;
    const Elf64_Ehdr *head = info.dli_fbase;
    p.object = info.dli_fname;
    p.address = (uintptr_t)code - (head->e_type == ET_EXEC ? 0 : (uintptr_t)info.dli_fbase);
    p.name = info.dli_sname;
    p.beyond = info.dli_sname ? (uintptr_t)code - (uintptr_t)info.dli_saddr : 0;
    return p;
}

static uint32_t peak_of(struct mo_locks *l, const void *lock)
{
    const struct mo_lock *e = mo_locks_find(l, lock);
    return e ? mo_load_relaxed(&e->peak) : 0;
}

/* By the time waited, then by times taken. */
static int by_wait(const void *a, const void *b)
{
    const struct mo_lock_site *x = *(const struct mo_lock_site *const *)a, *y = *(const struct mo_lock_site *const *)b;
    if (x->wait_ticks != y->wait_ticks)
        return x->wait_ticks < y->wait_ticks ? 1 : -1;
    return x->taken < y->taken ? 1 : x->taken > y->taken ? -1 : 0;
}

/* Those that there is something to tell of, in order; how many. */
static unsigned sort_sites(const struct mo_locks *l, const struct mo_lock_site **sorted)
{
    unsigned count = 0;
    for (unsigned i = 0; i < mo_locks_sites(l); i++)
        if (l->site[i].taken)
            sorted[count++] = &l->site[i];
    qsort(sorted, count, sizeof *sorted, by_wait);
    return count;
}

static const struct mo_lock_site *sorted[MO_SITES_MAX];

static void print_place(struct mo_out *o, const struct mo_code_place *p)
{
    const char *slash = p->object ? strrchr(p->object, '/') : NULL;
    if (p->name)
        mo_out(o, "%.200s+0x%llx ", p->name, (unsigned long long)p->beyond);
    mo_out(o, "%.100s 0x%llx", !p->object ? "?" : slash ? slash + 1 : p->object, (unsigned long long)p->address);
}

void mo_locks_print_table(struct mo_out *o, unsigned pid, const char *program)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    unsigned count = sort_sites(l, sorted);
    if (count == 0)
        return;
    mo_out(o, "moirai: locks of %.200s (%u), those waited for longest first; times in us\n", program, pid);
    mo_out(o, "%-9s %18s %10s %10s %12s %9s %9s %10s %12s %10s %5s %7s %8s  place\n", "kind", "lock", "taken",
           "contended", "waited", "p50", "p99", "max", "held", "max", "peak", "futile", "spurious");
    for (unsigned i = 0; i < TOLD && i < count; i++) {
        const struct mo_lock_site *s = sorted[i];
        struct mo_code_place p = mo_code_place(s->site, true);
        mo_out(o, "%-9s %18p %10llu %10llu %12.1f %9.1f %9.1f %10.1f %12.1f %10.1f %5u %7llu %8llu  ", kinds[s->kind],
               s->lock, (unsigned long long)s->taken, (unsigned long long)s->contended, (double)ns(s->wait_ticks) / 1e3,
               (double)mo_locks_wait_ns(s, 50) / 1e3, (double)mo_locks_wait_ns(s, 99) / 1e3,
               (double)ns(s->wait_max) / 1e3, (double)ns(s->held_ticks) / 1e3, (double)ns(s->held_max) / 1e3,
               peak_of(l, s->lock), (unsigned long long)s->futile, (unsigned long long)s->spurious);
        print_place(o, &p);
        mo_out(o, "\n");
    }
    if (mo_load_relaxed(&l->lost))
        mo_out(o, "  %llu times there was no room for another lock\n", (unsigned long long)mo_load_relaxed(&l->lost));
    mo_out_flush(o);
}

static void print_json_place(struct mo_out *o, const char *key, const void *address, bool call)
{
    struct mo_code_place p = mo_code_place(address, call);
    mo_out(o, "\"%s\":{\"object\":", key);
    mo_out_json_string(o, p.object ? p.object : "");
    mo_out(o, ",\"address\":\"0x%llx\",\"name\":", (unsigned long long)p.address);
    mo_out_json_string(o, p.name ? p.name : "");
    mo_out(o, "}");
}

void mo_locks_print_json(struct mo_out *o, unsigned pid, const char *program)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    unsigned count = sort_sites(l, sorted);
    mo_out(o, "{\"format\":\"moirai-locks-1\",\"version\":\"" MO_VERSION "\",\"pid\":%u,\"program\":", pid);
    mo_out_json_string(o, program);
    mo_out(o, ",\"lost\":%llu,\"locks\":[", l ? (unsigned long long)mo_load_relaxed(&l->lost) : 0ull);
    for (unsigned i = 0; i < count; i++) {
        const struct mo_lock_site *s = sorted[i];
        bool condition = s->kind == MO_LOCK_CONDITION;
        mo_out(o, "%s\n{\"kind\":\"%s\",\"lock\":\"%p\",", i ? "," : "", kinds[s->kind], s->lock);
        print_json_place(o, "object", s->lock, false);
        mo_out(o, ",");
        print_json_place(o, "site", s->site, true);
        mo_out(o, ",\"%s\":%llu,\"%s\":%llu,\"futile\":%llu,\"spurious\":%llu", condition ? "waits" : "taken",
               (unsigned long long)s->taken, condition ? "timeouts" : "contended", (unsigned long long)s->contended,
               (unsigned long long)s->futile, (unsigned long long)s->spurious);
        mo_out(o, ",\"wait_ns\":%llu,\"wait_p50_ns\":%llu,\"wait_p99_ns\":%llu,\"wait_max_ns\":%llu", ns(s->wait_ticks),
               (unsigned long long)mo_locks_wait_ns(s, 50), (unsigned long long)mo_locks_wait_ns(s, 99),
               ns(s->wait_max));
        mo_out(o, ",\"held_ns\":%llu,\"held_max_ns\":%llu,\"waiters_peak\":%u}", ns(s->held_ticks), ns(s->held_max),
               peak_of(l, s->lock));
    }
    mo_out(o, "]}\n");
    mo_out_flush(o);
}
