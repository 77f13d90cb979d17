/* Rings, without haste: the calls one by one, two sides that meet in all ways there are, what is refused, what a
   signal, a fork and a death do. What happens under a storm of deaths, and beside a peer that writes nonsense, is in
   ring_storm.c. */
#include "native.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#define SLOTS 4
#define BYTES 100

static const moirai_ring_shape_t single = {MOIRAI_RING_SPSC, SLOTS, BYTES};
static const moirai_ring_shape_t several = {MOIRAI_RING_MPSC, SLOTS, BYTES};
static const moirai_ring_shape_t *const shapes[] = {&single, &several};

static int fd_of(moirai_ring_t *ring)
{
    int fd = -1;
    assert_int_equal(moirai_ring_fd(ring, &fd), MOIRAI_OK);
    return fd;
}

static moirai_ring_t *new_ring(const moirai_ring_shape_t *shape, int side)
{
    moirai_ring_t *ring;
    assert_int_equal(moirai_ring_new(&ring, shape, side), MOIRAI_OK);
    return ring;
}

static moirai_ring_t *join(moirai_ring_t *other, int side)
{
    moirai_ring_t *ring;
    int fd = fd_of(other);
    assert_int_equal(moirai_ring_attach(&ring, fd, NULL, side), MOIRAI_OK);
    close(fd);
    return ring;
}

static int put(moirai_ring_t *ring, unsigned value)
{
    void *room;
    int status = moirai_ring_try_loan(ring, &room);
    if (status != MOIRAI_OK)
        return status;
    memcpy(room, &value, sizeof value);
    return moirai_ring_publish(ring, sizeof value);
}

static unsigned value_of(const void *message, size_t bytes)
{
    unsigned value;
    assert_int_equal(bytes, sizeof value);
    memcpy(&value, message, sizeof value);
    return value;
}

static void expect(moirai_ring_t *ring, unsigned value)
{
    const void *message;
    size_t bytes;
    assert_int_equal(moirai_ring_receive(ring, &message, &bytes), MOIRAI_OK);
    assert_int_equal(value_of(message, bytes), value);
    assert_int_equal(moirai_ring_release(ring), MOIRAI_OK);
}

static int try_receive(moirai_ring_t *ring)
{
    const void *message;
    size_t bytes;
    return moirai_ring_try_receive(ring, &message, &bytes);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void kill_and_reap(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- Plain use. */
static void messages_come_once_and_in_order(void **state)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        moirai_ring_t *in = new_ring(shapes[kind], MOIRAI_RING_RECEIVER), *out = join(in, MOIRAI_RING_SENDER);
        unsigned next = 0, seen = 0;
        for (unsigned round = 0; round < 50; round++) {
            for (unsigned i = 0; i <= round % SLOTS; i++)
                assert_int_equal(put(out, next++), MOIRAI_OK);
            while (seen < next)
                expect(in, seen++);
            assert_int_equal(try_receive(in), MOIRAI_EBUSY);
        }
        for (unsigned i = 0; i < SLOTS; i++)
            assert_int_equal(put(out, i), MOIRAI_OK);
        assert_int_equal(put(out, 0), MOIRAI_EBUSY);
        for (unsigned i = 0; i < SLOTS; i++)
            expect(in, i);
        moirai_ring_close(out);
        moirai_ring_close(in);
    }
}

static void a_slot_holds_its_bytes(void **state)
{
    static const moirai_ring_shape_t sizes[] = {
        {MOIRAI_RING_SPSC, 1, 1}, {MOIRAI_RING_MPSC, 1, 48}, {MOIRAI_RING_SPSC, 2, 49}, {MOIRAI_RING_MPSC, 2, 65536}};
    for (unsigned s = 0; s < 4; s++) {
        moirai_ring_t *in = new_ring(&sizes[s], MOIRAI_RING_RECEIVER), *out = join(in, MOIRAI_RING_SENDER);
        size_t most = sizes[s].slot_bytes, bytes;
        for (unsigned i = 0; i < 5; i++) {
            void *room;
            const void *message;
            assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_OK);
            assert_int_equal((uintptr_t)room % 16, 0);
            memset(room, (int)i + 1, most);
            assert_int_equal(moirai_ring_publish(out, most + 1), MOIRAI_EINVAL);
            assert_int_equal(moirai_ring_publish(out, i ? most : 0), MOIRAI_OK);
            assert_int_equal(moirai_ring_receive(in, &message, &bytes), MOIRAI_OK);
            assert_int_equal(bytes, i ? most : 0);
            for (size_t b = 0; b < bytes; b++)
                assert_int_equal(((const char *)message)[b], i + 1);
            assert_int_equal(moirai_ring_release(in), MOIRAI_OK);
        }
        moirai_ring_close(in);
        moirai_ring_close(out);
    }
}

static void wrong_calls_say_so(void **state)
{
    const void *message;
    size_t bytes;
    void *room;
    moirai_ring_t *none = NULL;
    for (unsigned kind = 0; kind < 2; kind++) {
        moirai_ring_t *in = new_ring(shapes[kind], MOIRAI_RING_RECEIVER), *out = join(in, MOIRAI_RING_SENDER);
        moirai_ring_shape_t shape;
        assert_int_equal(moirai_ring_publish(out, 1), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_drop(out), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_release(in), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_try_loan(in, &room), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_try_receive(out, &message, &bytes), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_OK);
        assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_EALREADY);
        assert_int_equal(moirai_ring_drop(out), MOIRAI_OK);
        assert_int_equal(try_receive(in), MOIRAI_EBUSY);
        assert_int_equal(put(out, 7), MOIRAI_OK);
        assert_int_equal(try_receive(in), MOIRAI_OK);
        assert_int_equal(try_receive(in), MOIRAI_EALREADY);
        assert_int_equal(moirai_ring_receive_until(out, &message, &bytes, in_ms(1)), MOIRAI_EPERM);
        assert_int_equal(moirai_ring_release(in), MOIRAI_OK);
        assert_int_equal(moirai_ring_receive_until(in, &message, &bytes, in_ms(2)), MOIRAI_ETIMEDOUT);
        moirai_ring_shape(in, &shape);
        assert_memory_equal(&shape, shapes[kind], sizeof shape);
        moirai_ring_close(in);
        moirai_ring_close(out);
    }
    assert_int_equal(moirai_ring_loan(NULL, &room), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_receive(NULL, &message, &bytes), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_peer(NULL), MOIRAI_EINVAL);
    moirai_ring_close(NULL);
    static const moirai_ring_shape_t bad[] = {{2, 4, 8},
                                              {-1, 4, 8},
                                              {0, 0, 8},
                                              {0, 3, 8},
                                              {0, 4, 0},
                                              {0, MOIRAI_RING_SLOTS_MAX * 2, 8},
                                              {0, 1, MOIRAI_RING_SLOT_BYTES_MAX + 1}};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(moirai_ring_new(&none, &bad[i], MOIRAI_RING_SENDER), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_new(&none, &single, 2), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_new(NULL, &single, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_attach(&none, -1, NULL, 0), MOIRAI_EINVAL);
    assert_null(none);
}

static void the_other_side_is_told_of(void **state)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        moirai_ring_t *in = new_ring(shapes[kind], MOIRAI_RING_RECEIVER), *out, *second;
        int fd = fd_of(in);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_EBUSY);
        assert_int_equal(moirai_ring_attach(&second, fd, NULL, MOIRAI_RING_RECEIVER), MOIRAI_EBUSY);
        out = join(in, MOIRAI_RING_SENDER);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_OK);
        assert_int_equal(moirai_ring_peer(out), MOIRAI_OK);
        int status = moirai_ring_attach(&second, fd, shapes[kind], MOIRAI_RING_SENDER);
        assert_int_equal(status, kind == MOIRAI_RING_SPSC ? MOIRAI_EBUSY : MOIRAI_OK);
        assert_int_equal(put(out, 1), MOIRAI_OK);
        moirai_ring_close(out);
        if (kind == MOIRAI_RING_MPSC) {
            assert_int_equal(moirai_ring_peer(in), MOIRAI_OK);
            moirai_ring_close(second);
        }
        assert_int_equal(moirai_ring_peer(in), MOIRAI_ECLOSED);
        expect(in, 1); /* what was sent before the end is received */
        assert_int_equal(try_receive(in), MOIRAI_ECLOSED);
        out = join(in, MOIRAI_RING_SENDER);
        assert_int_equal(try_receive(in), MOIRAI_EBUSY);
        assert_int_equal(put(out, 2), MOIRAI_OK);
        moirai_ring_close(in);
        assert_int_equal(put(out, 3), MOIRAI_ECLOSED);
        in = join(out, MOIRAI_RING_RECEIVER);
        assert_int_equal(put(out, 3), MOIRAI_OK);
        expect(in, 2);
        expect(in, 3);
        moirai_ring_close(in);
        moirai_ring_close(out);
        close(fd);
    }
}

static void there_are_as_many_senders_as_places(void **state)
{
    moirai_ring_t *in = new_ring(&several, MOIRAI_RING_RECEIVER), *out[MOIRAI_RING_SENDERS_MAX], *none;
    int fd = fd_of(in);
    for (unsigned i = 0; i < MOIRAI_RING_SENDERS_MAX; i++)
        out[i] = join(in, MOIRAI_RING_SENDER);
    assert_int_equal(moirai_ring_attach(&none, fd, NULL, MOIRAI_RING_SENDER), MOIRAI_EBUSY);
    /* The order is that of the loans. */
    void *first, *second;
    assert_int_equal(moirai_ring_loan(out[3], &first), MOIRAI_OK);
    assert_int_equal(moirai_ring_loan(out[63], &second), MOIRAI_OK);
    *(unsigned *)second = 2;
    assert_int_equal(moirai_ring_publish(out[63], 4), MOIRAI_OK);
    assert_int_equal(try_receive(in), MOIRAI_EBUSY);
    *(unsigned *)first = 1;
    assert_int_equal(moirai_ring_publish(out[3], 4), MOIRAI_OK);
    expect(in, 1);
    expect(in, 2);
    /* A loan that is given back, or whose handle is closed, holds nobody up. */
    assert_int_equal(moirai_ring_loan(out[1], &first), MOIRAI_OK);
    assert_int_equal(moirai_ring_loan(out[2], &first), MOIRAI_OK);
    assert_int_equal(put(out[0], 3), MOIRAI_OK);
    assert_int_equal(moirai_ring_drop(out[1]), MOIRAI_OK);
    moirai_ring_close(out[2]);
    expect(in, 3);
    for (unsigned i = 0; i < MOIRAI_RING_SENDERS_MAX; i++)
        if (i != 2)
            moirai_ring_close(out[i]);
    moirai_ring_close(in);
    close(fd);
}

/* ---- Waiting. */
static void *sends_late(void *arg)
{
    moirai_ring_t *out = arg;
    usleep(20000);
    assert_int_equal(put(out, 5), MOIRAI_OK);
    usleep(20000);
    moirai_ring_close(out);
    return NULL;
}

static void *receives_late(void *arg)
{
    moirai_ring_t *in = arg;
    usleep(20000);
    expect(in, 0);
    usleep(20000);
    moirai_ring_close(in);
    return NULL;
}

static void *meets(void *arg)
{
    assert_int_equal(moirai_ring_meet_until(arg, MOIRAI_FOREVER), MOIRAI_OK);
    return NULL;
}

static void sleepers_are_woken(void **state)
{
    const void *message;
    size_t bytes;
    void *room;
    for (unsigned kind = 0; kind < 2; kind++) {
        moirai_ring_t *in = new_ring(shapes[kind], MOIRAI_RING_RECEIVER);
        pthread_t t = start(sends_late, join(in, MOIRAI_RING_SENDER));
        expect(in, 5);
        assert_int_equal(moirai_ring_receive(in, &message, &bytes), MOIRAI_ECLOSED);
        pthread_join(t, NULL);
        assert_int_equal(moirai_ring_meet_until(in, in_ms(2)), MOIRAI_ETIMEDOUT);
        t = start(meets, in);
        usleep(20000);
        moirai_ring_t *out = join(in, MOIRAI_RING_SENDER);
        pthread_join(t, NULL);
        for (unsigned i = 0; i < SLOTS; i++)
            assert_int_equal(put(out, i), MOIRAI_OK);
        t = start(receives_late, in);
        assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_OK);
        assert_int_equal(moirai_ring_publish(out, 0), MOIRAI_OK);
        assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_ECLOSED);
        pthread_join(t, NULL);
        moirai_ring_close(out);
    }
}

static void on_alarm(int signal)
{
}

static void signals_do_not_end_a_wait(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    const void *message;
    size_t bytes;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    moirai_ring_t *in = new_ring(&single, MOIRAI_RING_RECEIVER);
    uint64_t deadline = in_ms(50);
    assert_int_equal(moirai_ring_receive_until(in, &message, &bytes, deadline), MOIRAI_ETIMEDOUT);
    assert_true(moirai_now_ns() >= deadline);
    pthread_t t = start(sends_late, join(in, MOIRAI_RING_SENDER));
    expect(in, 5);
    pthread_join(t, NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    moirai_ring_close(in);
}

/* ---- Death. */
static pid_t child_with(int fd, int side, unsigned messages, bool loans)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        moirai_ring_t *ring;
        void *room;
        if (moirai_ring_attach(&ring, fd, NULL, side) != MOIRAI_OK)
            _exit(1);
        for (unsigned i = 0; i < messages; i++)
            if (side == MOIRAI_RING_SENDER ? put(ring, i) : try_receive(ring) || moirai_ring_release(ring))
                _exit(2);
        if (loans && (side == MOIRAI_RING_SENDER ? moirai_ring_loan(ring, &room) : try_receive(ring)))
            _exit(3);
        if (write(ready[1], "", 1) != 1)
            _exit(4);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void a_killed_sender_is_noticed(void **state)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        const void *message;
        size_t bytes;
        moirai_ring_t *in = new_ring(shapes[kind], MOIRAI_RING_RECEIVER);
        int fd = fd_of(in);
        pid_t child = child_with(fd, MOIRAI_RING_SENDER, 2, true);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_OK);
        kill_and_reap(child);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_EPEER);
        expect(in, 0);
        expect(in, 1);
        assert_int_equal(moirai_ring_receive(in, &message, &bytes), MOIRAI_EPEER);
        assert_int_equal(try_receive(in), MOIRAI_EPEER);
        moirai_ring_t *out = join(in, MOIRAI_RING_SENDER);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_OK);
        for (unsigned i = 0; i < SLOTS; i++)
            assert_int_equal(put(out, i), MOIRAI_OK);
        for (unsigned i = 0; i < SLOTS; i++)
            expect(in, i);
        moirai_ring_close(out);
        moirai_ring_close(in);
        close(fd);
    }
}

/* Others live on, so nobody says that it is dead; its loan must not hold them up. */
static void a_dead_ones_loan_is_passed_over(void **state)
{
    moirai_ring_t *in = new_ring(&several, MOIRAI_RING_RECEIVER), *out = join(in, MOIRAI_RING_SENDER);
    int fd = fd_of(in);
    pid_t child = child_with(fd, MOIRAI_RING_SENDER, 0, true);
    assert_int_equal(put(out, 8), MOIRAI_OK);
    assert_int_equal(try_receive(in), MOIRAI_EBUSY);
    kill_and_reap(child);
    expect(in, 8);
    /* The same, but it is the next one in its place that does it. */
    child = child_with(fd, MOIRAI_RING_SENDER, 0, true);
    assert_int_equal(put(out, 9), MOIRAI_OK);
    kill_and_reap(child);
    moirai_ring_t *next = join(in, MOIRAI_RING_SENDER);
    assert_int_equal(put(next, 10), MOIRAI_OK);
    assert_int_equal(try_receive(in), MOIRAI_OK);
    assert_int_equal(moirai_ring_release(in), MOIRAI_OK);
    expect(in, 10);
    moirai_ring_close(next);
    moirai_ring_close(out);
    moirai_ring_close(in);
    close(fd);
}

static void a_killed_receiver_is_noticed(void **state)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        void *room;
        moirai_ring_t *out = new_ring(shapes[kind], MOIRAI_RING_SENDER);
        int fd = fd_of(out);
        for (unsigned i = 0; i < SLOTS; i++)
            assert_int_equal(put(out, i), MOIRAI_OK);
        pid_t child = child_with(fd, MOIRAI_RING_RECEIVER, 1, true);
        assert_int_equal(put(out, SLOTS), MOIRAI_OK);
        kill_and_reap(child);
        assert_int_equal(moirai_ring_loan(out, &room), MOIRAI_EPEER);
        moirai_ring_t *in = join(out, MOIRAI_RING_RECEIVER);
        for (unsigned i = 1; i <= SLOTS; i++) /* 1 was received and not released */
            expect(in, i);
        moirai_ring_close(in);
        moirai_ring_close(out);
        close(fd);
    }
}

/* A child of the sender lives on. */
static void forks_keep_no_place(void **state)
{
    moirai_ring_t *in = new_ring(&single, MOIRAI_RING_RECEIVER);
    int fd = fd_of(in), status, hold[2];
    char byte;
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    if (child == 0) {
        moirai_ring_t *out;
        int told[2];
        void *room;
        if (moirai_ring_attach(&out, fd, NULL, MOIRAI_RING_SENDER) != MOIRAI_OK || pipe(told) != 0)
            _exit(1);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            bool right = moirai_ring_try_loan(out, &room) == MOIRAI_ESTALE && moirai_ring_peer(out) == MOIRAI_ESTALE &&
                         moirai_ring_try_receive(in, (const void **)&room, &(size_t){0}) == MOIRAI_ESTALE;
            moirai_ring_close(out);
            moirai_ring_close(in);
            close(hold[1]);
            if (write(told[1], right ? "y" : "n", 1) != 1 || read(hold[0], &byte, 1) != 0)
                _exit(1);
            _exit(0);
        }
        if (grandchild < 0 || read(told[0], &byte, 1) != 1 || byte != 'y' || put(out, 1) != MOIRAI_OK)
            _exit(2);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    expect(in, 1);
    assert_int_equal(moirai_ring_peer(in), MOIRAI_EPEER);
    close(hold[1]);
    close(hold[0]);
    moirai_ring_close(in);
    close(fd);
}

/* ---- What is no ring. */
static int attach_status(int fd, const moirai_ring_shape_t *shape, int side)
{
    moirai_ring_t *ring;
    unsigned before = open_descriptors();
    int status = moirai_ring_attach(&ring, fd, shape, side);
    if (status == MOIRAI_OK)
        moirai_ring_close(ring);
    assert_int_equal(open_descriptors(), before);
    return status;
}

static int status_with_word(unsigned offset, uint32_t value, const moirai_ring_shape_t *shape, int side)
{
    moirai_ring_t *ring = new_ring(shape, !side);
    int fd = fd_of(ring);
    assert_int_equal(pwrite(fd, &value, sizeof value, offset), sizeof value);
    int status = attach_status(fd, NULL, side);
    moirai_ring_close(ring);
    close(fd);
    return status;
}

static void headers_are_checked(void **state)
{
    enum { WORDS = 10, SLOTS_AT = 1024, STRIDE = 128 };
    for (unsigned kind = 0; kind < 2; kind++)
        for (int side = 0; side < 2; side++) {
            assert_int_equal(status_with_word(44, 0, shapes[kind], side), MOIRAI_OK); /* nothing is there */
            for (unsigned word = 0; word < WORDS; word++)
                for (unsigned bit = 0; bit < 32; bit++)
                    assert_int_equal(status_with_word(4 * word, 1u << bit ^ 0xa5a5a5a5u, shapes[kind], side),
                                     MOIRAI_EINVAL);
            /* A ticket of another slot, one of another round, a phase that may not be, a sender of a free slot. */
            unsigned second = SLOTS_AT + STRIDE;
            assert_int_equal(status_with_word(second, 0 << 8, shapes[kind], side), MOIRAI_EBROKEN);
            assert_int_equal(status_with_word(second, 1 << 8 | 3, shapes[kind], side), MOIRAI_EBROKEN);
            if (kind == MOIRAI_RING_SPSC || side == MOIRAI_RING_RECEIVER)
                assert_int_equal(status_with_word(second, (1 + 2 * SLOTS) << 8, shapes[kind], side), MOIRAI_EBROKEN);
            if (kind == MOIRAI_RING_SPSC) {
                assert_int_equal(status_with_word(second, 1 << 8 | 1 << 6, shapes[kind], side), MOIRAI_EBROKEN);
                assert_int_equal(status_with_word(second, 1 << 8 | 3 << 6, shapes[kind], side), MOIRAI_EBROKEN);
                assert_int_equal(status_with_word(second, 1 << 8 | 2 << 6 | 1, shapes[kind], side), MOIRAI_EBROKEN);
            }
        }
    static const moirai_ring_shape_t others[] = {
        {MOIRAI_RING_MPSC, SLOTS, BYTES}, {MOIRAI_RING_SPSC, SLOTS * 2, BYTES}, {MOIRAI_RING_SPSC, SLOTS, BYTES + 1}};
    moirai_ring_t *ring = new_ring(&single, MOIRAI_RING_RECEIVER);
    int fd = fd_of(ring);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(attach_status(fd, &others[i], MOIRAI_RING_SENDER), MOIRAI_EINVAL);
    assert_int_equal(attach_status(fd, &single, MOIRAI_RING_SENDER), MOIRAI_OK);
    moirai_ring_close(ring);
    close(fd);
}

/* Each word that one side reads of the other, changed after a message was sent. */
static int receive_status_with(unsigned offset, uint32_t value, const moirai_ring_shape_t *shape)
{
    moirai_ring_t *in = new_ring(shape, MOIRAI_RING_RECEIVER), *out = join(in, MOIRAI_RING_SENDER);
    int fd = fd_of(in);
    assert_int_equal(put(out, 1), MOIRAI_OK);
    assert_int_equal(pwrite(fd, &value, sizeof value, offset), sizeof value);
    int status = try_receive(in);
    if (status == MOIRAI_EBROKEN) { /* and stays so, and can be closed */
        assert_int_equal(try_receive(in), MOIRAI_EBROKEN);
        assert_int_equal(moirai_ring_peer(in), MOIRAI_EBROKEN);
        assert_int_equal(moirai_ring_release(in), MOIRAI_EBROKEN);
    }
    moirai_ring_close(out);
    moirai_ring_close(in);
    close(fd);
    return status;
}

static int loan_status_with(unsigned offset, uint32_t value, const moirai_ring_shape_t *shape)
{
    moirai_ring_t *out = new_ring(shape, MOIRAI_RING_SENDER);
    void *room;
    int fd = fd_of(out);
    assert_int_equal(pwrite(fd, &value, sizeof value, offset), sizeof value);
    int status = moirai_ring_try_loan(out, &room);
    if (status == MOIRAI_EBROKEN)
        assert_int_equal(moirai_ring_try_loan(out, &room), MOIRAI_EBROKEN);
    moirai_ring_close(out);
    close(fd);
    return status;
}

static void what_the_peer_writes_is_checked(void **state)
{
    enum { FIRST = 1024, LENGTH = FIRST + 8, TAIL = 128, FULL = 2 << 6 };
    for (unsigned kind = 0; kind < 2; kind++) {
        const moirai_ring_shape_t *shape = shapes[kind];
        assert_int_equal(receive_status_with(LENGTH, BYTES, shape), MOIRAI_OK);
        assert_int_equal(receive_status_with(LENGTH, BYTES + 1, shape), MOIRAI_EBROKEN);
        assert_int_equal(receive_status_with(LENGTH, UINT32_MAX, shape), MOIRAI_EBROKEN);
        assert_int_equal(receive_status_with(FIRST, SLOTS << 8 | FULL, shape), MOIRAI_EBROKEN);
        assert_int_equal(receive_status_with(FIRST, 1, shape), MOIRAI_EBROKEN); /* free, of a sender */
        assert_int_equal(loan_status_with(FIRST, 2 * SLOTS << 8, shape), MOIRAI_EBROKEN);
        assert_int_equal(loan_status_with(FIRST, 1, shape), MOIRAI_EBROKEN);
    }
    assert_int_equal(receive_status_with(FIRST, FULL | 5, &single), MOIRAI_EBROKEN);
    assert_int_equal(receive_status_with(FIRST, FULL | 5, &several), MOIRAI_OK);
    assert_int_equal(loan_status_with(TAIL, 1u << 31, &several), MOIRAI_EBROKEN);
    assert_int_equal(loan_status_with(TAIL, 1u << 31, &single), MOIRAI_OK); /* means nothing there */
}

/* A copy of a ring's memory, sealed as told, of another size as told. */
static int status_of_copy(moirai_ring_t *ring, long more, int seals)
{
    char bytes[8192];
    int from = fd_of(ring), to = memfd_create("copy", MFD_ALLOW_SEALING);
    ssize_t size = pread(from, bytes, sizeof bytes, 0);
    assert_true(to >= 0 && size > 1024);
    assert_int_equal(pwrite(to, bytes, (size_t)size, 0), size);
    assert_int_equal(ftruncate(to, size + more), 0);
    assert_int_equal(fcntl(to, F_ADD_SEALS, seals), 0);
    int status = attach_status(to, NULL, MOIRAI_RING_SENDER);
    close(from);
    close(to);
    return status;
}

static void sizes_are_sealed(void **state)
{
    moirai_ring_t *ring = new_ring(&single, MOIRAI_RING_RECEIVER);
    int fd = fd_of(ring), ends[2];
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_int_equal(status_of_copy(ring, 0, F_SEAL_SHRINK | F_SEAL_GROW), MOIRAI_OK);
    assert_int_equal(status_of_copy(ring, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(status_of_copy(ring, 0, F_SEAL_SHRINK), MOIRAI_EINVAL);
    assert_int_equal(status_of_copy(ring, 0, F_SEAL_GROW), MOIRAI_EINVAL);
    assert_int_equal(status_of_copy(ring, -1, F_SEAL_SHRINK | F_SEAL_GROW), MOIRAI_EINVAL);
    assert_int_equal(status_of_copy(ring, 64, F_SEAL_SHRINK | F_SEAL_GROW), MOIRAI_EINVAL);
    assert_int_equal(status_of_copy(ring, -1400, F_SEAL_SHRINK | F_SEAL_GROW), MOIRAI_EINVAL);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(attach_status(ends[0], NULL, MOIRAI_RING_SENDER), MOIRAI_EINVAL);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(attach_status(ends[0], NULL, MOIRAI_RING_SENDER), MOIRAI_EINVAL);
    moirai_ring_close(ring);
    close(fd);
}

/* ---- Names. */
static char name[64], path[128];

static bool file_exists(void)
{
    return access(path, F_OK) == 0;
}

static int open_side(moirai_ring_t **ring, int side)
{
    return moirai_ring_open(ring, name, &single, side);
}

static void names_meet_and_go(void **state)
{
    moirai_ring_t *in, *out, *third;
    struct stat st;
    unsigned before = open_descriptors();
    mode_t mask = umask(0);
    assert_int_equal(open_side(&out, MOIRAI_RING_SENDER), MOIRAI_OK);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(moirai_ring_fd(out, &(int){0}), MOIRAI_EINVAL);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    assert_int_equal(open_side(&third, MOIRAI_RING_RECEIVER), MOIRAI_EBUSY);
    assert_int_equal(moirai_ring_open(&third, name, &several, MOIRAI_RING_SENDER), MOIRAI_EINVAL);
    assert_int_equal(put(out, 1), MOIRAI_OK);
    expect(in, 1);
    moirai_ring_close(in);
    assert_true(file_exists());
    moirai_ring_close(out);
    assert_false(file_exists());
    /* What has not been received waits for somebody, and goes with who receives it. */
    assert_int_equal(open_side(&out, MOIRAI_RING_SENDER), MOIRAI_OK);
    assert_int_equal(put(out, 2), MOIRAI_OK);
    moirai_ring_close(out);
    assert_true(file_exists());
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    expect(in, 2);
    moirai_ring_close(in);
    assert_false(file_exists());
    /* A name that is taken away leads nobody to the old ring, and the old ring takes no new name away. */
    assert_int_equal(open_side(&out, MOIRAI_RING_SENDER), MOIRAI_OK);
    assert_int_equal(moirai_ring_unlink(name), MOIRAI_OK);
    assert_int_equal(moirai_ring_unlink(name), MOIRAI_ESTALE);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    assert_int_equal(moirai_ring_peer(in), MOIRAI_EBUSY);
    moirai_ring_close(out);
    assert_true(file_exists());
    moirai_ring_close(in);
    assert_false(file_exists());
    assert_int_equal(open_descriptors(), before);
    char longer[300] = {0};
    memset(longer, 'x', 201);
    static const char *const bad[] = {"", "a/b", NULL};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(moirai_ring_open(&in, bad[i], &single, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_open(&in, longer, &single, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_ring_unlink("a/../b"), MOIRAI_EINVAL);
}

static void files_of_others_are_refused(void **state)
{
    moirai_ring_t *in, *out;
    assert_int_equal(open_side(&out, MOIRAI_RING_SENDER), MOIRAI_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EACCES);
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1, (gid_t)-1), 0);
        assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EACCES);
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    } else {
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EACCES);
        assert_int_equal(chmod(path, 0600), 0);
    }
    moirai_ring_close(out);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EACCES);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EINVAL);
    assert_int_equal(unlink(path), 0);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_EINVAL);
    close(fd);
    assert_int_equal(moirai_ring_unlink(name), MOIRAI_OK);
}

/* All that use it are killed; what they left is found, and nobody is in the way. */
static void names_outlive_kills(void **state)
{
    for (int round = 0; round < 2; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            moirai_ring_t *out, *in;
            if (open_side(&out, MOIRAI_RING_SENDER) || open_side(&in, MOIRAI_RING_RECEIVER) ||
                put(out, 10 + (unsigned)round))
                _exit(1);
            raise(SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
    }
    moirai_ring_t *in;
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    expect(in, 10);
    expect(in, 11);
    assert_int_equal(try_receive(in), MOIRAI_EPEER);
    moirai_ring_close(in);
    assert_false(file_exists());
}

static void *opens_and_closes(void *arg)
{
    int side = *(int *)arg;
    for (unsigned i = 0; i < 300; i++) {
        moirai_ring_t *ring;
        int status = open_side(&ring, side);
        if (status != MOIRAI_OK)
            return "an open failed";
        if (!file_exists())
            return "a ring without its name was joined";
        if (side == MOIRAI_RING_SENDER && i % 16 == 0)
            put(ring, 0);
        if (side == MOIRAI_RING_RECEIVER && try_receive(ring) == MOIRAI_OK)
            moirai_ring_release(ring);
        moirai_ring_close(ring);
    }
    return NULL;
}

static void last_and_first_do_not_miss_each_other(void **state)
{
    int sides[] = {0, 1};
    pthread_t t = start(opens_and_closes, &sides[0]);
    void *other = opens_and_closes(&sides[1]), *result;
    pthread_join(t, &result);
    assert_null(other);
    assert_null(result);
    moirai_ring_t *in;
    assert_int_equal(open_side(&in, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    while (try_receive(in) == MOIRAI_OK)
        moirai_ring_release(in);
    moirai_ring_close(in);
    assert_false(file_exists());
}

/* ---- Nothing left. */
static void descriptors_run_out(void **state)
{
    moirai_ring_t *ring = new_ring(&single, MOIRAI_RING_RECEIVER), *none;
    int fd = fd_of(ring), other;
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int statuses[] = {moirai_ring_new(&none, &single, 0), moirai_ring_attach(&none, fd, NULL, MOIRAI_RING_SENDER),
                      moirai_ring_open(&none, name, &single, 0), moirai_ring_fd(ring, &other)};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(statuses[i], MOIRAI_ENOFD);
    assert_false(file_exists());
    assert_int_equal(attach_status(fd, NULL, MOIRAI_RING_SENDER), MOIRAI_OK);
    moirai_ring_close(ring);
    close(fd);
}

static void memory_runs_out(void **state)
{
    static const moirai_ring_shape_t huge = {MOIRAI_RING_SPSC, MOIRAI_RING_SLOTS_MAX, MOIRAI_RING_SLOT_BYTES_MAX};
    moirai_ring_t *none;
    struct rlimit before, low;
    unsigned open = open_descriptors();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = before;
    low.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    int statuses[] = {moirai_ring_new(&none, &huge, 0), moirai_ring_open(&none, name, &huge, 0)};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(statuses[0], MOIRAI_ENOMEM);
    assert_int_equal(statuses[1], MOIRAI_ENOMEM);
    assert_int_equal(open_descriptors(), open);
    assert_false(file_exists());
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_once_and_in_order),
        cmocka_unit_test(a_slot_holds_its_bytes),
        cmocka_unit_test(wrong_calls_say_so),
        cmocka_unit_test(the_other_side_is_told_of),
        cmocka_unit_test(there_are_as_many_senders_as_places),
        cmocka_unit_test(sleepers_are_woken),
        cmocka_unit_test(signals_do_not_end_a_wait),
        cmocka_unit_test(a_killed_sender_is_noticed),
        cmocka_unit_test(a_dead_ones_loan_is_passed_over),
        cmocka_unit_test(a_killed_receiver_is_noticed),
        cmocka_unit_test(forks_keep_no_place),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(what_the_peer_writes_is_checked),
        cmocka_unit_test(sizes_are_sealed),
        cmocka_unit_test(names_meet_and_go),
        cmocka_unit_test(files_of_others_are_refused),
        cmocka_unit_test(names_outlive_kills),
        cmocka_unit_test(last_and_first_do_not_miss_each_other),
        cmocka_unit_test(descriptors_run_out),
        cmocka_unit_test(memory_runs_out),
    };
    snprintf(name, sizeof name, "test.%d", (int)getpid());
    snprintf(path, sizeof path, "/dev/shm/moirai.%s", name);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
