/* A small HTTP/1.1 server of files: GET and HEAD, connections that stay, requests that come before the answer to the last one. Who is
   slow is left alone after a while, who wants too much is told so.
   cc http.c $(pkg-config --cflags --libs moirai)
   usage: http [FOLDER [PORT]]: without any it serves a file to a client of its own.

   Each connection is a fiber, a function that waits as if it had a thread; what http_request.h refuses is answered and closed. Links that lead
   out of the folder are not followed: what was opened is asked where it is. */
#include "http_request.h"
#include "server.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define CLIENTS_MAX  500
#define CLIENT_STACK (128 << 10)
#define REQUESTS_MAX 1000        /* of one connection */
#define HEAD_NS      5000000000  /* for a whole head, however slowly it comes */
#define ANSWER_NS    10000000000 /* for each piece of an answer */
#define PIECE_BYTES  16384

static char root[PATH_MAX]; /* without links */
static int clients;

struct client {
    int fd;
    size_t bytes; /* that have come and were not used */
    char text[HTTP_HEAD_MAX];
};

static int say(int fd, const char *text, size_t bytes)
{
    return moirai_io_write_all(fd, text, bytes, moirai_now_ns() + ANSWER_NS) < 0 ? -1 : 0;
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 414:
        return "URI Too Long";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

static int say_head(int fd, int status, int64_t bytes, int keep_alive)
{
    char head[256];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %lld\r\n%sConnection: %s\r\n\r\n", status,
                     reason(status), (long long)bytes, status == 405 ? "Allow: GET, HEAD\r\n" : "",
                     keep_alive ? "keep-alive" : "close");
    return say(fd, head, (size_t)n);
}

static int say_file(int to, int file, int64_t bytes)
{
    char piece[PIECE_BYTES];
    for (int64_t at = 0; at < bytes;) {
        size_t most = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;
        int64_t n = moirai_io_read_at(file, piece, most, (uint64_t)at);
        if (n <= 0 || say(to, piece, (size_t)n)) /* it has become shorter: the client learns that by the end */
            return -1;
        at += n;
    }
    return 0;
}

/* Whatever links have led there. */
static int is_inside(int fd)
{
    char link[64], path[PATH_MAX];
    size_t bytes = strlen(root);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return 0;
    path[n] = '\0';
    return strncmp(path, root, bytes) == 0 && (path[bytes] == '/' || path[bytes] == '\0' || bytes == 1);
}

/* A plain file, or a folder's index. O_NONBLOCK: opening a pipe must not wait. */
static int open_file(const char *path, struct stat *st)
{
    char name[4096];
    for (int i = 0; i < 2; i++) {
        int n = snprintf(name, sizeof name, "%s/%s%s", root, path, i ? "/index.html" : "");
        int fd = n < (int)sizeof name ? moirai_io_open(name, O_RDONLY | O_NONBLOCK, 0) : -1;
        int inside = fd >= 0 && is_inside(fd) && fstat(fd, st) == 0;
        if (inside && S_ISREG(st->st_mode))
            return fd;
        int is_folder = inside && S_ISDIR(st->st_mode);
        if (fd >= 0)
            moirai_io_close(fd);
        if (!is_folder)
            break;
    }
    return -1;
}

static int answer(int fd, const struct http_request *r)
{
    struct stat st;
    int file = open_file(r->path, &st), failed;
    if (file < 0)
        return say_head(fd, 404, 0, r->keep_alive);
    failed = say_head(fd, 200, st.st_size, r->keep_alive) || (!r->head_only && say_file(fd, file, st.st_size));
    moirai_io_close(file);
    return failed ? -1 : 0;
}

/* The next request; 0: there is none any more. */
static int next_request(struct client *c, struct http_request *r)
{
    uint64_t deadline = moirai_now_ns() + HEAD_NS;
    for (;;) {
        int status = c->bytes ? http_parse(c->text, c->bytes, r) : HTTP_PART;
        if (status != HTTP_PART)
            return status;
        int64_t n = moirai_io_read(c->fd, c->text + c->bytes, sizeof c->text - c->bytes, deadline);
        if (n <= 0)
            return n == MOIRAI_ETIMEDOUT && c->bytes ? 408 : 0;
        c->bytes += (size_t)n;
    }
}

/* Its end: a client that still sends would lose the answer by a reset, so what it sends is read for a moment. */
static void part(struct client *c)
{
    uint64_t deadline = moirai_now_ns() + 200000000;
    shutdown(c->fd, SHUT_WR);
    while (moirai_io_read(c->fd, c->text, sizeof c->text, deadline) > 0)
        ;
    moirai_io_close(c->fd);
    __atomic_sub_fetch(&clients, 1, __ATOMIC_RELAXED);
}

static void serve_client(void *fd)
{
    struct client c = {.fd = (int)(intptr_t)fd};
    struct http_request r;
    for (int i = 0; i < REQUESTS_MAX; i++) {
        int status = next_request(&c, &r);
        if (status == 0)
            break;
        if (status != HTTP_GOOD) {
            say_head(c.fd, status, 0, 0);
            break;
        }
        r.keep_alive = r.keep_alive && i + 1 < REQUESTS_MAX;
        if (answer(c.fd, &r) || !r.keep_alive)
            break;
        c.bytes -= r.head_bytes;
        memmove(c.text, c.text + r.head_bytes, c.bytes);
    }
    part(&c);
}

/* A fiber each: what they wait for keeps no thread. */
static void begin_client(int fd)
{
    moirai_fiber_attr_t attr;
    moirai_fiber_attr_init(&attr);
    moirai_fiber_attr_set_stack_bytes(&attr, CLIENT_STACK);
    if (__atomic_add_fetch(&clients, 1, __ATOMIC_RELAXED) <= CLIENTS_MAX &&
        moirai_fiber_spawn(NULL, NULL, &attr, serve_client, (void *)(intptr_t)fd) == MOIRAI_OK)
        return;
    __atomic_sub_fetch(&clients, 1, __ATOMIC_RELAXED);
    say_head(fd, 503, 0, 0);
    moirai_io_close(fd);
}

/* Three requests at once; the answers come in their order. */
static int ask(const struct sockaddr_in *at)
{
    static const char requests[] = "GET /page.html HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "HEAD /page.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char text[4096];
    size_t got = 0;
    int64_t n;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (moirai_io_connect(fd, (const struct sockaddr *)at, sizeof *at, MOIRAI_FOREVER) != MOIRAI_OK ||
        moirai_io_write_all(fd, requests, sizeof requests - 1, MOIRAI_FOREVER) < 0)
        return 1;
    while ((n = moirai_io_read(fd, text + got, sizeof text - 1 - got, moirai_now_ns() + ANSWER_NS)) > 0)
        got += (size_t)n;
    text[got] = '\0';
    moirai_io_close(fd);
    for (char *line = text; (line = strstr(line, "HTTP/1.1 ")) != NULL; line += 9)
        printf("%.*s\n", (int)strcspn(line, "\r"), line);
    return n < 0 || !strstr(text, "a page");
}

int main(int argc, char **argv)
{
    struct server server = {.name = "http", .begin = begin_client};
    char folder[] = "/tmp/moirai-http-XXXXXX", name[64];
    if (!realpath(argc > 1 ? argv[1] : mkdtemp(folder), root)) {
        perror("http");
        return 1;
    }
    server_listen(&server, argc > 2 ? (unsigned)atoi(argv[2]) : 0);
    if (argc > 1)
        return server_run(&server);
    snprintf(name, sizeof name, "%s/page.html", folder);
    int page = moirai_io_open(name, O_WRONLY | O_CREAT, 0600);
    if (page < 0 || moirai_io_write_at(page, "a page\n", 7, 0) != 7)
        return 1;
    moirai_io_close(page);
    server_begin(&server);
    int failed = ask(&server.at);
    server_end(&server);
    unlink(name);
    rmdir(folder);
    return failed;
}
