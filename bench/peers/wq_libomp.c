/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_libomp.c - OpenMP tasks on LLVM's runtime
 */
#define OPENMP_RUNTIME "libomp"
#include "bench/peers/wq_openmp.h"
