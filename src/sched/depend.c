/* The graph of tasks that wait for each other. Edges lead from siblings to siblings and are made by the one thread that
   runs their parent ("the creator"); tasks end on any thread.

   A node keeps its successors as an array of cells: two in the node, the rest in blocks that double, oldest first.
     successors   n << 1 | ended. The creator writes cell n, then raises n by CAS; the task's end sets `ended` by one
                  RMW, whose result says which cells were published before. A CAS that fails has seen the end.
     cell[1]      of the node: the second successor or, from the third one on, NODE_MORE and the first block, in which
                  the second one has moved to the front. The creator changes it before the CAS for the third, which may
                  fail; so an end that has seen two reads one or the other form, and finds the second in either.
     waits        edges to the node whose source has not ended, + MO_NODE_GUARD until the creator has made all of them.
                  Who brings it to zero, and nobody else, starts the task.
     refs         one until the task has ended as a parent, one until an event it needs is fulfilled, one while a map of
                  addresses names it, in `marks` places, which only the creator counts. Cells are freed with the block,
                  so the creator, who finds nodes through maps, may walk them at any time.
   G1  a successor is released once per edge: the cell is in the array that the end saw, or the CAS failed and the edge
       does not exist.
   G2  a task starts after the ends of all predecessors: each sub on `waits` is acq_rel, so the last one has seen them;
       where the creator found a predecessor ended, it has read that with acquire.
   Progress: ends are wait-free but for the number of successors; the creator retries nothing.
   In a team of one all this happens on one thread, and plain accesses do for RMWs (`alone`), as long as the region has
   made no event that another thread could fulfil. Who ends a task of another team is not alone meanwhile.
   tests/models/depend.pml has nodes, joins, waiters and references, cells.pml the cells. */
#include "sched/internal.h"

struct mo_edges {
    struct mo_edges *next;
    void *no_parent; /* NULL where a task has its parent (steal.c) */
    struct mo_task *cell[];
};

static inline unsigned cells_in(unsigned cls)
{
    return (unsigned)((mo_slab_bytes(cls) - sizeof(struct mo_edges)) / sizeof(struct mo_task *));
}

#define NODE_MORE        ((uintptr_t)1)
#define BLOCK_CLASS_STEP 2 /* to the class of twice the size */

/* The node's last cell, to be read once. */
static inline uintptr_t last_cell(const struct mo_task *task)
{
    return mo_load_acquire(&mo_task_node(task)->cell[MO_NODE_CELLS - 1]); /* pairs with move_last() */
}

/* The first block, if that is what the last cell leads to; else NULL. */
static inline struct mo_edges *block_of(uintptr_t last)
{
    return last & NODE_MORE ? (struct mo_edges *)(last - NODE_MORE) : NULL;
}

static struct mo_edges *new_edges(struct mo_member *m, unsigned cls)
{
    struct mo_edges *e = cls < MO_SLAB_CLASSES ? mo_slab_alloc_owner(&m->worker->slab, cls) : NULL;
    if (e) {
        e->next = NULL;
        e->no_parent = NULL;
    }
    return e;
}

/* The node's last successor goes into a block, where there is room for more. NULL when memory is exhausted. */
static struct mo_edges *move_last(struct mo_member *m, struct mo_task *task)
{
    _Atomic uintptr_t *last = &mo_task_node(task)->cell[MO_NODE_CELLS - 1];
    struct mo_edges *e = new_edges(m, 0);
    if (e) {
        e->cell[0] = (struct mo_task *)mo_load_relaxed(last); /* the creator's own store */
        mo_store_release(last, (uintptr_t)e | NODE_MORE);
    }
    return e;
}

/* Make `then` successor n, which is yet to be published. False when memory is exhausted. */
static bool set_cell(struct mo_member *m, struct mo_task *task, unsigned n, struct mo_task *then)
{
    if (n < MO_NODE_CELLS) {
        mo_store_relaxed(&mo_task_node(task)->cell[n], (uintptr_t)then); /* published with the number */
        return true;
    }
    struct mo_edges *e = block_of(last_cell(task));
    if (!e && !(e = move_last(m, task)))
        return false;
    n -= MO_NODE_CELLS - 1;
    for (unsigned cls = 0; n >= cells_in(cls); cls += BLOCK_CLASS_STEP) {
        n -= cells_in(cls);
        if (!e->next && !(e->next = new_edges(m, cls + BLOCK_CLASS_STEP)))
            return false;
        e = e->next;
    }
    e->cell[n] = then;
    return true;
}

static void free_edges(struct mo_member *m, struct mo_task *task, struct mo_edges *e)
{
    for (unsigned cls = 0; e; cls += BLOCK_CLASS_STEP) {
        struct mo_edges *next = e->next;
        mo_worker_free(m->worker, task->home, e, cls);
        e = next;
    }
}

void mo_node_free(struct mo_member *m, struct mo_task *task)
{
    struct mo_edges *e = block_of(last_cell(task));
    if (mo_unlikely(e != NULL))
        free_edges(m, task, e);
    mo_worker_free(m->worker, task->home, task, task->cls);
}

struct mo_task *mo_node_new_join(struct mo_member *m)
{
    unsigned cls = mo_slab_class_half(MO_JOIN_BYTES);
    struct mo_task *join = mo_slab_alloc_owner(&m->worker->slab, cls);
    if (!join)
        return NULL;
    join->fn = NULL;
    mo_store_relaxed(&join->parent, NULL);
    join->counts = 0;
    join->home = m->worker->index;
    join->cls = (uint8_t)cls;
    join->flags = MO_TASK_EXTENDED | MO_TASK_NODE;
    mo_store_relaxed(&mo_task_ext(join)->group, NULL);
    mo_node_init(join, MO_NODE_JOIN, 1);
    *mo_join_turn(join) = (struct mo_turn){0};
    return join;
}

enum mo_edge mo_node_precede_slow(struct mo_member *m, struct mo_task *first, struct mo_task *then, uint32_t seen)
{
    struct mo_task_node *node = mo_task_node(first);
    if (!set_cell(m, first, seen >> 1, then))
        return MO_EDGE_NO_MEMORY;
    if (mo_unlikely(mo_traced(m)))
        mo_observe_edge(first, then); /* while its end needs this CAS to fail */
    return mo_node_publish(m, node, seen);
}

void mo_node_start(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere)
{
    uint32_t kind = mo_task_node(task)->kind;
    if (kind == MO_NODE_TASK || (kind == MO_NODE_EXCLUSIVE && mo_turns_take(task)))
        mo_task_enqueue(m, task, elsewhere);
    if (kind != MO_NODE_JOIN)
        return;
    mo_node_end(m, task, elsewhere); /* joins do not follow joins, so this goes no deeper */
    mo_node_unref(m, task);
}

void mo_node_release(struct mo_member *m, struct mo_task *task, uint32_t waits, struct mo_team *elsewhere)
{
    bool waiter = mo_task_node(task)->kind == MO_NODE_WAITER; /* its stack may be gone as soon as it is released */
    struct mo_worker *w = waiter ? mo_worker_at(task->home) : NULL;
    if (mo_graph_add(m, &mo_task_node(task)->waits, -waits) != waits)
        return;
    if (waiter)
        mo_event_notify(&w->event);
    else
        mo_node_start(m, task, elsewhere);
}

void mo_node_end(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere)
{
    struct mo_task_node *node = mo_task_node(task);
    if (mo_unlikely(node->kind == MO_NODE_EXCLUSIVE))
        mo_turns_pass(m, task, elsewhere); /* first: a group's join, which holds the turn, waits for us */
    unsigned n = mo_graph_add(m, &node->successors, MO_NODE_ENDED) >> 1; /* it was not set */
    if (n == 0)
        return;
    mo_node_release(m, (struct mo_task *)mo_load_relaxed(&node->cell[0]), 1, elsewhere);
    if (--n == 0)
        return;
    uintptr_t last = last_cell(task);
    struct mo_edges *e = block_of(last);
    if (mo_likely(!e)) {
        mo_node_release(m, (struct mo_task *)last, 1, elsewhere);
        return;
    }
    for (unsigned cls = 0;; e = e->next, cls += BLOCK_CLASS_STEP) {
        unsigned here = n < cells_in(cls) ? n : cells_in(cls);
        for (unsigned i = 0; i < here; i++)
            mo_node_release(m, e->cell[i], 1, elsewhere);
        n -= here;
        if (!n) /* its next may be in the creator's hands */
            return;
    }
}
