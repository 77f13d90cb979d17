/* What the build of libgomp found out about the system, as far as its tests ask. */
#define HAVE_PTHREAD_AFFINITY_NP 1
