/* The head of an HTTP request, as the example's server reads it.

   Required: the answer does not depend on where the bytes come from: what is behind a good head does not change it, and
   every shorter beginning of a good head has not all come; a path stays inside of the root, is not absolute, and fits;
   the head lies inside of what was given and ends with an empty line; only a full buffer refuses a head for its
   length. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "docs/examples/http_request.h"

static void check_path(const char *path)
{
    size_t bytes = strlen(path);
    REQUIRE(bytes <= HTTP_TARGET_MAX && path[0] != '/', "%zu", bytes);
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        size_t segment = strcspn(at, "/");
        REQUIRE(!(segment == 2 && memcmp(at, "..", 2) == 0), "%s", path);
    }
    for (size_t i = 0; i < bytes; i++)
        REQUIRE((unsigned char)path[i] >= ' ' && path[i] != 127, "%s", path);
}

static int parse(const uint8_t *data, size_t bytes, struct http_request *r)
{
    char *text = malloc(bytes > 0 ? bytes : 1); /* of just that size: who reads on is found out */
    REQUIRE(text != NULL, "no memory");
    if (bytes > 0)
        memcpy(text, data, bytes);
    memset(r, 0x5a, sizeof *r);
    int status = http_parse(text, bytes, r);
    free(text);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct http_request r, again;
    int status = parse(data, bytes, &r);
    switch (status) {
    case HTTP_PART:
        REQUIRE(bytes < HTTP_HEAD_MAX, "%zu", bytes);
        return 0;
    case HTTP_GOOD:
        break;
    default:
        REQUIRE(status == 400 || status == 405 || status == 414 || status == 431 || status == 505, "%d", status);
        return 0;
    }
    REQUIRE(r.head_bytes <= bytes && r.head_bytes <= HTTP_HEAD_MAX && r.head_bytes >= 4, "%zu", r.head_bytes);
    REQUIRE(memcmp(data + r.head_bytes - 4, "\r\n\r\n", 4) == 0, "%zu", r.head_bytes);
    REQUIRE((r.head_only == 0 || r.head_only == 1) && (r.keep_alive == 0 || r.keep_alive == 1), "flags");
    check_path(r.path);
    REQUIRE(parse(data, r.head_bytes, &again) == HTTP_GOOD, "what is behind it counts");
    REQUIRE(again.head_bytes == r.head_bytes && strcmp(again.path, r.path) == 0, "%s", r.path);
    size_t step = r.head_bytes / 64 + 1;
    for (size_t part = r.head_bytes - 1; part > step; part -= step)
        REQUIRE(parse(data, part, &again) == HTTP_PART, "%zu of %zu", part, r.head_bytes);
    return 0;
}
