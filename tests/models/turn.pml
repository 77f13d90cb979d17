/* The turns of mutexinoutset tasks (sched/turn.c): three tasks, two groups; one task is in both, the others in one each or,
   in BOTH, in both too. Each becomes ready on a thread of its own and, once it may run, ends on another.

   Expected: of each group one task runs at a time, all run, and nobody touches a task that is no longer its own (T1-T3).

   Variant that must hold:
     BOTH            all three tasks are in both groups.

   Variants that must fail:
     UNSORTED        a task takes its groups in an order of its own (T3).
     FREE_BLINDLY    the turn is freed by a store, after a look that found nobody queued (T2).
     QUEUE_BLINDLY   a task puts itself in front by a store, after a look that found the turn taken.
     HELD_LATE       a task writes down that it is in a queue after it has queued up. */
#define TASKS  3
#define GROUPS 2
#define TAKEN  1
#define FIRST  2                    /* last: FIRST + t is task t */

byte last[GROUPS], line[GROUPS];    /* line: t + 1 */
byte next[TASKS];                   /* t + 1 */
byte held[TASKS];
byte hands[TASKS];                  /* processes to which the task belongs */
bool started[TASKS];
byte running[GROUPS];
byte ended;

#ifdef BOTH
#define COUNT(t) 2
#define GROUP(t, i) (i)
#else
#define COUNT(t) (t == 0 -> 2 : 1)
#ifdef UNSORTED
#undef COUNT
#define COUNT(t) 2
#define GROUP(t, i) (t == 0 -> i : 1 - i)
#else
#define GROUP(t, i) (t == 0 -> i : t - 1)
#endif
#endif

#define OWNED(t) assert(hands[t] == 1)

/* mo_turns_take(), and the start of the task */
inline take(t)
{
    do
    :: held[t] == COUNT(t) ->
        OWNED(t);
        hands[t]--;
        assert(!started[t]);
        started[t] = true;
        break
    :: held[t] < COUNT(t) ->
        OWNED(t);
        g = GROUP(t, held[t]);
        was = last[g];
        next[t] = (was >= FIRST -> was - FIRST + 1 : 0);
        atomic {
            if
#ifdef QUEUE_BLINDLY
            :: was != 0 ->
#else
            :: last[g] == was && was != 0 ->
#endif
                last[g] = FIRST + t;
                hands[t]--;
                got = false
            :: last[g] == was && was == 0 -> last[g] = TAKEN; got = true
            :: else -> was = 255
            fi
        };
        if
        :: was == 255               /* the CAS failed: again */
        :: was != 255 && got -> OWNED(t); held[t]++
        :: was != 255 && !got ->
#ifdef HELD_LATE
            OWNED(t);
#endif
            break
        fi
    od
}

/* leave(): to is t + 1, or 0 */
inline leave(g2)
{
    to = 0;
    if
    :: line[g2] == 0 ->
#ifdef FREE_BLINDLY
        if
        :: last[g2] == TAKEN -> last[g2] = 0; goto_free = true
        :: else
        fi;
#else
        atomic {
            if
            :: last[g2] == TAKEN -> last[g2] = 0; goto_free = true
            :: else
            fi
        };
#endif
        if
        :: !goto_free ->
            atomic { at = last[g2] - FIRST + 1; last[g2] = TAKEN };
            do                      /* turned_round() */
            :: at != 0 ->
                d_step { earlier = next[at - 1]; next[at - 1] = line[g2]; line[g2] = at; at = earlier }
            :: at == 0 -> break
            od
        :: else
        fi
    :: else
    fi;
    if
    :: !goto_free -> to = line[g2]; line[g2] = next[to - 1]
    :: else -> goto_free = false
    fi
}

proctype ready(byte t)
{
    byte g, was;
    bool got;
    hands[t]++;
    take(t)
}

proctype body(byte t)
{
    byte g, g3, was, to, at, earlier, other;
    bool got, goto_free;
    started[t];
    d_step {
        g = 0;
        do
        :: g < COUNT(t) -> running[GROUP(t, g)]++; assert(running[GROUP(t, g)] == 1); g++
        :: else -> break
        od
    };
    d_step {
        g = 0;
        do
        :: g < COUNT(t) -> running[GROUP(t, g)]--; g++
        :: else -> break
        od;
        ended++
    };
    do
    :: held[t] > 0 ->
        held[t]--;
        g3 = GROUP(t, held[t]);
        leave(g3);
        if
        :: to != 0 ->
            other = to - 1;
            assert(hands[other] == 0);
            hands[other]++;
            held[other]++;
            take(other)
        :: else
        fi
    :: held[t] == 0 -> break
    od
}

init {
    atomic {
        run ready(0);
        run ready(1);
        run ready(2);
        run body(0);
        run body(1);
        run body(2)
    };
    timeout;                        /* nobody can move any more */
    assert(ended == TASKS);
    assert(last[0] == 0 && last[1] == 0)
}
