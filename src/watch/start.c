/* What is asked for by the settings: found out early, begun at the first use, written at the end of the process.

   The end is a destructor's: it comes after the program's exit handlers, needs no registration, and does not come where the
   process ends by _exit() or a signal. Each of several objects of Moirai has one; the first does the work.
   Nothing here may change what the program does: writing may fail, and raises no signal; a table goes to standard error
   only if that is still the file that it was at the beginning. */
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

#define KNOWN 0x80000000u

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

/* A file that nobody had before, nor is led to by a link. A child of fork, and a process that finds a file there, take the
   name with their number behind it. */
int mo_watch_create(const char *text, const char *setting)
{
    char path[PATH_BYTES], own[PATH_BYTES + 16];
    if (!mo_watch_path(text, path)) {
        mo_warn("%s: the path is too long: nothing is written", setting);
        return -1;
    }
    bool shared = mo_watch_is_child() && !strstr(text, "%p");
    int fd = shared ? -1 : create(path);
    if (shared || (fd < 0 && errno == EEXIST && is_file(path))) {
        snprintf(own, sizeof own, "%s.%d", path, (int)getpid());
        fd = create(own);
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

static void write_stats(const char *wish)
{
    static struct mo_stats s;
    static struct mo_out o;
    const char *program = program_invocation_short_name;
    const char *path = strncmp(wish, "json:", strlen("json:")) == 0 ? wish + strlen("json:") : NULL;
    if (!mo_watch_collect(&s))
        return;
    if (is_anything(&s) && path && *path) {
        o = (struct mo_out){.fd = mo_watch_create(path, "MOIRAI_STATS")};
        if (o.fd >= 0) {
            mo_stats_print_json(&o, &s, (unsigned)getpid(), program);
            if (o.error)
                mo_warn("MOIRAI_STATS: cannot write to %.200s: %s", path, strerror(o.error));
            close(o.fd);
        }
    } else if (is_anything(&s) && is_same_error()) {
        o = (struct mo_out){.fd = STDERR_FILENO};
        mo_stats_print_table(&o, &s, (unsigned)getpid(), program);
    }
    mo_watch_uncollect(&s);
}

/* ---- Beginning and end. */
static bool is_understood(const char *stats)
{
    return !is_on(stats) || strcmp(stats, "1") == 0 || strcasecmp(stats, "on") == 0 || strcasecmp(stats, "true") == 0 ||
           strcasecmp(stats, "yes") == 0 || (strncmp(stats, "json:", strlen("json:")) == 0 && stats[5]);
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
    if (!is_understood(mo_knob_early_text(MO_KNOB_STATS)))
        mo_warn("MOIRAI_STATS takes 1 or json:FILE: a table is written to standard error");
    if (wishes & MO_WATCH_METRICS)
        mo_watch_serve(mo_knob_early_text(MO_KNOB_METRICS));
    errno = saved;
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
    if (mo_watch_wishes() & MO_WATCH_STATS)
        write_stats(mo_knob_early_text(MO_KNOB_STATS));
    mo_watch_unquiet(&q);
}
