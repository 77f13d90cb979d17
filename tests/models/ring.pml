/* The bells of native/ring.h: a ring of two slots, a receiver and SENDERS senders that wait for slots. Everything is
   sequentially consistent, as the accesses are that matter here. The slots are two numbers, of those in use and of messages.

   A bell is an even number, plus 1 while somebody may sleep on it. The ring is full at the beginning. Each sender sends so many
   messages, but may be held up for ever before it publishes one. The receiver takes what there is; it rings after every other
   message, as with half of four slots, and before it waits.

   Expected: once everything has come to rest, no sender sleeps while a slot is free, nor the receiver while there is a message.

   Variant that must hold:
     ONE             one sender of three messages, which takes its bit away when it did not need to sleep, as the receiver does.
   Variants that must fail:
     LOOK_FIRST      senders look for a slot before they set the bit, and not again.
     RING_FIRST      the bell is read before the slot is freed, as a plain store that the processor delays would have it.
     STAYS_OWING     the receiver waits and has not rung for the last message.
     WAKE_ONE        one sleeper is woken, though the bit stood for all.
     NO_NUMBER       ringing takes the bit away, and the number stays: another waiter may set it again before this one sleeps.
     ANY_TAKES_AWAY  with two senders each takes the bit away when it did not need to sleep. */
#ifdef ONE
#define SENDERS  1
#define MESSAGES 3
#define ALONE    true
#else
#define SENDERS  2
#define MESSAGES 2
#ifdef ANY_TAKES_AWAY
#define ALONE true
#else
#define ALONE false
#endif
#endif
#define RECEIVER SENDERS
#define SLOTS    2

byte used = SLOTS, ready = SLOTS, receiver_bell, senders_bell;
bool asleep[SENDERS + 1];

inline wake_senders()
{
    d_step {
#ifdef WAKE_ONE
        if
        :: asleep[0] -> asleep[0] = false
        :: else -> asleep[SENDERS - 1] = false
        fi
#else
        asleep[0] = false;
        asleep[SENDERS - 1] = false
#endif
    }
}

#ifdef NO_NUMBER
#define RUNG(seen) (seen - 1)
#else
#define RUNG(seen) (seen + 1)
#endif

/* The CAS may fail: then another one has rung. */
inline ring_senders()
{
#ifdef RING_FIRST
    seen = early;
#else
    seen = senders_bell;
#endif
    if
    :: seen & 1 ->
        atomic {
            rang = (senders_bell == seen);
            senders_bell = (rang -> RUNG(seen) : senders_bell)
        };
        if
        :: rang -> wake_senders()
        :: else
        fi
    :: else
    fi
}

inline ring_receiver()
{
    seen = receiver_bell;
    if
    :: seen & 1 ->
        atomic {
            rang = (receiver_bell == seen);
            receiver_bell = (rang -> RUNG(seen) : receiver_bell)
        };
        if
        :: rang -> asleep[RECEIVER] = false
        :: else
        fi
    :: else
    fi
}

/* The kernel compares and queues in one step. */
inline sleep_on(bell, self)
{
    atomic {
        if
        :: bell == seen -> asleep[self] = true
        :: else
        fi
    };
    !asleep[self]
}

inline take_bit_away(bell)
{
    atomic {
        if
        :: bell == seen -> bell = seen - 1
        :: else
        fi
    }
}

/* The look that finds a slot takes it. */
inline look_for_slot()
{
    atomic {
        got = (used < SLOTS);
        used = (got -> used + 1 : used)
    }
}

proctype sender(byte self)
{
    byte seen, sent;
    bool got, rang;
    do
    :: sent == MESSAGES -> break
    :: else ->
        look_for_slot();
        if
        :: got -> skip
        :: else ->
            atomic {
                seen = senders_bell | 1;
                senders_bell = seen
            };
#ifndef LOOK_FIRST
            look_for_slot();
#endif
            if
            :: got && ALONE -> take_bit_away(senders_bell)
            :: got && !ALONE
            :: else -> sleep_on(senders_bell, self)
            fi
        fi;
        if
        :: got ->
            if
            :: skip
            :: true -> false         /* held up */
            fi;
            ready++;
            ring_receiver();
            sent++
        :: else
        fi
    od
}

proctype receiver()
{
    byte seen, early, owing;
    bool rang;
    do
    :: ready > 0 ->
        ready--;
#ifdef RING_FIRST
        early = senders_bell;
#endif
        used--;
        owing = 1 - owing;
        if
        :: owing == 0 -> ring_senders()
        :: else
        fi
    :: else ->
#ifndef STAYS_OWING
        ring_senders();
#endif
        atomic {
            seen = receiver_bell | 1;
            receiver_bell = seen
        };
        if
        :: ready > 0 -> take_bit_away(receiver_bell)
        :: else -> sleep_on(receiver_bell, RECEIVER)
        fi
    od
}

init {
    atomic {
        run receiver();
        run sender(0);
        if
        :: SENDERS > 1 -> run sender(SENDERS - 1)
        :: else
        fi
    };
    timeout;                    /* nobody can move any more */
    assert(used == SLOTS || !(asleep[0] || (SENDERS > 1 && asleep[SENDERS - 1])));
    assert(ready == 0 || !asleep[RECEIVER])
}
