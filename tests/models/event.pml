/* The event count of park/park.h: two waiters, a notifier. The condition is a number of items that a waiter takes; the
   notifier makes two, one after the other, and notifies one waiter each time, or all.

   Expected: nobody sleeps while there is an item, once everything has come to rest.

   Variants that must fail:
     CHECK_BEFORE_PREPARE  the waiter looks at the condition before it says that it waits, and not again.
     KEY_AFTER_CHECK       the waiter reads seq after it looked.
     NOTIFY_BEFORE_CHANGE  the notifier reads `waiters` before it has changed the condition, as a plain store that the
                           processor delays would have it.
     NO_RAISE              the notifier wakes without raising seq. */
byte seq, waiters, items;
bool blocked[2];
bool asleep_for_good;

/* One waiter sleeping at the futex, any of them; nobody when nobody does. */
inline futex_wake_one()
{
    atomic {
        if
        :: blocked[0] -> blocked[0] = false
        :: blocked[1] -> blocked[1] = false
        :: else
        fi
    }
}

inline futex_wake_all()
{
    d_step { blocked[0] = false; blocked[1] = false }
}

inline take_item()
{
    atomic {
        got = (items > 0);
        items = (got -> items - 1 : items)
    }
}

proctype waiter(byte self)
{
    byte key;
    bool got;
    do
    :: true ->
        take_item();
        if
        :: got -> break
        :: else
        fi;
#ifdef CHECK_BEFORE_PREPARE
        waiters++;
        key = seq;
#else
        waiters++;                  /* prepare: RMW, then the key */
#ifdef KEY_AFTER_CHECK
        take_item();
        key = seq;
#else
        key = seq;
        take_item();
#endif
#endif
        if
        :: !got ->
            atomic {                /* the kernel compares and queues in one step */
                if
                :: seq == key -> blocked[self] = true
                :: else
                fi
            };
            !blocked[self]
        :: else
        fi;
        waiters--;                  /* finish */
        if
        :: got -> break
        :: else
        fi
    od
}

proctype notifier()
{
    byte made, seen;
    bool all;
    do
    :: made < 2 ->
#ifdef NOTIFY_BEFORE_CHANGE
        seen = waiters;
        items++;
#else
        items++;
        seen = waiters;
#endif
        if
        :: seen > 0 ->
#ifndef NO_RAISE
            seq++;
#endif
            if
            :: all = true
            :: all = false
            fi;
            if
            :: all -> futex_wake_all()
            :: else -> futex_wake_one()
            fi
        :: else
        fi;
        made++
    :: made == 2 -> break
    od
}

init {
    atomic {
        run waiter(0);
        run waiter(1);
        run notifier()
    };
    timeout;                        /* nobody can move any more */
    assert(items == 0 || !(blocked[0] || blocked[1]))
}
