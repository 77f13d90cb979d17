/* A program that closes all descriptors that it finds, as daemons do, and opens files of its own under their numbers:
   timers and waits for descriptors go on, and those files are left alone. */
#include "native.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#define FIRST 3
#define LAST  15

static void sleeps(void)
{
    moirai_sleep_t sleep;
    uint64_t until = in_ms(2);
    moirai_sleep_init(&sleep, until);
    assert_int_equal(moirai_block_on(&sleep.future, in_ms(60000)), MOIRAI_OK);
    assert_true(moirai_now_ns() >= until);
}

static void *writes_later(void *fd)
{
    usleep(5000);
    return (void *)(intptr_t)write(*(int *)fd, "x", 1);
}

static void reads(void)
{
    int fds[2];
    char text;
    assert_int_equal(pipe(fds), 0);
    pthread_t thread = start(writes_later, &fds[1]);
    assert_int_equal(moirai_io_read(fds[0], &text, 1, in_ms(60000)), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    moirai_io_close(fds[0]);
    moirai_io_close(fds[1]);
}

static int open_timer(void)
{
    return timerfd_create(CLOCK_MONOTONIC, 0);
}

static int open_counter(void)
{
    return eventfd(5, EFD_NONBLOCK);
}

/* Every other one is a timer, or a counter, which can be told to have been touched. */
static void take_numbers(int (*open_own)(void))
{
    closefrom(FIRST);
    for (int fd = FIRST; fd <= LAST; fd++)
        assert_int_equal(open_own(), fd);
}

static void are_untouched(int (*open_own)(void))
{
    for (int fd = FIRST; fd <= LAST; fd++) {
        struct itimerspec at;
        uint64_t value;
        if (open_own == open_timer) {
            assert_int_equal(timerfd_gettime(fd, &at), 0);
            assert_true(at.it_value.tv_sec == 0 && at.it_value.tv_nsec == 0);
        } else {
            assert_int_equal(read(fd, &value, sizeof value), sizeof value);
            assert_int_equal(value, 5);
        }
    }
}

static void numbers_change_hands(void **state)
{
    (void)state;
    int (*const kinds[])(void) = {open_timer, open_counter, open_timer};
    for (unsigned i = 0; i < 3; i++) {
        sleeps();
        reads();
        take_numbers(kinds[i]);
        for (unsigned k = 0; k < 3; k++) {
            sleeps();
            reads();
        }
        are_untouched(kinds[i]);
        for (int fd = FIRST; fd <= LAST; fd++)
            close(fd);
    }
}

static void *waits(void *fd)
{
    char text;
    return (void *)(intptr_t)moirai_io_read(*(int *)fd, &text, 1, in_ms(60000));
}

/* Its descriptor stays, the set goes; the next wait finds that out for both. */
static void a_wait_under_way_goes_on(void **state)
{
    (void)state;
    int fds[2];
    void *got;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[0], 200), 200);
    assert_int_equal(dup2(fds[1], 201), 201);
    int in = 200, out = 201;
    pthread_t thread = start(waits, &in);
    usleep(20000);
    for (int fd = FIRST; fd < 200; fd++)
        close(fd);
    reads();
    assert_int_equal(write(out, "x", 1), 1);
    assert_int_equal(pthread_join(thread, &got), 0);
    assert_int_equal((intptr_t)got, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_change_hands),
        cmocka_unit_test(a_wait_under_way_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
