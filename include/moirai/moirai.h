/* Moirai owns the threads of a process.

   This header is the door to the native interface of libmoirai (link with -lmoirai). Programs that use OpenMP need none
   of it: they run unchanged under `moirai run`, or with the library under the name of their OpenMP runtime.

     #include <moirai/moirai.h>
     #include <stdio.h>

     int main(void)
     {
         printf("Moirai %s\n", moirai_version());
     }

   What it is not: a replacement for OpenMP's own header <omp.h>, nor a promise of threads. Nothing starts, allocates,
   prints or reads the environment when the library is loaded; the first use does. */
#ifndef MOIRAI_MOIRAI_H
#define MOIRAI_MOIRAI_H

#include "moirai/channel.h"
#include "moirai/executor.h"
#include "moirai/fiber.h"
#include "moirai/future.h"
#include "moirai/interfaces.h"
#include "moirai/io.h"
#include "moirai/memory.h"
#include "moirai/parallel.h"
#include "moirai/plugin.h"
#include "moirai/scheduler.h"
#include "moirai/ring.h"
#include "moirai/spsc.h"
#include "moirai/status.h"
#include "moirai/sync.h"
#include "moirai/task.h"
#include "moirai/timer.h"

#define MOIRAI_VERSION_MAJOR 0
#define MOIRAI_VERSION_MINOR 1
#define MOIRAI_VERSION_PATCH 0

/* One number that grows with the version, for comparisons by the preprocessor. */
#define MOIRAI_VERSION_NUMBER (MOIRAI_VERSION_MAJOR * 10000 + MOIRAI_VERSION_MINOR * 100 + MOIRAI_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the library that runs, "major.minor.patch", which may be newer than the header a program was built with.
   The text is constant and lives as long as the library.
   Context: any thread, a signal handler.   Blocks: never. */
const char *moirai_version(void);

#ifdef __cplusplus
}
#endif

#endif
