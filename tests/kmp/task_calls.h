/* The entry points of tasks, for tests that call them as compiled code would, with arguments that compilers seldom
   pass. */
#ifndef TESTS_KMP_TASK_CALLS_H
#define TESTS_KMP_TASK_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct task {
    void *shareds;
    int32_t (*routine)(int32_t gtid, struct task *task);
    int32_t part_id;
    union {
        int32_t (*destructors)(int32_t gtid, struct task *task);
        int32_t priority;
    } data1, data2;
};

struct loop_task {
    struct task task;
    uint64_t lower, upper;
    int64_t step;
    int32_t last;
    void *reductions;
};

struct dep {
    void *address;
    size_t bytes;
    uint8_t flags;
};

enum { TIED = 1, FINAL = 2, MERGED_IF0 = 4, DESTRUCTORS = 8, PROXY = 16, PRIORITY = 32, DETACHABLE = 64 };
enum { IN = 1, INOUT = 3, MUTEXINOUTSET = 4, INOUTSET = 8, ALL_MEMORY = 0x80 };

typedef int32_t routine(int32_t, struct task *);

int32_t __kmpc_global_thread_num(void *);
struct task *__kmpc_omp_task_alloc(void *, int32_t, int32_t, size_t, size_t, routine *);
struct task *__kmpc_omp_target_task_alloc(void *, int32_t, int32_t, size_t, size_t, routine *, int64_t);
int32_t __kmpc_omp_task(void *, int32_t, struct task *);
int32_t __kmpc_omp_task_parts(void *, int32_t, struct task *);
int32_t __kmpc_omp_task_with_deps(void *, int32_t, struct task *, int32_t, struct dep *, int32_t, struct dep *);
void __kmpc_omp_wait_deps(void *, int32_t, int32_t, struct dep *, int32_t, struct dep *);
void __kmpc_omp_task_begin_if0(void *, int32_t, struct task *);
void __kmpc_omp_task_complete_if0(void *, int32_t, struct task *);
int32_t __kmpc_omp_taskwait(void *, int32_t);
void __kmpc_taskgroup(void *, int32_t);
void __kmpc_end_taskgroup(void *, int32_t);
void *__kmpc_task_allow_completion_event(void *, int32_t, struct task *);
void __kmpc_proxy_task_completed(int32_t, struct task *);
void __kmpc_proxy_task_completed_ooo(struct task *);
void omp_fulfill_event(uintptr_t);
uint64_t __kmpc_get_taskid(void);
uint64_t __kmpc_get_parent_taskid(void);
void __kmpc_taskloop(void *, int32_t, struct task *, int32_t, uint64_t *, uint64_t *, int64_t, int32_t, int32_t,
                     uint64_t, void *);
void __kmpc_taskloop_5(void *, int32_t, struct task *, int32_t, uint64_t *, uint64_t *, int64_t, int32_t, int32_t,
                       uint64_t, int32_t, void *);
void *__kmpc_task_reduction_init(int32_t, int32_t, void *);
void *__kmpc_taskred_init(int32_t, int32_t, void *);
void *__kmpc_task_reduction_get_th_data(int32_t, void *, void *);
void *__kmpc_task_reduction_modifier_init(void *, int32_t, int32_t, int32_t, void *);
void __kmpc_task_reduction_modifier_fini(void *, int32_t, int32_t);

static inline int32_t gtid(void)
{
    return __kmpc_global_thread_num(NULL);
}

static inline struct task *alloc(int32_t flags, size_t bytes, size_t shareds, routine *fn)
{
    return __kmpc_omp_task_alloc(NULL, gtid(), flags, bytes, shareds, fn);
}

static inline void submit(struct task *t)
{
    __kmpc_omp_task(NULL, gtid(), t);
}

#endif
