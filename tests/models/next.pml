/* A job that stays with the worker that made it ready, without anybody being told (sched/next.c Y1 to Y3), beside those who sleep.

   One worker runs a fiber that wakes two others and then never gives its thread back. Two more workers look for work; one that
   has found a job stays in it for ever. The list stands for all that is published in the usual way. Sleeping, searching and tokens are as in
   idle.pml. Whether a worker is to watch is decided by a count that others change, so it may or may not. A watcher's sleep ends by itself, a few times for nothing, and always while there is something to be found.

   Expected: once everything has come to rest, nothing is left while a worker sleeps.

   Variants that must fail:
     SECRET      who puts a job there never tells.
     NO_LOOK     the last look before a sleep does not see these words.
     LATE_CLEAR  a watcher takes the word back only after its last look. */
byte slot, list;
bool watcher;
byte sleepers, searchers, tokens, idle_looks, through;

inline wake_one()
{
    atomic {
        if
        :: sleepers > 0 && searchers == 0 -> sleepers--; searchers++; tokens++
        :: else
        fi
    }
}

active proctype fiber()
{
    byte i, before;
    for (i : 1 .. 2) {
        atomic { before = slot; slot = 1 };
        if
        :: before -> list++; wake_one()
        :: else ->
#ifndef SECRET
            if
            :: !watcher -> wake_one()
            :: watcher
            fi
#else
            skip
#endif
        fi
    }
}

active [2] proctype worker()
{
    bool watches, searching, relied, asleep, found;
    do
    :: /* work(), awake */
        if
        :: watches ->
            watches = false;
#ifndef LATE_CLEAR
            watcher = false;
#endif
            if
            :: !searching -> searching = true; searchers++
            :: searching
            fi
        :: else
        fi;
        atomic {
            if
            :: list > 0 -> list--; found = true
            :: else
            fi
        };
        if
        :: found -> break
        :: else
        fi;
        if
        :: !searching -> searching = true; searchers++
        :: searching
        fi;
        atomic { sleepers++; searchers--; searching = false; asleep = true };
        atomic { /* the last look */
            if
            :: list > 0 -> list--; found = true
            :: else
            fi
        };
#ifndef NO_LOOK
        atomic {
            if
            :: !found && slot -> slot = 0; found = true
            :: else
            fi
        };
#endif
#ifdef LATE_CLEAR
        if
        :: watcher -> watcher = false
        :: else
        fi;
#endif
        if
        :: found -> break
        :: else
        fi;
        atomic {
            if
            :: !watcher -> watcher = true; watches = true
            :: true
            fi
        };
        if
        :: tokens > 0
        :: watches && (slot || list)
        :: atomic { watches && idle_looks < 3 -> idle_looks++ }
        fi;
        atomic {
            asleep = false;
            if
            :: tokens > 0 -> tokens--; searching = true
            :: else -> sleepers--
            fi
        }
    od;
    relied = searching || asleep;
    atomic {
        if
        :: asleep && tokens > 0 -> tokens--; searchers--
        :: asleep && tokens == 0 -> sleepers--
        :: !asleep && searching -> searchers--
        :: else
        fi
    };
    if
    :: relied -> wake_one()
    :: else
    fi;
    through++
}

init
{
    if
    :: timeout -> assert(through == 2 || (slot == 0 && list == 0))
    fi
}
