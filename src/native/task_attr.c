/* What a task is to be like (moirai/task.h): attributes, and making a task with them. */
#include "native/task.h"

struct attr {
    uint64_t made; /* ATTR_MADE */
    int32_t priority;
    int32_t place; /* MO_PLACE_*; with an address its STRICT alone */
    uint64_t cost_ns;
    const char *name;
    struct mo_group *group;
    const void *near_to;
};
_Static_assert(sizeof(struct attr) <= sizeof(moirai_task_attr_t), "room for it");
_Static_assert(MOIRAI_WORKERS_MAX <= MO_PLACE_IS_NODE && MO_PLAT_NODES_MAX <= MO_PLACE_IS_NODE, "numbers fit");

#define ATTR_MADE    0x6d6f697261696474u
#define COST_OF_WAKE 5000

static struct attr *attr_of(const moirai_task_attr_t *a)
{
    struct attr *attr = (struct attr *)a;
    return attr && attr->made == ATTR_MADE ? attr : NULL;
}

MO_API void moirai_task_attr_init(moirai_task_attr_t *a)
{
    memset(a, 0, sizeof *a);
    *(struct attr *)a = (struct attr){.made = ATTR_MADE, .place = MO_PLACE_ANY};
}

MO_API int moirai_task_attr_set_priority(moirai_task_attr_t *a, int priority)
{
    struct attr *attr = attr_of(a);
    if (!attr || priority < MOIRAI_PRIORITY_LOW || priority > MOIRAI_PRIORITY_URGENT)
        return MOIRAI_EINVAL;
    attr->priority = priority;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_cost_ns(moirai_task_attr_t *a, uint64_t cost_ns)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->cost_ns = cost_ns;
    return MOIRAI_OK;
}

static int set_place(moirai_task_attr_t *a, bool valid, int32_t place, const void *near_to, int how)
{
    struct attr *attr = attr_of(a);
    if (!attr || !valid || (how != MOIRAI_PREFERRED && how != MOIRAI_STRICT))
        return MOIRAI_EINVAL;
    attr->place = place | (how == MOIRAI_STRICT ? MO_PLACE_STRICT : 0);
    attr->near_to = near_to;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_worker(moirai_task_attr_t *a, unsigned worker, int how)
{
    return set_place(a, worker < MOIRAI_WORKERS_MAX, MO_PLACE_WORKER(worker), NULL, how);
}

MO_API int moirai_task_attr_set_node(moirai_task_attr_t *a, unsigned node, int how)
{
    return set_place(a, node < MO_PLAT_NODES_MAX, MO_PLACE_NODE(node), NULL, how);
}

MO_API int moirai_task_attr_set_near(moirai_task_attr_t *a, const void *address, int how)
{
    return set_place(a, address != NULL, 0, address, how);
}

/* Where the address is, is asked when the task is made: pages move. */
static int32_t place_of(const struct attr *attr)
{
    if (!attr->near_to)
        return attr->place;
    int node = mo_plat_node_of(attr->near_to);
    return node < 0 ? MO_PLACE_ANY : MO_PLACE_NODE(node) | (attr->place & MO_PLACE_STRICT);
}

MO_API int moirai_task_attr_set_name(moirai_task_attr_t *a, const char *name)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->name = name;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_group(moirai_task_attr_t *a, moirai_group_t *group)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->group = (struct mo_group *)group;
    return MOIRAI_OK;
}

/* A worker that creates something short does not call for help, and what has a place does that itself. */
static int submit_quietly(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    bool placed = mo_job_ext(job)->place != MO_PLACE_ANY;
    return placed || (w->seat && w->seat->executor == x) ? mo_job_submit_quietly(w, x, job) : mo_job_submit(w, x, job);
}

static int check_place(moirai_executor_t *executor, int32_t *place)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    int err = w ? mo_native_which(w, executor, &x) : ENOMEM;
    return err ? err : mo_executor_check_place(x, place);
}

MO_API int moirai_spawn_with(moirai_executor_t *executor, moirai_task_t *task, const moirai_task_attr_t *a,
                             void (*fn)(void *data), const void *data, size_t bytes)
{
    const struct attr *attr = attr_of(a);
    if (!a)
        return moirai_spawn(executor, task, fn, data, bytes);
    if (!attr)
        return MOIRAI_EINVAL;
    struct mo_job_ext ext = {
        .name = attr->name, .cost_ns = attr->cost_ns, .priority = attr->priority, .place = place_of(attr)};
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task, .group = attr->group, .ext = &ext};
    if (attr->group && !executor)
        executor = (moirai_executor_t *)attr->group->executor;
    int err = ext.place != MO_PLACE_ANY ? check_place(executor, &ext.place) : 0;
    if (err)
        return mo_native_status(err);
    bool is_short = attr->cost_ns && attr->cost_ns < COST_OF_WAKE && !attr->priority;
    bool quiet = is_short || ext.place != MO_PLACE_ANY;
    return mo_native_status(mo_native_spawn(executor, task, &spec, data, quiet ? submit_quietly : mo_job_submit));
}
