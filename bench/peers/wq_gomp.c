/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_gomp.c - OpenMP tasks on GCC's runtime
 */
#define OPENMP_RUNTIME "libgomp"
#include "bench/peers/wq_openmp.h"
