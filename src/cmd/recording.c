#include "cmd/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX      256
#define RING_BYTES_MAX ((uint64_t)1 << 26)

const char *mo_recording_kind(enum mo_trace_kind kind)
{
    static const char *const names[MO_TRACE_KINDS] = {
        [MO_TRACE_REGION] = "region",   [MO_TRACE_MEMBER] = "part", [MO_TRACE_TASK] = "task",
        [MO_TRACE_WAIT] = "wait",       [MO_TRACE_LOCK] = "lock",   [MO_TRACE_WORK] = "work",
        [MO_TRACE_SLEEP] = "sleep",     [MO_TRACE_MUTEX] = "mutex", [MO_TRACE_CONDITION] = "condition",
        [MO_TRACE_JOB] = "native task", [MO_TRACE_STEAL] = "steal", [MO_TRACE_CREATE] = "create",
        [MO_TRACE_CHANNEL] = "channel",
    };
    return names[kind] ? names[kind] : "";
}

/* The numbers are those of src/chan/chan.h, which the command has no part of. */
const char *mo_span_detail(enum mo_trace_kind kind, uint32_t c)
{
    static const char *const channels[][2] = {
        {"receive, bounded", "send, bounded"},
        {"receive, bounded, one thread at each end", "send, bounded, one thread at each end"},
        {"receive, unbounded", "send, unbounded"},
        {"receive, unbuffered", "send, unbuffered"},
        {"receive, timer", ""},
        {"", "send, broadcast"},
        {"receive, broadcast", ""},
        {"receive, batching", "send, batching"},
    };
    uint32_t channel = c & 0xff, side = c >> 8 & 1;
    if (kind != MO_TRACE_CHANNEL || channel >= sizeof channels / sizeof *channels)
        return "";
    return c >> 16 > 1 ? "select" : channels[channel][side];
}

static const char *problem_of(const struct mo_recording *r)
{
    const struct mo_trace_head *h = r->head;
    if (r->bytes < sizeof *h || memcmp(h->magic, MO_TRACE_MAGIC, sizeof h->magic) != 0)
        return "it is no recording of Moirai";
    if (h->version != MO_TRACE_VERSION)
        return "it is a recording of another version";
    if (!h->ticks_per_us || !h->ring_records || h->ring_records > h->ring_bytes / sizeof(struct mo_trace_record) ||
        h->ring_bytes > RING_BYTES_MAX || h->ring_bytes % 32 || h->rings_at % 32 || h->rings_at > r->bytes ||
        sizeof(struct mo_trace_ring) + h->ring_records * sizeof(struct mo_trace_record) > h->ring_bytes)
        return "it contradicts itself";
    return NULL;
}

bool mo_recording_open(struct mo_recording *r, const char *path)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *r = (struct mo_recording){0};
    void *at = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &s) == 0) {
        r->bytes = (size_t)s.st_size;
        if (S_ISREG(s.st_mode) && r->bytes)
            at = mmap(NULL, r->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    const char *problem = fd < 0 ? strerror(errno) : at == MAP_FAILED ? "it is no recording of Moirai" : NULL;
    if (fd >= 0)
        close(fd);
    if (at != MAP_FAILED)
        r->head = at;
    if (!problem)
        problem = problem_of(r);
    if (problem) {
        fprintf(stderr, "moirai: cannot use %s: %s\n", path, problem);
        mo_recording_close(r);
    }
    return !problem;
}

void mo_recording_close(struct mo_recording *r)
{
    if (r->head)
        munmap((void *)r->head, r->bytes);
    r->head = NULL;
}

struct ring_reader {
    struct mo_recording *r;
    const struct mo_trace_ring *ring;
    void (*tell)(void *arg, const struct mo_span *span);
    void *arg;
    struct mo_span open[DEPTH_MAX];
    unsigned depth;
    uint64_t records; /* of the ring that the file has */
    uint32_t tid;
    double now;
};

static void end_spans(struct ring_reader *x, unsigned depth, bool unfinished)
{
    while (x->depth > depth) {
        struct mo_span *s = &x->open[--x->depth];
        s->us = x->now - s->begin;
        if (x->depth)
            x->open[x->depth - 1].inside_us +=
                s->kind == MO_TRACE_TASK || s->kind == MO_TRACE_JOB ? s->us : s->inside_us;
        s->unfinished = unfinished;
        x->tell(x->arg, s);
    }
}

/* What goes beyond a name was not written by us. */
static void take_text(struct mo_span *s, const struct mo_trace_record *rec, uint32_t kind)
{
    char *text = kind == MO_TRACE_NAME ? s->name : s->executor;
    size_t has = strlen(text);
    if (has > sizeof s->name - 1 - MO_TRACE_TEXT)
        return;
    memcpy(text + has, (const char *)rec + offsetof(struct mo_trace_record, a), MO_TRACE_TEXT);
    text[has + MO_TRACE_TEXT] = 0;
}

static void take(struct ring_reader *x, const struct mo_trace_record *rec, uint32_t kind)
{
    struct mo_span s = {.kind = (enum mo_trace_kind)(kind & ~1u),
                        .tid = x->tid,
                        .begin = x->now,
                        .a = rec->a,
                        .b = rec->b,
                        .c = rec->c,
                        .depth = x->depth};
    if (kind == MO_TRACE_THREAD) {
        end_spans(x, 0, true);
        x->tid = rec->c;
    } else if (kind == MO_TRACE_STEAL || kind == MO_TRACE_CREATE) {
        x->tell(x->arg, &s);
    } else if (kind == MO_TRACE_NAME || kind == MO_TRACE_EXECUTOR) {
        if (x->depth && x->open[x->depth - 1].kind == MO_TRACE_JOB) /* else its beginning has been written over */
            take_text(&x->open[x->depth - 1], rec, kind);
    } else if (kind % 2 == 0) {
        if (x->depth < DEPTH_MAX)
            x->open[x->depth++] = s;
    } else {
        unsigned depth = x->depth;
        while (depth > 0 && x->open[depth - 1].kind != s.kind)
            depth--;
        if (depth) { /* else its beginning has been written over */
            x->open[depth - 1].how = s.kind == MO_TRACE_CONDITION ? MO_TRACE_CONDITION_HOW(rec->c) : 0;
            end_spans(x, depth - 1, false);
        }
    }
}

/* One that says nothing where the file is cut off. */
static const struct mo_trace_record *record_at(const struct ring_reader *x, uint64_t n)
{
    static const struct mo_trace_record nothing;
    n %= x->r->head->ring_records;
    return n < x->records ? &x->ring->record[n] : &nothing;
}

static void read_ring(struct ring_reader *x)
{
    const struct mo_trace_head *h = x->r->head;
    uint64_t written = x->ring->written, first = written > h->ring_records ? written - h->ring_records : 0;
    x->r->overwritten += first;
    x->tid = x->ring->tid;
    for (uint64_t n = first; n < written; n++)
        if (record_at(x, n)->kind == MO_TRACE_THREAD) {
            x->tid = (uint32_t)record_at(x, n)->b;
            break;
        }
    for (uint64_t n = first; n < written; n++) {
        const struct mo_trace_record *rec = record_at(x, n);
        uint32_t kind = rec->kind;
        if (kind == MO_TRACE_NOTHING || kind >= MO_TRACE_KINDS || rec->ticks < h->began_ticks)
            continue; /* the process ended in the middle of it */
        double now = (double)(rec->ticks - h->began_ticks) / (double)h->ticks_per_us;
        x->now = now > x->now ? now : x->now;
        x->r->last_ticks = rec->ticks > x->r->last_ticks ? rec->ticks : x->r->last_ticks;
        take(x, rec, kind);
    }
    end_spans(x, 0, true);
}

void mo_recording_each(struct mo_recording *r, void (*tell)(void *arg, const struct mo_span *span), void *arg)
{
    static struct ring_reader x;
    const struct mo_trace_head *h = r->head;
    r->overwritten = 0;
    uint64_t at = h->rings_at;
    for (uint64_t i = 0; i < h->rings && at < r->bytes && r->bytes - at >= sizeof *x.ring; i++, at += h->ring_bytes) {
        x = (struct ring_reader){.r = r, .tell = tell, .arg = arg};
        x.ring = (const void *)((const char *)h + at);
        x.records = (r->bytes - at - sizeof *x.ring) / sizeof(struct mo_trace_record);
        read_ring(&x);
    }
}
