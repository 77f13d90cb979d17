#include "topo/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool mo_lines_open(struct mo_lines *lines, const char *path)
{
    lines->start = lines->end = 0;
    lines->skip = false;
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    return lines->fd >= 0;
}

void mo_lines_close(struct mo_lines *lines)
{
    close(lines->fd);
}

/* Moves the unread bytes to the front and reads behind them; false at the end of the file. */
static bool refill(struct mo_lines *lines)
{
    lines->end -= lines->start;
    memmove(lines->buffer, lines->buffer + lines->start, lines->end);
    lines->start = 0;
    ssize_t got;
    do
        got = read(lines->fd, lines->buffer + lines->end, sizeof lines->buffer - 1 - lines->end);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    lines->end += (size_t)got;
    return true;
}

/* Ends the line at `length` bytes and steps over these and `extra` more. */
static char *cut(struct mo_lines *lines, size_t length, size_t extra)
{
    char *line = lines->buffer + lines->start;
    line[length] = '\0';
    lines->start += length + extra;
    return line;
}

/* What the buffer holds next, up to the end of the line, of the buffer or of the file. `ended`: of the line. */
static char *next_piece(struct mo_lines *lines, bool *ended)
{
    for (;;) {
        size_t unread = lines->end - lines->start;
        char *newline = memchr(lines->buffer + lines->start, '\n', unread);
        *ended = newline != NULL;
        if (newline != NULL)
            return cut(lines, (size_t)(newline - lines->buffer) - lines->start, 1);
        if (unread == sizeof lines->buffer - 1)
            return cut(lines, unread, 0);
        if (!refill(lines))
            return unread > 0 ? cut(lines, unread, 0) : NULL;
    }
}

char *mo_lines_next(struct mo_lines *lines)
{
    bool rest, ended;
    char *line;
    do {
        rest = lines->skip;
        line = next_piece(lines, &ended);
        lines->skip = !ended;
    } while (rest && line != NULL);
    return line;
}

bool mo_lines_first(const char *path, char *out, size_t out_bytes)
{
    struct mo_lines lines;
    if (!mo_lines_open(&lines, path))
        return false;
    char *line = mo_lines_next(&lines);
    if (line != NULL)
        snprintf(out, out_bytes, "%s", line);
    mo_lines_close(&lines);
    return line != NULL;
}
