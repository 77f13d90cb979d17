# Small integers: sums are exact in any order. The children multiply no matrices, as GCC's own runtime, which OpenBLAS may
# use, hangs in the child of a process that has had its threads.
library(parallel)
n <- 300
a <- matrix(seq_len(n * n) %% 17, n)
b <- a %*% (t(a) %% 13)
cat(sum(b), max(b), "\n")
parts <- mclapply(1:8, function(i) sum((a + i)^2), mc.cores = 4)
cat(unlist(parts), "\n")
