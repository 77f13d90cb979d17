/* The stack of unused entries of the table of allocators (omp/allocator.c): threads take an entry or a fresh one, use it
   and give it back. Each thread has two at a time and gives them back in any order. Entries are numbered from 1; the
   stack's head is a number and a count of changes, compared and changed in one step.

   Expected: an entry is never used by two, and none is lost.

   Variants that must fail:
     NO_COUNT       the head is a number alone.
     EARLY_PUSH     an entry is back on the stack before it counts as unused. */
#define THREADS 2
#define ROUNDS  2
#define ENTRIES 4 /* what THREADS can have at a time */

byte top, changes, made;
byte next[ENTRIES + 1];
bool used[ENTRIES + 1];
byte ended;

#ifdef NO_COUNT
#define SAME(t, c) (top == t)
#else
#define SAME(t, c) (top == t && changes == c)
#endif

/* pop(), or else add() */
inline take(entry)
{
    do
    :: atomic { old = top; count = changes };
        if
        :: old == 0 ->
            atomic { made++; entry = made };
            break
        :: else ->
            below = next[old];
            atomic {
                if
                :: SAME(old, count) -> top = below; changes++; entry = old
                :: else -> entry = 0
                fi
            };
            if
            :: entry != 0 -> break
            :: else
            fi
        fi
    od;
    assert(entry <= ENTRIES);
    assert(!used[entry]);
    used[entry] = true
}

inline push(entry)
{
    do
    :: atomic { old = top; count = changes };
        next[entry] = old;
        atomic {
            if
            :: SAME(old, count) -> top = entry; changes++; done = true
            :: else -> done = false
            fi
        };
        if
        :: done -> break
        :: else
        fi
    od
}

inline give_back(entry)
{
#ifdef EARLY_PUSH
    push(entry);
    assert(used[entry]);
    used[entry] = false
#else
    assert(used[entry]);
    used[entry] = false;
    push(entry)
#endif
}

proctype thread()
{
    byte a, b, old, count, below, rounds;
    bool done;
    do
    :: rounds < ROUNDS ->
        rounds++;
        take(a);
        take(b);
        if
        :: give_back(a); give_back(b)
        :: give_back(b); give_back(a)
        fi
    :: rounds == ROUNDS -> break
    od;
    ended++
}

/* At the end all entries that were made are on the stack. */
proctype census()
{
    byte at, found;
    ended == THREADS;
    at = top;
    do
    :: at != 0 -> found++; assert(found <= made); at = next[at]
    :: at == 0 -> break
    od;
    assert(found == made)
}

init {
    atomic {
        run thread();
        run thread();
        run census()
    }
}
