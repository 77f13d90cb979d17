/* An echo server: each connection is a future that reads and writes in turns, and takes no thread while it waits.
   cc echo.c $(pkg-config --cflags --libs moirai)
   usage: echo [PORT]: without one it serves a client of its own, once. */
#include "server.h"

struct connection {
    moirai_future_t future;
    moirai_io_t io;
    int fd, writing;
    char text[4096];
};

static void leave(moirai_future_t *self)
{
    struct connection *c = (struct connection *)self;
    moirai_future_drop(&c->io.future);
    moirai_io_close(c->fd);
}

static int echo(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct connection *c = (struct connection *)self;
    for (;;) {
        if (moirai_future_poll(&c->io.future, waker) != MOIRAI_READY)
            return MOIRAI_PENDING;
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
}

/* The buffer's address is known only when the state has come to its place. */
static void begin(moirai_future_t *self)
{
    struct connection *c = (struct connection *)self;
    moirai_io_read_init(&c->io, c->fd, c->text, sizeof c->text);
}

static const moirai_future_ops_t ops = {.poll = echo, .drop = leave, .begin = begin};

static void begin_connection(int fd)
{
    struct connection c = {.future = {&ops}, .fd = fd};
    if (moirai_async(NULL, NULL, &c.future, sizeof c) != MOIRAI_OK)
        moirai_io_close(fd);
}

int main(int argc, char **argv)
{
    struct server server = {.name = "echo", .begin = begin_connection};
    server_listen(&server, argc > 1 ? (unsigned)atoi(argv[1]) : 0);
    if (argc > 1)
        return server_run(&server);
    char text[] = "come back", back[sizeof text] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t got = 0;
    int64_t n = 1;
    server_begin(&server);
    if (moirai_io_connect(fd, (struct sockaddr *)&server.at, sizeof server.at, MOIRAI_FOREVER) != MOIRAI_OK ||
        moirai_io_write_all(fd, text, sizeof text, MOIRAI_FOREVER) < 0)
        return 1;
    while (got < sizeof text && n > 0)
        if ((n = moirai_io_read(fd, back + got, sizeof back - got, moirai_now_ns() + 10000000000)) > 0)
            got += (size_t)n;
    moirai_io_close(fd);
    server_end(&server);
    printf("sent and received: %s\n", back);
    return strcmp(text, back) != 0;
}
