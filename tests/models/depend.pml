/* Nodes of the graph of tasks (sched/depend.c) under a map from addresses (sched/depend_map.c): on one address a writer,
   two readers, and a writer or, in WAITER, a thread that waits as one. The creator makes edges while every task that may
   run ends on a thread of its own.

   Expected: a task starts once, after all that it must follow (G1, G2); nobody touches a node that is gone; all is freed.

   Variants that must hold:
     WAITER          the last access is a waiter, whose frame is gone as soon as it has been released.
     THREE           another reader after the two, and the map is given up before the last access is there.

   Variants that must fail:
     NO_GUARD        `waits` counts edges only, from the first one on.
     FLAG_THEN_READ  the end sets `ended` and reads the number of cells in two steps.
     BLIND_PUBLISH   the creator raises the number of cells by a store.
     OPEN_JOIN       a join ends when its members have, though others may still come.
     MAP_HOLDS_NOT   the map holds no reference.
     KIND_LATE       WAITER, and the release reads what kind of node it is afterwards. */
#ifdef KIND_LATE
#define WAITER
#endif
#define NODES 6
#define W1 0
#define R1 1
#define R2 2
#define R3 3
#define W2 4
#define J  5
#define NONE 9
#define GUARD 64
#define CELLS 4

byte number[NODES];                 /* of cells; with `has_ended` one word */
bool has_ended[NODES];
byte cell[NODES * CELLS];
byte waits[NODES], refs[NODES];
bool made[NODES], gone[NODES], started[NODES], over[NODES];

#define ALIVE(x) assert(made[x] && !gone[x])

inline unref(x)
{
    atomic {
        ALIVE(x);
        assert(refs[x] > 0);
        refs[x]--;
        if
        :: refs[x] == 0 -> gone[x] = true
        :: else
        fi
    }
}

inline forget(x)
{
#ifndef MAP_HOLDS_NOT
    if
    :: x != NONE -> unref(x)
    :: else
    fi
#else
    skip
#endif
}

/* mo_node_release() of a node that is no join */
inline release_task(x, n)
{
    atomic { ALIVE(x); waits[x] = waits[x] - (n); zero = (waits[x] == 0) };
#ifdef KIND_LATE
    ALIVE(x);
#endif
    if
    :: zero ->
#ifdef WAITER
        if
        :: x != W2 -> assert(!started[x]); started[x] = true
        :: else                     /* its worker's event rings, which is always there */
        fi
#else
        assert(!started[x]);
        started[x] = true
#endif
    :: else
    fi
}

/* mo_node_end() without what follows for each cell */
inline set_ended(x)
{
#ifdef FLAG_THEN_READ
    cells = number[x];
    atomic { ALIVE(x); has_ended[x] = true };
#else
    atomic { ALIVE(x); has_ended[x] = true; cells = number[x] };
#endif
}

/* the same for the join, whose successors are no joins */
inline release_join(n)
{
    atomic { ALIVE(J); waits[J] = waits[J] - (n); join_over = (waits[J] == 0) };
    if
    :: join_over ->
        join_over = false;
        assert(!has_ended[J]);
        set_ended(J);
        join_cells = cells;
        k = 0;
        do
        :: k < join_cells -> to = cell[J * CELLS + k]; release_task(to, 1); k++
        :: k == join_cells -> break
        od;
        unref(J)
    :: else
    fi
}

/* mo_node_precede() */
inline precede(first, then)
{
    edge = false;
    atomic { ALIVE(first); seen = number[first]; seen_end = has_ended[first] };
    if
    :: !seen_end ->
        assert(seen < CELLS);
        cell[first * CELLS + seen] = then;
        atomic {
            ALIVE(first);
            if
#ifdef BLIND_PUBLISH
            :: true -> number[first] = seen + 1; edge = true
#else
            :: number[first] == seen && !has_ended[first] -> number[first] = seen + 1; edge = true
            :: else
#endif
            fi
        }
    :: else
    fi
}

inline wait_for(first, task)
{
    if
    :: first != NONE ->
        precede(first, task);
        if
        :: edge ->
            edges++;
#ifdef NO_GUARD
            waits[task]++
#endif
        :: else
        fi
    :: else
    fi
}

inline add_to_join(task)
{
    atomic { ALIVE(J); waits[J]++ };
    precede(task, J);
    if
    :: !edge -> release_join(1)
    :: else
    fi
}

inline begin(task)
{
    edges = 0;
    made[task] = true;
    refs[task] = 1;
#ifndef NO_GUARD
    waits[task] = GUARD
#endif
}

inline hold(task)
{
#ifndef MAP_HOLDS_NOT
    refs[task]++
#else
    skip
#endif
}

/* mo_task_submit_after() */
inline submit(task)
{
    if
    :: edges == 0 -> assert(!started[task]); started[task] = true
    :: else ->
#ifndef NO_GUARD
        release_task(task, GUARD - edges)
#else
        skip
#endif
    fi
}

/* join_group() */
inline read_on(task)
{
    begin(task);
    wait_for(before, task);
    if
    :: last != J && has_ended[last] ->
        forget(last);
        last = task;
        hold(task)
    :: else ->
        if
        :: last != J ->
            made[J] = true;
#ifdef OPEN_JOIN
            waits[J] = 0;
#else
            waits[J] = GUARD;
#endif
#ifdef MAP_HOLDS_NOT
            refs[J] = 1;
#else
            refs[J] = 2;
#endif
            add_to_join(last);
            forget(last);
            last = J
        :: else
        fi;
        add_to_join(task)
    fi;
    submit(task)
}

inline close_group()
{
#ifndef OPEN_JOIN
    if
    :: last == J -> release_join(GUARD)
    :: else
    fi
#else
    skip
#endif
}

proctype creator()
{
    byte before = NONE, last = NONE, edges, seen, cells, join_cells, k, to;
    bool edge, seen_end, zero, join_over;

    begin(W1);
    last = W1;
    hold(W1);
    submit(W1);

    begin(R1);                      /* supersede() */
    wait_for(W1, R1);
    before = W1;
    last = R1;
    hold(R1);
    submit(R1);

    read_on(R2);
#ifdef THREE
    read_on(R3);
    close_group();                  /* mo_depends_end(), or a rebuilt table */
    forget(last);
    forget(before);
    last = NONE
#else
    begin(W2);                      /* supersede() */
    wait_for(last, W2);
    close_group();
    forget(before);
    forget(last);
#ifdef WAITER
    if
    :: edges > 0 ->
        atomic { waits[W2] = waits[W2] - (GUARD - edges); zero = (waits[W2] == 0) };
        waits[W2] == 0
    :: else
    fi;
    assert(over[W1] && over[R1] && over[R2]);
    gone[W2] = true
#else
    hold(W2);
    last = W2;
    submit(W2);
    forget(last)
#endif
#endif
}

proctype task(byte self)
{
    byte cells, own_cells, join_cells, i, k, to, succ;
    bool zero, join_over;
    started[self];
    assert(self == W1 || over[W1]);
    assert(self != W2 || (over[R1] && over[R2]));
    over[self] = true;
    set_ended(self);
    own_cells = cells;
    do
    :: i < own_cells ->
        ALIVE(self);
        succ = cell[self * CELLS + i];
        if
        :: succ == J -> release_join(1)
        :: else -> release_task(succ, 1)
        fi;
        i++
    :: i == own_cells -> break
    od;
    unref(self)
}

init {
    atomic {
        run creator();
        run task(W1);
        run task(R1);
        run task(R2);
#ifdef THREE
        run task(R3)
#else
#ifndef WAITER
        run task(W2)
#endif
#endif
    };
    timeout;                        /* nobody can move any more */
    assert(over[W1] && over[R1] && over[R2]);
#ifdef THREE
    assert(over[R3]);
#else
#ifndef WAITER
    assert(over[W2]);
#endif
    assert(gone[W2]);
#endif
    assert(gone[W1] && gone[R1] && gone[R2] && (!made[J] || gone[J]))
}
