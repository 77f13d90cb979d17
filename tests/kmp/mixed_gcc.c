/* The half of mixed.c that GCC compiles. */
#define HALF gcc
#include "mixed_half.h"
