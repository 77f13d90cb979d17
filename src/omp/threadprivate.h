/* Variables of which each thread has a copy, where the compiler does not leave that to thread-local storage. The thread
   that came first uses the original; every other gets a copy at its first access, keeps it from region to region, and
   loses it at its end. */
#ifndef MO_OMP_THREADPRIVATE_H
#define MO_OMP_THREADPRIVATE_H

#include <stddef.h>

struct mo_member;

/* What makes and unmakes copies; all may be NULL. With `count` the functions are for arrays of so many objects. */
struct mo_threadprivate_kind {
    void *(*make)(void *copy);
    void *(*make_from)(void *copy, void *original);
    void (*unmake)(void *copy);
    void *(*make_all)(void *copy, size_t count);
    void *(*make_all_from)(void *copy, void *original, size_t count);
    void (*unmake_all)(void *copy, size_t count);
    size_t count; /* 0: one object */
};

/* A thread's copy. The layout is that of LLVM's runtime. */
struct mo_threadprivate_copy {
    struct mo_threadprivate_copy *next, *link;
    void *original;
    void *copy;
    size_t bytes;
};

/* Before the first access; later calls for the same variable are ignored. */
void mo_threadprivate_register(void *original, const struct mo_threadprivate_kind *kind);

/* The calling thread's copy. */
void *mo_threadprivate_find(struct mo_member *m, void *original, size_t bytes);

/* The same through a pointer that belongs to the caller, NULL at first: to an array that has the copy of each thread at
   the index of its worker. It may be read by compiled code that knows nothing but its thread's number. */
void *mo_threadprivate_find_cached(struct mo_member *m, void *original, size_t bytes, void ***cache);

/* What is known about a copy of the calling thread; NULL: it has no such copy. */
struct mo_threadprivate_copy *mo_threadprivate_about(struct mo_member *m, const void *copy);

#endif
