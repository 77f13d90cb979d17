/* { dg-require-effective-target offload_device } */
what needs a device is no test here
