/* A trace as `moirai run --trace` leaves it, read: what each thread did from when to when. The file may be cut off, or
   be anything; what is not understood is passed over. */
#ifndef MO_CMD_RECORDING_H
#define MO_CMD_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/trace.h"

struct mo_recording {
    const struct mo_trace_head *head;
    size_t bytes;
    uint64_t overwritten; /* events that later ones took the place of */
    uint64_t last_ticks;
};

struct mo_span {
    enum mo_trace_kind kind;
    uint32_t tid;
    unsigned depth;   /* of spans around it on its thread */
    bool unfinished;  /* the recording ends in it */
    double begin, us; /* since the recording began; 0 us long where it is an instant */
    double inside_us; /* of that, in tasks that the thread ran inside of it */
    uint64_t a, b;
    uint32_t c;
    unsigned how; /* of a wait for a condition: enum mo_wait_end */
    char name[MO_TRACE_TEXTS * MO_TRACE_TEXT + 1], executor[MO_TRACE_TEXTS * MO_TRACE_TEXT + 1]; /* "": it has none */
};

/* Of a wait, without the tasks that were run meanwhile. */
static inline double mo_span_own_us(const struct mo_span *s)
{
    return s->kind == MO_TRACE_WAIT && s->us > s->inside_us ? s->us - s->inside_us : s->us;
}

/* False after a message. */
bool mo_recording_open(struct mo_recording *r, const char *path);
void mo_recording_close(struct mo_recording *r);
/* All spans, thread by thread, each when it ends. */
void mo_recording_each(struct mo_recording *r, void (*tell)(void *arg, const struct mo_span *span), void *arg);
const char *mo_recording_kind(enum mo_trace_kind kind);
/* What is known of it beside kind and place; "" where that is nothing. */
const char *mo_span_detail(enum mo_trace_kind kind, uint32_t c);

/* What lies at an address of the recorded program; "" where nothing is known. Texts live as long as the recording. All
   addresses must be told before the first is asked for. */
void mo_place_note(uint64_t address, bool is_call);
void mo_places_resolve(const struct mo_recording *r);
const char *mo_place_name(uint64_t address);
const char *mo_place_line(uint64_t address);

/* The address that a span's `a` is, if it is one of code, and whether it is behind a call. */
static inline bool mo_span_has_place(const struct mo_span *s)
{
    return s->a && s->kind != MO_TRACE_SLEEP && s->kind != MO_TRACE_STEAL;
}

#endif
