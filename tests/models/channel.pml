/* Waiting at channels, src/chan/wait.c: two channels A and B with room enough, a sender to each, one that may close both,
   a receiver at A and one that selects over A and B; receivers may give up. Each takes one message at most.

   Expected, once everything has come to rest: nobody sleeps at a channel that has a message or is closed; and no message
   is in a channel of which a receiver was told that it is closed and empty.

   Variants that must fail:
     NO_SECOND_LOOK     a receiver sleeps without looking again after it has stood in.
     LOOK_BEFORE_WRITE  a sender looks for those who stand there before its message can be seen, as a processor without the
                        barrier would have it.
     LOOK_BEFORE_STAND  a receiver looks the second time before others can see that it stands there.
     NO_PASSING_ON      a select that was noticed for one channel and takes a message of the other keeps the notice.
     KEEPS_NOTICE       who gives up although it has been noticed does not try.
     NOTICE_WITHOUT_CLAIM  a sender that finds a waiter that was claimed elsewhere does not go on to the next.
     CLOSE_BETWEEN      a sender looks whether the channel is closed, and claims its place in a second step. */
#define A 0
#define B 1
#define NONE 2

chan queue[2] = [2] of { byte };
byte items[2];
bool closed[2], told_closed[2];
bool claimed[2];                    /* of a receiver: CLAIMED or OVER */
byte noticed_for[2];
bool asleep[2];

/* Take the oldest that can be claimed out of the queue, or find nobody. The lock makes one step of it. */
inline notify(c)
{
    atomic {
        done = false;
        do
        :: done -> break
        :: !done && len(queue[c]) == 0 -> break
        :: !done && len(queue[c]) > 0 ->
            queue[c]?w;
            if
            :: !claimed[w] -> claimed[w] = true; noticed_for[w] = c; done = true
            :: else ->
#ifdef NOTICE_WITHOUT_CLAIM
                done = true
#else
                skip
#endif
            fi
        od;
        w = 0; done = false
    }
}

inline notify_all(c)
{
    do
    :: len(queue[c]) > 0 -> notify(c)
    :: len(queue[c]) == 0 -> break
    od
}

proctype sender(byte c)
{
    byte w;
    bool done, somebody;
#ifdef LOOK_BEFORE_WRITE
    somebody = (len(queue[c]) > 0);
#endif
#ifdef CLOSE_BETWEEN
    if
    :: closed[c] -> goto refused
    :: else
    fi;
    items[c]++;
#else
    atomic {
        if
        :: closed[c] -> goto refused
        :: else -> items[c]++
        fi
    }
#endif
#ifndef LOOK_BEFORE_WRITE
    somebody = (len(queue[c]) > 0);
#endif
    if
    :: somebody -> notify(c)
    :: else
    fi;
refused:
    skip
}

proctype closer()
{
    byte w;
    bool done;
    if
    :: true ->
        closed[A] = true;
        notify_all(A);
        closed[B] = true;
        notify_all(B)
    :: true
    fi
}

/* A try, which is exact: a message, or closed and empty, or neither. */
inline try(c)
{
    atomic {
        if
        :: items[c] > 0 -> items[c]--; took = c
        :: items[c] == 0 && closed[c] -> told_closed[c] = true; took = c
        :: else
        fi
    }
}

inline try_all()
{
    took = NONE;
    if
    :: !selects -> try(A)
    :: selects ->
        try(A);
        if
        :: took == NONE -> try(B)
        :: else
        fi
    :: selects ->
        try(B);
        if
        :: took == NONE -> try(A)
        :: else
        fi
    fi
}

inline look()
{
    ready = (items[A] > 0 || closed[A] || (selects && (items[B] > 0 || closed[B])))
}

inline leave(c)
{
    atomic {
        if
        :: queue[c]??[eval(self)] -> queue[c]??eval(self)
        :: else
        fi
    }
}

proctype receiver(byte self; bool selects)
{
    byte took, noticed = NONE, w;
    bool ready, has_deadline, gives_up, done;
    if
    :: has_deadline = true
    :: true
    fi;
    do
    :: try_all();
        if
        :: took != NONE ->
#ifndef NO_PASSING_ON
            if
            :: noticed != NONE && noticed != took -> notify(noticed)
            :: else
            fi;
#endif
            break
        :: took == NONE && gives_up -> break
        :: else
        fi;
        noticed = NONE;
        atomic { claimed[self] = false; noticed_for[self] = NONE };
#ifdef LOOK_BEFORE_STAND
        look();
#endif
        queue[A]!self;
        if
        :: selects -> queue[B]!self
        :: else
        fi;
#ifndef LOOK_BEFORE_STAND
        look();
#endif
#ifdef NO_SECOND_LOOK
        ready = false;
#endif
        if
        :: ready
        :: !ready ->
            asleep[self] = true;
            if
            :: claimed[self]
            :: has_deadline -> gives_up = true
            fi;
            asleep[self] = false
        fi;
        atomic {                        /* withdraw: the CAS of its own state */
            if
            :: claimed[self] -> noticed = noticed_for[self]
            :: else -> claimed[self] = true
            fi
        };
        leave(A);
        if
        :: selects -> leave(B)
        :: else
        fi;
        if
#ifdef KEEPS_NOTICE
        :: gives_up -> break
#else
        :: gives_up && noticed == NONE -> break
#endif
        :: else
        fi
    od
}

init {
    atomic {
        noticed_for[0] = NONE;
        noticed_for[1] = NONE;
        run receiver(0, false);
        run receiver(1, true);
        run sender(A);
        run sender(B);
        run closer()
    };
    timeout;                            /* nobody can move any more */
    assert(!(asleep[0] && (items[A] > 0 || closed[A])));
    assert(!(asleep[1] && (items[A] > 0 || items[B] > 0 || closed[A] || closed[B])));
    assert(!(told_closed[A] && items[A] > 0));
    assert(!(told_closed[B] && items[B] > 0))
}
