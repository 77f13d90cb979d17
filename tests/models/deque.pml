/* The work-stealing deque: one owner, two thieves, each shared access a step of its own (D1..D8 of queue/deque.h).

   The owner pushes ITEMS items and pops in between and at the end, in every order; the buffer starts with two slots, so
   it grows (D8), and slots are used again. Expected: each item is taken exactly once.

   Variant that must hold:
     ALWAYS_CLAIM   the owner never takes the last item as a thief does.
   Variants that must fail:
     TAKE_TWO       a thief takes two items by one CAS.
     PLAIN_CLAIM    the owner's claim (D3) is a plain store, which the processor may delay past the read of top (D4).
     NO_LAST_CAS    the owner takes the last item without the CAS.
     BOTTOM_FIRST   a thief reads bottom (D6) before top (D5). */
#define ITEMS   4
#define ATTEMPTS 2

int top, bottom;
byte slot[6];        /* first buffer: 0 and 1; second: 2 to 5 */
bool grown;          /* which buffer `buffer` points to */
byte taken[ITEMS + 1]; /* items are 1..ITEMS */
byte finished;

#define FIRST(i)  ((i) & 1)
#define SECOND(i) (2 + ((i) & 3))
#define AT(second, i) ((second -> SECOND(i) : FIRST(i)))

inline count(x)
{
    assert(x >= 1 && x <= ITEMS);
    assert(taken[x] == 0);
    taken[x] = 1
}

proctype owner()
{
    int b, t, top_seen, i;
    byte pushed, x;
    bool popped_none;

    do
    :: pushed < ITEMS ->
        /* Room. The owner reads its own words, and top where its old knowledge does not suffice. */
        b = bottom;
        if
        :: b - top_seen >= (grown -> 4 : 2) ->
            top_seen = top;
            if
            :: b - top_seen >= (grown -> 4 : 2) ->
                assert(!grown);
                d_step {
                    i = top_seen;
                    do
                    :: i < b -> slot[SECOND(i)] = slot[FIRST(i)]; i++
                    :: else -> break
                    od;
                    i = 0
                }
                grown = true                        /* D8 */
            :: else
            fi
        :: else
        fi;
        pushed++;
        slot[AT(grown, b)] = pushed;                /* D1 */
        bottom = b + 1                              /* D2 */
    :: true ->
        popped_none = false;
        b = bottom - 1;
#ifndef ALWAYS_CLAIM
        if
        :: top == b ->                              /* mo_deque_take_last(): as a thief */
            x = slot[AT(grown, b)];
            if
            :: atomic { top == b -> top = b + 1 }
                count(x)
            :: else -> popped_none = true
            fi;
            top_seen = b + 1;
            goto popped
        :: else
        fi;
#endif
#ifdef PLAIN_CLAIM
        t = top;
        bottom = b;
#else
        bottom = b;                                 /* D3 */
        t = top;                                    /* D4 */
#endif
        if
        :: t < b ->
            x = slot[AT(grown, b)];
            count(x)
        :: else ->
            if
            :: t == b ->
#ifdef NO_LAST_CAS
                top = b + 1;
                x = slot[AT(grown, b)];
                count(x)
#else
                if
                :: atomic { top == t -> top = t + 1 }
                    x = slot[AT(grown, b)];
                    count(x)
                :: else -> popped_none = true
                fi
#endif
            :: else -> popped_none = true
            fi;
            bottom = b + 1;
            top_seen = top
        fi;
popped:
        x = 0;
        t = 0;
        if
        :: popped_none && pushed == ITEMS -> break
        :: else
        fi
    od;
    finished++
}

proctype thief()
{
    int t, b;
    bool second;
    byte x, y, attempts;

    do
    :: attempts < ATTEMPTS ->
        attempts++;
#ifdef BOTTOM_FIRST
        b = bottom;
        t = top;
#else
        t = top;                                    /* D5 */
        b = bottom;                                 /* D6 */
#endif
        if
        :: t < b ->
            second = grown;                         /* pairs with D8 */
            x = slot[AT(second, t)];
#ifdef TAKE_TWO
            if
            :: b - t >= 2 ->
                y = slot[AT(second, t + 1)];
                if
                :: atomic { top == t -> top = t + 2 }
                    count(x);
                    count(y)
                :: else
                fi
            :: else
            fi;
#else
            if
            :: atomic { top == t -> top = t + 1 }   /* D7 */
                count(x)
            :: else
            fi;
#endif
            d_step { x = 0; y = 0; second = false }
        :: else
        fi;
        d_step { t = 0; b = 0 }
    :: attempts == ATTEMPTS -> break
    od;
    finished++
}

init {
    byte i;
    atomic {
        run owner();
        run thief();
        run thief()
    };
    finished == 3;
    assert(top == bottom);
    for (i : 1 .. ITEMS) {
        assert(taken[i] == 1)
    }
}
