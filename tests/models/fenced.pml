/* W7 of src/chan/wait.c: senders that are excused from a barrier of their own until somebody has waited. Two receivers and two senders,
   the first of two messages, the other of one. Each message goes through a store buffer: others may see it later than the sender's
   look at `waiting` that follows it.

   A receiver stands in, passes a barrier, looks, and sleeps; a sender that finds somebody takes him out and makes him try. A sender that finds
   nobody may take the bits away.

   Expected: once everything has come to rest no receiver sleeps while there is a message.

   Variants that must fail:
     NO_FENCE           a sender that finds FENCED looks again without a barrier.
     TRUSTS_FENCED      a receiver that finds FENCED, though nobody has passed the barrier of all threads yet, passes only its own.
     SETTLES_LATE       who has passed that barrier sets SETTLED though it stands there no more. */
#define N 2

byte standing;                  /* the count in `waiting` */
bool fenced, settled;           /* its bits */
byte messages;                  /* that all can see */
byte buffered[N];               /* of each sender */
bool queued[N], claimed[N], asleep[N];

/* Buffers empty by themselves at any time. */
active proctype memory()
{
end:
    do
    :: atomic { buffered[0] > 0 -> messages = messages + buffered[0]; buffered[0] = 0 }
    :: atomic { buffered[1] > 0 -> messages = messages + buffered[1]; buffered[1] = 0 }
    od
}

inline flush(id)
{
    atomic { messages = messages + buffered[id]; buffered[id] = 0 }
}

/* Under the lock; taking a lock empties the buffer as well. */
inline tell_one(id)
{
    atomic {
        flush(id);
        if
        :: queued[0] -> queued[0] = false; claimed[0] = true; standing--
        :: queued[1] -> queued[1] = false; claimed[1] = true; standing--
        :: else
        fi
    }
}

proctype sender(byte id)
{
    bool found_fenced, found_somebody;
    byte round;
    do
    :: round < 2 - id ->
        round++;
        buffered[id]++;
        atomic { found_fenced = fenced; found_somebody = standing > 0 };
        if
        :: found_fenced ->
#ifndef NO_FENCE
            flush(id);
#endif
            found_somebody = standing > 0
        :: else
        fi;
        if
        :: found_somebody -> tell_one(id)
        :: !found_somebody && found_fenced ->
            if
            :: atomic {
                flush(id);
                if
                :: standing == 0 -> fenced = false; settled = false
                :: else
                fi
               }
            :: true
            fi
        :: else
        fi
    :: else -> break
    od
}

proctype receiver(byte id)
{
    bool own_is_enough;
    do
    :: atomic { messages > 0 -> messages-- };
        if
        :: id == 0 -> break     /* it has had enough */
        :: true
        fi
    :: messages == 0 ->
        atomic {
            queued[id] = true;
            claimed[id] = false;
            standing++;
#ifdef TRUSTS_FENCED
            own_is_enough = fenced;
#else
            own_is_enough = settled;
#endif
            fenced = true
        };
        if
        :: !own_is_enough ->
            flush(0);
            flush(1);
            atomic {
                if
#ifdef SETTLES_LATE
                :: true -> settled = true
#else
                :: queued[id] -> settled = true
                :: else
#endif
                fi
            }
        :: else
        fi;
        if
        :: messages > 0
        :: else ->
            asleep[id] = true;
            claimed[id];
            asleep[id] = false
        fi;
        atomic {
            if
            :: queued[id] -> queued[id] = false; standing--
            :: else
            fi
        }
    od
}

init {
    atomic {
        run receiver(0);
        run receiver(1);
        run sender(0);
        run sender(1)
    };
    timeout;                    /* nobody can move any more */
    assert(!((asleep[0] || asleep[1]) && messages > 0))
}
