/* `moirai report`: a recording as one page of HTML that needs nothing else. Sums and distributions are made here, over
   all that was recorded; the page draws them, and of the spans as many as a browser can stand, the longest. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/page.h"
#include "cmd/recording.h"

#define SUMS_MAX  8192
#define SPANS_MAX 40000
#define CLASSES   40 /* powers of two, of ns or of steps */
#define SHORT_US  1.0

struct sum {
    enum mo_trace_kind kind;
    uint64_t place, object;
    uint32_t c; /* of the first */
    char *name; /* of native tasks that have one; NULL: by place */
    uint64_t count;
    double us, max_us;
    uint64_t futile, spurious; /* waits for a condition */
};

struct report {
    struct mo_recording r;
    struct sum sum[SUMS_MAX];
    unsigned sums;
    uint64_t task_ns[CLASSES], wait_ns[CLASSES], distance[CLASSES];
    uint64_t spans;
    double kept_us; /* spans that are shorter are not drawn */
    uint64_t by_length[64];
    double total_us[MO_TRACE_KINDS];
    uint64_t total[MO_TRACE_KINDS];
    uint32_t most_threads;
    struct mo_advices advices;
    FILE *to;
    bool any;
};

static struct report report;

static unsigned class_of(uint64_t n)
{
    unsigned class = n ? 64 - (unsigned)__builtin_clzll(n) : 0;
    return class < CLASSES ? class : CLASSES - 1;
}

static bool is_lock(enum mo_trace_kind kind)
{
    return kind == MO_TRACE_MUTEX || kind == MO_TRACE_LOCK || kind == MO_TRACE_CONDITION || kind == MO_TRACE_CHANNEL;
}

static bool is_instant(enum mo_trace_kind kind)
{
    return kind == MO_TRACE_STEAL || kind == MO_TRACE_CREATE;
}

static uint64_t place_of(const struct mo_span *s)
{
    return mo_span_has_place(s) ? s->a : 0;
}

static uint64_t object_of(const struct mo_span *s)
{
    return is_lock(s->kind) ? s->b : 0;
}

/* A task that has a name belongs to those of that name, whatever function they ran. */
static bool belongs(const struct sum *sum, const struct mo_span *s)
{
    if (sum->kind != s->kind || sum->object != object_of(s))
        return false;
    return *s->name ? sum->name && strcmp(sum->name, s->name) == 0 : !sum->name && sum->place == place_of(s);
}

/* Its index; that of none: p->sums. */
static unsigned find_sum(const struct report *p, const struct mo_span *s)
{
    unsigned i = 0;
    while (i < p->sums && !belongs(&p->sum[i], s))
        i++;
    return i;
}

static struct sum *new_sum(struct report *p, const struct mo_span *s)
{
    char *name = *s->name ? strdup(s->name) : NULL;
    if (p->sums == SUMS_MAX || (*s->name && !name))
        return NULL;
    struct sum *sum = &p->sum[p->sums++];
    *sum = (struct sum){.kind = s->kind, .place = place_of(s), .object = object_of(s), .c = s->c, .name = name};
    return sum;
}

static void add_sum(struct report *p, const struct mo_span *s)
{
    unsigned i = find_sum(p, s);
    struct sum *found = i < p->sums ? &p->sum[i] : new_sum(p, s);
    if (!found)
        return;
    if (found->place != place_of(s))
        found->place = 0; /* several functions */
    found->count++;
    double us = mo_span_own_us(s);
    found->us += us;
    found->max_us = us > found->max_us ? us : found->max_us;
    found->futile += (s->how & MO_WAIT_FUTILE) != 0;
    found->spurious += (s->how & MO_WAIT_SPURIOUS) != 0;
}

static void look(void *arg, const struct mo_span *s)
{
    struct report *p = arg;
    uint64_t ns = (uint64_t)(mo_span_own_us(s) * 1e3);
    if (mo_span_has_place(s))
        mo_place_note(s->a, s->kind != MO_TRACE_JOB);
    add_sum(p, s);
    p->total[s->kind]++;
    p->total_us[s->kind] += mo_span_own_us(s);
    if (s->kind == MO_TRACE_TASK || s->kind == MO_TRACE_JOB)
        p->task_ns[class_of(ns)]++;
    else if (s->kind == MO_TRACE_WAIT || is_lock(s->kind))
        p->wait_ns[class_of(ns)]++;
    else if (s->kind == MO_TRACE_STEAL)
        p->distance[class_of(s->b)]++;
    if (s->kind == MO_TRACE_REGION && s->c > p->most_threads)
        p->most_threads = s->c;
    if (!is_instant(s->kind)) {
        p->spans++;
        ns = (uint64_t)(s->us * 1e3);
        p->by_length[ns ? 63 - __builtin_clzll(ns) : 0]++;
    }
}

/* The shortest length, a power of two of ns, at which no more spans are left than can be drawn. */
static double shortest_drawn(const struct report *p)
{
    uint64_t left = 0;
    for (int i = 63; i >= 0; i--)
        if ((left += p->by_length[i]) > SPANS_MAX)
            return i < 63 ? (double)((uint64_t)2 << i) / 1e3 : 0;
    return 0;
}

/* ---- What to do about it. */
static void say(struct report *p, enum mo_advice what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void say(struct report *p, enum mo_advice what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(p->advices.text[what], sizeof p->advices.text[what], fmt, args);
    va_end(args);
}

/* What the process itself has found at its end. */
static void take_notes(struct report *p)
{
    static const char *const kinds[MO_ADVICES] = MO_ADVICE_NAMES;
    const struct mo_trace_head *h = p->r.head;
    uint32_t used = h->notes_used;
    char *notes = strndup(h->notes, used < sizeof h->notes ? used : sizeof h->notes), *rest = notes;
    for (char *line; notes && (line = strsep(&rest, "\n"));) {
        char *tab = strchr(line, '\t');
        for (unsigned i = 0; tab && i < MO_ADVICES; i++)
            if (strlen(kinds[i]) == (size_t)(tab - line) && strncmp(kinds[i], line, (size_t)(tab - line)) == 0)
                say(p, (enum mo_advice)i, "%s", tab + 1);
    }
    free(notes);
}

/* Spans tell more of these, so they take the place of notes. */
static void look_at_spans(struct report *p)
{
    double waits = p->total_us[MO_TRACE_WAIT], parts = p->total_us[MO_TRACE_MEMBER];
    uint64_t tasks = p->total[MO_TRACE_TASK] + p->total[MO_TRACE_JOB];
    double task_us = p->total_us[MO_TRACE_TASK] + p->total_us[MO_TRACE_JOB];
    double locks = p->total_us[MO_TRACE_MUTEX] + p->total_us[MO_TRACE_LOCK];
    if (tasks >= MO_ADVICE_MANY && task_us / (double)tasks < SHORT_US)
        say(p, MO_ADVICE_SHORT_TASKS,
            "%llu tasks took %.2f us each on average, hardly more than it costs to make them: give each more work, or "
            "create them in a taskloop with a grainsize.",
            (unsigned long long)tasks, task_us / (double)tasks);
    if (p->r.head->cpus && p->most_threads > p->r.head->cpus)
        say(p, MO_ADVICE_OVERSUBSCRIBED,
            "Regions asked for up to %u threads, and there are %llu CPUs for the process: set OMP_NUM_THREADS, or let "
            "MOIRAI_BUDGET=cpus share them out.",
            p->most_threads, (unsigned long long)p->r.head->cpus);
    if (parts > 0 && waits > parts / 2)
        say(p, MO_ADVICE_LITTLE_WORK,
            "Threads spent %.0f %% of their time in regions waiting in barriers or for tasks: the work is uneven, or "
            "too "
            "little for so many threads; try schedule(dynamic), or fewer threads.",
            100 * waits / parts);
    if (locks > 0 && parts > 0 && locks > parts / 10)
        say(p, MO_ADVICE_LOCK_WAITS,
            "Threads waited %.0f ms for locks, %.0f %% of their time in regions: the table of locks says where; hold "
            "them "
            "for less, or split what they guard.",
            locks / 1e3, 100 * locks / parts);
}

static void print_warnings(struct report *p)
{
    static const char *const kinds[MO_ADVICES] = MO_ADVICE_NAMES;
    p->any = false;
    fputs("\"warnings\":[", p->to);
    for (unsigned i = 0; i < MO_ADVICES; i++)
        if (p->advices.text[i][0]) {
            fprintf(p->to, "%s{\"kind\":\"%s\",\"text\":", p->any ? ",\n" : "", kinds[i]);
            mo_json_string(p->to, p->advices.text[i]);
            fputs("}", p->to);
            p->any = true;
        }
    fputs("],\n", p->to);
}

/* ---- The data of the page. */
static void print_classes(struct report *p, const char *name, const uint64_t *classes)
{
    fprintf(p->to, "\"%s\":[", name);
    for (unsigned i = 0; i < CLASSES; i++)
        fprintf(p->to, "%s%llu", i ? "," : "", (unsigned long long)classes[i]);
    fputs("],\n", p->to);
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct sum *)a)->us, y = ((const struct sum *)b)->us;
    return x < y ? 1 : x > y ? -1 : 0;
}

static const char *name_of(const struct sum *s)
{
    if (s->name)
        return s->name;
    return s->place ? mo_place_name(s->place) : mo_span_detail(s->kind, s->c);
}

static void print_sums(struct report *p)
{
    qsort(p->sum, p->sums, sizeof *p->sum, by_time);
    fputs("\"sums\":[", p->to);
    for (unsigned i = 0; i < p->sums; i++) {
        const struct sum *s = &p->sum[i];
        fprintf(p->to, "%s\n{\"kind\":\"%s\",\"count\":%llu,\"us\":%.3f,\"max\":%.3f,", i ? "," : "",
                mo_recording_kind(s->kind), (unsigned long long)s->count, s->us, s->max_us);
        if (s->kind == MO_TRACE_CONDITION)
            fprintf(p->to, "\"futile\":%llu,\"spurious\":%llu,", (unsigned long long)s->futile,
                    (unsigned long long)s->spurious);
        fputs("\"object\":\"", p->to);
        if (s->object)
            fprintf(p->to, "0x%llx", (unsigned long long)s->object);
        fputs("\",\"name\":", p->to);
        mo_json_string(p->to, name_of(s));
        fputs(",\"line\":", p->to);
        mo_json_string(p->to, mo_place_line(s->place));
        fputs("}", p->to);
    }
    fputs("],\n", p->to);
}

static void draw(void *arg, const struct mo_span *s)
{
    struct report *p = arg;
    if (is_instant(s->kind) || s->us < p->kept_us)
        return;
    unsigned sum = find_sum(p, s);
    fprintf(p->to, "%s[%u,%u,%.3f,%.3f,%u]", p->any ? "," : "", s->tid, sum < p->sums ? sum : 0, s->begin, s->us,
            s->depth);
    p->any = true;
}

static void print_page(struct report *p)
{
    const struct mo_trace_head *h = p->r.head;
    char program[sizeof h->program + 1] = "";
    memcpy(program, h->program, sizeof h->program);
    fputs(mo_page_before, p->to);
    fputs("{\"program\":", p->to);
    mo_json_string(p->to, program);
    fprintf(p->to,
            ",\"version\":\"" MO_VERSION
            "\",\"pid\":%u,\"cpus\":%llu,\"us\":%.3f,\"overwritten\":%llu,\"dropped\":%llu,"
            "\"spans_all\":%llu,\"shortest\":%.3f,\"steals\":%llu,\"created\":%llu,\n",
            h->pid, (unsigned long long)h->cpus,
            (double)(p->r.last_ticks > h->began_ticks ? p->r.last_ticks - h->began_ticks : 0) / (double)h->ticks_per_us,
            (unsigned long long)p->r.overwritten, (unsigned long long)h->dropped, (unsigned long long)p->spans,
            p->kept_us, (unsigned long long)p->total[MO_TRACE_STEAL], (unsigned long long)p->total[MO_TRACE_CREATE]);
    print_warnings(p);
    print_classes(p, "task_ns", p->task_ns);
    print_classes(p, "wait_ns", p->wait_ns);
    print_classes(p, "distance", p->distance);
    print_sums(p);
    p->any = false;
    fputs("\"spans\":[", p->to);
    mo_recording_each(&p->r, draw, p);
    fputs("]}", p->to);
    fputs(mo_page_after, p->to);
}

static bool write_page(struct report *p, const char *path)
{
    p->to = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (!p->to) {
        fprintf(stderr, "moirai: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    print_page(p);
    bool failed = ferror(p->to);
    failed = (p->to == stdout ? fflush(stdout) : fclose(p->to)) != 0 || failed;
    if (failed)
        fprintf(stderr, "moirai: cannot write %s: %s\n", path, strerror(errno));
    else if (p->to != stdout)
        printf("%s\n", path);
    return !failed;
}

int mo_cmd_report(int argc, char **argv)
{
    static const struct option known[] = {{"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
    struct report *p = &report;
    char *page = NULL;
    const char *output = NULL;
    for (int letter; (letter = getopt_long(argc, argv, "+o:", known, NULL)) != -1;)
        if (letter == 'o')
            output = optarg;
        else
            optind = argc + 1;
    if (optind + 1 != argc) {
        fputs("usage: moirai report [-o PAGE] RECORDING\n"
              "\n"
              "The page is RECORDING.html where no other is named; -: standard output.\n",
              stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (!mo_recording_open(&p->r, argv[optind]))
        return MO_CMD_FAILED_STATUS;
    mo_recording_each(&p->r, look, p);
    p->kept_us = shortest_drawn(p);
    take_notes(p);
    look_at_spans(p);
    mo_places_resolve(&p->r);
    bool done = (output || asprintf(&page, "%s.html", argv[optind]) >= 0) && write_page(p, output ? output : page);
    free(page);
    for (unsigned i = 0; i < p->sums; i++)
        free(p->sum[i].name);
    mo_recording_close(&p->r);
    return done ? 0 : MO_CMD_FAILED_STATUS;
}
