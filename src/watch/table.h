/* The table of the process: where a reader, in the process or outside of it, finds what is counted. It is constant but
   for what the loader writes into it, so it is right from the moment that the object is mapped, and costs nothing to
   keep. A reader finds it by the symbol moirai_core_table_* of an object of Moirai, takes the fields that it knows by
   `version` and
   `bytes`, and walks from there: addresses are those of the process, all numbers are little endian and naturally
   aligned. docs/table.md describes it for others. */
#ifndef MO_WATCH_TABLE_H
#define MO_WATCH_TABLE_H

#include "watch/advice.h"
#include "watch/watch.h"

#define MO_TABLE_MAGIC   "MOIRAI1" /* with its zero byte */
#define MO_TABLE_VERSION 4
#define MO_TABLE_NAME    24

struct mo_table {
    char magic[8];
    uint32_t version, bytes; /* of this table */
    char program[16];        /* version of Moirai */
    uint32_t counters;       /* words in a record of counts, and names below */
    uint32_t counts_in_sheet, tid_in_sheet, next_in_sheet;
    const void *sheets; /* address of the address of the first sheet */

    const void *workers;       /* address of an array of addresses of workers */
    const void *workers_used;  /* address of a 32-bit number: entries of it */
    uint32_t counts_in_worker; /* offsets; the record of counts */
    uint32_t tid_in_worker;    /* 32 bits; 0: no thread serves it */
    uint32_t pooled_in_worker; /* 8 bits */
    uint32_t seat_in_worker;   /* address of what an executor counts for it, or 0 */
    uint32_t run_in_seat;      /* 64 bits each: native tasks run, dropped, failed, */
    uint32_t dropped_in_seat, failed_in_seat;
    uint32_t stolen_in_seat; /* taken from others */
    uint32_t member_in_seat; /* address of its member there */

    const void *teams; /* address of the address of the first team */
    uint32_t next_in_team;
    uint32_t members_in_team;              /* address of an array of addresses of members */
    uint32_t capacity_in_team;             /* 32 bits: entries of it, which may be 0 */
    uint32_t size_in_team;                 /* 32 bits: members of its region */
    uint32_t busy_in_team;                 /* 32 bits: 0 without a region, 1 changing, 2 in a region */
    uint32_t go_in_team;                   /* 64 bits: number of its region << 16 | size */
    uint32_t apart_in_team;                /* 8 bits: it serves an executor */
    uint32_t executor_in_team;             /* address of that */
    uint32_t name_in_executor, name_bytes; /* its name: so many bytes, with a zero byte at the end or before */
    uint32_t team_in_executor;             /* address of the team of its workers; other teams do its blocking work */
    uint32_t run_in_executor, dropped_in_executor; /* 64 bits each: native tasks run and dropped by other threads, */
    uint32_t outboxes_in_executor, next_in_outbox; /* and, in a list, by each of those that hand tasks over, */
    uint32_t run_in_outbox, dropped_in_outbox;     /* of its own */
    uint32_t worker_in_member;                     /* address */
    uint32_t created_in_member, done_in_member;    /* 64 bits: tasks of the present region */
    uint32_t seat_in_member;                       /* of an executor's team: what that counts there, not its address */
    uint32_t at_once_in_member, at_once_shift;     /* 64 bits; shifted right by so many, tasks run at once */
    uint32_t bottom_in_member, top_in_member;      /* 64 bits: their difference is how many tasks wait there */

    uint32_t hot_in_sheet, hot_entries, hot_bytes; /* locks waited for: an array, and bytes of each entry */
    uint32_t lock_in_hot, site_in_hot, waits_in_hot, ticks_in_hot;

    char name[MO_COUNTS][MO_TABLE_NAME];
};

extern const struct mo_table MO_SHARED(table) MO_SHARED_ATTR;

/* ---- Reading. */
struct mo_source {
    /* Copy from an address of the process; false: it is not there. */
    bool (*read)(void *arg, uint64_t from, void *to, size_t bytes);
    void *arg;
};
/* The process itself. */
extern const struct mo_source mo_source_self;

struct mo_row {
    uint32_t tid;    /* 0: threads that are gone */
    uint32_t worker; /* its number + 1; 0: it is none */
    bool pooled;
    uint64_t address; /* of the worker */
    uint64_t waiting; /* tasks in its deques */
    uint64_t n[MO_COUNTS];
};

#define MO_STATS_NAME 64
struct mo_team_row {
    uint32_t size, busy;
    uint64_t region; /* times that it was opened with several threads */
    bool apart;
    uint64_t jobs;            /* of an executor: tasks that have ended, run or dropped */
    char name[MO_STATS_NAME]; /* its name, "" where it has none */
};

struct mo_lock_row {
    uint64_t lock, site, waits, ticks;
};

#define MO_STATS_TEAMS 64
#define MO_STATS_LOCKS 64
struct mo_stats {
    uint32_t threads; /* that serve a worker, or have counted something */
    uint32_t teams, teams_busy;
    uint64_t waiting;
    uint64_t total[MO_COUNTS];
    struct mo_team_row team[MO_STATS_TEAMS]; /* the first ones that have a region or several threads */
    unsigned team_rows;
    struct mo_lock_row lock[MO_STATS_LOCKS]; /* waited for by any thread, most often first */
    unsigned lock_rows;
    const struct mo_advices *advices; /* NULL: nobody has looked */
    unsigned rows, room;              /* rows that there are; those that fit into `row` are there */
    struct mo_row *row;               /* of the caller */
};

/* False: the table, or what it leads to, cannot be read. Numbers of a process that runs are those of no single
   moment. */
bool mo_stats_collect(const struct mo_source *source, const struct mo_table *table, struct mo_stats *stats);

static inline uint64_t mo_stats_tasks_created(const uint64_t *n)
{
    return n[MO_COUNT_TASKS_STORED] + n[MO_COUNT_TASKS_AT_ONCE];
}

static inline uint64_t mo_stats_tasks_run(const uint64_t *n)
{
    return n[MO_COUNT_TASKS_ENDED] + n[MO_COUNT_TASKS_AT_ONCE];
}

/* ---- Telling (print.c). */
struct mo_out {
    int fd;
    bool socket; /* a peer that is gone raises no signal */
    int error;   /* errno of the first write that failed; 0: none */
    size_t used;
    char text[4096];
};

void mo_out(struct mo_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mo_out_flush(struct mo_out *o);
void mo_out_json_string(struct mo_out *o, const char *text);
/* A line for each executor. */
void mo_stats_print_executors(struct mo_out *o, const struct mo_stats *s);
void mo_stats_print_table(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program);
void mo_stats_print_json(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program);
void mo_stats_print_prometheus(struct mo_out *o, const struct mo_stats *s, unsigned pid, const char *program);

#endif
