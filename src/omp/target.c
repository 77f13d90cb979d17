/* Target constructs. The host is the only device, so a target region runs here, in a contention group of its own and
   with its own copies of firstprivate variables; data that is mapped is already where it should be. With nowait or with
   such copies the region is a task that carries them: kernel, addresses, copies in one block. */
#include "omp/core.h"

#include <string.h>

struct kernel {
    void (*fn)(void *);
    uint32_t env;
    void **args;
};

static void miss(int number)
{
    if (mo_knob(MO_KNOB_OMP_TARGET_OFFLOAD) == MO_OFFLOAD_MANDATORY)
        mo_fatal_exit("there is no device %d, and OMP_TARGET_OFFLOAD is mandatory", number);
}

bool mo_device_exists(int number)
{
    bool host = number == 0 || number == -1;
    if (!host)
        miss(number);
    return host;
}

/* Without that policy the host stands in for any device. */
static void check_device(struct mo_member *m, int device)
{
    int number = device == MO_DEVICE_DEFAULT ? mo_icvs_of(m)->default_device : device;
    if (number != 0 && device != MO_DEVICE_HOST)
        miss(number);
}

static void run_kernel(void *data)
{
    const struct kernel *k = data;
    mo_group_begin(k->env, &(struct mo_group){0, 0});
    k->fn(k->args);
    mo_group_end();
}

/* ---- The block. */
static struct mo_private private_at(const struct mo_target *t, size_t i)
{
    return t->private_at && t->args[i] ? t->private_at(t->list, i) : (struct mo_private){0, 0};
}

static size_t align_up(size_t at, size_t align)
{
    return (at + align - 1) & ~(align - 1);
}

/* Whether anything is copied, and how large the block is then. */
static bool measure(const struct mo_target *t, size_t *bytes, size_t *align)
{
    bool copies = false;
    *bytes = sizeof(struct kernel) + t->count * sizeof *t->args;
    *align = _Alignof(struct kernel);
    for (size_t i = 0; i < t->count; i++) {
        struct mo_private p = private_at(t, i);
        if (!p.align)
            continue;
        copies = true;
        *bytes = align_up(*bytes, p.align) + p.bytes;
        if (p.align > *align)
            *align = p.align;
    }
    return copies;
}

static uint32_t target_env(const struct mo_target *t)
{
    return mo_group_limited(0, t->thread_limit);
}

static void fill_block(void *to, void *from)
{
    const struct mo_target *t = from;
    struct kernel *k = to;
    size_t at = sizeof *k + t->count * sizeof *t->args;
    *k = (struct kernel){.fn = t->fn, .env = target_env(t), .args = (void **)(k + 1)};
    for (size_t i = 0; i < t->count; i++) {
        struct mo_private p = private_at(t, i);
        k->args[i] = t->args[i];
        if (!p.align)
            continue;
        at = align_up(at, p.align);
        k->args[i] = memcpy((char *)to + at, t->args[i], p.bytes);
        at += p.bytes;
    }
}

void mo_omp_target(struct mo_member *m, const struct mo_target *t)
{
    check_device(m, t->device);
    struct mo_task_spec task = {.fn = run_kernel, .deferrable = t->nowait, .deps = t->deps};
    struct kernel in_place = {.fn = t->fn, .args = t->args};
    if (measure(t, &task.bytes, &task.align) || t->nowait) {
        task.copy = fill_block;
        task.data = (void *)t;
    } else {
        in_place.env = target_env(t);
        task.data = &in_place;
    }
    mo_omp_task(m, &task);
}

/* ---- Constructs that only move data. */
static void do_nothing(void *data)
{
}

void mo_omp_target_data(struct mo_member *m, int device, bool nowait, const struct mo_deps *deps)
{
    check_device(m, device);
    if (!deps->count)
        return;
    /* Later siblings may depend on it, so it has to be there as a task of its own. */
    const struct mo_task_spec task = {.fn = do_nothing, .align = 1, .deferrable = nowait, .deps = *deps};
    mo_omp_task(m, &task);
}
