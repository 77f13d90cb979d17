/* Tasks as compiled code sees them. The compiler asks for a block, fills it in, and hands it back to be run:

       struct mo_task | extension, if any | padding | struct task_head | kmp_task_t, privates | shareds

   The core's payload begins with the padding. The head is found from the kmp_task_t, which is all that compiled code
   passes, and the core's header from there. */
#ifndef MO_INTERPOSE_KMP_TASK_H
#define MO_INTERPOSE_KMP_TASK_H

#include "interpose/depobj.h"
#include "interpose/kmp/kmp.h"

#include <assert.h>

typedef struct kmp_task kmp_task_t;

/* Privates follow it, at the alignment that they need. */
struct kmp_task {
    void *shareds;
    int32_t (*routine)(int32_t gtid, kmp_task_t *task);
    int32_t part_id;
    union {
        int32_t (*destructors)(int32_t gtid, kmp_task_t *task);
        int32_t priority;
    } data1, data2; /* destructors of the privates; priority */
};

/* The pattern of a taskloop. */
struct kmp_loop_task {
    kmp_task_t task;
    uint64_t lower, upper; /* inclusive */
    int64_t step;
    int32_t last;
    void *reductions;
};

/* Flags that the compiler passes. */
enum {
    TASK_TIED = 1,
    TASK_FINAL = 2,
    TASK_MERGED_IF0 = 4,
    TASK_DESTRUCTORS = 8,
    TASK_PROXY = 16, /* ends when somebody says so, as if detached */
    TASK_PRIORITY = 32,
    TASK_DETACHABLE = 64,
    TASK_HIDDEN_HELPER = 128, /* for threads that serve devices; here, of target tasks */
};

enum { TASK_RUNNING = 1, TASK_AGAIN = 2 }; /* states, of untied tasks */

struct task_head {
    uint32_t bytes;      /* of the kmp_task_t with all that belongs to it */
    uint32_t shareds_at; /* offset; 0: there are none */
    uint16_t task_at;    /* bytes from the core's header to the kmp_task_t */
    uint16_t padding;    /* bytes from the core's payload to the kmp_task_t */
    uint8_t flags;
    uint8_t state;
};
#define HEAD_BYTES 16
static_assert(sizeof(struct task_head) <= HEAD_BYTES, "the kmp_task_t stays aligned to 16 bytes");
static_assert(sizeof(kmp_task_t) == 40 && sizeof(struct kmp_loop_task) == 80, "the compiler's layout");

static inline struct task_head *kmp_head(kmp_task_t *t)
{
    return (struct task_head *)((char *)t - HEAD_BYTES);
}

static inline struct mo_task *kmp_core_task(kmp_task_t *t)
{
    return (struct mo_task *)((char *)t - kmp_head(t)->task_at);
}

/* What the core calls with the payload of a task whose padding is `padding`. */
void (*kmp_task_entry(unsigned padding))(void *payload);
void kmp_task_destroy(struct mo_member *m, kmp_task_t *t);
/* Destroy and free a block that does not run as a task. */
void kmp_task_discard(struct mo_member *m, kmp_task_t *t);

static inline int kmp_task_priority(kmp_task_t *t)
{
    return kmp_head(t)->flags & TASK_PRIORITY ? t->data2.priority : 0;
}

#endif
