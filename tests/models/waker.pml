/* Wakers against polls (sched/async.c, A1..A5): two threads wake an async job as often as they have something for it, two
   workers take its entries and poll it, and the wakers hold references to its block.

   Expected: what was there before a wake-up is seen by a poll; one worker at a time polls; there is at most one entry; the
   block is freed once, by the last reference, and nobody touches it afterwards.

   Variants that must fail:
     PLAIN_BEGIN   the poll begins before the word says POLLING.
     PLAIN_END     the poll ends by a store of 0, without a look at whether somebody woke it meanwhile.
     NO_POLLING    a wake during a poll puts the job into the list as well.
     REF_LATE      the life's reference is given up before the job is over. */
#define TOKENS 2
#define WAKERS 2

bool woken, polling;  /* the word */
byte given, taken;    /* what the wakers have for it; what polls have seen */
byte entries;
byte refs = 1;
bool over, freed;
byte inside;          /* polls under way */

inline touch() { assert(!freed) }

inline put_entry() { atomic { entries++; assert(entries <= 1) } }

inline unref()
{
    atomic {
        touch();
        refs--;
        if
        :: refs == 0 -> assert(!freed); assert(over); freed = true
        :: else
        fi
    }
}

/* A reference of its own, as moirai_waker_clone() has made it in the first poll. */
proctype waker()
{
    byte n = 0;
    bool was_woken, was_polling;
    do
    :: n < TOKENS / WAKERS ->
        n++;
        given++;
        atomic { /* A1 */
            touch();
            was_woken = woken;
            was_polling = polling;
            if
            :: !woken && !polling -> polling = true
            :: woken = true /* also where the word has changed since the look at it */
            fi
        };
        if
#ifdef NO_POLLING
        :: !was_woken -> put_entry()
#else
        :: !was_woken && !was_polling -> put_entry()
#endif
        :: else
        fi
    :: else -> break
    od;
    unref()
}

proctype worker()
{
    bool again;
    do
    :: atomic { entries > 0 -> entries-- };
#ifdef PLAIN_BEGIN
        touch();
        inside++;
        assert(inside == 1);
        taken = given;
        atomic { woken = false; polling = true };
#else
        touch();
        if
        :: polling && !woken /* A2 */
        :: else -> atomic { touch(); woken = false; polling = true }
        fi;
        inside++;
        assert(inside == 1);
        taken = given;
#endif
        inside--;
        if
        :: taken == TOKENS ->
            atomic { touch(); woken = true; polling = true };         /* A5 */
#ifdef REF_LATE
            unref();
            over = true;
#else
            over = true;
            unref();
#endif
            break
        :: else ->
#ifdef PLAIN_END
            atomic { touch(); again = false; polling = false; woken = false };
#else
            atomic { touch(); again = woken; polling = false };       /* A3 */
#endif
            if
            :: again -> put_entry()
            :: else
            fi
        fi
    :: over -> break
    od
}

init
{
    atomic {
        refs = 1 + WAKERS;
        polling = true;     /* its first entry */
        entries = 1;
        run waker();
        run waker();
        run worker();
        run worker()
    };
    if
    :: over && _nr_pr == 1
    :: timeout -> assert(false) /* what was to wake it has been lost */
    fi;
    assert(taken == TOKENS);
    assert(freed)
}
