/* The channel with one thread at each end while it is closed (chan/spsc.c).

   The sender's count lies in its store buffer until it flows out, which the barrier of all threads forces, as does its own CAS.
   Beside it the receiver takes what it sees, and somebody closes. Two messages at most.

   Expected: what the sender was told has been sent is received, and nothing else is; after it has said "closed" the
   receiver takes nothing; a send that began after the channel was closed fails.

   Variants that must fail:
     NO_BARRIER   who closes has nobody pass a barrier.
     UNDECIDED    the receiver says "closed" without having settled where the end is.
     UNSEALED     it takes what it finds after that.
     TAKEN_BACK   the sender takes its message back although the receiver has settled that it is the last one.
     UNLIMITED    the sender is not stopped by the limit. */
#define NONE 9

byte tail, flowing; /* as all see it; and on the way there, with `buffered` */
bool buffered;
byte head, end = NONE;
byte sent, received;
bool limit_gone, shut, closed, sealed, sender_over;

inline flow_out()
{
    d_step {
        if
        :: buffered -> buffered = false; tail = flowing
        :: else
        fi
    }
}

proctype buffer()
{
    do
    :: atomic { buffered -> buffered = false; tail = flowing }
    :: sender_over && !buffered -> break
    od
}

proctype sender()
{
    byte t;
    bool late;
    do
    :: t < 2 ->
        late = closed; /* before the call */
#ifndef UNLIMITED
        if
        :: limit_gone -> break
        :: else
        fi;
#endif
        d_step { buffered = true; flowing = t + 1 }; /* S2 */
        if
        :: !shut -> t++; sent++; assert(!late) /* S3 */
        :: else ->
            flow_out();
            if
            :: atomic { end == NONE -> end = t + 1 }; t++; sent++; assert(!late)
#ifndef TAKEN_BACK
            :: atomic { end == t + 1 -> t++ }; sent++; assert(!late)
            :: end != NONE && end != t + 1 ->
#else
            :: end != NONE ->
#endif
                tail = t;
                break
            fi
        fi
    :: else -> break
    od;
    sender_over = true
}

proctype closer()
{
    limit_gone = true;
    shut = true;
#ifndef NO_BARRIER
    flow_out();
#endif
    closed = true
}

inline take()
{
    head++;
    received++;
    assert(!sealed)
}

proctype receiver()
{
    do
    :: tail > head -> take()
    :: else ->
        if
        :: closed ->
            if
            :: tail > head
            :: else ->
#ifdef UNDECIDED
                sealed = true; break
#else
                if
                :: atomic { end == NONE -> end = head }; sealed = true; break
                :: atomic { end == head -> sealed = true }; break
                :: end != NONE && end != head
                fi
#endif
            fi
        :: else
        fi
    od;
#ifdef UNSEALED
    if
    :: tail > head -> take()
    :: else
    fi
#endif
}

init {
    atomic {
        run buffer();
        run sender();
        run closer();
        run receiver()
    };
    timeout;
    assert(sender_over && sealed);
    assert(sent == received && tail == head)
}
