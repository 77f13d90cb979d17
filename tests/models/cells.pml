/* Successors of a node (sched/depend.c): two cells in it, of which the last gives way to a block when a third successor
   comes. The creator adds four successors while the task ends.

   Expected: the end releases those successors to which there is an edge, each once, and no others (G1).

   Variants that must fail:
     READ_TWICE      the end reads the last cell once to see what it is, and again for what is in it.
     LINK_FIRST      the last cell leads to the block before the second successor has moved there.
     LATE_MOVE       the second successor moves when the third has been published. */
#define SUCCESSORS 4
#define BLOCK      7 /* what the last cell holds when it leads to the block */

byte number;        /* of successors; with `has_ended` one word */
bool has_ended;
byte first, last;   /* the node's cells; successor n is n + 1 */
byte block[SUCCESSORS];
bool edge[SUCCESSORS], released[SUCCESSORS];
bool over;

inline move_last()
{
#ifdef LINK_FIRST
    last = BLOCK;
    block[0] = 2
#else
    block[0] = last;
    last = BLOCK
#endif
}

/* mo_node_precede() */
proctype creator()
{
    byte n;
    do
    :: n < SUCCESSORS && !has_ended ->
        if
        :: n == 0 -> first = n + 1
        :: n == 1 -> last = n + 1
        :: n > 1 ->
#ifndef LATE_MOVE
            if
            :: last != BLOCK -> move_last()
            :: else
            fi;
#endif
            block[n - 1] = n + 1
        fi;
        atomic {
            if
            :: !has_ended -> number = n + 1; edge[n] = true
            :: else -> break
            fi
        };
#ifdef LATE_MOVE
        if
        :: n == 2 -> move_last()
        :: else
        fi;
#endif
        n++
    :: else -> break
    od
}

inline release(x)
{
    d_step {
        assert(x > 0 && x <= SUCCESSORS);
        assert(edge[x - 1] && !released[x - 1]);
        released[x - 1] = true
    }
}

/* mo_node_end() */
proctype end()
{
    byte n, i, seen;
    atomic { has_ended = true; n = number };
    if
    :: n > 0 -> release(first)
    :: else
    fi;
    if
    :: n > 1 ->
        seen = last;
        if
        :: seen == BLOCK ->
            i = 0;
            do
            :: i < n - 1 -> release(block[i]); i++
            :: else -> break
            od
        :: else ->
#ifdef READ_TWICE
            seen = last;
#endif
            release(seen)
        fi
    :: else
    fi;
    over = true
}

init {
    atomic { run creator(); run end() };
    (_nr_pr == 1);
    assert(over);
    byte k;
    for (k : 0 .. SUCCESSORS - 1) {
        assert(released[k] == edge[k])
    }
}
