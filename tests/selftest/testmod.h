/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/testmod.h - what the functions of the kernel's test module have counted
 */
#ifndef ROVE_TESTS_SELFTEST_TESTMOD_H
#define ROVE_TESTS_SELFTEST_TESTMOD_H

extern unsigned int testmod_common_calls, testmod_sleepable_calls;	/* A */

#endif
