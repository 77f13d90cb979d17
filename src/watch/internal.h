/* What the files of watch share. */
#ifndef MO_WATCH_INTERNAL_H
#define MO_WATCH_INTERNAL_H

#include "watch/locks.h"
#include "watch/table.h"

#include <signal.h>

#define PATH_BYTES 4096

/* start.c */
/* The process was forked from the one that began. */
bool mo_watch_is_child(void);
/* A path as the setting has it, from the folder where the process began, with %p as the process's number. */
bool mo_watch_path(const char *text, char path[PATH_BYTES]);
/* A new file to be read and written by its owner alone; -1, after a message that names the setting, if there can be
   none. */
int mo_watch_create(const char *text, const char *setting);

/* What is written in between raises no SIGPIPE and no SIGXFSZ. */
struct mo_quiet {
    sigset_t pending, before;
};
void mo_watch_quiet(struct mo_quiet *q);
void mo_watch_unquiet(const struct mo_quiet *q);

/* The statistics of this process; false: no memory. */
bool mo_watch_collect(struct mo_stats *s);
void mo_watch_uncollect(struct mo_stats *s);

/* trace.c */
/* Without a recording only how long threads sleep is of interest. */
void mo_trace_begin(bool recorded);
void mo_trace_finish(const struct mo_advices *advices); /* NULL: there are none */

/* metrics.c */
void mo_watch_serve(const char *where);
void mo_watch_stop_serving(void);

#endif
