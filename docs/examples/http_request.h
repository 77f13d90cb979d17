/* The head of an HTTP/1.1 request: what a client wants, or the number of the answer that refuses it. It reads bytes and
   touches nothing else, so it can be given any bytes (tests/fuzz). Strict where leniency lets requests hide in others: lines end with
   CR LF, nothing is folded, requests have no body. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define HTTP_HEAD_MAX   8192 /* bytes */
#define HTTP_TARGET_MAX 1024
#define HTTP_FIELDS_MAX 64

enum { HTTP_PART = 0, HTTP_GOOD = 200 };

struct http_request {
    size_t head_bytes; /* what comes behind belongs to the next one */
    int head_only;     /* HEAD */
    int keep_alive;
    char path[HTTP_TARGET_MAX + 1]; /* decoded, relative, inside of the root */
};

static inline int http_is_token(const char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] <= ' ' || at[i] >= 127 || strchr("\"(),/:;<=>?@[\\]{}", at[i]))
            return 0;
    return bytes > 0;
}

static inline int http_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* No segment leads upwards. */
static inline int http_stays_inside(const char *path)
{
    for (const char *at = path; *at;) {
        size_t bytes = strcspn(at, "/");
        if ((bytes == 1 && at[0] == '.') || (bytes == 2 && at[0] == '.' && at[1] == '.'))
            return 0;
        at += bytes;
        at += *at == '/';
    }
    return 1;
}

/* "/a%20b?query" or "http://host/a%20b" to "a b". */
static inline int http_target(const char *at, size_t bytes, char *path)
{
    const char *end = at + bytes;
    size_t n = 0;
    if (bytes > 7 && strncasecmp(at, "http://", 7) == 0)
        for (at += 7; at < end && *at != '/'; at++)
            ;
    if (at == end || *at != '/')
        return 400;
    while (at < end && *at == '/')
        at++;
    for (; at < end && *at != '?'; at++) {
        char c = *at;
        if (c == '%') {
            int high = end - at > 2 ? http_digit(at[1]) : -1, low = high < 0 ? -1 : http_digit(at[2]);
            if (low < 0)
                return 400;
            c = (char)(high * 16 + low);
            at += 2;
        } else if (c == '#') {
            return 400;
        }
        if ((c >= 0 && c < ' ') || c == 127 || (n == 0 && c == '/'))
            return 400;
        path[n++] = c;
    }
    path[n] = '\0';
    return http_stays_inside(path) ? HTTP_GOOD : 400;
}

/* Its length without CR LF; -1: it has not come yet, or has bytes that no line has. */
static inline long http_line(const char *at, size_t bytes, int *wrong)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] == '\r' && i + 1 == bytes)
            return -1;
        if (at[i] == '\r' && at[i + 1] == '\n')
            return (long)i;
        if ((at[i] >= 0 && at[i] < ' ' && at[i] != '\t') || at[i] == 127) {
            *wrong = 1;
            return -1;
        }
    }
    return -1;
}

/* "GET /path HTTP/1.1" */
static inline int http_first_line(const char *at, size_t bytes, struct http_request *r, int *minor)
{
    const char *end = at + bytes, *target = (const char *)memchr(at, ' ', bytes), *version;
    if (!target || !http_is_token(at, (size_t)(target - at)))
        return 400;
    size_t method = (size_t)(target++ - at);
    version = (const char *)memchr(target, ' ', (size_t)(end - target));
    if (!version || end - version != 9 || memcmp(version + 1, "HTTP/", 5) != 0 || version[7] != '.')
        return 400;
    if (version[6] != '1')
        return version[6] >= '0' && version[6] <= '9' ? 505 : 400;
    if (version[8] < '0' || version[8] > '9')
        return 400;
    *minor = version[8] - '0';
    if (version - target > HTTP_TARGET_MAX)
        return 414;
    r->head_only = method == 4 && memcmp(at, "HEAD", 4) == 0;
    if (!r->head_only && !(method == 3 && memcmp(at, "GET", 3) == 0))
        return 405;
    return http_target(target, (size_t)(version - target), r->path);
}

static inline int http_name_is(const char *at, size_t bytes, const char *name)
{
    return bytes == strlen(name) && strncasecmp(at, name, bytes) == 0;
}

/* One of the words between commas. */
static inline int http_has_word(const char *at, size_t bytes, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= bytes; i++) {
        int begins = i == 0 || at[i - 1] == ' ' || at[i - 1] == '\t' || at[i - 1] == ',';
        int ends = i + length == bytes || at[i + length] == ' ' || at[i + length] == '\t' || at[i + length] == ',';
        if (begins && ends && strncasecmp(at + i, word, length) == 0)
            return 1;
    }
    return 0;
}

static inline int http_is_zero(const char *at, size_t bytes)
{
    return bytes == 1 && *at == '0';
}

static inline int http_field(const char *at, size_t bytes, struct http_request *r, int *hosts)
{
    const char *colon = (const char *)memchr(at, ':', bytes);
    if (!colon || !http_is_token(at, (size_t)(colon - at)))
        return 400;
    const char *value = colon + 1, *end = at + bytes;
    size_t name = (size_t)(colon - at);
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t length = (size_t)(end - value);
    *hosts += http_name_is(at, name, "Host");
    if (http_name_is(at, name, "Transfer-Encoding") ||
        (http_name_is(at, name, "Content-Length") && !http_is_zero(value, length)))
        return 400;
    if (http_name_is(at, name, "Connection")) {
        if (http_has_word(value, length, "close"))
            r->keep_alive = 0;
        else if (http_has_word(value, length, "keep-alive"))
            r->keep_alive = 1;
    }
    return HTTP_GOOD;
}

/* HTTP_GOOD: *r is filled in. HTTP_PART: it has not all come. Else the number of the answer, after which the connection should
   be closed: where the next request would begin is not known. */
static inline int http_parse(const char *text, size_t bytes, struct http_request *r)
{
    int wrong = 0, minor = 0, hosts = 0, fields = 0, status = HTTP_GOOD;
    size_t all = bytes, at;
    if (bytes > HTTP_HEAD_MAX)
        bytes = HTTP_HEAD_MAX;
    long line = http_line(text, bytes, &wrong);
    if (line < 0)
        return wrong ? 400 : all >= HTTP_HEAD_MAX ? 414 : HTTP_PART;
    status = http_first_line(text, (size_t)line, r, &minor);
    if (status != HTTP_GOOD)
        return status;
    r->keep_alive = minor > 0;
    for (at = (size_t)line + 2; (line = http_line(text + at, bytes - at, &wrong)) > 0; at += (size_t)line + 2) {
        status = ++fields > HTTP_FIELDS_MAX ? 431 : http_field(text + at, (size_t)line, r, &hosts);
        if (status != HTTP_GOOD)
            return status;
    }
    if (line < 0)
        return wrong ? 400 : all >= HTTP_HEAD_MAX ? 431 : HTTP_PART;
    if (hosts > 1 || (hosts == 0 && minor > 0))
        return 400;
    r->head_bytes = at + 2;
    return HTTP_GOOD;
}

#endif
