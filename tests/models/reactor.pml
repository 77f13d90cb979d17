/* R4 and R6 of src/io/reactor.c: the thread that looks at the epoll set, a worker that looks there while it is awake, and an outsider that
   waits for the thread's other business (io_uring's). Everything is sequentially consistent, as the accesses are that matter here.

   `ready` events come up at any time, each after somebody has begun to wait. The thread is GONE at first: who waits starts it. It sleeps in
   the set, and without bound only there; on `left` it sleeps for some time.

   Expected: once everything has come to rest nobody has waited in vain: no event is left, no business either. And while somebody waits the
   thread is there.

   Variants that must fail:
     GOES_FIRST       the thread looks at `waiting` before it says that it goes (R4).
     LOOKS_FIRST      who waits looks at the thread before `waiting` rises (R4).
     LEFT_FOR_EVER    its sleep on `left` has no end, and the worker does not say that it sleeps. */
#define GONE  0
#define THERE 1

byte thread = GONE, waiting, ready, business, done;
bool left, lock, worker_awake;

inline start_thread()
{
    if
    :: thread == GONE ->
        atomic { !lock -> lock = true };
        if
        :: thread == GONE -> thread = THERE; run reactor()
        :: else
        fi;
        lock = false
    :: else
    fi
}

/* One wait: it rises `waiting`, sees to the thread, and something becomes ready later. */
proctype waiter()
{
#ifdef LOOKS_FIRST
    bool there;
    there = (thread == THERE);
#endif
    waiting++;
#ifdef LOOKS_FIRST
    if
    :: there
    :: else -> start_thread()
    fi;
#else
    start_thread();
#endif
    ready++
}

proctype outsider()
{
    waiting++;
    business++;
    left = false;               /* and wakes who sleeps on it */
    start_thread()
}

inline take_event()
{
    atomic {
        if
        :: ready > 0 -> ready--; waiting--; done++; worker_awake = true
        :: else
        fi
    }
}

inline take_business()
{
    atomic {
        if
        :: business > 0 -> business--; waiting--; done++
        :: else
        fi
    }
}

proctype worker()
{
end:
    do
    :: worker_awake ->
        if
        :: left -> take_event()
        :: else
        fi;
        if
        :: ready > 0 && left
        :: true ->
            worker_awake = false;
#ifndef LEFT_FOR_EVER
            if
            :: left -> left = false
            :: else
            fi
#endif
        fi
    od
}

proctype reactor()
{
    bool was_idle, stays, has_business;
again:
    was_idle = (waiting == 0);
    if
    :: ready > 0 ->
        left = true;
        take_event();
        has_business = (business > 0);
        if
        :: has_business -> left = false
        :: else ->
            if
            :: !left
#ifndef LEFT_FOR_EVER
            :: true             /* its time is over */
#endif
            fi;
            left = false
        fi;
        goto again
    :: business > 0 -> take_business(); goto again
    :: was_idle && ready == 0 && business == 0 ->  /* it has lingered */
        atomic { !lock -> lock = true };
#ifdef GOES_FIRST
        stays = (waiting != 0);
        thread = GONE;
#else
        thread = GONE;
        stays = (waiting != 0);
#endif
        if
        :: stays -> thread = THERE
        :: else
        fi;
        lock = false;
        if
        :: stays -> goto again
        :: else
        fi
    :: !was_idle && ready == 0 && business == 0 && waiting == 0 -> goto again
    fi
}

init {
    atomic {
        run worker();
        run waiter();
        run waiter();
        run outsider()
    };
    timeout;                    /* nobody can move any more */
    assert(done == 3 && ready == 0 && business == 0);
    assert(waiting == 0 || thread == THERE)
}
