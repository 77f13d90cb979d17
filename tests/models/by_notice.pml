/* W5 of src/chan/wait.c: a channel without buffer, where senders stand with their messages, and receivers that may be given up at any time are
   only called, never handed anything. Up to two senders, two receivers; one receiver may go after having been called, without trying. All that
   happens under the channel's lock is one step.

   A sender that finds nobody to hand its message to stands in, and calls one receiver, who is out of the queue then. A receiver stands in
   only where it sees no sender under the lock; one that was called takes a message from where a sender stands.

   Expected: once everything has come to rest no receiver that has not gone stands there while a sender stands.

   Variants that must fail:
     KEEPS_CALL        who was called and goes does not call the next.
     STANDS_UNSEEING   a receiver looks for senders, and stands in by a second step.
     CALLS_FIRST       a sender calls before it stands in. */
#define N 2

byte senders;                   /* that stand there */
byte received;
bool queued[N], called[N], gone[N], has[N], waits[N];

inline call_one()
{
    atomic {
        if
        :: queued[0] -> queued[0] = false; called[0] = true
        :: queued[1] -> queued[1] = false; called[1] = true
        :: else
        fi
    }
}

proctype sender()
{
    if
    :: true                     /* it never comes */
    :: true ->
#ifdef CALLS_FIRST
        call_one();
        senders++
#else
        senders++;
        call_one()
#endif
    fi
}

proctype receiver(byte id)
{
    bool saw_none;
again:
#ifdef STANDS_UNSEEING
    atomic {
        if
        :: senders > 0 -> senders--; received++; has[id] = true; goto over
        :: else -> saw_none = true
        fi
    };
    queued[id] = true;
#else
    atomic {
        if
        :: senders > 0 -> senders--; received++; has[id] = true; goto over
        :: else -> queued[id] = true
        fi
    };
#endif
    waits[id] = true;
    if
    :: called[id] ->
        waits[id] = false;
        called[id] = false;
        if
        :: goto again
        :: id == 0 ->           /* it is dropped instead of trying */
            gone[id] = true;
#ifndef KEEPS_CALL
            call_one()
#endif
        fi
    :: id == 0 ->               /* it is dropped while it stands there, or in the moment when it is called */
        waits[id] = false;
        gone[id] = true;
        atomic {
            if
            :: queued[id] -> queued[id] = false; saw_none = true
            :: else -> saw_none = false
            fi
        };
#ifndef KEEPS_CALL
        if
        :: !saw_none -> call_one()
        :: else
        fi
#endif
    fi;
over:
    skip
}

init {
    atomic {
        run sender();
        run sender();
        run receiver(0);
        run receiver(1)
    };
    timeout;                    /* nobody can move any more */
    assert(!(waits[1] && !called[1] && senders > 0));
    assert(!(waits[0] && !called[0] && senders > 0))
}
