#include "base/scan.h"

#include <string.h>

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t\n\v\f\r");
}

bool mo_scan_end(const char *text)
{
    return *skip_space(text) == '\0';
}

bool mo_scan_word_of(const char **text, const char *word, size_t length)
{
    const char *from = skip_space(*text);
    for (size_t i = 0; i < length; i++)
        if (fold(from[i]) != word[i])
            return false;
    char next = fold(from[length]);
    if ((next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') || next == '_')
        return false;
    *text = from + length;
    return true;
}

bool mo_scan_word(const char **text, const char *word)
{
    return mo_scan_word_of(text, word, strlen(word));
}

bool mo_scan_choice(const char **text, const char *words, uint64_t *index)
{
    for (uint64_t i = 0;; i++) {
        size_t length = strcspn(words, ",");
        if (mo_scan_word_of(text, words, length)) {
            *index = i;
            return true;
        }
        if (words[length] == '\0')
            return false;
        words += length + strlen(", ");
    }
}

bool mo_scan_char(const char **text, char wanted)
{
    const char *from = skip_space(*text);
    if (fold(*from) != wanted)
        return false;
    *text = from + 1;
    return true;
}

bool mo_scan_number(const char **text, uint64_t *number)
{
    const char *from = *text;
    mo_scan_char(&from, '+');
    from = skip_space(from);
    if (*from < '0' || *from > '9')
        return false;
    uint64_t sum = 0;
    for (; *from >= '0' && *from <= '9'; from++)
        if (__builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, (uint64_t)(*from - '0'), &sum))
            sum = UINT64_MAX;
    *number = sum;
    *text = from;
    return true;
}
