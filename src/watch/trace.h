/* The trace: what threads do and when, in a file that is mapped, so that all that was written is in it whatever becomes
   of the process. Each thread writes a ring of its own, the latest events over the oldest, and takes no lock for it. */
#ifndef MO_WATCH_TRACE_H
#define MO_WATCH_TRACE_H

#include "watch/advice.h"
#include "watch/watch.h"

/* The same points are probes that perf, bpftrace and SystemTap can stop at (provider moirai, probe event; the kind
   first), where the system has what it takes to build them; a nop each. */
#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define MO_PROBE(kind, a, b, c) DTRACE_PROBE4(moirai, event, (int)(kind), (a), (b), (c))
#endif
#endif
#ifndef MO_PROBE
#define MO_PROBE(kind, a, b, c) ((void)0)
#endif

/* What a record says, with what `a`, `b` and `c` are. An end is the number of its beginning + 1. */
enum mo_trace_kind {
    MO_TRACE_NOTHING,
    MO_TRACE_THREAD,         /* from here on the ring is another thread's; c: its number, b: of the one before */
    MO_TRACE_REGION = 2,     /* a: place in the program, c: threads */
    MO_TRACE_MEMBER = 4,     /* a thread's part in a region; a: place, c: its number there */
    MO_TRACE_TASK = 6,       /* a: place where it was created, b: its number, c: flags */
    MO_TRACE_WAIT = 8,       /* in a barrier or for tasks; a: place, c: enum mo_obs_sync */
    MO_TRACE_LOCK = 10,      /* waits for a lock of OpenMP; a: place, b: lock, c: enum mo_obs_mutex */
    MO_TRACE_WORK = 12,      /* in a work-sharing construct; a: place, b: iterations, c: enum mo_obs_work */
    MO_TRACE_SLEEP = 14,     /* the thread sleeps, as there is nothing to do */
    MO_TRACE_MUTEX = 16,     /* waits for a mutex of the C library; a: place or NULL, b: mutex */
    MO_TRACE_CONDITION = 18, /* waits for a condition; a: place or NULL, b: condition; its end has c, see below */
    MO_TRACE_JOB = 20,       /* a native task; a: its function */
    MO_TRACE_STEAL = 22,     /* c: tasks taken, b: how far the victim was, in the thief's order */
    MO_TRACE_CREATE = 24,    /* a task is created; a: place, b: its number */
    MO_TRACE_CHANNEL = 26,   /* waits at a channel; b: channel, c: MO_TRACE_CHANNEL_C() */
    /* Of the native task that began last: 20 bytes of text in a, b and c, zeros behind its end; of a longer one
       several. */
    MO_TRACE_NAME = 28,
    MO_TRACE_EXECUTOR = 30, /* whose task it is */
    MO_TRACE_KINDS = 32
};

/* Of the first channel, its kind and the side that is waited at (src/chan/chan.h), and how many are waited at. */
#define MO_TRACE_CHANNEL_C(kind, side, cases) ((uint32_t)(kind) | (uint32_t)(side) << 8 | (uint32_t)(cases) << 16)

/* The status, and enum mo_wait_end. */
#define MO_TRACE_CONDITION_C(err, how) ((uint32_t)(err) | (uint32_t)(how) << 16)
#define MO_TRACE_CONDITION_HOW(c)      ((c) >> 16)

struct mo_trace_record {
    uint64_t ticks;
    uint64_t a, b;
    uint32_t c;
    _Atomic uint32_t kind; /* written last, and cleared first */
};

struct mo_trace_ring {
    uint32_t tid; /* of its thread */
    uint32_t unused;
    _Atomic uint64_t written; /* records, those that were written over included */
    uint64_t reserved[6];
    struct mo_trace_record record[];
};

#define MO_TRACE_MAGIC      "MOIRTRC" /* with its zero byte */
#define MO_TRACE_VERSION    3
#define MO_TRACE_RECORDS    16382 /* of a ring */
#define MO_TRACE_RING_BYTES (sizeof(struct mo_trace_ring) + MO_TRACE_RECORDS * sizeof(struct mo_trace_record))
#define MO_TRACE_MAPS_BYTES (64u * 1024)
#define MO_TRACE_NOTES      4096
#define MO_TRACE_TEXT       20 /* bytes in one record */
#define MO_TRACE_TEXTS      3  /* records of one text, at most: what is longer is cut */

struct mo_trace_head {
    char magic[8];
    uint32_t version;
    uint32_t pid;
    uint64_t ring_bytes, ring_records, rings_max;
    uint64_t rings_at, maps_at; /* offsets in the file */
    uint64_t ticks_per_us;
    uint64_t cpus;                  /* that the process could use when it began */
    uint64_t began_ticks, began_ns; /* of the clock of the day */
    _Atomic uint32_t rings;         /* in use */
    _Atomic uint32_t maps_used;     /* bytes of lines as in /proc/PID/maps, of what is mapped to be run */
    _Atomic uint64_t dropped;       /* events of threads for which there was no ring */
    char program[64];
    _Atomic uint32_t notes_used; /* bytes of notes: lines, each a warning's kind, a tab and its text */
    char notes[MO_TRACE_NOTES];
};

_Static_assert(MO_TRACE_NOTES > MO_ADVICES * (MO_ADVICE_BYTES + 32), "all fit");
_Static_assert(sizeof(struct mo_trace_record) == 32 && sizeof(struct mo_trace_ring) == 64, "what the file has");
_Static_assert(offsetof(struct mo_trace_record, kind) - offsetof(struct mo_trace_record, a) == MO_TRACE_TEXT,
               "room for it");

/* Somebody wants to know: for a recording, or how long threads sleep. */
extern _Atomic bool MO_SHARED(tracing) MO_SHARED_ATTR;

static inline bool mo_is_tracing(void)
{
    return mo_unlikely(mo_load_relaxed(&MO_SHARED(tracing)));
}

void mo_trace_put(enum mo_trace_kind kind, const void *a, uint64_t b, uint32_t c);

static inline __attribute__((always_inline)) void mo_trace(enum mo_trace_kind kind, const void *a, uint64_t b,
                                                           uint32_t c)
{
    MO_PROBE(kind, a, b, c);
    if (mo_is_tracing())
        mo_trace_put(kind, a, b, c);
}

/* Of a text, for whoever has seen that somebody wants it; nothing of an empty one or NULL. */
void mo_trace_text(enum mo_trace_kind kind, const char *text);

#define MO_TRACE_END(kind) ((enum mo_trace_kind)((kind) + 1))

#endif
