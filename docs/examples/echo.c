/* An echo server: each connection is a future that reads and writes in turns, and takes no thread while it waits.
   cc echo.c $(pkg-config --cflags --libs moirai)
   usage: echo [PORT]: without one it serves a client of its own, once. */
#include <moirai/moirai.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void serve(int listener)
{
    for (;;) {
        int fd = moirai_io_accept(listener, NULL, NULL, MOIRAI_FOREVER);
        if (fd == MOIRAI_ENOFD) {
            usleep(20000); /* until some connection has ended */
            continue;
        }
        if (fd < 0)
            return;
        struct connection c = {.future = {&ops}, .fd = fd};
        if (moirai_async(NULL, NULL, &c.future, sizeof c) != MOIRAI_OK)
            moirai_io_close(fd);
    }
}

static int listen_at(unsigned port, struct sockaddr_in *at)
{
    socklen_t bytes = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)at, sizeof *at) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)at, &bytes)) {
        perror("echo");
        exit(1);
    }
    return fd;
}

static void *serve_in_thread(void *listener)
{
    serve(*(int *)listener);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int listener = listen_at(argc > 1 ? (unsigned)atoi(argv[1]) : 0, &at);
    if (argc > 1) {
        printf("port %u\n", ntohs(at.sin_port));
        fflush(stdout);
        serve(listener);
        return 1;
    }
    pthread_t server;
    char text[] = "come back", back[sizeof text] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t got = 0;
    int64_t n = 1;
    if (pthread_create(&server, NULL, serve_in_thread, &listener) ||
        moirai_io_connect(fd, (struct sockaddr *)&at, sizeof at, MOIRAI_FOREVER) != MOIRAI_OK ||
        moirai_io_write_all(fd, text, sizeof text, MOIRAI_FOREVER) < 0)
        return 1;
    while (got < sizeof text && n > 0)
        if ((n = moirai_io_read(fd, back + got, sizeof back - got, moirai_now_ns() + 10000000000)) > 0)
            got += (size_t)n;
    moirai_io_close(fd);
    moirai_io_close(listener);
    pthread_join(server, NULL);
    printf("sent and received: %s\n", back);
    return strcmp(text, back) != 0;
}
