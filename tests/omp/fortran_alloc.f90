! Allocators from Fortran: making, default and destroying by its own names, memory by the C names, the allocate clause.
program fortran_alloc
  use omp_lib
  use, intrinsic :: iso_c_binding
  implicit none
  integer :: failures
  failures = 0

  call handles()
  call memory()
  call clause()
  if (failures > 0) stop 1

contains

  subroutine check(ok, text)
    logical, intent(in) :: ok
    character(*), intent(in) :: text
    if (ok) return
    !$omp critical
    print *, 'not true: ', text
    failures = failures + 1
    !$omp end critical
  end subroutine

  logical function aligned(p, alignment)
    type(c_ptr), intent(in) :: p
    integer, intent(in) :: alignment
    aligned = c_associated(p) .and. mod(transfer(p, 0_c_intptr_t), int(alignment, c_intptr_t)) == 0
  end function

  subroutine handles()
    integer(omp_allocator_handle_kind) :: a, b
    type(omp_alloctrait) :: traits(2), bad(1)
    traits = [omp_alloctrait(omp_atk_alignment, 128), omp_alloctrait(omp_atk_fallback, omp_atv_null_fb)]
    bad = [omp_alloctrait(omp_atk_alignment, 3)]
    call check(omp_get_default_allocator() == omp_default_mem_alloc, 'default at first')
    a = omp_init_allocator(omp_default_mem_space, 2, traits)
    b = omp_init_allocator(omp_large_cap_mem_space, 2_8, traits)
    call check(a > omp_thread_mem_alloc, 'init')
    call check(b > omp_thread_mem_alloc .and. a /= b, 'init with 8 bytes')
    call check(omp_init_allocator(omp_default_mem_space, 1, bad) == omp_null_allocator, 'bad trait')
    call check(omp_init_allocator(omp_default_mem_space, 1_8, bad) == omp_null_allocator, 'bad trait, 8 bytes')
    call check(omp_init_allocator(98_omp_memspace_handle_kind, 0, traits) == omp_null_allocator, 'bad space')
    call omp_set_default_allocator(a)
    call check(omp_get_default_allocator() == a, 'default set')
    !$omp parallel
    call check(omp_get_default_allocator() == a, 'default inherited')
    !$omp end parallel
    call omp_set_default_allocator(omp_default_mem_alloc)
    call omp_destroy_allocator(b)
    call omp_destroy_allocator(a)
  end subroutine

  subroutine memory()
    integer(omp_allocator_handle_kind) :: a
    type(omp_alloctrait) :: traits(3)
    type(c_ptr) :: p, q
    integer(c_int64_t), pointer :: x(:)
    traits = [omp_alloctrait(omp_atk_alignment, 128), omp_alloctrait(omp_atk_pool_size, 65536), &
              omp_alloctrait(omp_atk_fallback, omp_atv_null_fb)]
    a = omp_init_allocator(omp_default_mem_space, 3, traits)
    p = omp_alloc(8000_c_size_t, a)
    call check(aligned(p, 128), 'alloc')
    call c_f_pointer(p, x, [1000])
    x = 15
    p = omp_realloc(p, 16000_c_size_t, a, a)
    call check(aligned(p, 128), 'realloc')
    call c_f_pointer(p, x, [2000])
    call check(all(x(1:1000) == 15), 'contents')
    call check(.not. c_associated(omp_alloc(60000_c_size_t, a)), 'pool')
    q = omp_aligned_alloc(1024_c_size_t, 100_c_size_t, a)
    call check(aligned(q, 1024), 'aligned_alloc')
    call omp_free(q, omp_null_allocator)
    q = omp_aligned_calloc(1024_c_size_t, 10_c_size_t, 8_c_size_t, a)
    call check(aligned(q, 1024), 'aligned_calloc')
    call c_f_pointer(q, x, [10])
    call check(all(x == 0), 'zeros')
    call omp_free(q, a)
    q = omp_calloc(100_c_size_t, 8_c_size_t, omp_null_allocator)
    call c_f_pointer(q, x, [100])
    call check(all(x == 0), 'zeros of the default')
    call omp_free(q, omp_null_allocator)
    call omp_free(p, a)
    call omp_destroy_allocator(a)
  end subroutine

  subroutine clause()
    integer(omp_allocator_handle_kind) :: a
    type(omp_alloctrait) :: traits(1)
    integer :: x, sum, i
    integer, target :: y
    integer :: array(10)
    traits = [omp_alloctrait(omp_atk_alignment, 256)]
    a = omp_init_allocator(omp_default_mem_space, 1, traits)
    x = 4
    sum = 0
    array = 2
    !$omp parallel private(y) firstprivate(x, array) reduction(+:sum) allocate(a: x, y, array, sum)
    y = x + omp_get_thread_num()
    call check(aligned(c_loc(y), 256), 'private copy')
    call check(x == 4 .and. all(array == 2), 'firstprivate copies')
    array = y
    sum = sum + x
    !$omp end parallel
    call check(sum >= 4 .and. mod(sum, 4) == 0, 'reduction')
    sum = 0
    !$omp parallel do reduction(+:sum) lastprivate(x) allocate(a: sum, x)
    do i = 1, 100
      x = i
      sum = sum + i
    end do
    call check(sum == 5050 .and. x == 100, 'loop')
    !$omp parallel
    !$omp single
    do i = 1, 10
      !$omp task firstprivate(array, x) allocate(a: array)
      array(1) = x
      call check(x == 100 .and. array(1) == 100 .and. array(2) == 2, 'task')
      !$omp end task
    end do
    !$omp end single
    !$omp end parallel
    call omp_destroy_allocator(a)
  end subroutine
end program
