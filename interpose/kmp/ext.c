/* kmp_* and kmpc_*: what LLVM's and Intel's omp.h have beyond OpenMP, in C, and in Fortran, which passes addresses.
   Memory is the C library's. */
#include "interpose/kmp/kmp.h"
#include "topo/topo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* name(value) under kmp_, kmpc_ and Fortran's name. */
#define SETTER(name, type)                                                                                             \
    MO_EXPORT void kmpc_##name(type value)                                                                             \
    {                                                                                                                  \
        kmp_##name(value);                                                                                             \
    }                                                                                                                  \
    FORTRAN_SETTER(name, type)
#define FORTRAN_SETTER(name, type)                                                                                     \
    MO_EXPORT void kmp_##name##_(const type *value)                                                                    \
    {                                                                                                                  \
        kmp_##name(*value);                                                                                            \
    }
#define GETTER(type, name)                                                                                             \
    MO_EXPORT type kmp_##name##_(void)                                                                                 \
    {                                                                                                                  \
        return kmp_##name();                                                                                           \
    }
#define ACTION(name)                                                                                                   \
    MO_EXPORT void kmp_##name##_(void)                                                                                 \
    {                                                                                                                  \
        kmp_##name();                                                                                                  \
    }

/* ---- Waiting. Milliseconds; the largest number is for ever. */
#define MS 1000000u

MO_EXPORT void kmp_set_blocktime(int ms)
{
    mo_self();
    mo_park_set_spin_ns(ms == INT_MAX ? UINT64_MAX : ms > 0 ? (uint64_t)ms * MS : 0);
}
SETTER(set_blocktime, int)

MO_EXPORT int kmp_get_blocktime(void)
{
    mo_self();
    uint64_t ns = mo_park_spin_ns();
    return ns == UINT64_MAX ? INT_MAX : (int)((ns + MS - 1) / MS);
}
GETTER(int, get_blocktime)

/* ---- Kinds of use, numbered from 1. */
MO_EXPORT void kmp_set_library(int library)
{
    if (library > MO_LIBRARY_SERIAL && library <= MO_LIBRARY_THROUGHPUT + 1)
        mo_library_set(mo_self(), (enum mo_library)(library - 1));
}
SETTER(set_library, int)

MO_EXPORT int kmp_get_library(void)
{
    mo_self();
    return (int)mo_library() + 1;
}
GETTER(int, get_library)

MO_EXPORT void kmp_set_library_serial(void)
{
    mo_library_set(mo_self(), MO_LIBRARY_SERIAL);
}
ACTION(set_library_serial)

MO_EXPORT void kmp_set_library_turnaround(void)
{
    mo_library_set(mo_self(), MO_LIBRARY_TURNAROUND);
}
ACTION(set_library_turnaround)

MO_EXPORT void kmp_set_library_throughput(void)
{
    mo_library_set(mo_self(), MO_LIBRARY_THROUGHPUT);
}
ACTION(set_library_throughput)

/* ---- Stacks of threads that start later. */
MO_EXPORT void kmp_set_stacksize_s(size_t bytes)
{
    mo_self();
    mo_pool_set_stack_bytes(bytes);
}
SETTER(set_stacksize_s, size_t)

MO_EXPORT void kmp_set_stacksize(int bytes)
{
    kmp_set_stacksize_s(bytes > 0 ? (size_t)bytes : 0);
}
SETTER(set_stacksize, int)

MO_EXPORT size_t kmp_get_stacksize_s(void)
{
    mo_self();
    return mo_pool_stack_bytes();
}
GETTER(size_t, get_stacksize_s)

MO_EXPORT int kmp_get_stacksize(void)
{
    size_t bytes = kmp_get_stacksize_s();
    return bytes < INT_MAX ? (int)bytes : INT_MAX;
}
GETTER(int, get_stacksize)

/* ---- Settings, "NAME=value|NAME=value". */
static void set_defaults(const char *text, size_t bytes)
{
    if (!mo_config_assign(text, bytes))
        mo_warn_once("kmp_set_defaults(\"%.100s\") comes after the settings were read, or is too long: ignored", text);
}

MO_EXPORT void kmp_set_defaults(const char *text)
{
    set_defaults(text, strlen(text));
}

MO_EXPORT void kmpc_set_defaults(const char *text)
{
    set_defaults(text, strlen(text));
}

MO_EXPORT void kmp_set_defaults_(const char *text, int bytes)
{
    set_defaults(text, bytes > 0 ? (size_t)bytes : 0);
}

/* There are as many descriptors of loops as it takes. */
MO_EXPORT void kmp_set_disp_num_buffers(int count)
{
}
SETTER(set_disp_num_buffers, int)

MO_EXPORT void kmp_set_warnings_on(void)
{
    mo_self(); /* the setting comes first */
    mo_log_set_warnings(true);
}
ACTION(set_warnings_on)

MO_EXPORT void kmp_set_warnings_off(void)
{
    mo_self();
    mo_log_set_warnings(false);
}
ACTION(set_warnings_off)

/* ---- Queries. */
MO_EXPORT int kmp_get_num_known_threads(void)
{
    mo_self();
    return (int)mo_park_threads();
}
GETTER(int, get_num_known_threads)

MO_EXPORT int kmp_get_cancellation_status(int kind)
{
    static const enum mo_cancel_kind kinds[] = {MO_CANCEL_PARALLEL, MO_CANCEL_SHARE, MO_CANCEL_SHARE,
                                                MO_CANCEL_TASKGROUP};
    return kind >= 1 && kind <= 4 && mo_omp_cancelled(mo_self(), kinds[kind - 1]);
}

MO_EXPORT int kmp_get_cancellation_status_(const int *kind)
{
    return kmp_get_cancellation_status(*kind);
}

/* ---- Of the runtime for devices. 0: disabled, 1: by default, 2: mandatory. */
MO_EXPORT int __kmpc_get_target_offload(void)
{
    static const int numbers[] = {[MO_OFFLOAD_DEFAULT] = 1, [MO_OFFLOAD_MANDATORY] = 2, [MO_OFFLOAD_DISABLED] = 0};
    return numbers[mo_knob(MO_KNOB_OMP_TARGET_OFFLOAD)];
}

/* Resuming is nothing to do. 0: done. */
MO_EXPORT int __kmpc_pause_resource(int kind)
{
    return kind == 0 || mo_omp_pause(mo_self()) ? 0 : 1;
}

/* ---- Masks of CPUs. A mask is the address of its words. */
enum { NO_SUCH_CPU = -1, CPU_NOT_OURS = -2 };

MO_EXPORT void kmp_create_affinity_mask(unsigned long **mask)
{
    *mask = calloc(MO_MASK_WORDS, sizeof **mask);
    if (!*mask)
        mo_fatal("out of memory for an affinity mask");
}

MO_EXPORT void kmp_destroy_affinity_mask(unsigned long **mask)
{
    free(*mask);
    *mask = NULL;
}

/* 0, or what the system says. */
MO_EXPORT int kmp_set_affinity(unsigned long **mask)
{
    unsigned words = MO_MASK_WORDS;
    while (words > 0 && (*mask)[words - 1] == 0)
        words--;
    return words > 0 ? mo_affinity_take_mask(mo_self(), *mask, words) : EINVAL;
}

MO_EXPORT int kmp_get_affinity(unsigned long **mask)
{
    return mo_topo_affinity_mask(*mask) > 0 ? 0 : ENOSYS;
}

/* The mask that the process began with. */
MO_EXPORT int kmp_set_thread_affinity_mask_initial(void)
{
    struct mo_member *m = mo_self();
    unsigned words;
    const unsigned long *all = mo_affinity_all_cpus(&words);
    return words > 0 ? mo_affinity_take_mask(m, all, words) : -1;
}

static unsigned bit(const unsigned long *mask, int cpu)
{
    return mask[(unsigned)cpu / MO_MASK_BITS] >> (unsigned)cpu % MO_MASK_BITS & 1;
}

MO_EXPORT int kmp_get_affinity_max_proc(void)
{
    unsigned words;
    const unsigned long *all = mo_affinity_all_cpus(&words);
    int cpu = (int)(words * MO_MASK_BITS);
    while (cpu > 0 && !bit(all, cpu - 1))
        cpu--;
    return cpu;
}

static int check_cpu(int cpu)
{
    unsigned words;
    if (cpu < 0 || cpu >= kmp_get_affinity_max_proc())
        return NO_SUCH_CPU;
    return bit(mo_affinity_all_cpus(&words), cpu) ? 0 : CPU_NOT_OURS;
}

MO_EXPORT int kmp_set_affinity_mask_proc(int cpu, unsigned long **mask)
{
    int wrong = check_cpu(cpu);
    if (!wrong)
        (*mask)[(unsigned)cpu / MO_MASK_BITS] |= 1ul << (unsigned)cpu % MO_MASK_BITS;
    return wrong;
}

MO_EXPORT int kmp_unset_affinity_mask_proc(int cpu, unsigned long **mask)
{
    int wrong = check_cpu(cpu);
    if (!wrong)
        (*mask)[(unsigned)cpu / MO_MASK_BITS] &= ~(1ul << (unsigned)cpu % MO_MASK_BITS);
    return wrong;
}

MO_EXPORT int kmp_get_affinity_mask_proc(int cpu, unsigned long **mask)
{
    int wrong = check_cpu(cpu);
    return wrong == NO_SUCH_CPU ? wrong : wrong == 0 && bit(*mask, cpu);
}

#define MASK_PROC(name)                                                                                                \
    MO_EXPORT int kmpc_##name(int cpu, unsigned long **mask)                                                           \
    {                                                                                                                  \
        return kmp_##name(cpu, mask);                                                                                  \
    }                                                                                                                  \
    MO_EXPORT int kmp_##name##_(const int *cpu, unsigned long **mask)                                                  \
    {                                                                                                                  \
        return kmp_##name(*cpu, mask);                                                                                 \
    }
MASK_PROC(set_affinity_mask_proc)
MASK_PROC(unset_affinity_mask_proc)
MASK_PROC(get_affinity_mask_proc)
GETTER(int, get_affinity_max_proc)

MO_EXPORT void kmp_create_affinity_mask_(unsigned long **mask)
{
    kmp_create_affinity_mask(mask);
}

MO_EXPORT void kmp_destroy_affinity_mask_(unsigned long **mask)
{
    kmp_destroy_affinity_mask(mask);
}

MO_EXPORT int kmp_set_affinity_(unsigned long **mask)
{
    return kmp_set_affinity(mask);
}

MO_EXPORT int kmp_get_affinity_(unsigned long **mask)
{
    return kmp_get_affinity(mask);
}

/* ---- Memory. */
MO_EXPORT void *kmpc_malloc(size_t bytes)
{
    return malloc(bytes);
}

MO_EXPORT void *kmpc_aligned_malloc(size_t bytes, size_t align)
{
    void *block;
    if (align < sizeof block)
        align = sizeof block;
    int err = posix_memalign(&block, align, bytes);
    if (err)
        errno = err;
    return err ? NULL : block;
}

MO_EXPORT void *kmpc_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

MO_EXPORT void *kmpc_realloc(void *block, size_t bytes)
{
    return realloc(block, bytes);
}

MO_EXPORT void kmpc_free(void *block)
{
    free(block);
}

MO_EXPORT void *kmp_malloc(size_t bytes)
{
    return malloc(bytes);
}

MO_EXPORT void *kmp_aligned_malloc(size_t bytes, size_t align)
{
    return kmpc_aligned_malloc(bytes, align);
}

MO_EXPORT void *kmp_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

MO_EXPORT void *kmp_realloc(void *block, size_t bytes)
{
    return realloc(block, bytes);
}

MO_EXPORT void kmp_free(void *block)
{
    free(block);
}

MO_EXPORT void *kmp_malloc_(const size_t *bytes)
{
    return malloc(*bytes);
}

MO_EXPORT void *kmp_aligned_malloc_(const size_t *bytes, const size_t *align)
{
    return kmpc_aligned_malloc(*bytes, *align);
}

MO_EXPORT void *kmp_calloc_(const size_t *count, const size_t *size)
{
    return calloc(*count, *size);
}

MO_EXPORT void *kmp_realloc_(void *const *block, const size_t *bytes)
{
    return realloc(*block, *bytes);
}

MO_EXPORT void kmp_free_(void *const *block)
{
    free(*block);
}
