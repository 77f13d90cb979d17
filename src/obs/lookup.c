/* What a tool may call: entry points by name. */
#include "obs/internal.h"

#include "base/config.h"
#include "plat/plat.h"

#include <string.h>

static struct mo_obs_thread *self(void)
{
    return MO_SHARED(obs_host).self();
}

/* ---- Names. */
struct name {
    int value;
    const char *text;
};

/* The entry after `current`; false at the end. */
static int next_of(const struct name *list, size_t count, int current, int *next, const char **text)
{
    for (size_t i = 0; i + 1 < count; i++) {
        if (list[i].value != current)
            continue;
        *next = list[i + 1].value;
        *text = list[i + 1].text;
        return 1;
    }
    return 0;
}

#define STATE(name)                                                                                                    \
    {                                                                                                                  \
        ompt_state_##name, "ompt_state_" #name                                                                         \
    }

static int enumerate_states(int current, int *next, const char **name)
{
    static const struct name list[] = {STATE(undefined),
                                       STATE(work_serial),
                                       STATE(work_parallel),
                                       STATE(work_reduction),
                                       STATE(wait_barrier_implicit_parallel),
                                       STATE(wait_barrier_implicit_workshare),
                                       STATE(wait_barrier_explicit),
                                       STATE(wait_barrier_implementation),
                                       STATE(wait_taskwait),
                                       STATE(wait_taskgroup),
                                       STATE(wait_lock),
                                       STATE(wait_critical),
                                       STATE(wait_atomic),
                                       STATE(wait_ordered)};
    return next_of(list, sizeof list / sizeof *list, current, next, name);
}

static int enumerate_mutex_impls(int current, int *next, const char **name)
{
    static const struct name list[] = {{0, "none"}, {MO_OBS_MUTEX_IMPL, "futex"}};
    return next_of(list, sizeof list / sizeof *list, current, next, name);
}

/* ---- Callbacks. Sometimes: where a compiler puts the construct into its own code, the runtime does not see it. */
static ompt_set_result_t how_often(int event)
{
    switch (event) {
    case ompt_callback_thread_begin:
    case ompt_callback_thread_end:
    case ompt_callback_parallel_begin:
    case ompt_callback_parallel_end:
    case ompt_callback_task_create:
    case ompt_callback_task_schedule:
    case ompt_callback_implicit_task:
    case ompt_callback_control_tool:
    case ompt_callback_sync_region_wait:
    case ompt_callback_sync_region:
    case ompt_callback_mutex_acquire:
    case ompt_callback_mutex_acquired:
    case ompt_callback_mutex_released:
    case ompt_callback_nest_lock:
    case ompt_callback_lock_init:
    case ompt_callback_lock_destroy:
    case ompt_callback_dependences:
    case ompt_callback_cancel:
    case ompt_callback_error:
        return ompt_set_always;
    case ompt_callback_work:
    case ompt_callback_masked:
    case ompt_callback_reduction:
        return ompt_set_sometimes_paired;
    case ompt_callback_task_dependence:
    case ompt_callback_flush:
    case ompt_callback_dispatch:
        return ompt_set_sometimes;
    default:
        return ompt_set_never;
    }
}

static ompt_set_result_t set_callback(ompt_callbacks_t event, ompt_callback_t callback)
{
    int number = (int)event;
    if (number < 1 || number >= MO_OBS_EVENTS || mo_load_relaxed(&MO_SHARED(obs).finalized))
        return ompt_set_error;
    ompt_set_result_t often = how_often(number);
    if (often != ompt_set_never)
        mo_store_relaxed(&MO_SHARED(obs).callback[number], callback);
    return often;
}

static int get_callback(ompt_callbacks_t event, ompt_callback_t *callback)
{
    int number = (int)event;
    ompt_callback_t found = NULL;
    if (number >= 1 && number < MO_OBS_EVENTS)
        found = mo_load_relaxed(&MO_SHARED(obs).callback[number]);
    if (found)
        *callback = found;
    return found != NULL;
}

/* ---- Threads, tasks, regions. */
static ompt_data_t *get_thread_data(void)
{
    struct mo_obs_thread *t = self();
    return t ? (ompt_data_t *)&t->data : NULL;
}

static int get_state(ompt_wait_id_t *wait_id)
{
    struct mo_obs_thread *t = self();
    if (!t)
        return ompt_state_undefined;
    if (wait_id)
        *wait_id = t->wait_id;
    if (t->state)
        return (int)t->state;
    if (!t->task)
        return ompt_state_overhead;
    return t->task->parallel->size > 1 ? ompt_state_work_parallel : ompt_state_work_serial;
}

enum { NOT_THERE = 0, AVAILABLE = 2 };

static int get_parallel_info(int level, ompt_data_t **data, int *team_size)
{
    struct mo_obs_thread *t = self();
    struct mo_obs_parallel *p = t && t->task && level >= 0 ? t->task->parallel : NULL;
    while (p && level-- > 0)
        p = p->task ? p->task->parallel : NULL;
    if (!p)
        return NOT_THERE;
    if (data)
        *data = (ompt_data_t *)&p->data;
    if (team_size)
        *team_size = (int)p->size;
    return AVAILABLE;
}

static int get_task_info(int level, int *flags, ompt_data_t **data, ompt_frame_t **frame, ompt_data_t **parallel,
                         int *thread_num)
{
    struct mo_obs_thread *t = self();
    struct mo_obs_task *task = t && level >= 0 ? t->task : NULL;
    while (task && level-- > 0)
        task = task->outer;
    if (!task)
        return NOT_THERE;
    if (flags)
        *flags = task->flags;
    if (data)
        *data = (ompt_data_t *)&task->data;
    if (frame)
        *frame = (ompt_frame_t *)&task->frame;
    if (parallel)
        *parallel = (ompt_data_t *)&task->parallel->data;
    if (thread_num)
        *thread_num = (int)task->thread_num;
    return AVAILABLE;
}

/* There is one block, the payload; 0: no more of them. */
static int get_task_memory(void **addr, size_t *size, int block)
{
    struct mo_obs_thread *t = self();
    bool has = block == 0 && t && t->task && t->task->memory;
    *addr = has ? t->task->memory : NULL;
    *size = has ? t->task->bytes : 0;
    return 0;
}

static uint64_t get_unique_id(void)
{
    return mo_fetch_add_relaxed(&MO_SHARED(obs).last_id, 1u) + 1;
}

/* ---- Places and devices. */
static int get_num_procs(void)
{
    return MO_SHARED(obs_host).num_procs();
}

static int get_num_places(void)
{
    return MO_SHARED(obs_host).num_places();
}

static int get_place_proc_ids(int place, int ids_size, int *ids)
{
    return MO_SHARED(obs_host).place_procs(place, ids_size, ids);
}

static int get_place_num(void)
{
    return MO_SHARED(obs_host).place();
}

static int get_partition_place_nums(int room, int *places)
{
    return MO_SHARED(obs_host).partition(room, places);
}

static int get_proc_id(void)
{
    return (int)mo_plat_cpu();
}

/* The host is the one device, and no target region is under way on another one. */
static int get_num_devices(void)
{
    return 1;
}

static int get_target_info(uint64_t *device_num, ompt_id_t *target_id, ompt_id_t *host_op_id)
{
    return 0;
}

#define ENTRY(name)                                                                                                    \
    {                                                                                                                  \
        "ompt_" #name, (ompt_interface_fn_t)name                                                                       \
    }

ompt_interface_fn_t mo_obs_lookup(const char *name)
{
    static const struct {
        const char *name;
        ompt_interface_fn_t entry;
    } table[] = {
        ENTRY(enumerate_states),
        ENTRY(enumerate_mutex_impls),
        ENTRY(set_callback),
        ENTRY(get_callback),
        ENTRY(get_thread_data),
        ENTRY(get_num_procs),
        ENTRY(get_num_places),
        ENTRY(get_place_proc_ids),
        ENTRY(get_place_num),
        ENTRY(get_partition_place_nums),
        ENTRY(get_proc_id),
        ENTRY(get_state),
        ENTRY(get_parallel_info),
        ENTRY(get_task_info),
        ENTRY(get_task_memory),
        ENTRY(get_unique_id),
        ENTRY(get_num_devices),
        ENTRY(get_target_info),
        {"ompt_finalize_tool", mo_obs_finalize},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].entry;
    return NULL;
}
