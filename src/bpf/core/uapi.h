/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/uapi.h - numbers of bpf(2) that the headers of older systems do not have
 *
 * Those headers' are enumerators, so whether they are there cannot be asked: these have names
 * of their own.
 */
#ifndef ROVE_BPF_CORE_UAPI_H
#define ROVE_BPF_CORE_UAPI_H

#define MAP_TYPE_RHASH 35	/* BPF_MAP_TYPE_RHASH */

#endif
