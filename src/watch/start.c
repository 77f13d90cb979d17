/* What is asked for by the settings: found out early, begun at the first use, written at the end of the process.

   The end is a destructor's: it comes after the program's exit handlers, needs no registration, and does not come where
   the process ends by _exit() or a signal. Each of several objects of Moirai has one; the first does the work. Nothing
   here may change what the program does: writing may fail, and raises no signal; a table goes to standard error only if
   that is still the file that it was at the beginning. */
#include "watch/internal.h"

#include "base/config.h"
#include "base/log.h"
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    _Atomic uint32_t known; /* wishes + 1 << 31 */
    _Atomic bool begun, ended;
    unsigned pid; /* of the process that began */
    dev_t error_device;
    ino_t error_inode;
    bool error_open;
    char folder[PATH_BYTES]; /* where it began */
} state;

#define EXECS_MAX 16 /* images of one process, one after the other, that take the same name */
#define KNOWN     0x80000000u

static bool is_on(const char *text)
{
    return text && *text && strcmp(text, "0") != 0 && strcasecmp(text, "off") != 0 && strcasecmp(text, "false") != 0 &&
           strcasecmp(text, "no") != 0;
}

static unsigned look(void)
{
    unsigned wishes = 0;
    if (is_on(mo_knob_early_text(MO_KNOB_STATS)))
        wishes |= MO_WATCH_STATS;
    if (is_on(mo_knob_early_text(MO_KNOB_METRICS)))
        wishes |= MO_WATCH_METRICS;
    if (is_on(mo_knob_early_text(MO_KNOB_LOCKS)))
        wishes |= MO_WATCH_LOCKS;
    const char *trace = mo_knob_early_text(MO_KNOB_TRACE);
    if (trace && *trace)
        wishes |= MO_WATCH_TRACE;
    return wishes;
}

/* Several threads may find it out at once: the same. */
unsigned mo_watch_wishes(void)
{
    uint32_t known = mo_load_relaxed(&state.known);
    if (mo_unlikely(!known)) {
        if (!environ)
            return 0;
        known = look() | KNOWN;
        mo_store_relaxed(&state.known, known);
    }
    return known & ~KNOWN;
}

/* ---- Where to write. */
bool mo_watch_is_child(void)
{
    return (unsigned)getpid() != state.pid;
}

bool mo_watch_path(const char *text, char path[PATH_BYTES])
{
    size_t used = 0;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (*text != '/') {
        used = strlen(state.folder);
        memcpy(path, state.folder, used);
        path[used++] = '/';
    }
    for (; *text; text++) {
        const char *piece = text[0] == '%' && text[1] == 'p' ? pid : NULL;
        size_t bytes = piece ? strlen(piece) : 1;
        if (used + bytes >= PATH_BYTES)
            return false;
        memcpy(path + used, piece ? piece : text, bytes);
        used += bytes;
        text += piece != NULL;
    }
    path[used] = '\0';
    return true;
}

static int create(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool is_file(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* A file that nobody had before, nor is led to by a link. A child of fork, and a process that finds a file there, take
   the name with their number behind it. */
int mo_watch_create(const char *text, const char *setting)
{
    char path[PATH_BYTES], own[PATH_BYTES + 24];
    if (!mo_watch_path(text, path)) {
        mo_warn("%s: the path is too long: nothing is written", setting);
        return -1;
    }
    bool shared = mo_watch_is_child() && !strstr(text, "%p");
    int fd = shared ? -1 : create(path);
    if (shared || (fd < 0 && errno == EEXIST && is_file(path))) {
        for (int i = 0; i < EXECS_MAX && (i == 0 || (fd < 0 && errno == EEXIST)); i++) {
            snprintf(own, sizeof own, i ? "%s.%d.%d" : "%s.%d", path, (int)getpid(), i);
            fd = create(own);
        }
        if (fd >= 0 && !shared)
            mo_warn("%s: %.200s is there already: .%d is added to the name", setting, path, (int)getpid());
    }
    if (fd < 0)
        mo_warn("%s: cannot create %.200s (%s): nothing is written", setting, path, strerror(errno));
    return fd;
}

/* ---- Without signals of ours. */
void mo_watch_quiet(struct mo_quiet *q)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGPIPE);
    sigaddset(&both, SIGXFSZ);
    sigpending(&q->pending);
    pthread_sigmask(SIG_BLOCK, &both, &q->before);
}

void mo_watch_unquiet(const struct mo_quiet *q)
{
    static const struct timespec now = {0, 0};
    static const int both[] = {SIGPIPE, SIGXFSZ};
    for (int i = 0; i < 2; i++) {
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, both[i]);
        if (!sigismember(&q->pending, both[i]))
            while (sigtimedwait(&one, NULL, &now) < 0 && errno == EINTR)
                continue;
    }
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

/* ---- Statistics. */
bool mo_watch_collect(struct mo_stats *s)
{
    unsigned room = 128;
    for (int tries = 0; tries < 3; tries++) {
        size_t bytes = room * sizeof(struct mo_row);
        s->row = mo_plat_map(bytes);
        s->room = room;
        if (s->row && mo_stats_collect(&mo_source_self, &MO_SHARED(table), s) && s->rows <= room)
            return true;
        if (!s->row)
            return false;
        room = s->rows + s->rows / 8 + 16;
        mo_plat_unmap(s->row, bytes);
    }
    return false;
}

void mo_watch_uncollect(struct mo_stats *s)
{
    mo_plat_unmap(s->row, s->room * sizeof *s->row);
}

static bool is_anything(const struct mo_stats *s)
{
    for (unsigned i = 0; i < MO_COUNTS; i++)
        if (s->total[i])
            return true;
    return false;
}

static bool is_same_error(void)
{
    struct stat now;
    return state.error_open && fstat(STDERR_FILENO, &now) == 0 && now.st_dev == state.error_device &&
           now.st_ino == state.error_inode;
}

static struct mo_stats stats;
static struct mo_advices advices;

static void print_stats_table(struct mo_out *o)
{
    mo_stats_print_table(o, &stats, (unsigned)getpid(), program_invocation_short_name);
}

static void print_stats_json(struct mo_out *o)
{
    mo_stats_print_json(o, &stats, (unsigned)getpid(), program_invocation_short_name);
}

static void print_locks_table(struct mo_out *o)
{
    mo_locks_print_table(o, (unsigned)getpid(), program_invocation_short_name);
}

static void print_locks_json(struct mo_out *o)
{
    mo_locks_print_json(o, (unsigned)getpid(), program_invocation_short_name);
}

static void write_where(const char *wish, const char *setting, void (*table)(struct mo_out *),
                        void (*json)(struct mo_out *))
{
    static struct mo_out o;
    const char *path = strncmp(wish, "json:", strlen("json:")) == 0 ? wish + strlen("json:") : "";
    if (*path) {
        o = (struct mo_out){.fd = mo_watch_create(path, setting)};
        if (o.fd < 0)
            return;
        json(&o);
        if (o.error)
            mo_warn("%s: cannot write to %.200s: %s", setting, path, strerror(o.error));
        close(o.fd);
    } else if (is_same_error()) {
        o = (struct mo_out){.fd = STDERR_FILENO};
        table(&o);
    }
}

static void write_stats(const char *wish)
{
    if (is_anything(&stats))
        write_where(wish, "MOIRAI_STATS", print_stats_table, print_stats_json);
}

static void write_locks(const char *wish)
{
    if (mo_locks_any())
        write_where(wish, "MOIRAI_LOCKS", print_locks_table, print_locks_json);
}

/* ---- Beginning and end. */
static void check(const char *name, const char *text)
{
    if (is_on(text) && strcmp(text, "1") != 0 && strcasecmp(text, "on") != 0 && strcasecmp(text, "true") != 0 &&
        strcasecmp(text, "yes") != 0 && (strncmp(text, "json:", strlen("json:")) != 0 || !text[5]))
        mo_warn("%s takes 1 or json:FILE: a table is written to standard error", name);
}

void mo_watch_start(void)
{
    unsigned wishes = mo_watch_wishes();
    struct stat error;
    bool no = false;
    if (!wishes || !atomic_compare_exchange_strong(&state.begun, &no, true))
        return;
    int saved = errno;
    state.pid = (unsigned)getpid();
    if (!getcwd(state.folder, sizeof state.folder))
        strcpy(state.folder, ".");
    state.error_open = fstat(STDERR_FILENO, &error) == 0;
    state.error_device = error.st_dev;
    state.error_inode = error.st_ino;
    check("MOIRAI_STATS", mo_knob_early_text(MO_KNOB_STATS));
    check("MOIRAI_LOCKS", mo_knob_early_text(MO_KNOB_LOCKS));
    if (wishes & (MO_WATCH_STATS | MO_WATCH_LOCKS | MO_WATCH_TRACE))
        mo_locks_begin();
    if (wishes & (MO_WATCH_STATS | MO_WATCH_TRACE))
        mo_trace_begin(wishes & MO_WATCH_TRACE);
    if (wishes & MO_WATCH_METRICS)
        mo_watch_serve(mo_knob_early_text(MO_KNOB_METRICS));
    errno = saved;
}

static void write_all(unsigned wishes)
{
    bool have = wishes & (MO_WATCH_STATS | MO_WATCH_TRACE) && mo_watch_collect(&stats);
    if (have) {
        mo_advise(&advices, &stats);
        stats.advices = &advices;
    }
    if (wishes & MO_WATCH_TRACE)
        mo_trace_finish(have ? &advices : NULL);
    if (have && wishes & MO_WATCH_STATS)
        write_stats(mo_knob_early_text(MO_KNOB_STATS));
    if (have)
        mo_watch_uncollect(&stats);
    if (wishes & MO_WATCH_LOCKS)
        write_locks(mo_knob_early_text(MO_KNOB_LOCKS));
}

__attribute__((destructor)) static void end(void)
{
    bool no = false;
    struct mo_quiet q;
    if (!mo_load_acquire(&state.begun) || !atomic_compare_exchange_strong(&state.ended, &no, true))
        return;
    mo_watch_quiet(&q);
    if (!mo_watch_is_child())
        mo_watch_stop_serving();
    write_all(mo_watch_wishes());
    mo_watch_unquiet(&q);
}
