/* Statistics as text: for people, as JSON (docs/stats.schema.json) and for Prometheus. Allocates nothing. */
#include "watch/table.h"

#include "plat/plat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_MAX  512
#define TABLE_ROWS 64
#define TABLE_COLUMNS                                                                                                  \
    {                                                                                                                  \
        MO_COUNT_REGIONS, MO_COUNT_BARRIERS, MO_COUNT_STOLEN, MO_COUNT_SEARCHES, MO_COUNT_WAITS_AWAKE,                 \
            MO_COUNT_SLEEPS, MO_COUNT_LOCKS_CONTENDED                                                                  \
    }

static const char *const names[MO_COUNTS] = {
#define MO_COUNTER(id, name, ...) [MO_COUNT_##id] = name,
#include "watch/counters.def"
#undef MO_COUNTER
};

static const char *const sentences[MO_COUNTS] = {
#define MO_COUNTER(id, name, sentence) [MO_COUNT_##id] = sentence,
#include "watch/counters.def"
#undef MO_COUNTER
};

void mo_out_flush(struct mo_out *o)
{
    size_t at = 0;
    while (at < o->used && !o->error) {
        ssize_t n = o->socket ? send(o->fd, o->text + at, o->used - at, MSG_NOSIGNAL)
                              : write(o->fd, o->text + at, o->used - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            o->error = n == 0 ? EIO : errno;
    }
    o->used = 0;
}

void mo_out(struct mo_out *o, const char *fmt, ...)
{
    va_list args;
    if (sizeof o->text - o->used < PIECE_MAX)
        mo_out_flush(o);
    va_start(args, fmt);
    int n = vsnprintf(o->text + o->used, PIECE_MAX, fmt, args);
    va_end(args);
    if (n > 0)
        o->used += n < PIECE_MAX ? (size_t)n : PIECE_MAX - 1;
}

/* A character that is not printable ASCII, or would end the string, as its code. */
void mo_out_json_string(struct mo_out *o, const char *text)
{
    mo_out(o, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        mo_out(o, *c == '"' || *c == '\\' || *c < ' ' || *c > '~' ? "\\u%04x" : "%c", *c);
    mo_out(o, "\"");
}

/* ---- For people. */
static void print_rows(struct mo_out *o, const struct mo_stats *s)
{
    static const unsigned column[] = TABLE_COLUMNS;
    unsigned used = s->rows < s->room ? s->rows : s->room, told = 0;
    mo_out(o, "%10s %10s %10s", "thread", "tasks", "waiting");
    for (unsigned c = 0; c < sizeof column / sizeof *column; c++)
        mo_out(o, " %16s", names[column[c]]);
    mo_out(o, "\n");
    for (unsigned i = 0; i < used && told < TABLE_ROWS; i++, told++) {
        const struct mo_row *row = &s->row[i];
        mo_out(o, "%10u %10llu %10llu", row->tid,
               (unsigned long long)(mo_stats_tasks_run(row->n) + row->n[MO_COUNT_JOBS_RUN]),
               (unsigned long long)row->waiting);
        for (unsigned c = 0; c < sizeof column / sizeof *column; c++)
            mo_out(o, " %16llu", (unsigned long long)row->n[column[c]]);
        mo_out(o, "\n");
    }
    if (s->rows > told)
        mo_out(o, "  and %u more threads\n", s->rows - told);
}

/* The bytes of a name that would disturb a terminal are left out. */
void mo_stats_print_executors(struct mo_out *o, const struct mo_stats *s)
{
    for (unsigned i = 0; i < s->team_rows; i++) {
        const struct mo_team_row *team = &s->team[i];
        if (!team->apart)
            continue;
        mo_out(o, "  executor \"");
        for (const char *c = team->name; *c; c++)
            if ((unsigned char)*c >= ' ' && *c != 127)
                mo_out(o, "%c", *c);
        mo_out(o, "\": %u workers, %llu tasks ended\n", team->size - 1, (unsigned long long)team->jobs);
    }
}

static void print_advices(struct mo_out *o, const struct mo_advices *a)
{
    for (unsigned i = 0; a && i < MO_ADVICES; i++)
        if (a->text[i][0])
            mo_out(o, "moirai: worth a look: %s\n", a->text[i]);
}

void mo_stats_print_table(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program)
{
    mo_out(o, "moirai: statistics of %.200s (%u)\n", program, pid);
    mo_out(o, "  %-18s %12llu\n", "tasks_created", (unsigned long long)mo_stats_tasks_created(s->total));
    mo_out(o, "  %-18s %12llu\n", "tasks_run", (unsigned long long)mo_stats_tasks_run(s->total));
    for (unsigned i = 0; i < MO_COUNTS; i++)
        if (s->total[i])
            mo_out(o, "  %-18s %12llu  %s\n", names[i], (unsigned long long)s->total[i], sentences[i]);
    mo_out(o, "  %-18s %12u  Teams with several threads.\n", "teams", s->teams);
    mo_stats_print_executors(o, s);
    print_rows(o, s);
    print_advices(o, s->advices);
    mo_out_flush(o);
}

/* ---- JSON. */
static void print_counts(struct mo_out *o, const uint64_t *n)
{
    mo_out(o, "\"tasks_created\":%llu,\"tasks_run\":%llu", (unsigned long long)mo_stats_tasks_created(n),
           (unsigned long long)mo_stats_tasks_run(n));
    for (unsigned i = 0; i < MO_COUNTS; i++)
        mo_out(o, ",\"%s\":%llu", names[i], (unsigned long long)n[i]);
}

static void print_json_advices(struct mo_out *o, const struct mo_advices *a)
{
    static const char *const kinds[MO_ADVICES] = MO_ADVICE_NAMES;
    bool any = false;
    mo_out(o, "],\n\"warnings\":[");
    for (unsigned i = 0; i < MO_ADVICES; i++)
        if (a->text[i][0]) {
            mo_out(o, "%s\n{\"kind\":\"%s\",\"text\":", any ? "," : "", kinds[i]);
            mo_out_json_string(o, a->text[i]);
            mo_out(o, "}");
            any = true;
        }
}

static void print_json_teams(struct mo_out *o, const struct mo_stats *s)
{
    for (unsigned i = 0; i < s->team_rows; i++) {
        const struct mo_team_row *team = &s->team[i];
        mo_out(o, "%s{\"size\":%u,\"busy\":%s,\"regions\":%llu,\"native\":%s", i ? "," : "", team->size,
               team->busy == 2 ? "true" : "false", (unsigned long long)team->region, team->apart ? "true" : "false");
        if (team->apart) {
            mo_out(o, ",\"tasks_ended\":%llu,\"name\":", (unsigned long long)team->jobs);
            mo_out_json_string(o, team->name);
        }
        mo_out(o, "}");
    }
}

void mo_stats_print_json(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program)
{
    unsigned used = s->rows < s->room ? s->rows : s->room;
    mo_out(o, "{\"format\":\"moirai-stats-1\",\"version\":\"" MO_VERSION "\",\"pid\":%u,\"program\":", pid);
    mo_out_json_string(o, program);
    mo_out(o, ",\n\"totals\":{");
    print_counts(o, s->total);
    mo_out(o, "},\n\"waiting\":%llu,\"teams\":%u,\"teams_busy\":%u,\"team_list\":[", (unsigned long long)s->waiting,
           s->teams, s->teams_busy);
    print_json_teams(o, s);
    mo_out(o, "],\n\"locks\":[");
    for (unsigned i = 0; i < s->lock_rows; i++)
        mo_out(o, "%s\n{\"lock\":\"0x%llx\",\"site\":\"0x%llx\",\"waits\":%llu,\"wait_ns\":%llu}", i ? "," : "",
               (unsigned long long)s->lock[i].lock, (unsigned long long)s->lock[i].site,
               (unsigned long long)s->lock[i].waits,
               (unsigned long long)(s->lock[i].ticks * 1000 / mo_plat_ticks_per_us()));
    mo_out(o, "],\n\"threads\":[");
    for (unsigned i = 0; i < used; i++) {
        const struct mo_row *row = &s->row[i];
        mo_out(o, "%s\n{\"tid\":%u,\"worker\":%s,\"pooled\":%s,\"waiting\":%llu,", i ? "," : "", row->tid,
               row->worker ? "true" : "false", row->pooled ? "true" : "false", (unsigned long long)row->waiting);
        print_counts(o, row->n);
        mo_out(o, "}");
    }
    if (s->advices)
        print_json_advices(o, s->advices);
    mo_out(o, "]}\n");
    mo_out_flush(o);
}

/* ---- Prometheus. */
void mo_stats_print_prometheus(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program)
{
    (void)program;
    for (unsigned i = 0; i < MO_COUNTS; i++)
        mo_out(o, "# HELP moirai_%s_total %s\n# TYPE moirai_%s_total counter\nmoirai_%s_total{pid=\"%u\"} %llu\n",
               names[i], sentences[i], names[i], names[i], pid, (unsigned long long)s->total[i]);
    mo_out(o,
           "# HELP moirai_tasks_waiting Tasks that wait for a thread now.\n# TYPE moirai_tasks_waiting gauge\n"
           "moirai_tasks_waiting{pid=\"%u\"} %llu\n",
           pid, (unsigned long long)s->waiting);
    mo_out(o,
           "# HELP moirai_teams Teams with several threads.\n# TYPE moirai_teams gauge\nmoirai_teams{pid=\"%u\"} %u\n",
           pid, s->teams);
    mo_out(o,
           "# HELP moirai_threads Threads that have counted something.\n# TYPE moirai_threads gauge\n"
           "moirai_threads{pid=\"%u\"} %u\n",
           pid, s->threads);
    mo_out_flush(o);
}
