/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/network_helpers.h - what the kernel's test files of programs with packets expect
 */
#ifndef ROVE_TESTS_SELFTEST_NETWORK_HELPERS_H
#define ROVE_TESTS_SELFTEST_NETWORK_HELPERS_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

/* No program here looks into it. */
static struct {
	struct ethhdr eth;
	struct iphdr iph;
	struct tcphdr tcp;
} __attribute__((packed)) pkt_v4 __attribute__((unused));

#endif
