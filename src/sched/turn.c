/* Turns: members of a mutexinoutset run one at a time, in the order in which they become ready and not in that of their
   creation. A task that nothing precedes any more takes the turn of each group that it is in, one after the other by
   the groups' addresses; where it finds one taken it queues up there, and who has that turn passes it on when it ends.
   So no thread ever waits here.
     last   0 free; MO_TURN_TAKEN; or taken, and the task that queued up last, from where `next` leads to earlier ones.
            A task that wants the turn changes it by CAS: 0 to taken, or else puts itself in front. Who has the turn
            empties the queue by an exchange, or frees the turn by a CAS from taken to 0.
     line   the queue as emptied, turned round: who queued up first comes first. Touched by who has the turn only.
   T1  one task at a time has the turn: it is taken from 0 by one CAS, and otherwise handed from task to task.
   T2  no task is left behind: the turn becomes free only by a CAS that has found nobody queued, while `line` is empty.
   T3  no deadlock: a task that is in a queue has only turns of groups with lower addresses than the one that it queues
       for. So of all groups with a turn taken, the one with the highest address has it given to a task that runs or
       can.
   T4  the join, which holds the turn, is there as long as a member has not ended: that passes its turns on first.
   A task that has queued up belongs to who hands it the turn, who may be doing so already: every change of `last` is
   acq_rel, so `next`, `held` and what the task before did are seen by the next one. No ABA: only who has the turn takes
   tasks out. tests/models/turn.pml has all of it. */
#include "sched/internal.h"

void mo_turns_init(struct mo_task *task)
{
    struct mo_turns *t = mo_task_turns(task);
    t->count = t->held = 0;
    mo_task_node(task)->kind = MO_NODE_EXCLUSIVE;
}

bool mo_turns_add(struct mo_task *task, struct mo_task *join)
{
    struct mo_turns *t = mo_task_turns(task);
    uint32_t at = t->count;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->group[i] == join)
            return false;
    for (; at > 0 && (uintptr_t)t->group[at - 1] > (uintptr_t)join; at--)
        t->group[at] = t->group[at - 1];
    t->group[at] = join;
    t->count++;
    return true;
}

void mo_turns_drop(struct mo_task *task)
{
    if (mo_task_node(task)->kind == MO_NODE_EXCLUSIVE)
        mo_task_turns(task)->count = 0;
}

/* False: the task is in the queue, and no longer the caller's. */
static bool enter(struct mo_turn *turn, struct mo_task *task)
{
    uintptr_t last = mo_load_relaxed(&turn->last), mine;
    do {
        mine = last ? (uintptr_t)task : MO_TURN_TAKEN;
        mo_task_turns(task)->next = last > MO_TURN_TAKEN ? (struct mo_task *)last : NULL;
    } while (!mo_cas_acq_rel(&turn->last, &last, mine));
    return !last;
}

static struct mo_task *turned_round(struct mo_task *task)
{
    struct mo_task *line = NULL;
    while (task) {
        struct mo_task *earlier = mo_task_turns(task)->next;
        mo_task_turns(task)->next = line;
        line = task;
        task = earlier;
    }
    return line;
}

/* Give the turn up. Returns who has it now; NULL: it is free. */
static struct mo_task *leave(struct mo_turn *turn)
{
    uintptr_t alone = MO_TURN_TAKEN;
    if (!turn->line) {
        if (mo_cas_acq_rel(&turn->last, &alone, (uintptr_t)0))
            return NULL;
        turn->line = turned_round((struct mo_task *)mo_exchange_acq_rel(&turn->last, MO_TURN_TAKEN));
    }
    struct mo_task *next = turn->line;
    turn->line = mo_task_turns(next)->next;
    return next;
}

bool mo_turns_take(struct mo_task *task)
{
    struct mo_turns *t = mo_task_turns(task);
    while (t->held < t->count) {
        if (!enter(mo_join_turn(t->group[t->held]), task))
            return false;
        t->held++;
    }
    return true;
}

void mo_turns_pass(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere)
{
    struct mo_turns *t = mo_task_turns(task);
    while (t->held) {
        struct mo_task *next = leave(mo_join_turn(t->group[--t->held]));
        if (!next)
            continue;
        mo_task_turns(next)->held++;
        if (mo_turns_take(next))
            mo_task_enqueue(m, next, elsewhere);
    }
}
