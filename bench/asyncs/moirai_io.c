/* The rows of I/O with Moirai. ENGINE: what MOIRAI_IO is to be. */
#include <moirai/moirai.h>

#include <pthread.h>

#include "io.h"

static moirai_executor_t *executor;

static void begin(int workers)
{
    moirai_executor_attr_t attr;
    setenv("MOIRAI_IO", ENGINE, 1);
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, (unsigned)workers);
    bench_expect("an executor", moirai_executor_new(&executor, &attr), MOIRAI_OK);
}

/* ---- The echo server: each connection is a future. */
struct connection {
    moirai_future_t future;
    moirai_io_t io;
    int fd, writing;
    char text[4096];
};

static int echo(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct connection *c = (struct connection *)self;
    while (moirai_future_poll(&c->io.future, waker) == MOIRAI_READY) {
        if (c->io.status != MOIRAI_OK || (c->io.result == 0 && !c->writing)) {
            moirai_io_close(c->fd);
            return MOIRAI_READY;
        }
        c->writing = !c->writing;
        if (c->writing)
            moirai_io_write_all_init(&c->io, c->fd, c->text, (size_t)c->io.result);
        else
            moirai_io_read_init(&c->io, c->fd, c->text, sizeof c->text);
    }
    return MOIRAI_PENDING;
}

static void begin_connection(moirai_future_t *self)
{
    struct connection *c = (struct connection *)self;
    moirai_io_read_init(&c->io, c->fd, c->text, sizeof c->text);
}

static void *serve(void *listener)
{
    static const moirai_future_ops_t ops = {.poll = echo, .begin = begin_connection};
    for (;;) {
        int fd = moirai_io_accept(*(int *)listener, NULL, NULL, MOIRAI_FOREVER);
        if (fd < 0)
            return NULL;
        struct connection c = {.future = {&ops}, .fd = fd};
        bench_expect("a connection", moirai_async(executor, NULL, &c.future, sizeof c), MOIRAI_OK);
    }
}

static double echoes(void)
{
    static int listener, port;
    pthread_t thread;
    if (!port) {
        listener = listening(&port);
        pthread_create(&thread, NULL, serve, &listener);
    }
    return measure_echo(port);
}

/* ---- Reading a file at many places at once, and syncing one that has nothing to write, which is never tried at
   once. */
struct reader {
    moirai_future_t future;
    moirai_io_t io;
    unsigned number, done;
    char *buffer;
};

static int file;
static bool syncing;

static void next_read(struct reader *r)
{
    if (syncing)
        moirai_io_sync_init(&r->io, file);
    else
        moirai_io_read_at_init(&r->io, file, r->buffer, READ_BYTES, read_offset(r->number * READS + r->done));
}

static int read_on(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct reader *r = (struct reader *)self;
    while (moirai_future_poll(&r->io.future, waker) == MOIRAI_READY) {
        bench_expect("bytes", (long)r->io.result, syncing ? 0 : READ_BYTES);
        if (++r->done == READS)
            return MOIRAI_READY;
        next_read(r);
    }
    return MOIRAI_PENDING;
}

static void begin_reader(moirai_future_t *self)
{
    next_read((struct reader *)self);
}

static double files(void)
{
    static const moirai_future_ops_t ops = {.poll = read_on, .begin = begin_reader};
    static char buffer[READERS][READ_BYTES];
    moirai_task_t task[READERS];
    if (!file)
        file = file_to_read();
    double before = bench_now_ns();
    for (unsigned i = 0; i < READERS; i++) {
        struct reader r = {.future = {&ops}, .number = i, .buffer = buffer[i]};
        bench_expect("a reader", moirai_async(executor, &task[i], &r.future, sizeof r), MOIRAI_OK);
    }
    for (unsigned i = 0; i < READERS; i++)
        bench_expect("its end", moirai_join(&task[i], NULL), MOIRAI_OK);
    return (bench_now_ns() - before) / (READERS * READS);
}

static double syncs(void)
{
    syncing = true;
    return files();
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"echo", echoes}, {"files", files}, {"syncs", syncs}, {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
