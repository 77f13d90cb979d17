/* Who ends a barrier (sched/barrier.c): three members meet twice, the second time at the end of the region. The first
   member has a task before the first barrier, which creates another one; anybody may take them.

   Expected: a barrier ends once, when all have arrived and all tasks have ended (B1-B3); nobody is left asleep. An end is
   `gen` raised. The member that raises it must find what it saw when it arrived.

   Variants that must hold:
     LATE            the last member has the task, before the second barrier.
     CANCEL          the first barrier can be cut short: one member may cancel the region before it. The task has no other.
     RARELY          two members sum as those of large teams: awake only after a look in vain, and only when they or an
                     outsider have ended a task since they summed or arrived; the last to arrive does in any case. Each
                     sleeps, or stays awake as a wait policy may ask for; which of them do is left open. One has a big
                     task before the first barrier, the other one before the second.
     OUTSIDE         RARELY, but both tasks are small, and an outsider may take one.

   Variants that must fail:
     NO_CLAIM        who has seen everything at its end raises `gen` without claiming it.
     SURE_LAST       the last to arrive, if it sees no tasks, does so.
     CREATED_FIRST   `created` is summed before `done`.
     COUNT_LATE      a task is counted after others may take it.
     RESET_LATE      arrivals are set to zero after `gen` has been raised (B3).
     NO_LAST_CHECK   who has run a task goes to sleep when it finds no other, without a check.
     CANCEL_INSIDE   CANCEL, but by a task that is run in the barrier: who cancelled has arrived.
     LAST_TRUSTS     RARELY, but the last to arrive sums only if it or an outsider has ended a task since, too.
     SLEEP_IN_VAIN   RARELY, but the last look before a sleep may be the one in vain.
     ONLY_OWN        OUTSIDE, but only tasks that they ended themselves make members sum again.
     SILENT          OUTSIDE, but the outsider looks for sleepers before it counts its task as ended. */
#ifdef CANCEL_INSIDE
#define CANCEL
#endif
#if defined(ONLY_OWN) || defined(SILENT)
#define OUTSIDE
#endif
#if defined(LAST_TRUSTS) || defined(SLEEP_IN_VAIN) || defined(OUTSIDE)
#define RARELY
#endif
#ifdef RARELY
#define MEMBERS 2
#else
#define MEMBERS 3
#endif

byte gen, claim, arrived, seq, waiters;
bool has_tasks;
byte created[MEMBERS], done[MEMBERS];
#ifdef OUTSIDE
byte done_outside;
#else
#define done_outside 0
#endif
byte big, small;                    /* tasks that nobody has taken; a big one creates a small one */
bool asleep[MEMBERS];
byte inside, open;                  /* what the model knows: members that have arrived, tasks that have not ended */
byte finished;
#ifdef CANCEL
byte arrived_cancellable;
bool cancelled;
#endif

inline wake_all()
{
    if
    :: waiters > 0 -> d_step { seq++; asleep[0] = false; asleep[1] = false; asleep[MEMBERS - 1] = false }
    :: else
    fi
}

inline create(kind)
{
#ifdef COUNT_LATE
    has_tasks = true;
    atomic { open++; kind++ };
    created[self]++
#else
    created[self]++;
    has_tasks = true;
    atomic { open++; kind++ }
#endif
}

inline release()
{
#ifndef RESET_LATE
    arrived = 0;
#endif
#ifdef CANCEL
    arrived_cancellable = 0;
#endif
    has_tasks = false;
    atomic {
        assert(gen == seen);
#ifdef CANCEL
        assert(cancelled || inside == MEMBERS);
        assert(open == 0);
#else
        assert(inside == MEMBERS && open == 0);
#endif
        inside = 0;
        gen = seen + 1
    };
#ifdef RESET_LATE
    arrived = 0;
#endif
    wake_all()
}

inline claim_and_release()
{
    atomic {
        won = (claim == seen);
        if
        :: won -> claim = seen + 1
        :: else
        fi
    };
    if
    :: won -> won = false; release()
    :: else
    fi
}

#ifdef CANCEL
#define ALL_ARRIVED ((joining && arrived == MEMBERS) || (!joining && arrived_cancellable == MEMBERS))
#define READY       (gen != seen || (!joining && cancelled))
#else
#define ALL_ARRIVED (arrived == MEMBERS)
#define READY       (gen != seen)
#endif

inline sum_done()
{
    d = done_outside;
    d = d + done[0];
    d = d + done[1];
#if MEMBERS > 2
    d = d + done[2]
#else
    skip
#endif
}

inline sum_created()
{
    c = created[0];
    c = c + created[1];
#if MEMBERS > 2
    c = c + created[2]
#else
    skip
#endif
}

inline compare_sums()
{
#ifdef CREATED_FIRST
    sum_created();
    sum_done();
#else
    sum_done();
    sum_created();
#endif
    all = (c == d);
    d_step { c = 0; d = 0 }
}

#ifdef RARELY
#define NEVER 255
#ifdef ONLY_OWN
#define ENDED done[self]
#else
#define ENDED (done[self] + done_outside)
#endif
#ifdef SLEEP_IN_VAIN
#define LOOKS_IN_VAIN !fruitless
#else
#define LOOKS_IN_VAIN (!fruitless && !sleeps)
#endif
/* To one who is awake another look gives nothing new, unless: */
#define NEWS (READY || (has_tasks && (big + small > 0 || (ALL_ARRIVED && summed != ENDED))))
#endif

inline try_release()
{
    if
    :: gen == seen ->
        if
        :: ALL_ARRIVED ->
#ifdef RARELY
            atomic { all = (summed != ENDED || sleeps); summed = ENDED };
            if
            :: all -> compare_sums()
            :: else
            fi;
#else
            compare_sums();
#endif
            if
#ifdef NO_CLAIM
            :: all -> all = false; release()
#else
            :: all -> all = false; claim_and_release()
#endif
            :: else
            fi
        :: else
        fi
    :: else
    fi
}

/* barrier_work() */
inline work()
{
    found = false;
    if
    :: has_tasks && gen == seen ->
        atomic {
            if
            :: big > 0 -> big--; found = true; is_big = true
            :: big == 0 && small > 0 -> small--; found = true; is_big = false
            :: else
            fi
        };
        if
        :: found ->
            if
            :: is_big -> create(small)
            :: else
#ifdef CANCEL_INSIDE
                -> cancelled = true; wake_all()
#endif
            fi;
#ifdef RARELY
            fruitless = false;
#endif
            atomic { open--; done[self]++; is_big = false }
#ifdef NO_LAST_CHECK
            ; ran = true
#endif
        :: else ->
#ifdef NO_LAST_CHECK
            if
            :: !ran -> try_release()
            :: else
            fi
#elif defined(RARELY)
            if
            :: LOOKS_IN_VAIN -> fruitless = true
            :: else -> try_release()
            fi
#else
            try_release()
#endif
        fi
    :: else
    fi
}

inline look_and_sleep()
{
    atomic { waiters++; key = seq };
    if
    :: READY
    :: else ->
        work();
        if
        :: !found ->
            atomic {
                if
                :: seq == key -> asleep[self] = true
                :: else
                fi
            };
            !asleep[self]
        :: else
        fi
    fi;
    atomic { waiters--; key = 0; found = false }
}

/* Each look of one who sleeps is the last one before that: others would only be repeated. */
inline await()
{
    do
    :: READY -> break
#ifdef RARELY
    :: !sleeps && NEWS -> work(); found = false
    :: sleeps && !READY -> look_and_sleep()
#else
    :: else -> look_and_sleep()
#endif
    od
}

inline last_arrived()
{
    if
    :: has_tasks ->
#if defined(RARELY) && !defined(LAST_TRUSTS)
        summed = NEVER;
#endif
        try_release()
#ifdef SURE_LAST
    :: else -> release()
#else
    :: else -> claim_and_release()
#endif
    fi
}

inline barrier(counter)
{
#ifdef RARELY
    atomic { fruitless = false; summed = ENDED };
#endif
    seen = gen;
    atomic { counter++; inside++; last = (counter == MEMBERS) };
    if
    :: last -> last = false; last_arrived()
    :: else
    fi;
    await()
}

proctype member(byte self)
{
    byte seen, key, c, d;
    bool won, last, found, is_big, all, ran, joining;
#ifdef RARELY
    byte summed;
    bool fruitless, sleeps;
    if
    :: sleeps = true
    :: true
    fi;
#endif
    if
#if defined(CANCEL) || defined(OUTSIDE)
    :: self == 0 -> create(small)
#else
#ifndef LATE
    :: self == 0 -> create(big)
#endif
#endif
    :: else
    fi;
#ifdef CANCEL
#ifndef CANCEL_INSIDE
    if
    :: self == 1 -> cancelled = true; wake_all()
    :: true
    fi;
#endif
    if
    :: !cancelled -> barrier(arrived_cancellable)
    :: else
    fi;
    joining = true;
#else
    barrier(arrived);
#endif
    ran = false;
    if
#ifdef LATE
    :: self == 2 -> create(big)
#elif defined(OUTSIDE)
    :: self == 1 -> create(small)
#elif defined(RARELY)
    :: self == 1 -> create(big)
#endif
    :: else
    fi;
    barrier(arrived);
    finished++
}

#ifdef OUTSIDE
active proctype outsider()
{
    atomic { small > 0 -> small-- };
#ifdef SILENT
    wake_all();
#endif
    atomic { open--; done_outside++ };
#ifndef SILENT
    wake_all()
#endif
}
#endif

init {
    atomic {
        run member(0);
        run member(1);
#if MEMBERS > 2
        run member(2);
#endif
        skip
    };
    timeout;                        /* nobody can move any more */
    assert(finished == MEMBERS)
}
