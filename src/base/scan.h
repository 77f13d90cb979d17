/* Tokens of a setting's text. Each function steps *text over what it took, or leaves it alone and reports false. Case
   of ASCII letters and white space before each token are ignored, as OpenMP asks; the locale never matters. */
#ifndef MO_BASE_SCAN_H
#define MO_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing but white space is left. */
bool mo_scan_end(const char *text);

/* `word` is in lower case. A longer word that starts alike is another word. */
bool mo_scan_word(const char **text, const char *word);
bool mo_scan_word_of(const char **text, const char *word, size_t length);

/* One of `words`, a list with ", " between its items. */
bool mo_scan_choice(const char **text, const char *words, uint64_t *index);

bool mo_scan_char(const char **text, char wanted);

/* A decimal number, perhaps with a plus sign; one that does not fit counts as UINT64_MAX. */
bool mo_scan_number(const char **text, uint64_t *number);

#endif
