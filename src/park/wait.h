/* What the two kinds of waits share: of one thread (wait.c), and of the fibers of one (ring.c). */
#ifndef MO_PARK_WAIT_H
#define MO_PARK_WAIT_H

#include "park/fiber.h"
#include "park/park.h"

#define MO_EAGER_LOOKS 64

/* One step of a bout awake. False: it is time to sleep. */
bool mo_park_stay_awake(const struct mo_wait *w, struct mo_bout *b);
/* The thread slept in this bout. */
void mo_park_learn(struct mo_wait_memory *m, const struct mo_bout *b);
/* So many more threads want a CPU. */
void mo_park_count_runnable(int n);

/* mo_wait() of the ring's current fiber. */
void mo_wait_in_ring(const struct mo_wait *w, struct mo_ring *r);

#endif
