/* A counter that the mutex alone protects; some holders give the CPU away, so that others go to sleep. */
#include "base/config.h"
#include "park/park.h"
#include "plat/plat.h"
#include "stress.h"

#define THREADS 4
#define ROUNDS  (10000 * STRESS_FACTOR)

static _Atomic uint32_t mutex;
static uint64_t counter, copy; /* equal whenever the mutex is free */

static void *body(void *index)
{
    uint32_t random = (uint32_t)(uintptr_t)index + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (stress_random(&random) % 8 == 0) {
            if (!mo_mutex_try_lock(&mutex))
                mo_mutex_lock(&mutex);
        } else {
            mo_mutex_lock(&mutex);
        }
        EXPECT(counter == copy);
        counter++;
        if (stress_random(&random) % 64 == 0)
            mo_plat_yield();
        copy++;
        mo_mutex_unlock(&mutex);
        stress_pause(&random, 8);
    }
    return NULL;
}

int main(void)
{
    mo_config_load();
    mo_park_init(2, 2);
    stress_run(body, THREADS);
    EXPECT(counter == (uint64_t)THREADS * ROUNDS && copy == counter);
    EXPECT(mo_load_relaxed(&mutex) == 0);
    return 0;
}
