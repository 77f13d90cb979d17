/* Statistics for whoever connects to a socket: a thread waits for that, and no other thread ever waits for it. It takes
   no signals. A child of fork has no such thread. */
#include "watch/internal.h"

#include "base/log.h"
#include "plat/io.h"
#include "plat/plat.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_MS 200 /* for a request; who asks for nothing gets the figures all the same */
#define SEND_S 2

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;

static void answer(int peer)
{
    static struct mo_stats s;
    static struct mo_out o;
    static const struct timeval patience = {.tv_sec = SEND_S, .tv_usec = 0};
    char request[512] = "";
    struct pollfd p = {.fd = peer, .events = POLLIN};
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (poll(&p, 1, ASK_MS) == 1 && recv(peer, request, sizeof request - 1, MSG_DONTWAIT) < 0)
        return;
    if (!mo_watch_collect(&s))
        return;
    o = (struct mo_out){.fd = peer, .socket = true};
    if (strncmp(request, "GET ", 4) == 0)
        mo_out(&o, "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n");
    mo_stats_print_prometheus(&o, &s, (unsigned)getpid(), "");
    mo_watch_uncollect(&s);
}

static void *serve(void *arg)
{
    for (;;) {
        int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EMFILE || errno == ENFILE)) {
            if (errno == EMFILE || errno == ENFILE)
                poll(NULL, 0, ASK_MS); /* the program has all descriptors that there are */
            continue;
        }
        if (peer < 0)
            return arg; /* the program has closed what is not its own */
        answer(peer);
        close(peer);
    }
}

/* Nobody but the owner may connect: the mask would be the whole process's, so the mode comes before anybody can. */
static bool open_socket(void)
{
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return false;
    if (fchmod(listener, 0600) == 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0) {
        if (chmod(address.sun_path, 0600) == 0 && listen(listener, 4) == 0)
            return true;
        unlink(address.sun_path);
    }
    int error = errno;
    close(listener);
    errno = error;
    return false;
}

void mo_watch_serve(const char *where)
{
    char path[PATH_BYTES];
    if (strncmp(where, "unix:", strlen("unix:")) != 0 || !where[5] || !mo_watch_path(where + 5, path) ||
        strlen(path) >= sizeof address.sun_path) {
        mo_warn("MOIRAI_METRICS takes unix:PATH, of at most %zu bytes: no metrics are served",
                sizeof address.sun_path - 1);
        return;
    }
    mo_plat_barrier_arm(); /* while there is one thread */
    strcpy(address.sun_path, path);
    if (!open_socket()) {
        mo_warn("MOIRAI_METRICS: no socket at %s: %s", path, strerror(errno));
        return;
    }
    int err = mo_plat_thread_apart(serve, NULL);
    if (!err)
        return;
    mo_warn("MOIRAI_METRICS: cannot start a thread: %s", strerror(err));
    mo_watch_stop_serving();
}

void mo_watch_stop_serving(void)
{
    if (listener >= 0)
        unlink(address.sun_path);
}
