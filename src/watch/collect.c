/* Reading what the table leads to. All lists are walked with a bound, as they may change meanwhile, or be anything in a
   process that is broken. */
#include "watch/table.h"

#include <string.h>

#define LIST_MAX    1000000
#define MEMBERS_MAX 65536
#define WORKERS_MAX 65536
#define HOT_MAX     64

/* What others count meanwhile counts only as a past value. */
static MO_RACES_BY_DESIGN bool read_self(void *arg, uint64_t from, void *to, size_t bytes)
{
    if (!from)
        return false;
    for (size_t i = 0; i < bytes; i++)
        ((char *)to)[i] = ((const volatile char *)(uintptr_t)from)[i];
    return true;
}

const struct mo_source mo_source_self = {read_self, NULL};

struct reader {
    const struct mo_source *source;
    const struct mo_table *t;
    struct mo_stats *s;
};

static bool get(const struct reader *r, uint64_t from, void *to, size_t bytes)
{
    return from && r->source->read(r->source->arg, from, to, bytes);
}

static uint64_t word_at(const struct reader *r, uint64_t address)
{
    uint64_t word = 0;
    return get(r, address, &word, sizeof word) ? word : 0;
}

static uint32_t half_at(const struct reader *r, uint64_t address)
{
    uint32_t half = 0;
    return get(r, address, &half, sizeof half) ? half : 0;
}

static uint8_t byte_at(const struct reader *r, uint64_t address)
{
    uint8_t byte = 0;
    return get(r, address, &byte, sizeof byte) ? byte : 0;
}

/* The row of a thread; NULL: there is no room. Threads that are gone share one. */
static struct mo_row *row_of(struct mo_stats *s, uint32_t tid, uint32_t worker)
{
    unsigned used = s->rows < s->room ? s->rows : s->room;
    if (worker && worker <= used && s->row[worker - 1].worker == worker)
        return &s->row[worker - 1];
    for (unsigned i = 0; !worker && i < used; i++)
        if (s->row[i].tid == tid && (tid || !s->row[i].worker))
            return &s->row[i];
    if (s->rows++ >= s->room)
        return NULL;
    struct mo_row *row = &s->row[used];
    memset(row, 0, sizeof *row);
    row->tid = tid;
    row->worker = worker;
    return row;
}

static void add(struct reader *r, struct mo_row *row, unsigned what, uint64_t n)
{
    r->s->total[what] += n;
    if (row)
        row->n[what] += n;
}

/* The process's records may have more words than this program knows, or fewer. */
static void add_record(struct reader *r, struct mo_row *row, uint64_t address)
{
    uint64_t n[MO_COUNTS] = {0};
    unsigned known = r->t->counters < MO_COUNTS ? r->t->counters : MO_COUNTS;
    if (!get(r, address, n, known * sizeof n[0]))
        return;
    for (unsigned i = 0; i < known; i++)
        add(r, row, i, n[i]);
}

static void add_waiting(struct reader *r, struct mo_row *row, uint64_t member)
{
    int64_t waiting = (int64_t)(word_at(r, member + r->t->bottom_in_member) - word_at(r, member + r->t->top_in_member));
    if (waiting <= 0)
        return;
    r->s->waiting += (uint64_t)waiting;
    if (row)
        row->waiting += (uint64_t)waiting;
}

static void add_seat(struct reader *r, struct mo_row *row, uint64_t seat)
{
    if (!seat)
        return;
    add(r, row, MO_COUNT_JOBS_RUN, word_at(r, seat + r->t->run_in_seat));
    add(r, row, MO_COUNT_JOBS_DROPPED, word_at(r, seat + r->t->dropped_in_seat));
    add(r, row, MO_COUNT_JOBS_FAILED, word_at(r, seat + r->t->failed_in_seat));
    add(r, row, MO_COUNT_STOLEN, word_at(r, seat + r->t->stolen_in_seat));
    uint64_t member = word_at(r, seat + r->t->member_in_seat);
    if (member)
        add_waiting(r, row, member);
}

static bool add_workers(struct reader *r)
{
    uint32_t used;
    if (!get(r, (uint64_t)r->t->workers_used, &used, sizeof used))
        return false;
    for (uint32_t i = 0; i < used && i < WORKERS_MAX; i++) {
        uint64_t w = word_at(r, (uint64_t)r->t->workers + i * sizeof w);
        struct mo_row *row = row_of(r->s, w ? half_at(r, w + r->t->tid_in_worker) : 0, i + 1);
        if (!w)
            continue; /* it is being made */
        if (row) {
            row->pooled = byte_at(r, w + r->t->pooled_in_worker);
            row->address = w;
        }
        r->s->threads += half_at(r, w + r->t->tid_in_worker) != 0;
        add_record(r, row, w + r->t->counts_in_worker);
        add_seat(r, row, word_at(r, w + r->t->seat_in_worker));
    }
    return true;
}

static struct mo_row *row_of_worker(const struct mo_stats *s, uint64_t worker)
{
    unsigned used = s->rows < s->room ? s->rows : s->room;
    for (unsigned i = 0; i < used && s->row[i].worker; i++)
        if (s->row[i].address == worker)
            return &s->row[i];
    return NULL;
}

/* What its members have counted since they last added it to their workers' records. */
static void add_members(struct reader *r, uint64_t team, bool apart)
{
    uint32_t capacity = half_at(r, team + r->t->capacity_in_team);
    uint64_t list = word_at(r, team + r->t->members_in_team);
    for (uint32_t i = 0; i < capacity && i < MEMBERS_MAX; i++) {
        uint64_t member = word_at(r, list + i * sizeof member);
        if (!member)
            continue;
        uint64_t at_once = word_at(r, member + r->t->at_once_in_member) >> (r->t->at_once_shift & 63);
        uint64_t created = apart ? 0 : word_at(r, member + r->t->created_in_member); /* else these are native tasks */
        uint64_t done = apart ? 0 : word_at(r, member + r->t->done_in_member);
        bool waiting =
            !apart && word_at(r, member + r->t->bottom_in_member) != word_at(r, member + r->t->top_in_member);
        bool any = created || done || at_once || waiting;
        struct mo_row *row = any ? row_of_worker(r->s, word_at(r, member + r->t->worker_in_member)) : NULL;
        add(r, row, MO_COUNT_TASKS_STORED, created);
        add(r, row, MO_COUNT_TASKS_ENDED, done);
        add(r, row, MO_COUNT_TASKS_AT_ONCE, at_once);
        if (waiting)
            add_waiting(r, row, member);
    }
}

/* Tasks that other threads than the workers have run or dropped. */
static uint64_t ended_outside(const struct reader *r, uint64_t executor)
{
    uint64_t n = word_at(r, executor + r->t->run_in_executor) + word_at(r, executor + r->t->dropped_in_executor);
    uint64_t outbox = word_at(r, executor + r->t->outboxes_in_executor);
    for (unsigned i = 0; outbox && i < LIST_MAX; i++, outbox = word_at(r, outbox + r->t->next_in_outbox))
        n += word_at(r, outbox + r->t->run_in_outbox) + word_at(r, outbox + r->t->dropped_in_outbox);
    return n;
}

/* Of a name that is cut off, or is being written, a part. */
static void read_executor(const struct reader *r, uint64_t team, struct mo_team_row *row)
{
    uint64_t executor = word_at(r, team + r->t->executor_in_team);
    size_t bytes = r->t->name_bytes < sizeof row->name ? r->t->name_bytes : sizeof row->name;
    if (!executor || !get(r, executor + r->t->name_in_executor, row->name, bytes))
        row->name[0] = 0;
    row->name[sizeof row->name - 1] = 0;
    if (executor && word_at(r, executor + r->t->team_in_executor) == team)
        row->jobs = ended_outside(r, executor);
    uint32_t capacity = half_at(r, team + r->t->capacity_in_team);
    uint64_t list = word_at(r, team + r->t->members_in_team);
    for (uint32_t i = 0; i < capacity && i < MEMBERS_MAX; i++) {
        uint64_t member = word_at(r, list + i * sizeof member), seat = member + r->t->seat_in_member;
        if (member)
            row->jobs += word_at(r, seat + r->t->run_in_seat) + word_at(r, seat + r->t->dropped_in_seat);
    }
}

static void add_teams(struct reader *r)
{
    struct mo_stats *s = r->s;
    uint64_t team = word_at(r, (uint64_t)r->t->teams);
    for (unsigned i = 0; team && i < LIST_MAX; i++, team = word_at(r, team + r->t->next_in_team)) {
        struct mo_team_row row = {.size = half_at(r, team + r->t->size_in_team),
                                  .busy = half_at(r, team + r->t->busy_in_team),
                                  .region = word_at(r, team + r->t->go_in_team) >> 16,
                                  .apart = byte_at(r, team + r->t->apart_in_team)};
        add_members(r, team, row.apart);
        if (row.size < 2)
            continue;
        if (row.apart && row.busy) /* else it has none */
            read_executor(r, team, &row);
        s->teams++;
        s->teams_busy += row.busy == 2;
        if (s->team_rows < MO_STATS_TEAMS)
            s->team[s->team_rows++] = row;
    }
}

/* Of more locks than there are rows the last ones are left out. */
static void add_lock(struct mo_stats *s, const struct mo_lock_row *lock)
{
    unsigned i = 0;
    while (i < s->lock_rows && s->lock[i].lock != lock->lock)
        i++;
    if (i == MO_STATS_LOCKS)
        return;
    if (i == s->lock_rows)
        s->lock[s->lock_rows++] = (struct mo_lock_row){.lock = lock->lock};
    struct mo_lock_row row = s->lock[i];
    row.site = lock->site ? lock->site : row.site;
    row.waits += lock->waits;
    row.ticks += lock->ticks;
    for (; i > 0 && s->lock[i - 1].waits < row.waits; i--)
        s->lock[i] = s->lock[i - 1];
    s->lock[i] = row;
}

static void add_hot(struct reader *r, uint64_t sheet)
{
    for (uint32_t i = 0; i < r->t->hot_entries && i < HOT_MAX; i++) {
        uint64_t at = sheet + r->t->hot_in_sheet + (uint64_t)i * r->t->hot_bytes;
        struct mo_lock_row lock = {.lock = word_at(r, at + r->t->lock_in_hot),
                                   .site = word_at(r, at + r->t->site_in_hot),
                                   .waits = word_at(r, at + r->t->waits_in_hot),
                                   .ticks = word_at(r, at + r->t->ticks_in_hot)};
        if (lock.lock)
            add_lock(r->s, &lock);
    }
}

static void add_sheets(struct reader *r)
{
    uint64_t sheet = word_at(r, (uint64_t)r->t->sheets);
    for (unsigned i = 0; sheet && i < LIST_MAX; i++, sheet = word_at(r, sheet + r->t->next_in_sheet)) {
        uint32_t tid = half_at(r, sheet + r->t->tid_in_sheet);
        if (!tid)
            continue;
        struct mo_row *row = row_of(r->s, tid, 0);
        r->s->threads += !row || !row->worker;
        add_record(r, row, sheet + r->t->counts_in_sheet);
        add_hot(r, sheet);
    }
}

bool mo_stats_collect(const struct mo_source *source, const struct mo_table *table, struct mo_stats *stats)
{
    struct reader r = {source, table, stats};
    struct mo_row *row = stats->row;
    unsigned room = stats->room;
    if (memcmp(table->magic, MO_TABLE_MAGIC, sizeof table->magic) != 0 || table->version != MO_TABLE_VERSION)
        return false;
    memset(stats, 0, sizeof *stats);
    stats->row = row;
    stats->room = room;
    if (!add_workers(&r))
        return false;
    add_teams(&r);
    add_sheets(&r);
    return true;
}
