/* Random graphs of tasks with dependences, checked by the model of random_model.h. Tasks are plain, untied, mergeable
   or detached, undeferred, final, or have a priority; they get their dependences from clauses or from depend objects,
   have graphs of children on the very same addresses, which are none of their business, and stand in taskgroups.
   taskwait comes with and without dependences. */
#include <omp.h>
#include <pthread.h>
#include <semaphore.h>
#include "random_model.h"

#define JOBS      1200
#define DEPTH_MAX 3

/* A task region, or the part of one, that creates tasks. */
struct scope {
    struct cell cells[MODEL_CELLS];
    long created, completed;
    int depth;
    bool final;
};

/* A taskgroup counts its tasks with all their descendants. */
struct group {
    struct group *outer;
    long created, completed;
};

struct job {
    struct scope *scope;
    struct group *group;
    struct needs needs;
    int ends; /* that are still to come: of the body, and of the event */
    bool final, ran;
    bool early; /* its creator fulfils its event */
    struct dice dice;
    omp_event_handle_t event;
    struct scope inner;
};

static struct job jobs[JOBS];
static int jobs_used, jobs_completed;
static char place[MODEL_CELLS]; /* the addresses in the clauses */

/* What a round may use. */
static struct {
    bool detach, others_fulfil, groups, waits, undeferred, children, priority;
} with;

/* The reference crashes over priorities, and hangs now and then when a detached task is fulfilled by anybody but itself
   or when tasks in a taskgroup depend on others outside. */
static void choose(struct dice *d)
{
    with.detach = random_has(d, 50, "detach");
    with.others_fulfil = random_has(d, 75, "others-fulfil") && !check_is_reference();
    with.groups = random_has(d, 75, "groups") && !check_is_reference();
    with.waits = random_has(d, 75, "waits");
    with.undeferred = random_has(d, 75, "undeferred");
    with.children = random_has(d, 75, "children");
    with.priority = random_has(d, 50, "priority") && !check_is_reference();
}

static void count_created(struct job *j)
{
    j->scope->created++;
    for (struct group *g = j->group; g; g = g->outer)
        __atomic_fetch_add(&g->created, 1, __ATOMIC_RELAXED);
}

static void end_of(struct job *j)
{
    if (__atomic_sub_fetch(&j->ends, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    model_complete(j->scope->cells, &j->needs);
    for (struct group *g = j->group; g; g = g->outer)
        __atomic_fetch_add(&g->completed, 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&j->scope->completed, 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&jobs_completed, 1, __ATOMIC_RELEASE);
}

/* ---- Events of detached tasks: a thread that is none of OpenMP's fulfils them, unless a task comes first. */
static struct job *inbox[JOBS];
static long inbox_put, inbox_taken;
static sem_t inbox_count;
static bool inbox_closed;

static void fulfil(struct job *j)
{
    omp_event_handle_t event = j->event;
    end_of(j);
    omp_fulfill_event(event);
}

static void give_event(struct job *j, omp_event_handle_t event)
{
    j->event = event;
    if (!with.others_fulfil) {
        fulfil(j);
        return;
    }
    long at = __atomic_fetch_add(&inbox_put, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&inbox[at % JOBS], j, __ATOMIC_RELEASE);
    sem_post(&inbox_count);
}

static void fulfil_next(void)
{
    long at = __atomic_fetch_add(&inbox_taken, 1, __ATOMIC_RELAXED);
    struct job *j;
    while (!(j = __atomic_exchange_n(&inbox[at % JOBS], NULL, __ATOMIC_ACQUIRE)))
        sched_yield();
    fulfil(j);
}

static void *fulfil_all(void *unused)
{
    struct dice d = {7};
    (void)unused;
    for (;;) {
        while (sem_wait(&inbox_count))
            ;
        if (__atomic_load_n(&inbox_closed, __ATOMIC_RELAXED))
            return NULL;
        if (dice_percent(&d, 10))
            usleep((unsigned)dice_below(&d, 100));
        fulfil_next();
    }
}

/* ---- What tasks do. */
static void create_tasks(struct scope *s, struct group *group, struct dice *d, int count);

static void have_children(struct job *j)
{
    j->inner.depth = j->scope->depth + 1;
    j->inner.final = j->final;
    create_tasks(&j->inner, j->group, &j->dice, dice_between(&j->dice, 1, 12));
    if (dice_percent(&j->dice, 50)) {
#pragma omp taskwait
        CHECK_EQ(__atomic_load_n(&j->inner.completed, __ATOMIC_ACQUIRE), j->inner.created);
    }
}

static void body(struct job *j)
{
    CHECK(!j->ran);
    CHECK(!j->final || omp_in_final());
    j->ran = true;
    model_enter(j->scope->cells, &j->needs);
    dice_work(&j->dice);
    if (dice_percent(&j->dice, 5)) {
#pragma omp taskyield
    }
    if (with.children && j->scope->depth < DEPTH_MAX && dice_percent(&j->dice, 15))
        have_children(j);
    if (dice_percent(&j->dice, 25) && sem_trywait(&inbox_count) == 0)
        fulfil_next();
    model_leave(j->scope->cells, &j->needs);
    end_of(j);
}

/* ---- What goes into the clauses of one task. */
enum { OUT, IN, INOUT, SET, CLAUSES };

struct plan {
    int count[CLAUSES], list[CLAUSES][MODEL_NEEDS];
    int objects;
    omp_depend_t object[MODEL_NEEDS];
    bool deferred, final;
    int priority;
};

static void make_object(omp_depend_t *object, int cell, int clause)
{
#pragma omp depobj(*object) depend(in : place[cell])
    if (clause == OUT) {
#pragma omp depobj(*object) update(out)
    } else if (clause == INOUT) {
#pragma omp depobj(*object) update(inout)
    } else if (clause == SET) {
#pragma omp depobj(*object) update(mutexinoutset)
    }
}

static void drop_objects(struct plan *p)
{
    for (int i = 0; i < p->objects; i++) {
#pragma omp depobj(p->object[i]) destroy
    }
}

/* `clauses` is the number of kinds of dependences that are allowed. */
static void plan_task(struct plan *p, struct needs *n, struct dice *d, int clauses, bool objects)
{
    *p = (struct plan){.deferred = !with.undeferred || dice_percent(d, 85),
                       .final = with.undeferred && dice_percent(d, 5),
                       .priority = with.priority ? dice_below(d, 4) : 0};
    for (int wanted = dice_below(d, MODEL_NEEDS + 1); wanted > 0; wanted--) {
        int cell = dice_below(d, MODEL_CELLS), clause = dice_below(d, clauses);
        if (objects && dice_percent(d, 50))
            make_object(&p->object[p->objects++], cell, clause);
        else
            p->list[clause][p->count[clause]++] = cell;
        model_want(n, cell, clause == IN ? READ : clause == SET ? MUTEX : WRITE);
    }
}

/* ---- Creation. The compiler has one layout of dependences for the first kind of task and another for the next two. */
/* clang-format off */
#define PRAGMA(text)           _Pragma(#text)
#define EXPANDED(pragma)       PRAGMA(pragma)
#define LISTED(kind, clause)   depend(iterator(i = 0 : p->count[clause]), kind : place[p->list[clause][i]])
#define PLAIN                  LISTED(out, OUT) LISTED(inout, INOUT) LISTED(in, IN)
#define WITH_SETS              PLAIN LISTED(mutexinoutset, SET)
#define WITH_OBJECTS           WITH_SETS depend(iterator(i = 0 : p->objects), depobj : p->object[i])
#define SETTINGS               if (p->deferred) final(p->final) priority(p->priority) firstprivate(j)
#define TASK(depends, clauses) EXPANDED(omp task depends SETTINGS clauses)
/* clang-format on */

enum task_kind { TASK_PLAIN, TASK_SETS, TASK_OBJECTS, TASK_UNTIED, TASK_MERGEABLE, TASK_DETACHED, TASK_KINDS };

static int clauses_of(enum task_kind kind)
{
    return kind == TASK_PLAIN || kind == TASK_UNTIED || kind == TASK_DETACHED ? SET : CLAUSES;
}

static void create_detached(struct plan *p, struct job *j)
{
    omp_event_handle_t event;
    TASK(PLAIN, detach(event))
    {
        if (!j->early)
            give_event(j, event);
        body(j);
    }
    if (j->early) {
        j->event = event;
        fulfil(j);
    }
}

static void create(enum task_kind kind, struct plan *p, struct job *j)
{
    switch (kind) {
    case TASK_PLAIN:
        TASK(PLAIN, )
        body(j);
        break;
    case TASK_SETS:
        TASK(WITH_SETS, )
        body(j);
        break;
    case TASK_OBJECTS:
        TASK(WITH_OBJECTS, )
        body(j);
        break;
    case TASK_UNTIED:
        TASK(PLAIN, untied)
        body(j);
        break;
    case TASK_MERGEABLE:
        TASK(WITH_SETS, mergeable)
        body(j);
        break;
    default:
        create_detached(p, j);
    }
}

static struct job *new_job(struct scope *s, struct group *group, struct dice *d)
{
    int at = __atomic_fetch_add(&jobs_used, 1, __ATOMIC_RELAXED);
    if (at >= JOBS) {
        __atomic_fetch_sub(&jobs_used, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    jobs[at] = (struct job){.scope = s, .group = group, .dice = dice_fork(d)};
    return &jobs[at];
}

static void create_task(struct scope *s, struct group *group, struct dice *d)
{
    enum task_kind kind = (enum task_kind)dice_below(d, with.detach ? TASK_KINDS : TASK_DETACHED);
    struct job *j = new_job(s, group, d);
    struct plan p;
    if (!j)
        return;
    plan_task(&p, &j->needs, d, clauses_of(kind), kind == TASK_OBJECTS);
    model_create(s->cells, &j->needs);
    bool deferred = p.deferred && !s->final, detached = kind == TASK_DETACHED;
    j->final = s->final || p.final;
    /* The creator can only fulfil what does not keep it waiting. */
    j->early = with.others_fulfil && detached && deferred && dice_percent(d, 30);
    j->ends = detached ? 2 : 1;
    count_created(j);
    create(kind, &p, j);
    if (!deferred)
        CHECK(j->ran);
    drop_objects(&p);
}

static void wait_for_some(struct scope *s, struct dice *d)
{
    struct needs needs = {.count = 0};
    struct plan plan, *p = &plan;
    plan_task(p, &needs, d, SET, false);
    EXPANDED(omp taskwait PLAIN)
    model_look(s->cells, &needs);
    model_check(s->cells, &needs);
}

static void create_group(struct scope *s, struct group *outer, struct dice *d, int count)
{
    struct group group = {.outer = outer};
#pragma omp taskgroup
    create_tasks(s, &group, d, count);
    CHECK_EQ(__atomic_load_n(&group.completed, __ATOMIC_ACQUIRE), group.created);
}

static void create_tasks(struct scope *s, struct group *group, struct dice *d, int count)
{
    for (int i = 0; i < count; i++) {
        int what = dice_below(d, 40);
        if (what == 0 && with.groups)
            create_group(s, group, d, dice_between(d, 0, 8));
        else if (what == 1 && with.waits)
            wait_for_some(s, d);
        else
            create_task(s, group, d);
    }
}

/* ---- A round: one region in which one thread or all of them create graphs, or a graph outside of any region. */
static void round_inside(struct dice *d)
{
    static struct scope scope[64];
    int tasks = dice_between(d, 1, 250), threads = dice_between(d, 1, omp_get_max_threads());
    bool alone = dice_percent(d, 60);
    uint64_t seed = dice_roll(d);
    memset(scope, 0, sizeof scope);
#pragma omp parallel num_threads(threads)
    if (!alone || omp_get_thread_num() == threads - 1) {
        int self = omp_get_thread_num();
        struct dice mine = {seed + 977u * (unsigned)self};
        create_tasks(&scope[self % 64], NULL, &mine, alone ? tasks : tasks / threads);
    }
}

static void round_outside(struct dice *d)
{
    static struct scope scope;
    memset(&scope, 0, sizeof scope);
#pragma omp taskgroup
    create_tasks(&scope, NULL, d, 30);
}

static void any_round(struct dice *d)
{
    choose(d);
    jobs_used = jobs_completed = 0;
    if (dice_percent(d, 5))
        round_outside(d);
    else
        round_inside(d);
    CHECK_EQ(__atomic_load_n(&jobs_completed, __ATOMIC_ACQUIRE), jobs_used);
}

int main(int argc, char **argv)
{
    pthread_t fulfiller;
    random_environment(argv, "OMP_MAX_TASK_PRIORITY", "3");
    sem_init(&inbox_count, 0, 0);
    CHECK_EQ(pthread_create(&fulfiller, NULL, fulfil_all, NULL), 0);
    int status = random_rounds(argc, argv, any_round);
    __atomic_store_n(&inbox_closed, true, __ATOMIC_RELAXED);
    sem_post(&inbox_count);
    pthread_join(fulfiller, NULL);
    return status;
}
