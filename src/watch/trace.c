/* Writing the trace. The file is made at the first event of a process, as large as it may become but with holes, and
   mapped as a whole; no descriptor is kept, for the program may close any. Before a ring is used its pages are made,
   which fails where the disk is full: later writes cannot. A ring belongs to a sheet, so to one thread at a time, and
   like the sheet it goes on to the next thread when that one is gone. A child of fork has empty sheets, and makes a
   file of its own.

   A signal handler may trace in the middle of a record: it takes the next one, as the number was raised first. */
#include "watch/trace.h"

#include "base/config.h"
#include "base/log.h"
#include "plat/plat.h"
#include "watch/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

_Atomic bool MO_SHARED(tracing);

#define NO_RING  ((struct mo_trace_ring *)-1)
#define RINGS_AT (sizeof(struct mo_trace_head) + MO_TRACE_MAPS_BYTES + 4095) / 4096 * 4096

static struct {
    _Atomic uint32_t lock;      /* tid of who makes the file */
    _Atomic uint32_t pid;       /* whose file it is */
    struct mo_trace_head *head; /* NULL: there can be none */
    bool recorded;
} trace;

/* ---- The file. */
static void note_maps(struct mo_trace_head *head)
{
    static _Atomic bool busy;
    char piece[4096 + 256], *to = (char *)head + head->maps_at;
    size_t have = 0, used = 0;
    if (mo_exchange_acquire(&busy, true))
        return;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = read(fd, piece + have, sizeof piece - have)) > 0;) {
        have += (size_t)n;
        char *line = piece, *end;
        while ((end = memchr(line, '\n', have - (size_t)(line - piece)))) {
            size_t bytes = (size_t)(end + 1 - line);
            char *rights = memchr(line, ' ', bytes);
            if (rights && rights[3] == 'x' && memchr(line, '/', bytes) && used + bytes <= MO_TRACE_MAPS_BYTES) {
                memcpy(to + used, line, bytes);
                used += bytes;
            }
            line = end + 1;
        }
        have -= (size_t)(line - piece);
        memmove(piece, line, have);
        if (have == sizeof piece)
            have = 0; /* no line is that long */
    }
    if (fd >= 0)
        close(fd);
    mo_store_release(&head->maps_used, (uint32_t)used);
    mo_store_release(&busy, false);
}

/* Whole pages, so that the disk has room for what is written there. */
static bool populate(void *at, size_t bytes)
{
    uintptr_t first = (uintptr_t)at & ~(uintptr_t)4095;
    return madvise((void *)first, (uintptr_t)at + bytes - first, MADV_POPULATE_WRITE) == 0;
}

static struct mo_trace_head *map_file(int fd, uint64_t rings)
{
    size_t bytes = RINGS_AT + rings * MO_TRACE_RING_BYTES;
    if (ftruncate(fd, (off_t)bytes) != 0)
        return NULL;
    struct mo_trace_head *head = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (head == MAP_FAILED)
        return NULL;
    if (populate(head, RINGS_AT))
        return head;
    int error = errno;
    if (error == EINVAL) /* an old system: all of it now */
        error = posix_fallocate(fd, 0, (off_t)bytes);
    if (!error)
        return head;
    munmap(head, bytes);
    errno = error == EFAULT ? ENOSPC : error;
    return NULL;
}

static struct mo_trace_head *make_file(void)
{
    const char *path = mo_knob_early_text(MO_KNOB_TRACE);
    uint64_t rings = mo_knob_early(MO_KNOB_TRACE_BYTES) / MO_TRACE_RING_BYTES;
    struct timespec day;
    struct mo_quiet q;
    struct mo_trace_head *head = NULL;
    mo_watch_quiet(&q);
    int fd = path ? mo_watch_create(path, "MOIRAI_TRACE") : -1;
    if (fd >= 0 && !(head = map_file(fd, rings ? rings : 1)))
        mo_warn("MOIRAI_TRACE: no room for %.200s (%s): nothing is recorded", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    mo_watch_unquiet(&q);
    if (!head)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &day);
    head->version = MO_TRACE_VERSION;
    head->pid = (uint32_t)getpid();
    head->ring_bytes = MO_TRACE_RING_BYTES;
    head->ring_records = MO_TRACE_RECORDS;
    head->rings_max = rings ? rings : 1;
    head->rings_at = RINGS_AT;
    head->maps_at = sizeof *head;
    head->cpus = mo_plat_usable_cpus();
    head->ticks_per_us = mo_plat_ticks_per_us();
    head->began_ticks = mo_plat_ticks();
    head->began_ns = (uint64_t)day.tv_sec * 1000000000u + (uint64_t)day.tv_nsec;
    strncpy(head->program, program_invocation_short_name, sizeof head->program - 1);
    note_maps(head);
    memcpy(head->magic, MO_TRACE_MAGIC, sizeof head->magic);
    return head;
}

/* NULL: there is none, or another thread is about to make it, whose events come a little later than this one. */
static struct mo_trace_head *file(void)
{
    uint32_t pid = (uint32_t)getpid(), me = mo_plat_tid(), holder = 0;
    if (mo_load_acquire(&trace.pid) == pid)
        return trace.head;
    while (!mo_cas_acquire(&trace.lock, &holder, me)) {
        if (holder == me || !mo_plat_thread_exists(holder)) { /* a signal in the middle, or a fork */
            if (holder == me || !mo_cas_acquire(&trace.lock, &holder, me))
                return NULL;
            break;
        }
        holder = 0;
        mo_plat_yield();
    }
    if (mo_load_acquire(&trace.pid) != pid) {
        trace.head = make_file();
        mo_store_release(&trace.pid, pid);
    }
    mo_store_release(&trace.lock, 0u);
    return trace.head;
}

/* ---- Rings. */
static struct mo_trace_ring *new_ring(struct mo_sheet *s)
{
    struct mo_trace_head *head = file();
    s->ring = NO_RING;
    if (!head)
        return NO_RING;
    uint32_t number = mo_load_relaxed(&head->rings);
    do {
        if (number >= head->rings_max) {
            mo_warn_once("MOIRAI_TRACE: more than %u threads: MOIRAI_TRACE_BYTES has no room for the others",
                         (unsigned)head->rings_max);
            return NO_RING;
        }
    } while (!mo_cas_acq_rel(&head->rings, &number, number + 1));
    struct mo_trace_ring *ring = (void *)((char *)head + head->rings_at + number * head->ring_bytes);
    if (!populate(ring, MO_TRACE_RING_BYTES) && errno == EFAULT) {
        mo_warn_once("MOIRAI_TRACE: the disk is full: some threads are not recorded");
        return NO_RING;
    }
    ring->tid = mo_load_relaxed(&s->tid);
    note_maps(head);
    return s->ring = ring;
}

static struct mo_trace_ring *ring_of(struct mo_sheet *s)
{
    if (mo_likely(s->ring == NO_RING || s->ring))
        return s->ring;
    int saved = errno;
    struct mo_trace_ring *ring = new_ring(s);
    errno = saved;
    return ring;
}

static void put(struct mo_trace_ring *ring, enum mo_trace_kind kind, const void *a, uint64_t b, uint32_t c)
{
    uint64_t n = mo_load_relaxed(&ring->written);
    mo_store_relaxed(&ring->written, n + 1);
    struct mo_trace_record *r = &ring->record[n % MO_TRACE_RECORDS];
    mo_store_relaxed(&r->kind, (uint32_t)MO_TRACE_NOTHING);
    atomic_signal_fence(memory_order_seq_cst);
    r->ticks = mo_plat_ticks();
    r->a = (uintptr_t)a;
    r->b = b;
    r->c = c;
    mo_store_release(&r->kind, (uint32_t)kind); /* a reader that sees the kind sees the rest */
}

/* ---- How long threads sleep. */
static bool is_asleep(enum mo_trace_kind kind)
{
    return kind == MO_TRACE_SLEEP || kind == MO_TRACE_MUTEX || kind == MO_TRACE_CONDITION || kind == MO_TRACE_CHANNEL;
}

/* Of waits inside of each other the outermost counts. */
static void note_sleep(struct mo_sheet *s, bool begins)
{
    uint64_t since = mo_load_relaxed(&s->asleep_since);
    uint32_t waits = mo_load_relaxed(&s->waits);
    if (begins && waits == 0)
        mo_store_relaxed(&s->asleep_since, mo_plat_ticks());
    if (begins || waits > 0)
        mo_store_relaxed(&s->waits, begins ? waits + 1 : waits - 1);
    if (begins || waits != 1)
        return;
    mo_store_relaxed(&s->asleep_since, 0u);
    mo_store_relaxed(&s->asleep_ticks, mo_load_relaxed(&s->asleep_ticks) + (mo_plat_ticks() - since));
}

void mo_trace_put(enum mo_trace_kind kind, const void *a, uint64_t b, uint32_t c)
{
    struct mo_sheet *s = mo_sheet_self();
    if (s && is_asleep((enum mo_trace_kind)(kind & ~1u)))
        note_sleep(s, kind % 2 == 0);
    if (!trace.recorded)
        return;
    struct mo_trace_ring *ring = s ? ring_of(s) : NO_RING;
    if (mo_unlikely(ring == NO_RING)) {
        if (trace.head && mo_load_relaxed(&trace.pid) == (uint32_t)getpid())
            mo_fetch_add_relaxed(&trace.head->dropped, 1u);
        return;
    }
    uint32_t tid = mo_load_relaxed(&s->tid);
    if (mo_unlikely(s->traced_tid != tid)) {
        s->traced_tid = tid;
        put(ring, MO_TRACE_THREAD, NULL, ring->tid, tid);
        ring->tid = tid;
    }
    put(ring, kind, a, b, c);
}

void mo_trace_text(enum mo_trace_kind kind, const char *text)
{
    size_t left = text ? strnlen(text, (size_t)MO_TRACE_TEXTS * MO_TRACE_TEXT) : 0;
    for (size_t n; left; text += n, left -= n) {
        struct {
            uint64_t a, b;
            uint32_t c;
        } piece = {0};
        n = left < MO_TRACE_TEXT ? left : MO_TRACE_TEXT;
        memcpy(&piece, text, n);
        mo_trace_put(kind, (const void *)(uintptr_t)piece.a, piece.b, piece.c);
    }
}

void mo_trace_begin(bool recorded)
{
    mo_plat_ticks_per_us();
    trace.recorded = recorded;
    mo_store_release(&MO_SHARED(tracing), true);
}

static void note_advices(struct mo_trace_head *head, const struct mo_advices *advices)
{
    static const char *const kinds[MO_ADVICES] = MO_ADVICE_NAMES;
    size_t used = 0;
    for (unsigned i = 0; i < MO_ADVICES; i++)
        if (advices->text[i][0])
            used +=
                (size_t)snprintf(head->notes + used, sizeof head->notes - used, "%s\t%s\n", kinds[i], advices->text[i]);
    mo_store_release(&head->notes_used, (uint32_t)used);
}

static bool any_advice(const struct mo_advices *advices)
{
    for (unsigned i = 0; i < MO_ADVICES; i++)
        if (advices->text[i][0])
            return true;
    return false;
}

/* Warnings are told even where there were no events. */
void mo_trace_finish(const struct mo_advices *advices)
{
    struct mo_trace_head *head = mo_load_acquire(&trace.pid) == (uint32_t)getpid() ? trace.head : NULL;
    if (!head && advices && any_advice(advices))
        head = file();
    if (!head)
        return;
    note_maps(head);
    if (advices)
        note_advices(head, advices);
}
