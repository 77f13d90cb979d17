/* I/O: what each operation answers, in a task, in a thread and at once; descriptors that run out, end, are closed and
   used again; and that whoever gives up is not touched any more. */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define LARGE (3u << 20)

enum how { PIPE, SOCKET, HOWS };

static void make(enum how how, int *ends)
{
    if (how == PIPE)
        assert_int_equal(pipe(ends), 0);
    else
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void close_both(const int *ends)
{
    close(ends[0]);
    close(ends[1]);
}

/* A read that waits as a task does; its buffer is the test's. */
static moirai_task_t reading(int fd, void *buffer, size_t bytes)
{
    moirai_io_t io;
    moirai_task_t task;
    moirai_io_read_init(&io, fd, buffer, bytes);
    assert_int_equal(moirai_async(NULL, &task, &io.future, sizeof io), MOIRAI_OK);
    return task;
}

/* ---- Data. */
static void test_read_waits(void **unused)
{
    for (enum how how = 0; how < HOWS; how++)
        for (int i = 0; i < 200; i++) {
            int ends[2];
            char text[16] = "";
            make(how, ends);
            moirai_io_t io;
            moirai_task_t task = reading(ends[0], text, sizeof text);
            if (i % 20 == 0)
                usleep(2000);
            assert_int_equal(moirai_io_write(ends[1], "hello", 5, MOIRAI_FOREVER), 5);
            assert_int_equal(moirai_join(&task, &io), MOIRAI_OK);
            assert_int_equal(io.status, MOIRAI_OK);
            assert_int_equal(io.result, 5);
            assert_memory_equal(text, "hello", 5);
            close_both(ends); /* the next ones have the same numbers */
        }
}

static void *write_late(void *fd)
{
    usleep(3000);
    assert_int_equal(write(*(int *)fd, "late", 4), 4);
    return NULL;
}

static void test_thread_waits(void **unused)
{
    for (enum how how = 0; how < HOWS; how++) {
        int ends[2];
        char text[16];
        make(how, ends);
        pthread_t t = start(write_late, &ends[1]);
        assert_int_equal(moirai_io_read(ends[0], text, sizeof text, MOIRAI_FOREVER), 4);
        pthread_join(t, NULL);
        assert_int_equal(moirai_io_read(ends[0], text, sizeof text, in_ms(2)), MOIRAI_ETIMEDOUT);
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(moirai_io_read(ends[0], text, sizeof text, 0), 1);
        close_both(ends);
    }
}

struct sink {
    int fd;
    size_t bytes;
    bool wrong;
};

static void *drain(void *arg)
{
    struct sink *s = arg;
    static char text[4099];
    int64_t n;
    while ((n = moirai_io_read(s->fd, text, sizeof text, MOIRAI_FOREVER)) > 0) {
        for (int64_t i = 0; i < n; i++)
            s->wrong |= text[i] != (char)((s->bytes + (size_t)i) % 251);
        s->bytes += (size_t)n;
    }
    s->wrong |= n < 0;
    return NULL;
}

/* Much more than fits: it goes in pieces, and a blocking pipe does not keep the writer in the system. */
static void test_write_all(void **unused)
{
    char *text = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = (char)(i % 251);
    for (enum how how = 0; how < HOWS; how++) {
        int ends[2];
        make(how, ends);
        struct sink sink = {.fd = ends[0]};
        moirai_io_t io;
        moirai_task_t task;
        moirai_io_write_all_init(&io, ends[1], text, LARGE);
        assert_int_equal(moirai_async(NULL, &task, &io.future, sizeof io), MOIRAI_OK);
        pthread_t t = start(drain, &sink);
        assert_int_equal(moirai_join(&task, &io), MOIRAI_OK);
        assert_int_equal(io.status, MOIRAI_OK);
        assert_int_equal(io.result, LARGE);
        close(ends[1]);
        pthread_join(t, NULL);
        assert_int_equal(sink.bytes, LARGE);
        assert_false(sink.wrong);
        close(ends[0]);
    }
    free(text);
}

/* Nobody reads: it waits, and the deadline ends that. */
static void test_write_waits(void **unused)
{
    char *text = calloc(1, LARGE);
    for (enum how how = 0; how < HOWS; how++) {
        int ends[2];
        make(how, ends);
        assert_int_equal(moirai_io_write_all(ends[1], text, LARGE, in_ms(5)), MOIRAI_ETIMEDOUT);
        close_both(ends);
    }
    free(text);
}

/* ---- Ends. */
static void test_peer_closes(void **unused)
{
    for (enum how how = 0; how < HOWS; how++) {
        int ends[2];
        char text[16];
        moirai_io_t io;
        make(how, ends);
        assert_int_equal(moirai_io_write(ends[1], "half", 4, MOIRAI_FOREVER), 4);
        close(ends[1]);
        assert_int_equal(moirai_io_read(ends[0], text, sizeof text, MOIRAI_FOREVER), 4);
        assert_int_equal(moirai_io_read(ends[0], text, sizeof text, MOIRAI_FOREVER), 0);
        close(ends[0]);
        /* While somebody waits; and for who writes, without a signal. */
        make(how, ends);
        moirai_task_t task = reading(ends[0], text, sizeof text);
        usleep(1000);
        close(ends[1]);
        assert_int_equal(moirai_join(&task, &io), MOIRAI_OK);
        assert_int_equal(io.status, MOIRAI_OK);
        assert_int_equal(io.result, 0);
        close(ends[0]);
        make(how, ends);
        close(ends[0]);
        errno = 12345;
        assert_int_equal(moirai_io_write(ends[1], "x", 1, MOIRAI_FOREVER), MOIRAI_ECLOSED);
        assert_int_equal(errno, 12345);
        close(ends[1]);
    }
}

static void test_close_in_flight(void **unused)
{
    char *text = calloc(1, LARGE), one[1], other[1];
    int ends[2];
    moirai_io_t io;
    moirai_task_t task[2];
    make(SOCKET, ends);
    task[0] = reading(ends[0], one, 1);
    moirai_io_write_all_init(&io, ends[0], text, LARGE);
    assert_int_equal(moirai_async(NULL, &task[1], &io.future, sizeof io), MOIRAI_OK);
    AWAIT(read(ends[1], other, 1) == 1); /* the writer has begun */
    usleep(5000);
    assert_int_equal(moirai_io_close(ends[0]), MOIRAI_OK);
    assert_int_equal(moirai_join(&task[1], &io), MOIRAI_OK);
    assert_true(io.status == MOIRAI_ECANCELED || io.status == MOIRAI_EINVAL);
    assert_int_equal(moirai_join(&task[0], &io), MOIRAI_OK);
    assert_true(io.status == MOIRAI_ECANCELED || io.status == MOIRAI_EINVAL); /* it began after the close */
    assert_int_equal(moirai_io_close(ends[0]), MOIRAI_EINVAL);
    close(ends[1]);
    free(text);
}

/* Given up with the operation in flight: its memory is gone at once, what comes then is the next reader's. */
static void test_cancel_in_flight(void **unused)
{
    for (int i = 0; i < 300; i++) {
        int ends[2];
        char *text = malloc(8), next[8];
        make(i % HOWS, ends);
        moirai_task_t task = reading(ends[0], text, 8);
        if (i % 3 == 0)
            usleep(300);
        if (i % 2)
            assert_int_equal(moirai_io_write(ends[1], "abc", 3, MOIRAI_FOREVER), 3);
        moirai_cancel(&task);
        int status = moirai_join(&task, NULL);
        assert_true(status == MOIRAI_ECANCELED || (i % 2 && status == MOIRAI_OK));
        free(text);
        if (status == MOIRAI_ECANCELED) {
            if (!(i % 2))
                assert_int_equal(write(ends[1], "abc", 3), 3);
            assert_int_equal(moirai_io_read(ends[0], next, 8, MOIRAI_FOREVER), 3);
        }
        close_both(ends);
    }
}

/* ---- Sockets. */
static int listener(struct sockaddr_in *at)
{
    socklen_t bytes = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &bytes), 0);
    return fd;
}

static int connected(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(moirai_io_connect(fd, (const struct sockaddr *)at, sizeof *at, MOIRAI_FOREVER), MOIRAI_OK);
    return fd;
}

static void test_connect_and_accept(void **unused)
{
    struct sockaddr_in at, from;
    socklen_t bytes = sizeof from;
    char text[8];
    int fd = listener(&at);
    moirai_io_t io;
    moirai_task_t task;
    assert_int_equal(moirai_io_accept(fd, NULL, NULL, in_ms(2)), MOIRAI_ETIMEDOUT);
    moirai_io_accept_init(&io, fd, (struct sockaddr *)&from, &bytes);
    assert_int_equal(moirai_async(NULL, &task, &io.future, sizeof io), MOIRAI_OK);
    int client = connected(&at);
    assert_int_equal(moirai_join(&task, &io), MOIRAI_OK);
    assert_int_equal(io.status, MOIRAI_OK);
    int served = (int)io.result;
    assert_int_equal(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(fcntl(served, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(moirai_io_write(client, "ping", 4, MOIRAI_FOREVER), 4);
    assert_int_equal(moirai_io_read(served, text, sizeof text, MOIRAI_FOREVER), 4);
    /* A reset is an end as well. */
    const struct linger at_once = {1, 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client);
    assert_int_equal(moirai_io_read(served, text, sizeof text, MOIRAI_FOREVER), MOIRAI_ECLOSED);
    close(served);
    close(fd);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    moirai_io_connect_init(&io, refused, (struct sockaddr *)&at, sizeof at);
    assert_int_equal(moirai_block_on(&io.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(io.status, MOIRAI_EIO);
    assert_int_equal(io.error, ECONNREFUSED);
    close(refused);
}

/* Without descriptors each try says so at once; the connection stays, and is accepted when there are some again. */
static void test_no_descriptors(void **unused)
{
    struct sockaddr_in at;
    struct rlimit before, few;
    int fd = listener(&at), client = connected(&at), filling[64], n = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < 64 && (filling[n] = dup(fd)) >= 0)
        n++;
    for (int i = 0; i < 3; i++)
        assert_int_equal(moirai_io_accept(fd, NULL, NULL, MOIRAI_FOREVER), MOIRAI_ENOFD);
    assert_int_equal(moirai_io_open("/dev/null", O_RDONLY, 0), MOIRAI_ENOFD);
    while (n > 0)
        close(filling[--n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int served = moirai_io_accept(fd, NULL, NULL, MOIRAI_FOREVER);
    assert_true(served >= 0);
    close(served);
    close(client);
    close(fd);
}

/* ---- Signals, many at once, forks, sandboxes. */
static volatile sig_atomic_t caught;

static void catch (int signal)
{
    caught = 1;
}

struct echo {
    int fd, rounds;
    bool over;
};

static void *echo_back(void *arg)
{
    struct echo *e = arg;
    char c;
    for (int i = 0; i < e->rounds; i++)
        if (moirai_io_read(e->fd, &c, 1, MOIRAI_FOREVER) != 1 || moirai_io_write(e->fd, &c, 1, MOIRAI_FOREVER) != 1)
            break;
    SET(&e->over, true);
    return NULL;
}

static void test_signals(void **unused)
{
    const struct sigaction action = {.sa_handler = catch};
    int ends[2];
    make(SOCKET, ends);
    sigaction(SIGUSR1, &action, NULL);
    struct echo e = {.fd = ends[0], .rounds = 300};
    pthread_t t = start(echo_back, &e);
    for (int i = 0; i < e.rounds; i++) {
        char c = (char)i, back;
        pthread_kill(t, SIGUSR1);
        assert_int_equal(moirai_io_write(ends[1], &c, 1, MOIRAI_FOREVER), 1);
        assert_int_equal(moirai_io_read(ends[1], &back, 1, MOIRAI_FOREVER), 1);
        assert_int_equal(back, c);
    }
    pthread_join(t, NULL);
    assert_true(e.over && caught);
    close_both(ends);
}

static void echo_task(void *arg)
{
    echo_back(*(void **)arg);
}

/* Both sides are tasks, many of them, on few workers: each wait lets others run. */
static void test_many(void **unused)
{
    enum { PAIRS = 24, ROUNDS = 40 };
    struct echo echo[PAIRS], *at;
    int ends[PAIRS][2];
    moirai_task_t task[PAIRS], reads[PAIRS];
    char back[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        make(SOCKET, ends[i]);
        at = &echo[i];
        echo[i] = (struct echo){.fd = ends[i][0], .rounds = ROUNDS};
        assert_int_equal(moirai_spawn_blocking(NULL, &task[i], echo_task, &at, sizeof at), MOIRAI_OK);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PAIRS; i++)
            reads[i] = reading(ends[i][1], &back[i], 1);
        for (int i = 0; i < PAIRS; i++) {
            char c = (char)(round + i);
            assert_int_equal(moirai_io_write(ends[i][1], &c, 1, MOIRAI_FOREVER), 1);
        }
        for (int i = 0; i < PAIRS; i++) {
            moirai_io_t io;
            assert_int_equal(moirai_join(&reads[i], &io), MOIRAI_OK);
            assert_int_equal(io.result, 1);
            assert_int_equal(back[i], (char)(round + i));
        }
    }
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(moirai_join(&task[i], NULL), MOIRAI_OK);
        assert_true(echo[i].over);
        close_both(ends[i]);
    }
}

/* The child waits by a thread and a set of its own, and the parent's waits stay as they are. */
static void test_fork(void **unused)
{
#ifdef __SANITIZE_THREAD__
    skip(); /* it ends a child that starts threads */
#endif
    int ends[2], own[2];
    char text[4];
    moirai_io_t io;
    make(PIPE, ends);
    make(PIPE, own);
    moirai_task_t task = reading(ends[0], text, sizeof text);
    usleep(2000);
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        pthread_t t;
        bool good = moirai_io_read(own[0], text, 1, in_ms(2)) == MOIRAI_ETIMEDOUT &&
                    pthread_create(&t, NULL, write_late, &own[1]) == 0 &&
                    moirai_io_read(own[0], text, 4, MOIRAI_FOREVER) == 4;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(exit_of(child), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(moirai_join(&task, &io), MOIRAI_OK);
    assert_int_equal(io.result, 1);
    close_both(ends);
    close_both(own);
}

/* Where there is no epoll, what need not wait works, what has to says why. A fork has no set yet, so it asks for
   one. */
static void test_denied(void **unused)
{
    int ends[2];
    make(PIPE, ends);
    pid_t child = fork();
    if (child == 0) {
        char text[4];
        alarm(30);
        if (!deny(SYS_epoll_create1))
            _exit(77);
        bool good = moirai_io_write(ends[1], "x", 1, MOIRAI_FOREVER) == 1 &&
                    moirai_io_read(ends[0], text, 4, MOIRAI_FOREVER) == 1 &&
                    moirai_io_read(ends[0], text, 4, MOIRAI_FOREVER) == MOIRAI_EACCES;
        _exit(good ? 0 : 1);
    }
    int status = exit_of(child);
    assert_true(status == 0 || status == 77);
    close_both(ends);
}

static void test_nothing_leaked(void **before)
{
    assert_int_equal(descriptors(), *(unsigned *)*before + 1); /* epoll's */
}

int main(void)
{
    static unsigned before;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_waits),
        cmocka_unit_test(test_thread_waits),
        cmocka_unit_test(test_write_all),
        cmocka_unit_test(test_write_waits),
        cmocka_unit_test(test_peer_closes),
        cmocka_unit_test(test_close_in_flight),
        cmocka_unit_test(test_cancel_in_flight),
        cmocka_unit_test(test_connect_and_accept),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_denied),
        cmocka_unit_test_prestate(test_nothing_leaked, &before),
    };
    before = descriptors();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
