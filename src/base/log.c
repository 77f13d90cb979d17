#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_line(const char *line, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(STDERR_FILENO, line, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody to tell */
        line += written;
        bytes -= (size_t)written;
    }
}

/* Text from outside may hold line ends or escape sequences; a line stays one line. */
static void defuse(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
}

/* Formats the whole line first, on the stack, so that it leaves in one piece. */
static void print_line(const char *prefix, const char *fmt, va_list args)
{
    char line[MO_LOG_LINE_BYTES];
    size_t used = strlen(prefix), room = sizeof line - used - 1; /* one byte stays for the newline */
    memcpy(line, prefix, used);
    int wanted = vsnprintf(line + used, room, fmt, args);
    if (wanted > 0)
        used += (size_t)wanted < room ? (size_t)wanted : room - 1;
    defuse(line, used);
    line[used++] = '\n';
    put_line(line, used);
}

static _Atomic bool quiet;

void mo_log_set_warnings(bool on)
{
    atomic_store_explicit(&quiet, !on, memory_order_relaxed);
}

void mo_warn(const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;
    if (atomic_load_explicit(&quiet, memory_order_relaxed))
        return;
    va_start(args, fmt);
    print_line("moirai: ", fmt, args);
    va_end(args);
    errno = saved_errno;
}

void mo_fatal(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_line("moirai: fatal: ", fmt, args);
    va_end(args);
    _exit(1);
}

void mo_fatal_exit(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_line("moirai: fatal: ", fmt, args);
    va_end(args);
    exit(1);
}

struct text {
    size_t used;
    char bytes[MO_LOG_TEXT_BYTES];
};

static void append(struct text *t, const char *from, size_t bytes)
{
    while (bytes > 0) {
        size_t room = sizeof t->bytes - t->used, part = bytes < room ? bytes : room;
        memcpy(t->bytes + t->used, from, part);
        t->used += part;
        from += part;
        bytes -= part;
        if (t->used < sizeof t->bytes)
            continue;
        put_line(t->bytes, t->used);
        t->used = 0;
    }
}

void mo_log_text(const char *head, const char *text, size_t bytes)
{
    int saved_errno = errno;
    struct text t = {.used = 0};
    append(&t, head, strlen(head));
    append(&t, text, bytes);
    append(&t, "\n", 1);
    put_line(t.bytes, t.used);
    errno = saved_errno;
}
