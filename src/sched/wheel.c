#include "sched/wheel.h"

#define SCAN_MAX 16 /* timers of the next slot that are asked for the exact tick */

static unsigned digit(uint64_t tick, unsigned level)
{
    return tick >> (level * MO_WHEEL_BITS) & (MO_WHEEL_SLOTS - 1);
}

static void link_at(struct mo_timer **at, struct mo_timer *timer)
{
    timer->at = at;
    timer->next = *at;
    if (timer->next)
        timer->next->at = &timer->next;
    *at = timer;
}

static void append_due(struct mo_wheel *wheel, struct mo_timer *timer)
{
    if (!wheel->due)
        wheel->due_end = &wheel->due;
    link_at(wheel->due_end, timer);
    wheel->due_end = &timer->next;
}

static void place(struct mo_wheel *wheel, struct mo_timer *timer)
{
    if (timer->tick <= wheel->now) {
        append_due(wheel, timer);
        return;
    }
    unsigned level = (63 - (unsigned)__builtin_clzll(timer->tick ^ wheel->now)) / MO_WHEEL_BITS;
    unsigned s = digit(timer->tick, level);
    link_at(&wheel->slot[level][s], timer);
    wheel->occupied[level] |= (uint64_t)1 << s;
}

/* The earliest slot that is not empty: of the lowest level, as its timers agree with `now` in the most digits. */
static bool first_slot(const struct mo_wheel *wheel, unsigned *level, unsigned *s, uint64_t *begins)
{
    for (unsigned i = 0; i < MO_WHEEL_LEVELS; i++) {
        if (!wheel->occupied[i])
            continue;
        *level = i;
        *s = (unsigned)__builtin_ctzll(wheel->occupied[i]);
        uint64_t above = (i + 1) * MO_WHEEL_BITS < 64 ? wheel->now >> ((i + 1) * MO_WHEEL_BITS) : 0;
        *begins = (above << MO_WHEEL_BITS | *s) << (i * MO_WHEEL_BITS);
        return true;
    }
    return false;
}

/* Timers keep their places where no slot begins by then: they still agree with `now` above their level, and come after
   it there. So whoever puts one in brings the wheel up to date, and what is due soon lies at a low level. */
static void catch_up(struct mo_wheel *wheel, uint64_t now)
{
    unsigned level, s;
    uint64_t begins;
    if (!wheel->count)
        wheel->now = now; /* also where the clock was put back */
    else if (now > wheel->now && (!first_slot(wheel, &level, &s, &begins) || now < begins))
        wheel->now = now;
}

void mo_wheel_put(struct mo_wheel *wheel, struct mo_timer *timer, uint64_t now)
{
    catch_up(wheel, now);
    wheel->count++;
    place(wheel, timer);
}

void mo_wheel_take_out(struct mo_wheel *wheel, struct mo_timer *timer)
{
    struct mo_timer **at = timer->at, **first = &wheel->slot[0][0];
    if (timer->next)
        timer->next->at = at;
    else if (wheel->due && wheel->due_end == &timer->next)
        wheel->due_end = at;
    *at = timer->next;
    timer->at = NULL;
    wheel->count--;
    if (!*at && at >= first && at < first + MO_WHEEL_LEVELS * MO_WHEEL_SLOTS) {
        size_t index = (size_t)(at - first);
        wheel->occupied[index / MO_WHEEL_SLOTS] &= ~((uint64_t)1 << index % MO_WHEEL_SLOTS);
    }
}

/* Empty the slots that begin by `now`, one after the other; their timers are due, or belong to lower levels from there
   on. */
static void advance(struct mo_wheel *wheel, uint64_t now)
{
    unsigned level, s;
    uint64_t begins;
    while (first_slot(wheel, &level, &s, &begins) && begins <= now) {
        struct mo_timer *timer = wheel->slot[level][s], *next;
        wheel->slot[level][s] = NULL;
        wheel->occupied[level] &= ~((uint64_t)1 << s);
        wheel->now = begins;
        for (; timer; timer = next) {
            next = timer->next;
            place(wheel, timer);
        }
    }
    if (now > wheel->now)
        wheel->now = now;
}

struct mo_timer *mo_wheel_take_due(struct mo_wheel *wheel, uint64_t now)
{
    if (!wheel->due)
        advance(wheel, now);
    struct mo_timer *timer = wheel->due;
    if (timer)
        mo_wheel_take_out(wheel, timer);
    return timer;
}

uint64_t mo_wheel_next(const struct mo_wheel *wheel)
{
    unsigned level, s, seen = 0;
    uint64_t begins, soonest = MO_WHEEL_NEVER;
    if (wheel->due)
        return wheel->now;
    if (!first_slot(wheel, &level, &s, &begins))
        return MO_WHEEL_NEVER;
    for (const struct mo_timer *t = wheel->slot[level][s]; t; t = t->next) {
        if (seen++ == SCAN_MAX)
            return begins;
        soonest = t->tick < soonest ? t->tick : soonest;
    }
    return soonest;
}
