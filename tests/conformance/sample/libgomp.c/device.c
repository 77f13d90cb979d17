/* { dg-do run { target offload_device_nonshared_as } } */
what needs a device is no test here
