/* What the programs with rows of I/O have in common beside ends.h: the client of an echo server, and the file to
   read. */
#ifndef BENCH_ASYNCS_IO_H
#define BENCH_ASYNCS_IO_H

#include "ends.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND_MS   200
#define READERS    64 /* reads under way at a time */
#define READS      64 /* of each reader in a round */
#define READ_BYTES 4096
#define FILE_BYTES (16u << 20)

/* Where the n-th read of all begins. */
static inline uint64_t read_offset(uint64_t n)
{
    return n * 2654435761u % (FILE_BYTES / READ_BYTES) * READ_BYTES;
}

static inline int file_to_read(void)
{
    FILE *file = tmpfile();
    static char block[READ_BYTES];
    if (!file)
        exit(1);
    for (unsigned i = 0; i < FILE_BYTES / READ_BYTES; i++)
        if (fwrite(block, sizeof block, 1, file) != 1)
            exit(1);
    fflush(file);
    return fileno(file);
}

/* A socket that listens, and its port. */
static inline int listening(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&at, &bytes)) {
        perror("bench: listen");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return fd;
}

/* `load` lies beside the program. */
static inline double measure_echo(int port)
{
    char path[4096], command[4200], line[64] = "";
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        exit(1);
    *slash = 0;
    snprintf(command, sizeof command, "'%s/load' %d %d", path, port, ROUND_MS);
    FILE *out = popen(command, "r");
    if (!out || !fgets(line, sizeof line, out) || pclose(out) != 0) {
        fprintf(stderr, "bench: %s failed\n", command);
        exit(1);
    }
    return atof(line);
}

#endif
