/* Tests that call entry points by hand ask for their prototypes under this name. */
#include "../../omp/gomp_abi.h"
