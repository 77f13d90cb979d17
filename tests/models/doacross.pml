/* A slot of omp/doacross.c: chunk 1 ends at `done` 2, chunk 2, which has the same slot, at 4. Two posters, one for each
   chunk, three waiters that sleep for different values of `done`; the second poster is itself a waiter first (X1).

   Expected: `done` only rises, and nobody sleeps once it has what it waits for (X4, X5).

   Variant that must hold:
     NO_RESET_ON_RING    `wanted` is left as it is: every later post looks for waiters, which costs and does no harm.

   Variants that must fail:
     ALWAYS_PUBLISH_END  the end of a chunk is published also when the last post has said as much (X1).
     RESET_AFTER_RING    `wanted` is reset after the event's number has been raised (X5).
     NO_BARRIER          the poster reads `wanted` before its `done` can be seen.
     WANT_BEFORE_KEY     a waiter leaves `wanted` before it reads the event's number.
     LARGEST_WANTED      a waiter with a larger value replaces a smaller `wanted`. */
#define WAITERS 3

byte done, wanted, seq, waiters;
bool blocked[WAITERS];
byte target[WAITERS];

inline futex_wake_all()
{
    d_step { blocked[0] = false; blocked[1] = false; blocked[2] = false }
}

inline ring()
{
#ifndef RESET_AFTER_RING
#ifndef NO_RESET_ON_RING
    wanted = 0;
#endif
#endif
    if
    :: waiters > 0 ->
        seq++;
        futex_wake_all()
    :: else
    fi;
#ifdef RESET_AFTER_RING
    wanted = 0
#endif
}

inline publish(value)
{
    atomic {
#ifdef NO_BARRIER
        want = wanted
    };
    atomic {
#endif
        assert(done <= value);
        done = value
    };
#ifndef NO_BARRIER
    want = wanted;
#endif
    if
    :: want != 0 && want <= value -> ring()
    :: else
    fi
}

inline leave_wanted(value)
{
    atomic {                        /* a CAS that is repeated until it need not be */
        if
#ifdef LARGEST_WANTED
        :: wanted < value -> wanted = value
#else
        :: wanted == 0 || wanted > value -> wanted = value
#endif
        :: else
        fi
    }
}

inline await(self, value)
{
    target[self] = value;
    do
    :: done >= value -> break
    :: done < value ->
#ifdef WANT_BEFORE_KEY
        leave_wanted(value);
        waiters++;
        key = seq;
#else
        waiters++;                  /* prepare */
        key = seq;
        leave_wanted(value);
#endif
        if
        :: done < value ->
            atomic {
                if
                :: seq == key -> blocked[self] = true
                :: else
                fi
            };
            !blocked[self]
        :: else
        fi;
        waiters--                   /* finish */
    od
}

proctype waiter(byte self; byte value)
{
    byte key;
    await(self, value)
}

proctype poster(byte self; byte first)
{
    byte key, want;
    if
    :: first > 1 -> await(self, first - 1)
    :: else
    fi;
    publish(first);
    publish(first + 1);
#ifdef ALWAYS_PUBLISH_END
    publish(first + 1)
#endif
}

init {
    atomic {
        run waiter(0, 2);
        run waiter(1, 4);
        run poster(2, 1);
        run poster(2, 3)
    };
    timeout;                        /* nobody can move any more */
    assert(!(blocked[0] && done >= target[0]));
    assert(!(blocked[1] && done >= target[1]));
    assert(!(blocked[2] && done >= target[2]));
    assert(done == 4)
}
