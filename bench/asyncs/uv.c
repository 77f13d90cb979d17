/* The rows of I/O and of timers with libuv: one loop in one thread for descriptors and timers, its threads for
   files. */
#include <pthread.h>
#include <uv.h>

#include "io.h"
#include "timers.h"

static void begin(int workers)
{
    char number[16];
    snprintf(number, sizeof number, "%d", workers);
    setenv("UV_THREADPOOL_SIZE", number, 1);
}

/* ---- The echo server. */
struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    char text[4096];
};

static uv_loop_t loop;

static void is_closed(uv_handle_t *handle)
{
    free(handle);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct connection *c = (struct connection *)handle;
    (void)suggested;
    *room = uv_buf_init(c->text, sizeof c->text);
}

static void is_written(uv_write_t *write, int status)
{
    (void)write;
    (void)status;
}

static void is_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct connection *c = (struct connection *)stream;
    uv_buf_t answer = uv_buf_init(room->base, n > 0 ? (unsigned)n : 0);
    if (n < 0)
        uv_close((uv_handle_t *)stream, is_closed);
    else if (n > 0 && uv_try_write(stream, &answer, 1) != n)
        uv_write(&c->write, stream, &answer, 1, is_written);
}

static void is_connected(uv_stream_t *server, int status)
{
    struct connection *c = calloc(1, sizeof *c);
    bench_expect("a connection", status, 0);
    uv_tcp_init(&loop, &c->tcp);
    bench_expect("accepted", uv_accept(server, (uv_stream_t *)&c->tcp), 0);
    uv_read_start((uv_stream_t *)&c->tcp, give_room, is_read);
}

static void *serve(void *listener)
{
    static uv_tcp_t server;
    uv_loop_init(&loop);
    uv_tcp_init(&loop, &server);
    uv_tcp_open(&server, *(int *)listener);
    uv_listen((uv_stream_t *)&server, 1024, is_connected);
    uv_run(&loop, UV_RUN_DEFAULT);
    return NULL;
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

/* ---- Reading a file at many places at once. */
struct reader {
    uv_fs_t request;
    uv_buf_t buffer;
    unsigned number, done;
};

static int file;

static void next_read(struct reader *r);

static void is_filled(uv_fs_t *request)
{
    struct reader *r = (struct reader *)request;
    bench_expect("bytes", (long)request->result, READ_BYTES);
    uv_fs_req_cleanup(request);
    if (++r->done < READS)
        next_read(r);
}

static void next_read(struct reader *r)
{
    uv_fs_read(uv_default_loop(), &r->request, file, &r->buffer, 1, (int64_t)read_offset(r->number * READS + r->done),
               is_filled);
}

static double files(void)
{
    static struct reader reader[READERS];
    static char buffer[READERS][READ_BYTES];
    if (!file)
        file = file_to_read();
    double before = bench_now_ns();
    for (unsigned i = 0; i < READERS; i++) {
        reader[i] = (struct reader){.number = i, .buffer = uv_buf_init(buffer[i], READ_BYTES)};
        next_read(&reader[i]);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return (bench_now_ns() - before) / (READERS * READS);
}

/* ---- Timers. */
static void goes_off(uv_timer_t *timer)
{
    (void)timer;
}

/* Set, and taken out again. Returns when it began. */
static double set_timers(void)
{
    static uv_timer_t timer[TIMERS];
    if (!timer[0].loop)
        for (int i = 0; i < TIMERS; i++)
            uv_timer_init(uv_default_loop(), &timer[i]);
    double before = bench_now_ns();
    for (int i = 0; i < TIMERS; i++)
        uv_timer_start(&timer[i], goes_off, 1000 + (uint64_t)i, 0);
    inserted_at = bench_now_ns();
    for (int i = 0; i < TIMERS; i++)
        uv_timer_stop(&timer[i]);
    return before;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {
        {"echo", echoes}, {"files", files}, {"timer", timers}, {"insert", inserts}, {NULL, NULL}};
    return measure_rows("libuv", rows, argc, argv, begin);
}
