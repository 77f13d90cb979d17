/* Messages between two processes: through rings, written and read in place or copied in and out; through pipes, and
   through Unix sockets. A round is a number of messages and the answer to the last one; or, for `latency`, one message
   there and one back.
   usage: rows ROW WAY [MILLISECONDS], or --list: each row with its ways */
#include <moirai/moirai.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../series.h"

#define LARGE (64 << 10)
#define SMALL 64

static char *here; /* what is sent, and where it arrives, of those ways that copy */
static size_t bytes;

struct way {
    const char *name;
    void (*open)(void);
    void (*join)(void); /* in the other process */
    /* One message; the last byte says whether it is to be answered. */
    void (*send)(char mark);
    char (*receive)(void);
    void (*answer)(void); /* by the other process */
    void (*await_answer)(void);
};

static void fail(const char *what, int status)
{
    fprintf(stderr, "bench: %s: %s\n", what, status ? moirai_status_text(status) : "failed");
    exit(1);
}

static void must(const char *what, int status)
{
    if (status != MOIRAI_OK)
        fail(what, status);
}

/* ---- Rings. */
static moirai_ring_t *ring, *arrival, *back;
static int ring_fd, back_fd;

static void new_rings(void)
{
    moirai_ring_shape_t there = {MOIRAI_RING_SPSC, bytes == LARGE ? 64 : 1024, (uint32_t)bytes};
    moirai_ring_shape_t home = {MOIRAI_RING_SPSC, 4, 8};
    must("new", moirai_ring_new(&ring, &there, MOIRAI_RING_SENDER));
    must("new", moirai_ring_new(&back, &home, MOIRAI_RING_RECEIVER));
    must("fd", moirai_ring_fd(ring, &ring_fd));
    must("fd", moirai_ring_fd(back, &back_fd));
}

/* Also in the same process: `back` is not used then. */
static void join_rings(void)
{
    must("attach", moirai_ring_attach(&arrival, ring_fd, NULL, MOIRAI_RING_RECEIVER));
    must("attach", moirai_ring_attach(&back, back_fd, NULL, MOIRAI_RING_SENDER));
}

static void send_in_place(char mark)
{
    void *room;
    must("loan", moirai_ring_loan(ring, &room));
    ((char *)room)[0] = mark;
    must("publish", moirai_ring_publish(ring, bytes));
}

static char receive_in_place(void)
{
    const void *message;
    size_t length;
    must("receive", moirai_ring_receive(arrival, &message, &length));
    char mark = *(const char *)message;
    must("release", moirai_ring_release(arrival));
    return mark;
}

static void send_copy(char mark)
{
    void *room;
    must("loan", moirai_ring_loan(ring, &room));
    here[0] = mark;
    memcpy(room, here, bytes);
    must("publish", moirai_ring_publish(ring, bytes));
}

static char receive_copy(void)
{
    const void *message;
    size_t length;
    must("receive", moirai_ring_receive(arrival, &message, &length));
    memcpy(here, message, length);
    must("release", moirai_ring_release(arrival));
    return here[0];
}

static void answer_in_ring(void)
{
    void *room;
    must("loan", moirai_ring_loan(back, &room));
    must("publish", moirai_ring_publish(back, 8));
}

static void await_ring(void)
{
    const void *message;
    size_t length;
    must("receive", moirai_ring_receive(back, &message, &length));
    must("release", moirai_ring_release(back));
}

/* ---- Pipes and sockets. */
static int out, in, back_out, back_in;

static void new_pipes(void)
{
    int there[2], home[2];
    if (pipe(there) || pipe(home))
        fail("pipe", 0);
    fcntl(there[1], F_SETPIPE_SZ, 1 << 20);
    in = there[0], out = there[1], back_in = home[0], back_out = home[1];
}

static void new_sockets(void)
{
    int there[2], size = 1 << 20;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, there))
        fail("socketpair", 0);
    setsockopt(there[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    out = back_in = there[0], in = back_out = there[1];
}

static void nothing(void)
{
}

static void write_all(int fd, const char *from, size_t left)
{
    for (ssize_t n; left > 0; from += n, left -= (size_t)n)
        if ((n = write(fd, from, left)) <= 0)
            fail("write", 0);
}

static void read_all(int fd, char *to, size_t left)
{
    for (ssize_t n; left > 0; to += n, left -= (size_t)n)
        if ((n = read(fd, to, left)) <= 0)
            fail("read", 0);
}

static void send_written(char mark)
{
    here[0] = mark;
    write_all(out, here, bytes);
}

static char receive_read(void)
{
    read_all(in, here, bytes);
    return here[0];
}

static void answer_written(void)
{
    write_all(back_out, "", 1);
}

static void await_read(void)
{
    char byte;
    read_all(back_in, &byte, 1);
}

static const struct way ways[] = {
    {"loan", new_rings, join_rings, send_in_place, receive_in_place, answer_in_ring, await_ring},
    {"copy", new_rings, join_rings, send_copy, receive_copy, answer_in_ring, await_ring},
    {"pipe", new_pipes, nothing, send_written, receive_read, answer_written, await_read},
    {"socket", new_sockets, nothing, send_written, receive_read, answer_written, await_read},
};
#define WAYS (sizeof ways / sizeof ways[0])

static const struct row {
    const char *name;
    size_t bytes;
    int messages; /* in a round */
    bool alone;   /* one process sends and receives, in turns: what a message costs without any waiting */
} rows[] = {{"large", LARGE, 500, false},
            {"large_alone", LARGE, 500, true},
            {"small", SMALL, 20000, false},
            {"small_alone", SMALL, 20000, true},
            {"latency", SMALL, 1, false}};
#define ROWS (sizeof rows / sizeof rows[0])

/* ---- Measuring. */
static void serve(const struct way *way)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    way->join();
    for (;;)
        if (way->receive())
            way->answer();
}

static double round_ns(const struct way *way, int messages)
{
    double start = bench_now_ns();
    for (int i = 1; i <= messages; i++)
        way->send(i == messages);
    way->await_answer();
    return (bench_now_ns() - start) / messages;
}

static double round_alone_ns(const struct way *way, int messages)
{
    double start = bench_now_ns();
    for (int i = 1; i <= messages; i++) {
        way->send(0);
        way->receive();
    }
    return (bench_now_ns() - start) / messages;
}

static int measure(const struct row *row, const struct way *way, double ms)
{
    struct result result;
    bytes = row->bytes;
    here = calloc(1, bytes);
    if (!here)
        fail("memory", MOIRAI_ENOMEM);
    way->open();
    pid_t child = row->alone ? 0 : fork();
    if (row->alone)
        way->join();
    else if (child == 0)
        serve(way);
    result.series_count = 0;
    struct series *series = bench_series(&result, row->name, "ns", false);
    int rounds = row->messages == 1 ? 2000 : 1; /* short ones are measured together */
    double (*round)(const struct way *way, int messages) = row->alone ? round_alone_ns : round_ns;
    round(way, row->messages);
    for (double start = bench_now_ns(); bench_now_ns() - start < ms * 1e6 || series->count < 3;) {
        double sum = 0;
        for (int i = 0; i < rounds; i++)
            sum += round(way, row->messages);
        bench_sample(series, sum / rounds);
    }
    printf("{\"way\":\"%s\",", way->name);
    bench_print_series(&result);
    puts("}");
    if (child > 0)
        kill(child, SIGKILL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--list")) {
        for (size_t r = 0; r < ROWS; r++)
            for (size_t w = 0; w < WAYS; w++)
                printf("%s %s\n", rows[r].name, ways[w].name);
        return 0;
    }
    for (size_t r = 0; argc > 2 && r < ROWS; r++)
        for (size_t w = 0; w < WAYS; w++)
            if (!strcmp(argv[1], rows[r].name) && !strcmp(argv[2], ways[w].name))
                return measure(&rows[r], &ways[w], argc > 3 ? atof(argv[3]) : 100);
    fprintf(stderr, "usage: %s ROW WAY [MILLISECONDS], or --list\n", argv[0]);
    return 2;
}
