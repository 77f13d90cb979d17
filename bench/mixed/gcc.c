#include "region.h"

REGION(gcc)
