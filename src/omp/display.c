/* Telling where threads are: the format that the program sets, and lines made by it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "omp/core.h"
#include "topo/topo.h"

#define LINE_BYTES 1024 /* lines that are longer take memory */

/* The format ICV, guarded by the lock. NULL: what the setting says. */
struct display {
    _Atomic uint32_t lock;
    pthread_once_t once;
    bool handles_fork;
    char *format; /* from malloc */
    size_t bytes;
};

extern struct display MO_SHARED(display) MO_SHARED_ATTR;
struct display MO_SHARED(display);

static void before_fork(void)
{
    mo_mutex_lock(&MO_SHARED(display).lock);
}

static void after_fork(void)
{
    mo_mutex_unlock(&MO_SHARED(display).lock);
}

/* Before anybody holds the lock, so that no fork can find it held. */
static void handle_fork(void)
{
    struct display *d = &MO_SHARED(display);
    if (!d->handles_fork) {
        d->handles_fork = true;
        if (pthread_atfork(before_fork, after_fork, after_fork) != 0)
            mo_warn("cannot register fork handlers: a forked child must not look at affinity");
    }
}

static struct display *lock_display(void)
{
    struct display *d = &MO_SHARED(display);
    pthread_once(&d->once, handle_fork);
    mo_mutex_lock(&d->lock);
    return d;
}

static const char *format_locked(const struct display *d, size_t *bytes)
{
    const char *text = d->format != NULL ? d->format : mo_knob_text(MO_KNOB_OMP_AFFINITY_FORMAT);
    *bytes = d->format != NULL ? d->bytes : strlen(text);
    return text;
}

void mo_affinity_set_format(const char *format, size_t bytes)
{
    char *copy = malloc(bytes + 1), *old;
    if (copy == NULL) {
        mo_warn_once("out of memory for an affinity format; it stays what it was");
        return;
    }
    memcpy(copy, format, bytes);
    struct display *d = lock_display();
    old = d->format;
    d->format = copy;
    d->bytes = bytes;
    mo_mutex_unlock(&d->lock);
    free(old);
}

size_t mo_affinity_get_format(char *out, size_t out_bytes)
{
    struct display *d = lock_display();
    size_t bytes;
    const char *format = format_locked(d, &bytes);
    size_t copied = bytes < out_bytes ? bytes : out_bytes;
    if (copied > 0)
        memcpy(out, format, copied);
    mo_mutex_unlock(&d->lock);
    return bytes;
}

/* The mask of a bound thread is that of its place, whatever it may have done to it. */
static void find_facts(struct mo_member *m, struct mo_thread_facts *f, unsigned long mask[MO_MASK_WORDS], char *host,
                       size_t host_bytes)
{
    const struct mo_omp_team *ot = mo_omp_team(m->team);
    const struct mo_places *places = mo_affinity_places();
    struct mo_spot spot = mo_affinity_spot(m);
    if (gethostname(host, host_bytes) != 0)
        strcpy(host, "undefined");
    host[host_bytes - 1] = '\0';
    *f = (struct mo_thread_facts){.team_num = mo_teams_number(m),
                                  .num_teams = mo_teams_count(m),
                                  .level = ot->level,
                                  .thread_num = m->tid,
                                  .num_threads = m->size,
                                  .ancestor = ot->level > 0 ? (long)m->team->master->tid : -1,
                                  .process = getpid(),
                                  .native_thread = (uintptr_t)pthread_self(),
                                  .host = host,
                                  .mask = mask};
    if (spot.place > 0) {
        f->words = places->words;
        f->mask = mo_place_mask(places, spot.place - 1u);
    } else {
        f->words = mo_topo_affinity_mask(mask);
    }
}

size_t mo_affinity_capture(struct mo_member *m, const char *format, size_t bytes, char *out, size_t out_bytes)
{
    unsigned long mask[MO_MASK_WORDS];
    char host[256];
    struct mo_thread_facts facts;
    find_facts(m, &facts, mask, host, sizeof host);
    if (bytes > 0)
        return mo_affinity_expand(format, bytes, &facts, out, out_bytes);
    struct display *d = lock_display();
    format = format_locked(d, &bytes);
    size_t wanted = mo_affinity_expand(format, bytes, &facts, out, out_bytes);
    mo_mutex_unlock(&d->lock);
    return wanted;
}

void mo_affinity_display(struct mo_member *m, const char *format, size_t bytes)
{
    char line[LINE_BYTES], *text = line;
    size_t wanted = mo_affinity_capture(m, format, bytes, line, sizeof line), room = sizeof line;
    if (wanted > room && (text = malloc(wanted)) != NULL) {
        room = wanted;
        wanted = mo_affinity_capture(m, format, bytes, text, room);
    } else {
        text = line;
    }
    mo_log_text("", text, wanted < room ? wanted : room);
    if (text != line)
        free(text);
}
