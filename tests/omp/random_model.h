/* The serial model of tasks with dependences that one creator has. On each address, accesses of the same kind that may
   come in any order (in beside in, mutexinoutset beside mutexinoutset) form an epoch, and every other access is an
   epoch of its own. A task may begin when all accesses of earlier epochs are over. It checks this by the number of
   accesses that are over: the first task that begins too early finds too few, as nobody before it could have added one
   that does not count. */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include "random.h"

#define MODEL_CELLS 8
#define MODEL_NEEDS 5

enum access { READ, WRITE, MUTEX };

/* One address. The first four belong to the creator, the others to the tasks. */
struct cell {
    enum access access; /* of the open epoch */
    long open;          /* accesses in it */
    long before;        /* accesses in closed ones */
    long writes_before;
    long over;
    long value; /* plain: every write adds one */
    int busy;   /* a task with mutexinoutset is in it */
};

/* What one task wants, and what it must find. */
struct need {
    int cell;
    enum access access;
    long before, writes_before;
};

struct needs {
    struct need of[MODEL_NEEDS];
    int count;
};

/* The same address twice in one task: both must hold. */
static inline void model_want(struct needs *n, int cell, enum access access)
{
    for (int i = 0; i < n->count; i++)
        if (n->of[i].cell == cell) {
            n->of[i].access = n->of[i].access == access ? access : WRITE;
            return;
        }
    n->of[n->count++] = (struct need){.cell = cell, .access = access};
}

static inline bool model_joins(const struct cell *c, enum access access)
{
    return c->open > 0 && c->access == access && access != WRITE;
}

/* What a task that is created now must find. */
static inline void model_look(const struct cell *cells, struct needs *n)
{
    for (struct need *need = n->of; need < n->of + n->count; need++) {
        const struct cell *c = &cells[need->cell];
        bool joins = model_joins(c, need->access);
        need->before = c->before + (joins ? 0 : c->open);
        need->writes_before = c->writes_before + (joins || c->access == READ ? 0 : c->open);
    }
}

static inline void model_create(struct cell *cells, struct needs *n)
{
    model_look(cells, n);
    for (struct need *need = n->of; need < n->of + n->count; need++) {
        struct cell *c = &cells[need->cell];
        if (!model_joins(c, need->access)) {
            c->before = need->before;
            c->writes_before = need->writes_before;
            c->access = need->access;
            c->open = 0;
        }
        c->open++;
    }
}

static inline void model_check(struct cell *cells, const struct needs *n)
{
    for (const struct need *need = n->of; need < n->of + n->count; need++) {
        struct cell *c = &cells[need->cell];
        CHECK(__atomic_load_n(&c->over, __ATOMIC_ACQUIRE) >= need->before);
        if (need->access == MUTEX)
            CHECK(c->value >= need->writes_before);
        else
            CHECK_EQ(c->value, need->writes_before);
    }
}

/* The body of the task is between these two. */
static inline void model_enter(struct cell *cells, const struct needs *n)
{
    model_check(cells, n);
    for (const struct need *need = n->of; need < n->of + n->count; need++) {
        struct cell *c = &cells[need->cell];
        if (need->access == MUTEX)
            CHECK_EQ(__atomic_exchange_n(&c->busy, 1, __ATOMIC_RELAXED), 0);
        if (need->access != READ)
            c->value++;
    }
}

static inline void model_leave(struct cell *cells, const struct needs *n)
{
    for (const struct need *need = n->of; need < n->of + n->count; need++)
        if (need->access == MUTEX)
            __atomic_store_n(&cells[need->cell].busy, 0, __ATOMIC_RELAXED);
}

/* The task has completed: those that depend on it may go. */
static inline void model_complete(struct cell *cells, const struct needs *n)
{
    for (const struct need *need = n->of; need < n->of + n->count; need++)
        __atomic_fetch_add(&cells[need->cell].over, 1, __ATOMIC_RELEASE);
}

#endif
