/* Handles of rings: made, attached, opened by name, closed. What is in the memory is the business of ring_header.c,
   ring_move.c and ring_wait.c.

   Names. A file gets its name when it is a ring and its maker has a place in it, so nobody meets half of one. Who
   closes the last handle takes the name away. Those that open and those that close pass the gate, a lock of its own:
   who opens looks there, holding its place already, whether the file has its name still, and who closes looks there for
   places that are taken. So either the one that opens finds that the name is gone, and begins again, or the one that
   closes finds its place. */
#include "native/ring.h"
#include "park/park.h"
#include "plat/plat.h"
#include "plat/share.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define GATE_TRIES 2000 /* of a millisecond */
#define OPEN_TRIES 100
#define PAUSE_NS   1000000

/* ---- All handles of the process: a child of fork must not keep its parent's places taken. */
static struct moirai_ring *all_rings;
static _Atomic uint32_t all_lock;

static void before_fork(void)
{
    mo_mutex_lock(&all_lock);
}

static void after_fork_parent(void)
{
    mo_mutex_unlock(&all_lock);
}

static void after_fork_child(void)
{
    for (struct moirai_ring *r = all_rings; r; r = r->next) {
        mo_plat_share_close(r->fd);
        r->fd = -1;
        r->gone = true;
    }
    mo_mutex_unlock(&all_lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

static void enlist(struct moirai_ring *r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    mo_mutex_lock(&all_lock);
    r->next = all_rings;
    r->link = &all_rings;
    if (r->next)
        r->next->link = &r->next;
    all_rings = r;
    mo_mutex_unlock(&all_lock);
}

static void strike_off(struct moirai_ring *r)
{
    mo_mutex_lock(&all_lock);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    mo_mutex_unlock(&all_lock);
}

/* ---- Pieces. */
static int status_of(int err)
{
    switch (err) {
    case 0:
        return MOIRAI_OK;
    case EAGAIN:
        return MOIRAI_EBUSY;
    case ENOSPC:
    case EFBIG:
        return MOIRAI_ENOMEM;
    case EPERM:
    case ELOOP:
    case ENOENT:
    case EOPNOTSUPP:
        return MOIRAI_EACCES;
    default:
        return mo_native_status(err);
    }
}

static void pause_shortly(void)
{
    _Atomic uint32_t word = 0;
    mo_plat_futex_wait(&word, 0, PAUSE_NS, MO_WAKE_ANY);
}

static int new_handle(struct moirai_ring **r, int side)
{
    if (!r || (side != MOIRAI_RING_RECEIVER && side != MOIRAI_RING_SENDER))
        return MOIRAI_EINVAL;
    *r = mo_plat_map(sizeof **r);
    if (!*r)
        return MOIRAI_ENOMEM;
    (*r)->side = side;
    (*r)->fd = -1;
    return MOIRAI_OK;
}

static void free_handle(struct moirai_ring *r)
{
    if (r->shared)
        mo_plat_unmap(r->shared, r->mapped);
    if (r->fd >= 0)
        mo_plat_share_close(r->fd);
    mo_plat_unmap(r, sizeof *r);
}

/* Before the ring is known to have one sender the first of the places serves either kind. */
static int take_place(struct moirai_ring *r, int kind)
{
    unsigned first = r->side == MOIRAI_RING_RECEIVER ? MO_RING_PLACE_RECEIVER : MO_RING_PLACE_SENDERS;
    unsigned places = r->side == MOIRAI_RING_SENDER && kind == MOIRAI_RING_MPSC ? MOIRAI_RING_SENDERS_MAX : 1;
    int err = EAGAIN;
    for (unsigned i = 0; i < places && err == EAGAIN; i++) {
        r->place = first + i;
        err = mo_plat_share_lock(r->fd, r->place);
    }
    return status_of(err);
}

static int map_ring(struct moirai_ring *r, uint64_t bytes, const moirai_ring_shape_t *expected)
{
    void *memory;
    int err = mo_plat_share_map(&memory, r->fd, bytes);
    if (err)
        return status_of(err);
    r->mapped = bytes;
    int status = mo_ring_bind(r, memory, bytes, expected);
    if (status)
        mo_plat_unmap(memory, bytes);
    return status;
}

/* The place has been found: go on from there. */
static int settle(struct moirai_ring *r)
{
    int status = mo_ring_resume(r);
    if (status)
        return status;
    r->barriers = mo_plat_share_barrier_arm() && mo_plat_share_barrier();
    mo_ring_set_presence(r, MO_RING_PRESENT);
    mo_ring_ring(mo_ring_bell_of_peer(r));
    enlist(r);
    return MOIRAI_OK;
}

/* New memory behind r->fd becomes a ring. */
static int format_new(struct moirai_ring *r, uint64_t bytes, const moirai_ring_shape_t *shape)
{
    void *memory;
    int err = mo_plat_share_map(&memory, r->fd, bytes);
    if (err)
        return status_of(err);
    mo_ring_format(memory, shape);
    r->mapped = bytes;
    int status = mo_ring_bind(r, memory, bytes, shape);
    return status ? status : take_place(r, shape->kind);
}

/* ---- Without a name. */
static int finish(moirai_ring_t **ring, struct moirai_ring *r, int status)
{
    if (status)
        free_handle(r);
    else
        *ring = r;
    return status;
}

MO_API int moirai_ring_new(moirai_ring_t **ring, const moirai_ring_shape_t *shape, int side)
{
    uint64_t bytes;
    struct moirai_ring *r;
    if (!ring || !shape || mo_ring_measure(shape, &bytes) != MOIRAI_OK)
        return MOIRAI_EINVAL;
    int status = new_handle(&r, side);
    if (status)
        return status;
    status = status_of(mo_plat_share_sealed(&r->fd, bytes));
    if (!status)
        status = format_new(r, bytes, shape);
    return finish(ring, r, status ? status : settle(r));
}

MO_API int moirai_ring_fd(moirai_ring_t *ring, int *fd)
{
    if (!ring || !fd || ring->name[0])
        return MOIRAI_EINVAL;
    return ring->gone ? MOIRAI_ESTALE : status_of(mo_plat_share_reopen(fd, ring->fd));
}

static int attach_sealed(struct moirai_ring *r, int fd, const moirai_ring_shape_t *shape)
{
    struct mo_share_facts facts;
    if (mo_plat_share_facts(fd, &facts) != 0 || !facts.sealed)
        return MOIRAI_EINVAL;
    int err = mo_plat_share_reopen(&r->fd, fd);
    int status = err ? status_of(err) : map_ring(r, facts.bytes, shape);
    if (!status)
        status = take_place(r, r->shape.kind);
    return status ? status : settle(r);
}

MO_API int moirai_ring_attach(moirai_ring_t **ring, int fd, const moirai_ring_shape_t *shape, int side)
{
    struct moirai_ring *r;
    if (!ring || fd < 0)
        return MOIRAI_EINVAL;
    int status = new_handle(&r, side);
    return status ? status : finish(ring, r, attach_sealed(r, fd, shape));
}

/* ---- With a name. */
static bool is_name(const char *name)
{
    size_t bytes = name ? strnlen(name, MO_RING_NAME_MAX + 1) : 0;
    return bytes >= 1 && bytes <= MO_RING_NAME_MAX && !strchr(name, '/');
}

static int pass_gate(int fd)
{
    int err = EAGAIN;
    for (unsigned i = 0; i < GATE_TRIES && (err = mo_plat_share_lock(fd, MO_RING_PLACE_GATE)) == EAGAIN; i++)
        pause_shortly();
    return status_of(err);
}

/* MOIRAI_EALREADY: somebody else has made one of that name. */
static int make_named(struct moirai_ring *r, uint64_t bytes, const moirai_ring_shape_t *shape)
{
    int status = status_of(mo_plat_share_plain(&r->fd, bytes));
    if (!status)
        status = format_new(r, bytes, shape);
    if (!status)
        status = settle(r);
    if (status)
        return status;
    int err = mo_plat_share_link(r->fd, r->name);
    if (!err)
        return MOIRAI_OK;
    strike_off(r);
    return err == EEXIST ? MOIRAI_EALREADY : status_of(err);
}

/* MOIRAI_ESTALE: its name has been taken away meanwhile. */
static int join_behind_gate(struct moirai_ring *r, const moirai_ring_shape_t *shape)
{
    struct mo_share_facts facts;
    int err = mo_plat_share_facts(r->fd, &facts);
    if (err || !facts.linked)
        return err ? MOIRAI_EINVAL : MOIRAI_ESTALE;
    int status = map_ring(r, facts.bytes, shape);
    if (!status)
        status = take_place(r, r->shape.kind);
    return status ? status : settle(r);
}

/* Its size, which another process of this user could change, is looked at before it is mapped, and trusted from then
   on. */
static int join_named(struct moirai_ring *r, const moirai_ring_shape_t *shape)
{
    struct mo_share_facts facts;
    if (mo_plat_share_facts(r->fd, &facts) != 0)
        return MOIRAI_EINVAL;
    if (!facts.private)
        return MOIRAI_EACCES;
    int status = pass_gate(r->fd);
    if (status)
        return status;
    status = join_behind_gate(r, shape);
    mo_plat_share_unlock(r->fd, MO_RING_PLACE_GATE);
    return status;
}

/* MOIRAI_EALREADY and MOIRAI_ESTALE: try again. */
static int open_once(moirai_ring_t **ring, const char *name, uint64_t bytes, const moirai_ring_shape_t *shape, int side)
{
    struct moirai_ring *r;
    int status = new_handle(&r, side);
    if (status)
        return status;
    strcpy(r->name, name);
    int err = mo_plat_share_open(&r->fd, name);
    if (err == ENOENT)
        status = make_named(r, bytes, shape);
    else
        status = err ? status_of(err) : join_named(r, shape);
    return finish(ring, r, status);
}

MO_API int moirai_ring_open(moirai_ring_t **ring, const char *name, const moirai_ring_shape_t *shape, int side)
{
    uint64_t bytes;
    if (!ring || !is_name(name) || !shape || mo_ring_measure(shape, &bytes) != MOIRAI_OK)
        return MOIRAI_EINVAL;
    int status = MOIRAI_ESTALE;
    for (unsigned i = 0; i < OPEN_TRIES && (status == MOIRAI_ESTALE || status == MOIRAI_EALREADY); i++)
        status = open_once(ring, name, bytes, shape, side);
    return status == MOIRAI_ESTALE || status == MOIRAI_EALREADY ? MOIRAI_EBUSY : status;
}

MO_API int moirai_ring_unlink(const char *name)
{
    if (!is_name(name))
        return MOIRAI_EINVAL;
    int err = mo_plat_share_unlink(name);
    return err == ENOENT ? MOIRAI_ESTALE : status_of(err);
}

/* The last one, and nothing is left in it that somebody might come for. */
static void unlink_if_last(struct moirai_ring *r)
{
    if (pass_gate(r->fd) != MOIRAI_OK)
        return;
    mo_plat_share_unlock(r->fd, r->place);
    if (!mo_plat_share_is_locked(r->fd, 0, MO_RING_PLACES) && (r->broken || mo_ring_is_empty(r)) &&
        mo_plat_share_is_named(r->fd, r->name))
        mo_plat_share_unlink(r->name);
}

MO_API void moirai_ring_close(moirai_ring_t *ring)
{
    if (!ring)
        return;
    if (!ring->gone) {
        if (ring->side == MOIRAI_RING_SENDER && ring->out)
            moirai_ring_drop(ring);
        mo_ring_set_presence(ring, MO_RING_CLOSED);
        mo_ring_ring(mo_ring_bell_of_peer(ring));
        if (ring->name[0])
            unlink_if_last(ring);
    }
    strike_off(ring);
    free_handle(ring);
}

/* ---- Asking. */
MO_API int moirai_ring_peer(moirai_ring_t *ring)
{
    if (!ring)
        return MOIRAI_EINVAL;
    int status = mo_ring_usable(ring);
    if (!status)
        status = mo_ring_watch(ring, true);
    if (status)
        return status < 0 ? status : MOIRAI_OK;
    return mo_ring_has_peer(ring) ? MOIRAI_OK : MOIRAI_EBUSY;
}

MO_API int moirai_ring_meet_until(moirai_ring_t *ring, uint64_t deadline_ns)
{
    int status = ring ? mo_ring_usable(ring) : MOIRAI_EINVAL;
    return status ? status : mo_ring_meet(ring, deadline_ns);
}

MO_API void moirai_ring_shape(const moirai_ring_t *ring, moirai_ring_shape_t *shape)
{
    *shape = ring->shape;
}
