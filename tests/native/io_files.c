/* Operations on files, with each engine (MOIRAI_IO): what they answer, many at once, given up on the way, in forks and
   sandboxes. */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool in_ring(void)
{
    return moirai_io_engine(NULL) == MOIRAI_IO_URING;
}

static moirai_task_t spawned(const moirai_io_t *io)
{
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, (void *)&io->future, sizeof *io), MOIRAI_OK);
    return task;
}

/* A file without a name. */
static int scratch(void)
{
    char name[] = "/tmp/moirai-io-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    return fd;
}

/* ---- What the operations say. */
static void test_files(void **unused)
{
    char name[] = "/tmp/moirai-io-XXXXXX", text[16];
    int scratch = mkstemp(name);
    assert_true(scratch >= 0);
    close(scratch);
    int fd = moirai_io_open(name, O_RDWR, 0);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(moirai_io_write_at(fd, "0123456789", 10, 0), 10);
    assert_int_equal(moirai_io_write_at(fd, "ab", 2, 4), 2);
    assert_int_equal(moirai_io_sync(fd), MOIRAI_OK);
    assert_int_equal(moirai_io_read_at(fd, text, sizeof text, 3), 7);
    assert_memory_equal(text, "3ab6789", 7);
    assert_int_equal(moirai_io_read_at(fd, text, sizeof text, 10), 0);
    assert_int_equal(moirai_io_read_at(fd, text, sizeof text, UINT64_MAX), MOIRAI_EINVAL);
    /* As a stream: epoll knows no files. */
    assert_int_equal(moirai_io_read(fd, text, 4, MOIRAI_FOREVER), 4);
    assert_int_equal(moirai_io_write_all(fd, "xy", 2, MOIRAI_FOREVER), 2);
    assert_int_equal(moirai_io_read(fd, text, sizeof text, MOIRAI_FOREVER), 4);
    assert_memory_equal(text, "6789", 4);
    moirai_io_t io;
    moirai_io_close_init(&io, fd);
    assert_int_equal(moirai_block_on(&io.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(io.status, MOIRAI_OK);
    assert_int_equal(moirai_io_sync(fd), MOIRAI_EINVAL);
    moirai_io_open_init(&io, "/nowhere/at all", O_RDONLY, 0);
    assert_int_equal(moirai_block_on(&io.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(io.status, MOIRAI_EIO);
    assert_int_equal(io.error, ENOENT);
    assert_int_equal(moirai_io_read(-1, text, 1, MOIRAI_FOREVER), MOIRAI_EINVAL);
    /* Opened for somebody who is gone: closed again. Begun or not, as it comes. */
    for (int i = 0; i < 50; i++) {
        moirai_task_t task;
        moirai_io_open_init(&io, "/dev/null", O_RDONLY, 0);
        assert_int_equal(moirai_async(NULL, &task, &io.future, sizeof io), MOIRAI_OK);
        moirai_cancel(&task);
        if (moirai_join(&task, &io) == MOIRAI_OK && io.status == MOIRAI_OK)
            close((int)io.result);
    }
}

/* A pipe knows no offset, whoever is asked. */
static void test_offset_in_pipe(void **unused)
{
    int ends[2];
    char c;
    moirai_io_t io;
    assert_int_equal(pipe(ends), 0);
    moirai_io_read_at_init(&io, ends[0], &c, 1, 0);
    assert_int_equal(moirai_block_on(&io.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(io.status, MOIRAI_EIO);
    assert_int_equal(io.error, ESPIPE);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Many at once: more than the ring takes at a time. */
static void test_many(void **unused)
{
    enum { COUNT = 700 };
    static moirai_task_t task[COUNT];
    static uint32_t from[COUNT], to[COUNT];
    int fd = scratch();
    moirai_io_t io;
    for (unsigned i = 0; i < COUNT; i++) {
        from[i] = i * 2654435761u;
        moirai_io_write_at_init(&io, fd, &from[i], sizeof from[i], i * sizeof from[i]);
        task[i] = spawned(&io);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(moirai_join(&task[i], &io), MOIRAI_OK);
        assert_int_equal(io.status, MOIRAI_OK);
        assert_int_equal(io.result, sizeof from[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        moirai_io_read_at_init(&io, fd, &to[i], sizeof to[i], i * sizeof to[i]);
        task[i] = spawned(&io);
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(moirai_join(&task[i], &io), MOIRAI_OK);
    assert_memory_equal(from, to, sizeof to);
    close(fd);
}

/* ---- Given up on the way: its buffer is the test's at once, and is freed. */
static void test_cancelled(void **unused)
{
    enum { AT_ONCE = 8, BYTES = 1 << 17 }; /* more than is tried at once */
    int fd = scratch();
    moirai_task_t task[AT_ONCE];
    assert_int_equal(ftruncate(fd, AT_ONCE * BYTES), 0);
    for (int round = 0; round < 50; round++) {
        char *buffer[AT_ONCE];
        moirai_io_t io;
        for (int i = 0; i < AT_ONCE; i++) {
            buffer[i] = malloc(BYTES);
            if (i % 2)
                moirai_io_read_at_init(&io, fd, buffer[i], BYTES, (uint64_t)i * BYTES);
            else
                moirai_io_sync_init(&io, fd);
            task[i] = spawned(&io);
        }
        for (int i = 0; i < AT_ONCE; i++) {
            moirai_cancel(&task[i]);
            int status = moirai_join(&task[i], &io);
            assert_true(status == MOIRAI_ECANCELED || (status == MOIRAI_OK && io.status == MOIRAI_OK));
            free(buffer[i]);
        }
    }
    close(fd);
}

static void make_fifo(char *name)
{
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(mkfifo(name, 0600), 0);
}

/* An open that would wait for ever is interrupted in the kernel; before it has got there it is taken back. */
static void test_cancelled_open(void **unused)
{
    char name[] = "/tmp/moirai-io-XXXXXX";
    if (!in_ring())
        skip(); /* a thread would wait for ever */
    make_fifo(name);
    unsigned before = descriptors();
    for (int i = 0; i < 20; i++) {
        moirai_io_t io;
        moirai_io_open_init(&io, name, O_RDONLY, 0);
        moirai_task_t task = spawned(&io);
        if (i % 2)
            usleep(2000);
        moirai_cancel(&task);
        assert_int_equal(moirai_join(&task, NULL), MOIRAI_ECANCELED);
    }
    assert_int_equal(descriptors(), before);
    assert_int_equal(unlink(name), 0);
}

/* ---- Forks and sandboxes. */
/* The second one is never tried at once. */
static bool can_use(int fd)
{
    char c = 0;
    return moirai_io_read_at(fd, &c, 1, 0) == 1 && c == 'x' && moirai_io_sync(fd) == MOIRAI_OK;
}

static int made_file(void)
{
    int fd = scratch();
    assert_int_equal(moirai_io_write_at(fd, "x", 1, 0), 1);
    return fd;
}

/* The child has a ring of its own, and the parent's stays as it is. */
static void test_fork(void **unused)
{
#ifdef __SANITIZE_THREAD__
    skip(); /* it ends a child that starts threads */
#endif
    int fd = made_file(), engine = moirai_io_engine(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        _exit(can_use(fd) && moirai_io_engine(NULL) == engine ? 0 : 1);
    }
    assert_int_equal(exit_of(child), 0);
    assert_true(can_use(fd));
    close(fd);
}

/* Denied from the start, threads do it without a word; denied later, also for what was given to the ring. A fork
   chooses anew. */
static void denied(unsigned call, bool later)
{
    int fd = made_file();
    pid_t child = fork();
    if (child == 0) {
        const char *why = NULL;
        alarm(30);
        bool good = !later || can_use(fd);
        if (!deny(call))
            _exit(77);
        good = good && can_use(fd) && can_use(fd) && moirai_io_engine(&why) == MOIRAI_IO_EPOLL && why;
        _exit(good ? 0 : 1);
    }
    int status = exit_of(child);
    assert_true(status == 0 || status == 77);
    close(fd);
}

static void test_denied(void **unused)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    denied(SYS_io_uring_setup, false);
    denied(SYS_io_uring_enter, true);
}

static void test_nothing_leaked(void **before)
{
    unsigned own = in_ring() ? 3 : 0; /* epoll's, the ring's and the one to kick with */
    assert_int_equal(descriptors(), *(unsigned *)*before + own);
}

int main(void)
{
    static unsigned before;
    const char *wanted = getenv("MOIRAI_IO"), *why = NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),          cmocka_unit_test(test_offset_in_pipe),
        cmocka_unit_test(test_many),           cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_cancelled_open), cmocka_unit_test(test_fork),
        cmocka_unit_test(test_denied),         cmocka_unit_test_prestate(test_nothing_leaked, &before),
    };
    before = descriptors();
    int engine = moirai_io_engine(&why);
    if ((engine == MOIRAI_IO_URING) == (why != NULL))
        return 1;
    if (wanted && !strcmp(wanted, "uring") && engine != MOIRAI_IO_URING) {
        fprintf(stderr, "skipped: %s\n", why);
        return 77;
    }
    if (wanted && !strcmp(wanted, "epoll") && engine != MOIRAI_IO_EPOLL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
