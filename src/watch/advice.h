/* What is worth a look, found when a process ends from what was counted and profiled: each at most once, with a
   sentence on what to do. `moirai report` finds some of it by itself, from the spans, and takes the rest from the
   recording. */
#ifndef MO_WATCH_ADVICE_H
#define MO_WATCH_ADVICE_H

enum mo_advice {
    MO_ADVICE_FALSE_SHARING,
    MO_ADVICE_LOCK_ORDER,
    MO_ADVICE_SHORT_TASKS,
    MO_ADVICE_BLOCKED,
    MO_ADVICE_OVERSUBSCRIBED,
    MO_ADVICE_LITTLE_WORK,
    MO_ADVICE_LOCK_WAITS, /* of a report alone */
    MO_ADVICES
};

#define MO_ADVICE_NAMES                                                                                                \
    {                                                                                                                  \
        "false_sharing", "lock_order", "short_tasks", "blocked", "oversubscribed", "little_work", "lock_waits"         \
    }
#define MO_ADVICE_BYTES 480
#define MO_ADVICE_MANY  1000 /* tasks, or regions: of fewer nothing is said */

struct mo_advices {
    char text[MO_ADVICES][MO_ADVICE_BYTES]; /* empty: nothing to say */
};

struct mo_stats;
/* Of this process. */
void mo_advise(struct mo_advices *a, const struct mo_stats *s);

#endif
