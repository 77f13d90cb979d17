! { dg-do run }
! Two tests have modules of one name, which must not meet.
module shared_name
  integer :: value_2 = 2
end module shared_name

program main
  use shared_name
  if (value_2 /= 2) stop 1
end program main
