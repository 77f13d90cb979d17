/* What the servers among the examples have in common: a socket that listens, and a thread that accepts. */
#ifndef SERVER_H
#define SERVER_H

#include <moirai/moirai.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct server {
    const char *name;
    void (*begin)(int fd); /* see to a new connection, and close it some time */
    struct sockaddr_in at;
    int listener;
    pthread_t thread;
};

static inline void server_listen(struct server *s, unsigned port)
{
    socklen_t bytes = sizeof s->at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    s->listener = fd;
    s->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    s->at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&s->at, sizeof s->at) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&s->at, &bytes)) {
        perror(s->name);
        exit(1);
    }
}

/* Until the listener is closed. */
static inline void server_accept(const struct server *s)
{
    for (;;) {
        int fd = moirai_io_accept(s->listener, NULL, NULL, MOIRAI_FOREVER), on = 1;
        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* an answer may be several writes */
            s->begin(fd);
        } else if (fd == MOIRAI_ENOFD) {
            usleep(20000); /* until some connection has ended */
        } else {
            return;
        }
    }
}

static inline int server_run(const struct server *s)
{
    printf("port %u\n", ntohs(s->at.sin_port));
    fflush(stdout);
    server_accept(s);
    return 1;
}

/* The same beside the caller. */
static inline void *server_body(void *server)
{
    server_accept((const struct server *)server);
    return NULL;
}

static inline void server_begin(struct server *s)
{
    if (pthread_create(&s->thread, NULL, server_body, s))
        exit(1);
}

static inline void server_end(struct server *s)
{
    moirai_io_close(s->listener);
    pthread_join(s->thread, NULL);
}

#endif
