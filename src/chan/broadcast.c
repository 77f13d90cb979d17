/* Broadcast: the sending end keeps the last `capacity` messages and never waits; each subscriber is a channel of its
   own with the number of messages that it has seen. One that falls behind further than the ring reaches goes on with
   the oldest one there, and what it missed is counted. Watching is the same with room for one message, and whoever
   subscribes gets the one that is there. All under the source's lock, which also keeps the list of subscribers. */
#include "chan/chan.h"
#include "park/park.h"

static char *place(const struct mo_chan *source, uint64_t number)
{
    return mo_chan_cells(source) + number % source->capacity * source->stride;
}

static int send(struct mo_chan *c, const void *message)
{
    struct mo_chan_broadcast *b = &c->broadcast;
    mo_mutex_lock(&c->lock);
    bool closed = b->closed;
    if (!closed) {
        mo_chan_copy(place(c, b->sent), message, c->bytes);
        b->sent++;
        for (struct mo_chan *s = b->first; s; s = s->broadcast.next)
            mo_chan_notify_all(s, MO_CHAN_RECV);
    }
    mo_mutex_unlock(&c->lock);
    return closed ? EPIPE : 0;
}

static int recv(struct mo_chan *c, void *message)
{
    struct mo_chan *source = c->broadcast.source;
    struct mo_chan_broadcast *b = &c->broadcast, *from = &source->broadcast;
    int err = EAGAIN;
    if (mo_load_acquire(&c->closed))
        return EPIPE;
    mo_mutex_lock(&source->lock);
    if (b->seen == from->sent) {
        err = from->closed ? EPIPE : EAGAIN;
    } else {
        uint64_t oldest = from->sent > source->capacity ? from->sent - source->capacity : 0;
        if (b->seen < oldest) {
            mo_fetch_add_relaxed(&b->missed, oldest - b->seen);
            b->seen = oldest;
        }
        mo_chan_copy(message, place(source, b->seen), c->bytes);
        b->seen++;
        err = 0;
    }
    mo_mutex_unlock(&source->lock);
    return err;
}

int mo_chan_broadcast_try(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    if ((c->kind == MO_CHAN_BROADCAST) != (side == MO_CHAN_SEND))
        return EINVAL;
    return side == MO_CHAN_SEND ? send(c, message) : recv(c, message);
}

bool mo_chan_broadcast_ready(struct mo_chan *c)
{
    if (c->kind == MO_CHAN_BROADCAST || mo_load_acquire(&c->closed))
        return true;
    struct mo_chan *source = c->broadcast.source;
    mo_mutex_lock(&source->lock);
    bool ready = c->broadcast.seen != source->broadcast.sent || source->broadcast.closed;
    mo_mutex_unlock(&source->lock);
    return ready;
}

int mo_chan_subscribe(struct mo_chan **out, struct mo_chan *source)
{
    if (source->kind != MO_CHAN_BROADCAST)
        return EINVAL;
    int err = mo_chan_new(out, MO_CHAN_SUBSCRIBER, source->bytes, 0);
    if (err)
        return err;
    struct mo_chan_broadcast *b = &(*out)->broadcast, *from = &source->broadcast;
    b->source = source;
    mo_mutex_lock(&source->lock);
    b->seen = from->newest && from->sent ? from->sent - 1 : from->sent;
    b->next = from->first;
    from->first = *out;
    mo_mutex_unlock(&source->lock);
    return 0;
}

/* Of a source false while it has subscribers. */
bool mo_chan_broadcast_leave(struct mo_chan *c)
{
    if (c->kind == MO_CHAN_BROADCAST)
        return c->broadcast.first == NULL;
    struct mo_chan *source = c->broadcast.source, **link = &source->broadcast.first;
    mo_mutex_lock(&source->lock);
    while (*link != c)
        link = &(*link)->broadcast.next;
    *link = c->broadcast.next;
    mo_mutex_unlock(&source->lock);
    return true;
}

void mo_chan_broadcast_close(struct mo_chan *c)
{
    mo_mutex_lock(&c->lock);
    c->broadcast.closed = true;
    for (struct mo_chan *s = c->broadcast.first; s; s = s->broadcast.next)
        mo_chan_notify_all(s, MO_CHAN_RECV);
    mo_mutex_unlock(&c->lock);
}
