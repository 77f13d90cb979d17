/* Small text files, line by line, without allocation. Shared by the files of this folder only. */
#ifndef MO_TOPO_LINES_H
#define MO_TOPO_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define MO_LINE_BYTES 2048

struct mo_lines {
    int fd;
    bool skip;         /* the rest of the current line */
    size_t start, end; /* unread bytes of `buffer` */
    char buffer[MO_LINE_BYTES];
};

/* False: the file cannot be read. */
bool mo_lines_open(struct mo_lines *lines, const char *path);

/* The next line without its end, valid until the next call, or NULL after the last. A line that does not fit the buffer
   is cut. */
char *mo_lines_next(struct mo_lines *lines);

void mo_lines_close(struct mo_lines *lines);

/* Copy the first line of a file. False: there is none. */
bool mo_lines_first(const char *path, char *out, size_t out_bytes);

#endif
