/* usage: load PORT MILLISECONDS: the client of the echo rows. Many connections, each with one request of 64 bytes under
   way; prints the ns from one answer to the next, over all of them. The same for all servers, in a process and a thread
   of its own. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../series.h"

#define CONNECTIONS 64
#define BYTES       64

static void check(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0, "load: connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int main(int argc, char **argv)
{
    static size_t got[1024];
    struct epoll_event events[CONNECTIONS];
    char text[BYTES] = "";
    long answers = 0;
    int set = epoll_create1(0);
    if (argc != 3) {
        fprintf(stderr, "usage: load PORT MILLISECONDS\n");
        return 2;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = connect_to(atoi(argv[1]));
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        check(fd < 1024 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0, "load: epoll");
        check(write(fd, text, BYTES) == BYTES, "load: write");
    }
    double start = bench_now_ns(), end = start + atof(argv[2]) * 1e6, now = start;
    for (; now < end; now = bench_now_ns()) {
        int n = epoll_wait(set, events, CONNECTIONS, 1000);
        check(n > 0, "load: no answer");
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            ssize_t r = read(fd, text, BYTES - got[fd]);
            check(r > 0, "load: read");
            got[fd] += (size_t)r;
            if (got[fd] < BYTES)
                continue;
            got[fd] = 0;
            answers++;
            check(write(fd, text, BYTES) == BYTES, "load: write");
        }
    }
    printf("%.6g\n", (now - start) / (double)answers);
    return 0;
}
