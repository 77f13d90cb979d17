/* The calls for threadprivate variables, as compilers emit them and as they once did: caches, arrays of objects,
   objects that are copied from the original, and many threads that meet a variable at the same moment. */
#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include <omp.h>

int32_t __kmpc_global_thread_num(void *);
void *__kmpc_threadprivate(void *, int32_t, void *, size_t);
void *__kmpc_threadprivate_cached(void *, int32_t, void *, size_t, void ***);
void __kmpc_threadprivate_register(void *, void *, void *(*)(void *), void *(*)(void *, void *), void (*)(void *));
void __kmpc_threadprivate_register_vec(void *, void *, void *(*)(void *, size_t), void *(*)(void *, void *, size_t),
                                       void (*)(void *, size_t), size_t);

#define THREADS   32
#define VARIABLES 200

static int variable[VARIABLES];
static void **cache[VARIABLES], **second_cache[VARIABLES];

static int *mine(int i)
{
    return __kmpc_threadprivate_cached(NULL, __kmpc_global_thread_num(NULL), &variable[i], sizeof variable[i],
                                       &cache[i]);
}

/* All threads ask for the same variables at once; nobody gets another one's copy. */
static void race(void)
{
    for (int i = 0; i < VARIABLES; i++)
        variable[i] = i;
#pragma omp parallel num_threads(THREADS)
    {
        int me = omp_get_thread_num(), gtid = __kmpc_global_thread_num(NULL);
        for (int i = 0; i < VARIABLES; i++) {
            int *copy = mine(i);
            CHECK_EQ(*copy, i);
            CHECK_EQ(copy == &variable[i], me == 0);
            *copy = me * VARIABLES + i;
        }
#pragma omp barrier
        for (int i = 0; i < VARIABLES; i++) {
            CHECK_EQ(*mine(i), me * VARIABLES + i);
            CHECK(mine(i) == __kmpc_threadprivate(NULL, gtid, &variable[i], sizeof(int)));
            CHECK(mine(i) == __kmpc_threadprivate_cached(NULL, gtid, &variable[i], sizeof(int), &second_cache[i]));
            CHECK(cache[i][gtid] == mine(i)); /* as compiled code may read it */
        }
#pragma omp barrier
        *mine(0) = 0;
    }
    for (int i = 1; i < VARIABLES; i++)
        CHECK_EQ(variable[i], i);
}

/* ---- Objects that count themselves. */
struct object {
    int value, alive;
};
static int alive;

static void *copy_object(void *to, void *from)
{
    *(struct object *)to = (struct object){((struct object *)from)->value + 1, 1};
    __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    return to;
}

static void end_object(void *object)
{
    CHECK_EQ(((struct object *)object)->alive, 1);
    __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
}

static void *make_row(void *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((struct object *)to)[i] = (struct object){(int)i, 1};
    __atomic_fetch_add(&alive, (int)count, __ATOMIC_RELAXED);
    return to;
}

static void end_row(void *row, size_t count)
{
    (void)row;
    __atomic_fetch_sub(&alive, (int)count, __ATOMIC_RELAXED);
}

static struct object row[5];

static void *use_row(void *unused)
{
    struct object *copy = __kmpc_threadprivate(NULL, __kmpc_global_thread_num(NULL), row, sizeof row);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(copy[i].value, i);
    CHECK(copy != row);
    return unused;
}

/* The reference unmakes nothing until the process ends. */
static void rows(void)
{
    if (check_is_reference())
        return;
    __kmpc_threadprivate_register_vec(NULL, row, make_row, NULL, end_row, 5);
    alive = 0;
    for (int round = 0; round < 20; round++) {
        pthread_t thread[4];
        for (int i = 0; i < 4; i++)
            pthread_create(&thread[i], NULL, use_row, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(thread[i], NULL);
        CHECK_EQ(alive, 0);
    }
}

static struct object original = {40, 1};

static void *use_copy(void *unused)
{
    struct object *copy = __kmpc_threadprivate(NULL, __kmpc_global_thread_num(NULL), &original, sizeof original);
    /* Copied twice: by the runtime for keeping, and from that. */
    CHECK_EQ(copy->value, 42);
    return unused;
}

/* The reference does not take copy constructors. */
static void copies(void)
{
    pthread_t thread;
    if (check_is_reference())
        return;
    __kmpc_threadprivate_register(NULL, &original, NULL, copy_object, end_object);
    alive = 0;
    pthread_create(&thread, NULL, use_copy, NULL);
    pthread_join(thread, NULL);
    CHECK_EQ(alive, 1); /* the one that is kept */
}

int main(void)
{
    __kmpc_global_thread_num(NULL);
    race();
    rows();
    copies();
    return check_result();
}
