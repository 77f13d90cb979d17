/* The table of the process: watch/table.h says what it is for. */
#include "sched/executor.h"
#include "watch/table.h"

#define AT(type, field) (uint32_t) offsetof(type, field)

const struct mo_table MO_SHARED(table) = {
    .magic = MO_TABLE_MAGIC,
    .version = MO_TABLE_VERSION,
    .bytes = sizeof(struct mo_table),
    .program = MO_VERSION,
    .counters = MO_COUNTS,
    .counts_in_sheet = AT(struct mo_sheet, counts),
    .tid_in_sheet = AT(struct mo_sheet, tid),
    .next_in_sheet = AT(struct mo_sheet, next),
    .sheets = &MO_SHARED(watch).sheets,
    .workers = MO_SHARED(sched).worker,
    .workers_used = &MO_SHARED(sched).workers,
    .counts_in_worker = AT(struct mo_worker, counts),
    .tid_in_worker = AT(struct mo_worker, tid),
    .pooled_in_worker = AT(struct mo_worker, pooled),
    .seat_in_worker = AT(struct mo_worker, seat),
    .run_in_seat = AT(struct mo_seat, ran.executed),
    .dropped_in_seat = AT(struct mo_seat, ran.dropped),
    .failed_in_seat = AT(struct mo_seat, ran.failed),
    .stolen_in_seat = AT(struct mo_seat, stolen),
    .member_in_seat = AT(struct mo_seat, member),
    .teams = &MO_SHARED(sched).teams,
    .next_in_team = AT(struct mo_team, next),
    .members_in_team = AT(struct mo_team, members),
    .capacity_in_team = AT(struct mo_team, capacity),
    .size_in_team = AT(struct mo_team, size),
    .busy_in_team = AT(struct mo_team, busy),
    .go_in_team = AT(struct mo_team, go),
    .apart_in_team = AT(struct mo_team, apart),
    .executor_in_team = AT(struct mo_team, client), /* apart.c */
    .name_in_executor = AT(struct mo_executor, name),
    .name_bytes = MO_EXECUTOR_NAME,
    .team_in_executor = AT(struct mo_executor, team),
    .run_in_executor = AT(struct mo_executor, elsewhere.executed),
    .dropped_in_executor = AT(struct mo_executor, elsewhere.dropped),
    .outboxes_in_executor = AT(struct mo_executor, outboxes),
    .next_in_outbox = AT(struct mo_outbox, next),
    .run_in_outbox = AT(struct mo_outbox, ran.executed),
    .dropped_in_outbox = AT(struct mo_outbox, ran.dropped),
    .worker_in_member = AT(struct mo_member, worker),
    .created_in_member = AT(struct mo_member, created),
    .done_in_member = AT(struct mo_member, done),
    .seat_in_member = AT(struct mo_member, client),
    .at_once_in_member = AT(struct mo_member, at_once),
    .at_once_shift = MO_AT_ONCE_SHIFT,
    .bottom_in_member = AT(struct mo_member, deque.bottom),
    .top_in_member = AT(struct mo_member, deque.top),
    .hot_in_sheet = AT(struct mo_sheet, hot),
    .hot_entries = MO_HOT_MAX,
    .hot_bytes = sizeof(struct mo_hot),
    .lock_in_hot = AT(struct mo_hot, lock),
    .site_in_hot = AT(struct mo_hot, site),
    .waits_in_hot = AT(struct mo_hot, waits),
    .ticks_in_hot = AT(struct mo_hot, ticks),
    .name =
        {
#define MO_COUNTER(id, name, ...) [MO_COUNT_##id] = name,
#include "watch/counters.def"
#undef MO_COUNTER
        },
};
