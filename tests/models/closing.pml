/* An executor that drains, and comes to its end (sched/executor.c, X1..X3).

   Two threads outside hand it a task each, one worker runs them, and each task may create another one; somebody closes it
   meanwhile. What an outsider counts lies in its store buffer until it flows out, which a heavy barrier forces; a light one
   keeps the compiler from doing more than that. The seat and both outboxes count for themselves, and sums are taken word by word.

   Expected: it closes in the end, and then no task is anywhere: each was refused, or has run, and so have those that it created.

   Variants that must fail:
     NO_HEAVY       who closes has nobody pass a barrier before it says that the executor is sealed.
     UNSEALED       whoever looks does not mind whether it is.
     CREATED_FIRST  sums are taken of what was made before those of what was dealt with.
     DONE_EARLY     a task is counted as dealt with before the one that it creates is counted.
     SILENT         an outsider that was refused does not look itself. */
#define OUTSIDERS 2
#define OPEN      0
#define DRAINING  1
#define CLOSED    2

byte state = OPEN;
bool sealed;
byte created[3], done; /* 0 and 1: outboxes; 2: the seat, which alone is done with something */
bool buffered[OUTSIDERS];
byte outside, own; /* entries in the outboxes, and in the worker's deque */
byte taken, ran;   /* tasks that there are, and have run */
bool running;
bool over[OUTSIDERS], sealer_over;

inline flow_out(i)
{
    d_step {
        if
        :: buffered[i] -> buffered[i] = false; created[i]++
        :: else
        fi
    }
}

/* mo_executor_try_close() with is_through() */
inline try_close()
{
    if
#ifdef UNSEALED
    :: state == DRAINING ->
#else
    :: state == DRAINING && sealed ->
#endif
#ifdef CREATED_FIRST
        c = created[0];
        c = c + created[1];
        c = c + created[2];
        d = done;
#else
        d = done;
        c = created[0];
        c = c + created[1];
        c = c + created[2];
#endif
        if
        :: c == d -> atomic {
                if
                :: state == DRAINING -> state = CLOSED; assert(outside == 0 && own == 0 && !running)
                :: else
                fi
            }
        :: else
        fi
    :: else
    fi;
    d_step { c = 0; d = 0 }
}

inline run_it()
{
    ran++;
#ifdef DONE_EARLY
    atomic { running = false; done++ };
#endif
    if
    :: taken < 3 -> created[2]++; atomic { own++; taken++ }
    :: true
    fi;
#ifndef DONE_EARLY
    atomic { running = false; done++ }
#endif
}

proctype outsider(byte i)
{
    byte c, d;
    bool open;
    buffered[i] = true; /* the count */
    if
    :: flow_out(i)
    :: true
    fi;
    open = (state == OPEN);
    flow_out(i); /* stores become visible in order: the count before the entry, and before it is taken off */
    if
    :: open -> atomic { assert(state != CLOSED); outside++; taken++ }
    :: else ->
        created[i]--;
#ifndef SILENT
        try_close()
#endif
    fi;
    over[i] = true
}

/* It looks after its last task, and then sleeps until there is another one; so it sees nothing that others do later. */
proctype worker()
{
    byte c, d;
    do
    :: atomic { outside > 0 -> outside--; running = true }; run_it()
    :: atomic { own > 0 -> own--; running = true }; run_it()
    :: outside == 0 && own == 0 ->
        try_close();
        (outside > 0 || own > 0 || state == CLOSED);
        if
        :: state == CLOSED -> break
        :: else
        fi
    od
}

proctype closer()
{
    byte c, d;
    state = DRAINING;
#ifndef NO_HEAVY
    d_step { /* every thread passes a barrier */
        if
        :: buffered[0] -> buffered[0] = false; created[0]++
        :: else
        fi;
        if
        :: buffered[1] -> buffered[1] = false; created[1]++
        :: else
        fi
    };
#endif
    sealed = true;
    try_close();
    sealer_over = true
}

init {
    atomic {
        run outsider(0);
        run outsider(1);
        run worker();
        run closer()
    };
    timeout;
    assert(over[0] && over[1] && sealer_over);
    assert(state == CLOSED);
    assert(ran == taken && outside == 0 && own == 0)
}
