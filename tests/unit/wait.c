/* What mo_wait() calls, and when. Passive waiting goes to sleep without a spin, so the order of calls is known. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "park/park.h"
#include "plat/plat.h"

/* Calls are written down as letters: r ready, w work, s asleep, a awake. */
static char log_of_calls[64];
static unsigned calls;
static struct mo_event event;
static _Atomic bool flag;
static unsigned ready_after_works, works;
static bool lingered, slept;

/* What a yield of the core does here. */
static unsigned yields;
static void (*while_yielding)(void);

int sched_yield(void)
{
    yields++;
    if (while_yielding)
        while_yielding();
    return 0;
}

static void note(char what)
{
    if (calls < sizeof log_of_calls - 1)
        log_of_calls[calls++] = what;
}

static bool ready(void *arg)
{
    note('r');
    return mo_load_seqcst(&flag);
}

static bool work(void *arg)
{
    note('w');
    if (++works == ready_after_works)
        mo_store_seqcst(&flag, true);
    return works <= ready_after_works;
}

static void asleep(void *arg)
{
    note('s');
    slept = true;
}

static void awake(void *arg)
{
    note('a');
}

static void idle(void *arg)
{
    note('i');
}

static void linger(void *arg)
{
    lingered = true;
}

static const struct mo_wait everything = {.ready = ready,
                                          .work = work,
                                          .asleep = asleep,
                                          .awake = awake,
                                          .linger = linger,
                                          .event = &event,
                                          .bits = MO_WAKE_ANY};

static void use_policy(const char *policy)
{
    setenv("OMP_WAIT_POLICY", policy, 1);
    mo_config_reload_for_test();
    mo_config_load();
    mo_park_init(2, 2);
}

static void use_setting(const char *name, const char *value)
{
    unsetenv("OMP_WAIT_POLICY");
    setenv(name, value, 1);
    mo_config_reload_for_test();
    mo_config_load();
    mo_park_init(2, 2);
    unsetenv(name);
}

static int fresh(void **state)
{
    memset(log_of_calls, 0, sizeof log_of_calls);
    calls = works = ready_after_works = 0;
    event = (struct mo_event){0};
    lingered = slept = false;
    yields = 0;
    while_yielding = NULL;
    mo_store_relaxed(&flag, false);
    use_policy("passive");
    return 0;
}

static void ready_at_once_asks_nothing_else(void **state)
{
    mo_store_relaxed(&flag, true);
    mo_wait(&everything);
    assert_string_equal(log_of_calls, "r");
}

static void works_until_ready(void **state)
{
    ready_after_works = 3;
    mo_wait(&everything);
    assert_string_equal(log_of_calls, "rwrwrwr");
    assert_int_equal(event.waiters, 0);
}

static void only_ready_is_needed(void **state)
{
    const struct mo_wait least = {.ready = ready, .event = &event, .bits = MO_WAKE_ANY, .relook_ns = 1000};
    mo_store_relaxed(&flag, true);
    mo_wait(&least);
    assert_string_equal(log_of_calls, "r");
}

/* Becomes true in the last look, when the sleep has been announced. */
static bool ready_when_asleep(void *arg)
{
    note('r');
    return strchr(log_of_calls, 's') != NULL;
}

static void last_look_sees_the_condition(void **state)
{
    struct mo_wait w = everything;
    w.ready = ready_when_asleep;
    mo_wait(&w);
    const char *end = strchr(log_of_calls, 's');
    assert_non_null(end);
    assert_string_equal(end, "sra");
    assert_int_equal(event.waiters, 0);
}

static bool work_when_asleep(void *arg)
{
    note('w');
    bool found = strchr(log_of_calls, 's') != NULL;
    if (found)
        mo_store_seqcst(&flag, true);
    return found;
}

/* Work that turns up in the last look is done instead of sleeping; nobody would have woken us. */
static void last_look_sees_work(void **state)
{
    struct mo_wait w = everything;
    w.work = work_when_asleep;
    mo_wait(&w);
    const char *end = strchr(log_of_calls, 's');
    assert_non_null(end);
    assert_string_equal(end, "srwar");
}

static void *set_flag_later(void *arg)
{
    while (mo_load_acquire(&event.waiters) == 0)
        usleep(1000);
    usleep(20000);
    mo_store_seqcst(&flag, true);
    mo_event_notify(&event);
    return NULL;
}

static void notification_ends_the_sleep(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_flag_later, NULL), 0);
    mo_wait(&everything);
    pthread_join(thread, NULL);
    size_t end = strlen(log_of_calls);
    assert_true(end > 2);
    assert_string_equal(log_of_calls + end - 2, "ar");
    assert_int_equal(event.waiters, 0);
}

struct poll {
    unsigned left;
};

static bool no_more_polls(void *arg)
{
    return ((struct poll *)arg)->left == 0;
}

static bool count_poll(void *arg)
{
    struct poll *p = arg;
    if (p->left)
        p->left--;
    return false;
}

/* Nobody notifies. Each round looks twice (awake, and once more before it sleeps): rounds sleep 1, 2, 4 and 8 ms. */
static void sleeps_between_looks_double(void **state)
{
    struct poll p = {.left = 9};
    const struct mo_wait w = {.ready = no_more_polls,
                              .work = count_poll,
                              .arg = &p,
                              .event = &event,
                              .bits = MO_WAKE_ANY,
                              .relook_ns = 1000000};
    uint64_t before = mo_plat_now_ns();
    mo_wait(&w);
    uint64_t took = mo_plat_now_ns() - before;
    assert_true(took >= 15 * UINT64_C(1000000));
}

static void *set_flag_soon(void *arg)
{
    usleep(5000);
    mo_store_seqcst(&flag, true);
    mo_event_notify(&event);
    return NULL;
}

/* Active waiting never sleeps; lingering is what it does meanwhile. */
static void active_waiting_lingers_awake(void **state)
{
    pthread_t thread;
    use_policy("active");
    assert_int_equal(pthread_create(&thread, NULL, set_flag_soon, NULL), 0);
    mo_wait(&everything);
    pthread_join(thread, NULL);
    assert_false(slept);
    assert_true(lingered);
    assert_int_equal(event.seq, 0);
}

/* Before the sleep is announced, so that a notification meanwhile is not lost. */
static void idle_comes_before_the_announcement(void **state)
{
    pthread_t thread;
    struct mo_wait w = everything;
    w.idle = idle;
    assert_int_equal(pthread_create(&thread, NULL, set_flag_later, NULL), 0);
    mo_wait(&w);
    pthread_join(thread, NULL);
    const char *idled = strchr(log_of_calls, 'i'), *announced = strchr(log_of_calls, 's');
    assert_non_null(idled);
    assert_non_null(announced);
    assert_true(idled < announced);
}

static void *set_flag_for_a_sleeper(void *arg)
{
    while (mo_load_acquire(&event.waiters) == 0)
        usleep(100);
    mo_store_seqcst(&flag, true);
    mo_event_notify(&event);
    return NULL;
}

/* Only a sleeper is woken here, so with a budget of 9 s the test ends in time only if the memory is heeded. The sleep
   is over before the budget would be, and so makes up for all that were in vain. */
static void spins_in_vain_are_remembered(void **state)
{
    pthread_t thread;
    struct mo_wait_memory memory = {.misses = 200};
    struct mo_wait w = everything;
    w.memory = &memory;
    w.work = NULL;
    use_setting("MOIRAI_SPIN_NS", "9000000000");
    assert_int_equal(pthread_create(&thread, NULL, set_flag_for_a_sleeper, NULL), 0);
    mo_wait(&w);
    pthread_join(thread, NULL);
    assert_true(slept);
    assert_int_equal(memory.misses, 0);
}

static void waits_longer_than_the_budget_count(void **state)
{
    pthread_t thread;
    struct mo_wait_memory memory = {0};
    struct mo_wait w = everything;
    w.memory = &memory;
    w.work = NULL;
    use_setting("MOIRAI_SPIN_NS", "1000");
    for (int i = 1; i <= 2; i++) {
        mo_store_relaxed(&flag, false);
        assert_int_equal(pthread_create(&thread, NULL, set_flag_later, NULL), 0);
        mo_wait(&w);
        pthread_join(thread, NULL);
        assert_int_equal(memory.misses, i);
    }
}

/* Who asks for a time gets it. */
static void a_time_that_was_asked_for_is_not_adapted(void **state)
{
    pthread_t thread;
    struct mo_wait_memory memory = {.misses = 200};
    struct mo_wait w = everything;
    w.memory = &memory;
    use_setting("KMP_BLOCKTIME", "9000");
    assert_int_equal(pthread_create(&thread, NULL, set_flag_soon, NULL), 0);
    mo_wait(&w);
    pthread_join(thread, NULL);
    assert_false(slept);
    assert_int_equal(memory.misses, 200);
}

/* ---- A sleeper that shares its CPU with a stranger, and is the less important of the two. */
static _Atomic bool hog_ends;

static void *hog(void *arg)
{
    while (!mo_load_relaxed(&hog_ends)) {
    }
    return NULL;
}

static bool called_or_over(void *arg)
{
    return mo_load_seqcst(&flag) || mo_load_seqcst(&hog_ends);
}

static void *sleep_now_and_then(void *arg)
{
    const struct mo_wait w = {.ready = called_or_over, .event = &event, .bits = MO_WAKE_ANY};
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    while (!mo_load_relaxed(&hog_ends)) {
        mo_store_relaxed(&flag, false);
        mo_wait(&w);
    }
    return NULL;
}

static void who_is_woken_late_notices_strangers(void **state)
{
    pthread_t threads[2];
    cpu_set_t mask, first;
    assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
    CPU_ZERO(&first);
    CPU_SET(sched_getcpu(), &first);
    assert_int_equal(sched_setaffinity(0, sizeof first, &first), 0); /* inherited */
    mo_store_relaxed(&hog_ends, false);
    assert_int_equal(pthread_create(&threads[0], NULL, hog, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, sleep_now_and_then, NULL), 0);
    assert_int_equal(sched_setaffinity(0, sizeof mask, &mask), 0);
    bool noticed = false;
    for (int tries = 0; tries < 10000 && !noticed; tries++) {
        usleep(1000);
        noticed = mo_park_disturbed();
        mo_store_seqcst(&flag, true);
        mo_event_notify(&event);
    }
    mo_store_seqcst(&hog_ends, true);
    mo_event_notify(&event);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(noticed);
}

/* ---- More threads than CPUs: three, where two CPUs are planned for. What is asked here can be spoilt by a preemption,
   so it has to come true once in many tries. */
#define TRIES 1000

static unsigned looks_left;

static bool looked_enough(void *arg)
{
    return looks_left == 0 || --looks_left == 0;
}

static const struct mo_wait of_a_team = {
    .ready = looked_enough, .event = &event, .bits = MO_WAKE_ANY, .together = 2, .relook_ns = 1000};

static void calm_down(void)
{
    while (mo_park_disturbed())
        usleep(1000);
}

static unsigned yields_of(unsigned team, unsigned looks)
{
    struct mo_wait w = of_a_team;
    w.together = team;
    looks_left = looks;
    yields = 0;
    calm_down();
    mo_wait(&w);
    return yields;
}

static bool yields_exactly(unsigned team, unsigned looks, unsigned count)
{
    int tries = TRIES;
    while (tries && yields_of(team, looks) != count)
        tries--;
    return tries > 0;
}

static int crowd(void **state)
{
    fresh(state);
    use_setting("MOIRAI_YIELD_NS", "1000000000");
    mo_park_threads_add(3);
    return 0;
}

static int disperse(void **state)
{
    while_yielding = NULL;
    calm_down();
    mo_park_threads_add(-3);
    return 0;
}

static void a_crowd_yields_at_each_look(void **state)
{
    assert_true(yields_exactly(3, 4, 3));
    assert_true(yields_exactly(0, 4, 3));
}

static void who_waits_for_a_team_that_fits_looks_before_it_yields(void **state)
{
    assert_true(yields_exactly(2, 3, 0));
    assert_true(yields_of(2, 1000000) > 0);
}

/* Yields as spins: a place where they were in vain gets no more of them, unless somebody asks for a time. */
static void yields_in_vain_are_remembered(void **state)
{
    struct mo_wait_memory memory = {.misses = 200};
    struct mo_wait w = of_a_team;
    w.together = 3;
    w.memory = &memory;
    w.asleep = asleep;
    looks_left = 2; /* one awake, one before the sleep */
    yields = 0;
    mo_wait(&w);
    assert_true(slept);
    assert_int_equal(yields, 0);
}

/* A quota takes time from a team, but no CPU: as long as it runs, it runs as a whole. */
static void a_team_that_a_quota_limits_runs_abreast(void **state)
{
    mo_park_init(1, 2);
    assert_true(yields_exactly(2, 3, 0));
    mo_park_init(1, 1);
    assert_true(yields_exactly(2, 3, 2));
}

static void who_is_not_to_spin_does_not_look_for_its_team(void **state)
{
    struct mo_wait w = of_a_team;
    use_policy("passive");
    w.asleep = asleep;
    looks_left = 2; /* one awake, one before the sleep */
    mo_wait(&w);
    assert_true(slept);
}

static void pass_long(void)
{
    uint64_t end = mo_plat_now_ns() + 2000000;
    while (mo_plat_now_ns() < end) {
    }
}

/* Another thread of the process has the CPU for long, and waits for its own team at the end. */
static void pass_long_to_ours(void)
{
    unsigned looks = looks_left;
    pass_long();
    while_yielding = NULL;
    looks_left = 2;
    mo_wait(&of_a_team);
    looks_left = looks;
    while_yielding = pass_long_to_ours;
}

static bool is_disturbed_by(void (*meanwhile)(void))
{
    calm_down();
    while_yielding = meanwhile;
    yields = 0;
    while (yields < 4 && !mo_park_disturbed()) {
        looks_left = 1000;
        mo_wait(&of_a_team);
    }
    while_yielding = NULL;
    return mo_park_disturbed();
}

static void long_yields_are_a_sign_unless_they_went_to_our_threads(void **state)
{
    cpu_set_t all, here;
    int tries = 100;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&here);
    CPU_SET(mo_plat_cpu(), &here); /* both have to be on one CPU */
    assert_int_equal(sched_setaffinity(0, sizeof here, &here), 0);
    assert_true(is_disturbed_by(pass_long));
    while (tries && is_disturbed_by(pass_long_to_ours))
        tries--;
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_true(tries > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ready_at_once_asks_nothing_else, fresh),
        cmocka_unit_test_setup(works_until_ready, fresh),
        cmocka_unit_test_setup(only_ready_is_needed, fresh),
        cmocka_unit_test_setup(last_look_sees_the_condition, fresh),
        cmocka_unit_test_setup(last_look_sees_work, fresh),
        cmocka_unit_test_setup(notification_ends_the_sleep, fresh),
        cmocka_unit_test_setup(sleeps_between_looks_double, fresh),
        cmocka_unit_test_setup(active_waiting_lingers_awake, fresh),
        cmocka_unit_test_setup(idle_comes_before_the_announcement, fresh),
        cmocka_unit_test_setup(spins_in_vain_are_remembered, fresh),
        cmocka_unit_test_setup(waits_longer_than_the_budget_count, fresh),
        cmocka_unit_test_setup(a_time_that_was_asked_for_is_not_adapted, fresh),
        cmocka_unit_test_setup(who_is_woken_late_notices_strangers, fresh),
        cmocka_unit_test_setup_teardown(a_crowd_yields_at_each_look, crowd, disperse),
        cmocka_unit_test_setup_teardown(who_waits_for_a_team_that_fits_looks_before_it_yields, crowd, disperse),
        cmocka_unit_test_setup_teardown(yields_in_vain_are_remembered, crowd, disperse),
        cmocka_unit_test_setup_teardown(a_team_that_a_quota_limits_runs_abreast, crowd, disperse),
        cmocka_unit_test_setup_teardown(who_is_not_to_spin_does_not_look_for_its_team, crowd, disperse),
        cmocka_unit_test_setup_teardown(long_yields_are_a_sign_unless_they_went_to_our_threads, crowd, disperse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
