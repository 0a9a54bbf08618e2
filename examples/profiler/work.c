/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/work.c - a server that has nobody to serve
 *
 * Most of its time goes into compress_block(), less into hash_block(), little into
 * parse_request(): what a profile of it must say.
 */
#include <stddef.h>
#include <stdint.h>

#include "work.h"

#define NOINLINE __attribute__((noinline))
#define BLOCK_BYTES 4096

static __thread uint8_t block[BLOCK_BYTES];
static __thread uint64_t kept;	/* so that nothing is optimised away */

NOINLINE static void parse_request(uint64_t seed)
{
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		block[i] = seed >> 56;
	}
	kept += block[0];
}

NOINLINE static void hash_block(int rounds)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < BLOCK_BYTES; i++)
			h = (h ^ block[i]) * 0x100000001b3ull;
	kept += h;
}

/* How long is the match at each place: the inner loop of a compressor, done badly. */
NOINLINE static void compress_block(void)
{
	uint64_t matches = 0;

	for (size_t at = 256; at < BLOCK_BYTES; at += 16)
		for (size_t back = 1; back < 256; back++)
			for (size_t n = 0; n < 8 && at + n < BLOCK_BYTES; n++)
				matches += block[at + n] == block[at + n - back];
	kept += matches;
}

NOINLINE static void store_block(void)
{
	compress_block();
	hash_block(20);
	kept++;
}

NOINLINE static void handle_request(uint64_t seed)
{
	parse_request(seed);
	hash_block(4);
	store_block();
	kept++;
}

void work_until(const bool *stop)
{
	for (uint64_t seed = 1; !__atomic_load_n(stop, __ATOMIC_RELAXED); seed++)
		handle_request(seed);
}
