/* Epoch reclamation (mem/epoch.c): a writer replaces what a link points to, retires the old extent and frees it when
   the scan allows; two readers follow the link. Extents are 0, 1, 2.

   Expected: no reader uses a freed extent.

   Variants that must fail:
     STAMP_BEFORE_UNLINK  the stamp is taken before the link is changed.
     PLAIN_ENTER          the reader's announcement is a plain store, which may be delayed past the read of the link.
     NO_STAMP_STEP        an extent goes as soon as all inside announced an epoch of at least its stamp less one. */
#define READERS 2
#define VISITS  2

byte epoch = 1;
byte inside[READERS];
byte current;
bool freed[3];

proctype reader(byte self)
{
    byte now, extent, visits;
    do
    :: visits < VISITS ->
        visits++;
        now = epoch;
#ifdef PLAIN_ENTER
        extent = current;
        inside[self] = now;
#else
        inside[self] = now;
        extent = current;
#endif
        assert(!freed[extent]);         /* uses it, now and later */
        assert(!freed[extent]);
        inside[self] = 0
    :: visits == VISITS -> break
    od
}

/* A scan reads the readers one after the other; what may not go waits for the next scan. */
proctype writer()
{
    byte stamp[3], next, i, r, oldest, seen;
    bool waiting[3];
    for (next : 1 .. 2) {
#ifdef STAMP_BEFORE_UNLINK
        atomic { stamp[next - 1] = epoch + 1; epoch++ };
        current = next;
#else
        current = next;
        atomic { stamp[next - 1] = epoch + 1; epoch++ };
#endif
        waiting[next - 1] = true;
        oldest = 255;
        for (r : 0 .. READERS - 1) {
            seen = inside[r];
            if
            :: seen != 0 && seen < oldest -> oldest = seen
            :: else
            fi
        }
        for (i : 0 .. 1) {
            if
#ifdef NO_STAMP_STEP
            :: waiting[i] && stamp[i] <= oldest + 1 ->
#else
            :: waiting[i] && stamp[i] <= oldest ->
#endif
                freed[i] = true;
                waiting[i] = false
            :: else
            fi
        }
    }
}

init {
    atomic {
        run writer();
        run reader(0);
        run reader(1)
    }
}
