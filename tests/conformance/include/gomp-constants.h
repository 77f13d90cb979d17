/* Device kinds, for tests that ask where a target region ran. Only that they differ matters. */
#define GOMP_DEVICE_DEFAULT (-1)
#define GOMP_DEVICE_NVIDIA_PTX 5
#define GOMP_DEVICE_INTEL_MIC 6
