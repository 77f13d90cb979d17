/* Stacks for contexts, from large mappings: hundreds of thousands must not need as many mappings, of which a process
   has 65,530. All stacks of a store are equally large. Below each lies a guard, the best that there is:

     a page that the kernel marks in its tables    Linux 6.13 on; takes no mapping of its own
     a page without access                         two mappings a stack, so only for the first MO_STACK_PROTECTED_MAX
     a word that must not change                   seen when somebody asks, mo_stack_is_whole()

   A thread that touches one of the first two gets SIGSEGV. Memory is touched where a stack was used, and in its topmost
   page; what was touched stays with the stack when it is given back. Nothing here calls malloc. */
#ifndef MO_MEM_STACK_H
#define MO_MEM_STACK_H

#include "base/atomic.h"

enum mo_stack_guard { MO_STACK_GUARD_MARK, MO_STACK_GUARD_PROTECT, MO_STACK_GUARD_WORD };

/* At the upper end of its stack. */
struct mo_stack {
    void *low;    /* the lowest byte that may be used */
    size_t bytes; /* from there; the end is aligned to 16 */
    enum mo_stack_guard guard;
    struct mo_stack *next;
};

/* Stacks that nobody uses. `shared` is a Treiber stack that only ever loses everything at once, so no ABA. */
struct mo_stacks {
    size_t slot_bytes; /* with the guard and struct mo_stack */
    _Atomic uint32_t best_guard;
    _Atomic uint32_t protected;
    _Atomic(struct mo_stack *) shared MO_ALIGNED(MO_LINE_PAIR);
};

/* Of one thread; begins as zeroes. */
struct mo_stack_cache {
    struct mo_stack *first;
    unsigned count;
};

#define MO_STACK_CHUNK         64 /* stacks of one mapping, and that change hands between threads at once */
#define MO_STACK_PROTECTED_MAX 16000
#define MO_STACK_BYTES_MAX     ((size_t)1 << 40)

/* Stacks of at least `bytes`, 1 to MO_STACK_BYTES_MAX, and guards no better than `best`. No memory is taken yet. */
void mo_stacks_init(struct mo_stacks *s, size_t bytes, enum mo_stack_guard best);

/* NULL when memory is exhausted. */
struct mo_stack *mo_stack_take(struct mo_stacks *s, struct mo_stack_cache *mine);
/* Nobody runs on it any more. The thread that gives it need not be the one that took it. */
void mo_stack_give(struct mo_stacks *s, struct mo_stack_cache *mine, struct mo_stack *stack);
/* The thread ends: others may have what it kept. */
void mo_stack_cache_flush(struct mo_stacks *s, struct mo_stack_cache *mine);

/* False: it has overflown. Always true where the guard is a page. */
bool mo_stack_is_whole_slow(const struct mo_stack *stack);
static inline bool mo_stack_is_whole(const struct mo_stack *stack)
{
    return mo_likely(stack->guard != MO_STACK_GUARD_WORD) || mo_stack_is_whole_slow(stack);
}

#endif
